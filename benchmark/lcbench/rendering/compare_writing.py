"""Where a comparison is written."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from lcbench.analysis.compare_results import ComparisonResults
from lcbench.errors import UserError, wrong_usage
from lcbench.rendering.compare_page import render
from lcbench.storage import write_text


def check_place(path: Path, files: Sequence[Path]) -> None:
    """Make sure, before anything is computed, that a file can be written.

    Parameters
    ----------
    path
        The file to write.
    files
        The prediction files, which must not be written over.

    Raises
    ------
    UserError
        If it is a folder, lies where nothing can be written, or is a prediction file.
    """
    if path.is_dir():
        raise wrong_usage(f"--out {path}: a folder", "Name a file, such as comparison.md.")
    if any(path.exists() and file.exists() and path.samefile(file) for file in files):
        raise wrong_usage(f"--out {path}: one of the prediction files", "Name another file.")
    above = next(parent for parent in path.absolute().parents if parent.exists())
    if not above.is_dir():
        raise UserError(f"--out {path}: {above} is a file, not a folder", "Name another place.")
    if not os.access(above, os.W_OK | os.X_OK):
        raise UserError(f"--out {path}: no permission to write in {above}", "Name another place.")


def write_comparison(path: Path, results: ComparisonResults, command: str) -> None:
    """Write a comparison: as JSON to *.json, as a Markdown page to any other name."""
    write_text(path, comparison_as_json(results) if _is_json(path) else render(results, command))


def comparison_as_json(results: ComparisonResults) -> str:
    """Return a comparison as one JSON object."""
    return results.model_dump_json(indent=2) + "\n"


def _is_json(path: Path) -> bool:
    return path.suffix.lower() == ".json"
