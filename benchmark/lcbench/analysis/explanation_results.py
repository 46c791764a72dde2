"""What `lcbench explain` stored of a suite: no image, only numbers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from lcbench.explanations.records import ExplanationRecord, read_explanations
from lcbench.result_model import ResultModel
from lcbench.runs.finished import FinishedSuite
from lcbench.runs.stored import identity_of


class ExplanationResult(ResultModel):
    """One method on the answers of one baseline at one decision of the class tree."""

    record: ExplanationRecord
    """What was explained and checked; the lists of files and of runs are left out."""


def explanation_results(folder: Path, suite: FinishedSuite) -> tuple[ExplanationResult, ...] | None:
    """Return the explanations of runs that are still there as they were; None without any.

    Parameters
    ----------
    folder
        The suite's.
    suite
        What it holds.
    """
    identities: Mapping[str, str] = {run.name: identity_of(run.state) for run in suite.runs}
    found = tuple(
        ExplanationResult(record=one.record.model_copy(update={"files": {}, "runs": {}}))
        for one in read_explanations(folder, identities)
    )
    return found or None
