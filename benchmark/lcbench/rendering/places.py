"""Where results may be written: checked before anything is computed, and nothing of others lost."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from lcbench.documents import read_json
from lcbench.errors import UserError, wrong_usage
from lcbench.storage.leftovers import NEW

INDEX = "index.html"
README = "README.md"
RESULTS_JSON = "results.json"
RESULTS_CSV = "results.csv"
FIGURES = "figures"
IMAGES = "images"
"""Pictures of the user's own images, beside the page to explore; each is called by a number."""
GENERATOR = "lcbench report"
AUDIT_JSON = "audit.json"
GROUPS = "groups.csv"
PAIRS = "pairs.csv"
MERGES = "merges.csv"
PICTURES = "pairs"
GALLERY, GALLERY_PAGE, GALLERY_INDEX = "gallery", "index.html", "pictures.json"
PLOTS = ("group-sizes", "correlations", "overlaps")
"""What an audit writes, beside its page."""
_SYSTEM_FILES = {".DS_Store", "Thumbs.db", "desktop.ini"}
_ELSEWHERE = "Name another place."
_EMPTY_IT = "Choose another folder with --out, or move what is in it."


def check_runs(out: Path) -> None:
    """Refuse a runs folder that is a file or cannot be written.

    Raises
    ------
    UserError
        It names the place, and says what is in the way.
    """
    _require_writable(out, out)


def check_comparison(out: Path, predictions: Iterable[Path]) -> None:
    """Refuse a file for a comparison that is a folder, cannot be written, or holds predictions.

    Raises
    ------
    UserError
        It names the place, and says what is in the way.
    """
    if out.is_dir():
        raise wrong_usage(f"--out {out}: a folder", "Name a file, such as comparison.md.")
    if any(out.exists() and file.exists() and out.samefile(file) for file in predictions):
        raise wrong_usage(f"--out {out}: one of the prediction files", "Name another file.")
    _require_writable(out, out.parent)


def check_audit(out: Path, audited: Iterable[Path]) -> None:
    """Refuse a folder for an audit that is a file, cannot be written, or lies in audited images.

    Raises
    ------
    UserError
        It names the place, and says what is in the way.
    """
    if out.exists() and not out.is_dir():
        raise UserError(f"--out {out}: a file, not a folder", _ELSEWHERE)
    for folder in audited:
        if out.resolve().is_relative_to(folder.resolve()):
            raise wrong_usage(
                f"--out {out}: inside the audited folder {folder}",
                f"Its pictures would be audited next time. {_ELSEWHERE}",
            )
    target = out.resolve()
    _require_writable(out, target.parent)
    check_audit_folder(target)


def check_new_file(option: str, file: Path) -> None:
    """Refuse a file that exists, or cannot be written: nothing of the user's is replaced.

    Raises
    ------
    UserError
        It names option and file, and says what is in the way.
    """
    if file.exists():
        raise wrong_usage(f"{option} {file}: it exists", "Name a new file, which is written.")
    _require_writable(file, file.absolute().parent, option)


def require_own(
    name: str, target: Path, is_own: Callable[[Path, Path], bool], command: str
) -> None:
    """Refuse a folder with anything in it that a command did not write: it is replaced.

    Links are foreign, whatever their names. What file managers leave counts as nothing.

    Parameters
    ----------
    name
        What the error calls the folder.
    target
        The folder; it need not exist.
    is_own
        Whether the command wrote a path below the folder, which is the second argument.
    command
        Of `lcbench`.

    Raises
    ------
    UserError
        It names the first file of someone else.
    """
    for path in sorted(target.rglob("*")):
        if path.name in _SYSTEM_FILES and not path.is_symlink():
            continue
        if path.is_symlink() or not is_own(path, target):
            found = path.relative_to(target)
            raise UserError(f"{name}: holds {found}, which {command} did not write", _EMPTY_IT)


def check_audit_folder(target: Path) -> None:
    """Refuse a folder with anything in it that `lcbench audit` did not write: it is replaced.

    Raises
    ------
    UserError
        If there is something of someone else; it names the first such file.
    """
    require_own(f"--out {target}", target, _is_of_audit, "lcbench audit")


def check_gallery(target: Path) -> None:
    """Refuse a folder with anything in it that `lcbench explain` did not write: it is replaced.

    Raises
    ------
    UserError
        If there is something of someone else; it names the first such file.
    """
    if target.exists() and not target.is_dir():
        raise UserError(f"--out {target}: a file, not a folder", _ELSEWHERE)
    _require_writable(target, target.absolute().parent)
    require_own(f"--out {target}", target, _is_of_gallery, "lcbench explain")


def _is_of_gallery(path: Path, target: Path) -> bool:
    if path.is_dir():
        return path.parent == target and path.name.isdigit()
    if path.parent == target:
        return path.name in (GALLERY_PAGE, GALLERY_INDEX)
    return path.suffix == ".jpg" and path.name[0].isdigit()


def _is_of_audit(path: Path, target: Path) -> bool:
    name = path.relative_to(target)
    if path.name.startswith(NEW):
        return True  # an older version that was killed left it
    if path.is_dir():
        return name.as_posix() in (FIGURES, PICTURES)
    if path.parent == target / PICTURES:
        return path.suffix == ".png" and path.stem.isdigit()
    if path.parent == target / FIGURES:
        return path.suffix == ".png" and path.stem in PLOTS
    return name.as_posix() in (README, AUDIT_JSON, GROUPS, PAIRS, MERGES)


def _require_writable(out: Path, folder: Path, option: str = "--out") -> None:
    place = folder.absolute()
    above = next(path for path in (place, *place.parents) if path.exists())
    if not above.is_dir():
        raise UserError(f"{option} {out}: {above} is a file, not a folder", _ELSEWHERE)
    if not os.access(above, os.W_OK | os.X_OK):
        raise UserError(f"{option} {out}: no permission to write in {above}", _ELSEWHERE)


def default_report(runs: Path, suites: list[Path]) -> Path:
    """Return `report` beside the runs folder."""
    runs_folder = runs.resolve()
    if suites == [runs]:
        runs_folder = runs_folder.parent
    return runs_folder.parent / "report"


def check_report(target: Path) -> None:
    """Refuse a folder with anything in it that `lcbench report` did not write.

    Raises
    ------
    UserError
        If there is something of someone else; it names the first such file.
    """
    if target.is_file():
        raise UserError(f"{target}: a file stands where the report's folder would be", _EMPTY_IT)
    _require_writable(target, target.parent)
    if not target.is_dir():
        return
    if any(target.iterdir()) and not _is_ours(target / RESULTS_JSON):
        raise UserError(f"{target}: not empty, and not written by lcbench report", _EMPTY_IT)
    require_own(str(target), target, _is_of_report, GENERATOR)


def _is_ours(path: Path) -> bool:
    try:
        content = read_json(path)
    except UserError:
        return False
    return isinstance(content, dict) and content.get("generator") == GENERATOR


def _is_of_report(path: Path, target: Path) -> bool:
    folder = path.parent
    if path.is_dir():
        return path.name in (FIGURES, IMAGES) or _is_ours(path / RESULTS_JSON)
    is_picture = folder.name == FIGURES and path.suffix == ".png"
    if is_picture or (folder.name == IMAGES and _is_numbered(path)):
        return folder.parent == target or _is_ours(folder.parent / RESULTS_JSON)
    return path.name in {INDEX, README, RESULTS_JSON, RESULTS_CSV} and _is_ours(
        folder / RESULTS_JSON
    )


def _is_numbered(path: Path) -> bool:
    return path.suffix in (".jpg", ".png") and path.stem.replace("-", "").isdigit()
