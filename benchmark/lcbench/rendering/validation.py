"""What `lcbench validate` prints."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from lcbench.console import escape, out
from lcbench.rendering.formats import plural

if TYPE_CHECKING:
    from lcbench.predictions.messages import Finding
    from lcbench.predictions.validation import Inspection


def show_inspection(inspection: Inspection) -> None:
    """Print what is wrong with a file, what it cannot be used for, and what it holds."""
    for problem in inspection.problems:
        _show("[red]problem:[/red]", problem)
    for note in inspection.notes:
        _show("[yellow]note:[/yellow]", note)
    out.print(escape(f"{inspection.path}: {_summary(inspection)}"), soft_wrap=True)


def inspection_as_json(inspection: Inspection) -> dict[str, Any]:
    """Return an inspection for machines."""
    return {
        "file": os.fsencode(inspection.path).decode(errors="replace"),
        "valid": inspection.valid,
        "rows": inspection.rows,
        "left_out": inspection.left_out,
        "problems": [_as_json(problem) for problem in inspection.problems],
        "notes": [_as_json(note) for note in inspection.notes],
        **asdict(inspection.columns),
    }


def _as_json(finding: Finding) -> dict[str, str]:
    return {"what": finding.what, "remedy": finding.remedy}


def _show(mark: str, finding: Finding) -> None:
    out.print(f"{mark} {escape(finding.what)}", soft_wrap=True)
    for line in finding.remedy.splitlines():
        out.print(f"    {escape(line)}", soft_wrap=True)


def _summary(inspection: Inspection) -> str:
    """Return one line: `valid: 2,250 predictions of 2,250 images, 464 source groups, ...`."""
    if not inspection.valid:
        rows = plural(inspection.rows, "row")
        return f"not valid: {plural(len(inspection.problems), 'problem')} in {rows}"
    columns = inspection.columns
    predictions = plural(inspection.rows - inspection.left_out, "prediction")
    parts = [f"{predictions} of {plural(columns.images, 'image')}"]
    if len(columns.seeds) > 1:
        parts.append(plural(len(columns.seeds), "seed"))
    groups = plural(columns.groups, "source group") if columns.groups else "no source groups"
    parts.append(groups)
    parts.append(plural(len(columns.classes), "class", "classes"))
    parts.append("probabilities" if columns.probabilities else "no probabilities")
    return f"valid: {', '.join(parts)}"
