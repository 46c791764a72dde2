"""What one suite folder holds, read and checked."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from lcbench.analysis.results import Incomplete
from lcbench.predictions.table import Predictions
from lcbench.runs.records import ExternalRecord, PlanRecord, RunConfig, RunState
from lcbench.taxonomy import Taxonomy


@dataclass(frozen=True)
class Run:
    """One finished run.

    Parameters
    ----------
    name
        Its folder below the suite's, with forward slashes.
    config, state
        What it stored about itself.
    predictions
        Its test predictions.
    history
        One row an epoch, or None where it has no epochs.
    """

    name: str
    config: RunConfig
    state: RunState
    predictions: Predictions
    history: pd.DataFrame | None


@dataclass(frozen=True)
class ExternalRun:
    """The predictions of one finished run on an external folder."""

    protocol: str
    baseline: str
    predictions: Predictions


@dataclass(frozen=True)
class ExternalFolder:
    """An external folder: what it holds, and the predictions on it."""

    record: ExternalRecord
    runs: tuple[ExternalRun, ...]


@dataclass(frozen=True)
class Suite:
    """All that one suite folder holds."""

    plan: PlanRecord
    taxonomy: Taxonomy
    runs: tuple[Run, ...]
    external: tuple[ExternalFolder, ...]
    incomplete: tuple[Incomplete, ...]

    @property
    def protocols(self) -> tuple[str, ...]:
        """Protocols with a finished run, in the order of the plan."""
        return _ordered(self.plan.protocols, {run.config.protocol for run in self.runs})

    @property
    def baselines(self) -> tuple[str, ...]:
        """Baselines with a finished run, in the order of the plan."""
        return _ordered(self.plan.baselines, {run.config.baseline for run in self.runs})

    def runs_of(self, *, protocol: str | None = None, baseline: str | None = None) -> list[Run]:
        """Return the runs of a protocol, of a baseline, or of both."""
        return [
            run
            for run in self.runs
            if protocol in (None, run.config.protocol) and baseline in (None, run.config.baseline)
        ]


def _ordered(wanted: tuple[str, ...], present: set[str]) -> tuple[str, ...]:
    return (
        *(name for name in wanted if name in present),
        *sorted(present - set(wanted)),
    )
