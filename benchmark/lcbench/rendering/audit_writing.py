"""Where an audit is written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from lcbench.audit.command import Audit
from lcbench.audit.findings import crossing_pairs
from lcbench.audit.pairs import pairs_table
from lcbench.audit.results import Pair
from lcbench.console import progress
from lcbench.errors import UserError, wrong_usage
from lcbench.rendering.audit_page import render
from lcbench.rendering.plots.audit import draw_correlations, draw_group_sizes, draw_overlaps
from lcbench.rendering.plots.pairs import draw_pair, telling
from lcbench.storage import write_text

PAGE = "README.md"
MERGES = "merges.csv"
_PLOTS = ("group-sizes", "correlations", "overlaps")
_FEW = 3
_MOST = 60


def check_folder(out: Path, audited: list[Path]) -> None:
    """Make sure, before anything is computed, that a folder can be written to.

    Raises
    ------
    UserError
        If it is a file, lies where nothing can be written, or is an audited folder or inside one.
    """
    if out.exists() and not out.is_dir():
        raise UserError(f"--out {out}: a file, not a folder", "Name another place.")
    for folder in audited:
        if out.resolve().is_relative_to(folder.resolve()):
            raise wrong_usage(
                f"--out {out}: inside the audited folder {folder}",
                "Its pictures would be audited next time. Name another place.",
            )
    above = next(p for p in (out, *out.absolute().parents) if p.exists())
    if not above.is_dir() or not os.access(above, os.W_OK | os.X_OK):
        raise UserError(f"--out {out}: cannot write in {above}", "Name another place.")


def groups_csv(audit: Audit) -> str:
    """Return the groups as CSV text with the columns image and group."""
    names = audit.collection.images["name"]
    numbers = {group: f"g{number:05}" for number, group in enumerate(_in_order(audit), start=1)}
    groups = [numbers[group] for group in audit.sources.groups.tolist()]
    table = pd.DataFrame({"image": names, "group": groups})
    return table.to_csv(index=False, lineterminator="\n")


def write_audit(audit: Audit, out: Path, *, pictures: bool) -> Path:
    """Write groups.csv, pairs.csv, audit.json, plots, pictures of pairs, and the page.

    Parameters
    ----------
    audit
        What was found.
    out
        The folder.
    pictures
        Whether to draw pairs of images. Without, nothing that is written shows an image.

    Returns
    -------
    Path
        The page.
    """
    results = audit.results
    write_text(out / "groups.csv", groups_csv(audit))
    table = pairs_table(audit.pairs)
    write_text(out / "pairs.csv", table.to_csv(index=False, lineterminator="\n"))
    _remove_old(out)
    if results.published is not None:
        merges = pairs_table([merge.pair for merge in results.published.merges])
        groups = [(merge.first_group, merge.second_group) for merge in results.published.merges]
        for position, column in enumerate(("first_group", "second_group")):
            merges.insert(position, column, [names[position] for names in groups])
        write_text(out / MERGES, merges.to_csv(index=False, lineterminator="\n"))
    write_text(out / "audit.json", results.model_dump_json(indent=2) + "\n")
    shown = telling(list(_examples(audit)), _FEW) if pictures else []
    drawn = _draw_pairs(audit, [pair for _, pair in shown], out) if pictures else {}
    page = out / PAGE
    write_text(page, render(results, list(_draw_plots(audit, out)), drawn, shown))
    return page


def _in_order(audit: Audit) -> list[int]:
    return list(dict.fromkeys(audit.sources.groups.tolist()))


def _draw_plots(audit: Audit, out: Path) -> Iterator[tuple[str, str]]:
    results, folder = audit.results, out / "figures"
    if results.groups.groups < results.images:
        draw_group_sizes(results, audit.sources.groups, folder / "group-sizes.png")
        yield "figures/group-sizes.png", "How many source groups there are of each size"
    if any(pair.inliers is not None for pair in audit.pairs):
        file = folder / "correlations.png"
        draw_correlations(results, audit.pairs, audit.sources.rejected, file)
        yield "figures/correlations.png", "Correlation of the registered pairs"
        draw_overlaps(results, audit.pairs, folder / "overlaps.png")
        yield "figures/overlaps.png", "Overlap and correlation of the registered pairs"


def _examples(audit: Audit) -> Iterator[tuple[str, list[Pair]]]:
    """Yield the kinds of findings with their pairs, what matters most first."""
    results = audit.results
    registered = [pair for pair in audit.pairs if pair.inliers is not None and pair.joined]
    yield "Under two labels", list(results.two_labels.shown)
    yield f"Across {results.divided_by}", crossing_pairs(registered)
    yield "Doubtful", list(results.doubtful.shown)
    yield "The least overlap", sorted(registered, key=lambda pair: pair.overlap)
    yield "The lowest correlation", sorted(registered, key=lambda pair: pair.correlation)
    yield (
        "Mirrored and turned",
        sorted(
            (pair for pair in registered if pair.mirrored), key=lambda pair: -abs(pair.rotation)
        ),
    )


def _draw_pairs(audit: Audit, shown: list[Pair], out: Path) -> dict[Pair, str]:
    """Draw the telling pairs, what stands under two labels, and every merge of given groups."""
    results = audit.results
    images = audit.collection.images["name"]
    paths = {name: audit.collection.path(row) for row, name in enumerate(images)}
    published = results.published.merges if results.published else ()
    wanted = {
        **dict.fromkeys(merge.pair for merge in published),
        **dict.fromkeys(shown),
        **dict.fromkeys((*results.two_labels.shown[:_MOST], *results.doubtful.shown[:_MOST])),
    }
    drawn = {}
    with progress("Drawing pairs", len(wanted)) as advance:
        for number, pair in enumerate(wanted, start=1):
            name = f"pairs/{number:03}.png"
            draw_pair(pair, paths, out / name)
            drawn[pair] = name
            advance(1)
    return drawn


def _remove_old(out: Path) -> None:
    """Remove what an earlier audit wrote here and this one may not: it is about other pairs."""
    numbered = (file for file in (out / "pairs").glob("*.png") if file.stem.isdigit())
    plots = (out / "figures" / f"{name}.png" for name in _PLOTS)
    for file in (*numbered, *plots, out / MERGES):
        file.unlink(missing_ok=True)
