"""What `lcbench validate` prints."""

from __future__ import annotations

import os
from typing import Any

from lcbench.console import escape, out
from lcbench.predictions.reading.findings import Finding, counted
from lcbench.predictions.reading.inspection import Inspection


def show_inspection(inspection: Inspection) -> None:
    """Print what is wrong with a file, what it cannot be used for, and what it holds."""
    for problem in inspection.problems:
        _show("[red]problem:[/red]", problem)
    for note in inspection.notes:
        _show("[yellow]note:[/yellow]", note)
    out.print(escape(f"{inspection.path}: {_summary(inspection)}"), soft_wrap=True)


def inspection_as_json(inspection: Inspection) -> dict[str, Any]:
    """Return an inspection for machines."""
    columns = inspection.columns
    return {
        "file": os.fsencode(inspection.path).decode(errors="replace"),
        "valid": inspection.valid,
        "rows": inspection.rows,
        "left_out": inspection.left_out,
        "problems": [vars(problem) for problem in inspection.problems],
        "notes": [vars(note) for note in inspection.notes],
        "images": columns.images,
        "groups": columns.groups,
        "classes": list(columns.classes),
        "probabilities": columns.probabilities,
        "sha256": columns.sha256,
        "seeds": list(columns.seeds),
        "folds": list(columns.folds),
        "protocol": columns.protocol,
        "baseline": columns.baseline,
    }


def _show(mark: str, finding: Finding) -> None:
    out.print(f"{mark} {escape(finding.what)}", soft_wrap=True)
    for line in finding.remedy.splitlines():
        out.print(f"    {escape(line)}", soft_wrap=True)


def _summary(inspection: Inspection) -> str:
    """Return one line: `valid: 2,250 predictions of 2,250 images, 464 source groups, ...`."""
    if not inspection.valid:
        rows = counted(inspection.rows, "row")
        return f"not valid: {counted(len(inspection.problems), 'problem')} in {rows}"
    columns = inspection.columns
    predictions = counted(inspection.rows - inspection.left_out, "prediction")
    parts = [f"{predictions} of {counted(columns.images, 'image')}"]
    if len(columns.seeds) > 1:
        parts.append(counted(len(columns.seeds), "seed"))
    groups = counted(columns.groups, "source group") if columns.groups else "no source groups"
    parts.append(groups)
    parts.append(counted(len(columns.classes), "class", "classes"))
    parts.append("probabilities" if columns.probabilities else "no probabilities")
    return f"valid: {', '.join(parts)}"
