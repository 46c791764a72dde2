"""A site of published reports, written whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import lcbench
from lcbench.documents import read_json
from lcbench.errors import UserError, wrong_usage
from lcbench.rendering.places import README, require_own
from lcbench.runs.store import sole_writer
from lcbench.site.building import build, require_builder
from lcbench.site.commands import commands_page
from lcbench.site.contents import gather
from lcbench.site.overview import overview_page, place_of
from lcbench.site.picture import draw_accuracies
from lcbench.site.published import Found, find_published
from lcbench.storage.whole import whole_folder, write_json

SITE_JSON = "site.json"
"""What says that a folder is a site, and which files are its own."""
GENERATOR = "lcbench site"
PICTURE = "accuracies.png"


@dataclass(frozen=True)
class Site:
    """A written site."""

    index: Path
    """The page to open first."""
    found: Found
    """What it shows, and what it could not."""


def write_site(
    reports: Path,
    out: Path,
    command: Any,  # noqa: ANN401 - see commands.Parameter
    advance: Callable[[str], object] = lambda _: None,
) -> Site:
    """Write the site of all reports and audits below a folder, with the documentation.

    Parameters
    ----------
    reports
        The folder.
    out
        Folder of the site, replaced if `lcbench site` wrote it.
    command
        The command line, for its reference.
    advance
        Called with the name of each step before it begins.

    Raises
    ------
    UserError
        If a package is missing, there is no report, a link leads nowhere, or `out` holds files of
        someone else.
    """
    require_builder()
    _check_apart(reports, out)
    target = out.resolve()
    _check_ours(target)
    advance("Reading reports")
    found = find_published(reports)
    with (
        sole_writer(target),
        whole_folder(target) as folder,
        TemporaryDirectory() as place,
    ):
        pages = Path(place) / "pages"
        picture = draw_accuracies(found.reports, pages / PICTURE)
        contents = gather(
            reports,
            found,
            home=overview_page(found, PICTURE if picture else None),
            commands=commands_page(command),
        )
        contents.write(pages)
        advance("Building pages")
        build(pages, contents.ways, folder)
        _add_sources(folder, found)
        _sign(folder, found)
    return Site(out / "index.html", found)


def _add_sources(folder: Path, found: Found) -> None:
    """Put the README beside each page to explore, which leads there."""
    for one in found.all:
        if one.explorable:
            shutil.copyfile(one.folder / README, folder / place_of(one) / README)


def _sign(folder: Path, found: Found) -> None:
    files = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    write_json(
        folder / SITE_JSON,
        {
            "generator": GENERATOR,
            "lcbench_version": lcbench.__version__,
            "reports": [one.name for one in found.reports],
            "audits": [one.name for one in found.audits],
            "files": sorted([*files, SITE_JSON]),
        },
    )


def _check_apart(reports: Path, out: Path) -> None:
    """Refuse a site inside the reports, or around them: one would become part of the other."""
    inner, outer = out.resolve(), reports.resolve()
    if inner.is_relative_to(outer) or outer.is_relative_to(inner):
        raise wrong_usage(f"--out {out}: not apart from {reports}", "Name another folder.")


def _check_ours(target: Path) -> None:
    """Refuse a folder with anything in it that `lcbench site` did not write: it is replaced.

    Raises
    ------
    UserError
        If there is something of someone else; it names the first such file.
    """
    if target.exists() and not target.is_dir():
        raise UserError(f"--out {target}: a file, not a folder", "Name another place.")
    own = _own_files(target / SITE_JSON)
    require_own(
        f"--out {target}",
        target,
        lambda path, folder: path.is_dir() or path.relative_to(folder).as_posix() in own,
        GENERATOR,
    )


def _own_files(file: Path) -> set[str]:
    try:
        values = read_json(file)
    except UserError:
        return set()
    if not isinstance(values, dict) or values.get("generator") != GENERATOR:
        return set()
    return set(values.get("files", ()))
