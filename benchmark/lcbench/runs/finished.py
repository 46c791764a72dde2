"""What one suite folder holds: finished runs as tables, and what did not finish."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from lcbench.predictions.table import Predictions
from lcbench.runs.external_records import ExternalRecord
from lcbench.runs.plan_records import PlanRecord, RolesRecord
from lcbench.runs.records import RunConfig, RunState
from lcbench.runs.stored import IncompleteKind
from lcbench.runs.suite import in_order
from lcbench.taxonomy import Taxonomy

_BROKEN: frozenset[IncompleteKind] = frozenset(
    {"failed", "interrupted", "unusable", "older", "outdated"}
)
"""What was done, and cannot be used; the other kinds lose nothing that was there."""


@dataclass(frozen=True)
class FinishedRun:
    """One finished run.

    `name`: its folder below the suite's, with forward slashes. `predictions`: of its test side;
    labels may be inner nodes of the class tree. `history`: one row an epoch, None without epochs.
    `validation`: predictions of its validation side, None where none were stored.
    """

    name: str
    config: RunConfig
    state: RunState
    predictions: Predictions
    history: pd.DataFrame | None
    validation: Predictions | None = None


@dataclass(frozen=True)
class ExternalRun:
    """The predictions of one finished run on an external folder."""

    protocol: str
    baseline: str
    predictions: Predictions


@dataclass(frozen=True)
class ExternalFolder:
    """An external folder: what it holds, and the predictions on it.

    `images`: one row an image that was predicted, see `lcbench.runs.external_table`; None where an
    older version stored the folder.
    """

    record: ExternalRecord
    runs: tuple[ExternalRun, ...]
    images: pd.DataFrame | None = None


@dataclass(frozen=True)
class Incomplete:
    """Something that was planned or begun, and that gave no predictions that can be used.

    `run`: its folder below the suite's; a protocol or baseline where more is missing. `detail`: the
    stored reason, the message of the reader, or the run that it repeats. `missing`: the planned
    runs below `run` that were never started, or are not finished yet.
    """

    run: str
    kind: IncompleteKind
    detail: str = ""
    missing: tuple[str, ...] = ()


def is_broken(kind: IncompleteKind) -> bool:
    """Tell whether something was done and cannot be used."""
    return kind in _BROKEN


@dataclass(frozen=True)
class FinishedSuite:
    """All that one suite folder holds."""

    plan: PlanRecord
    taxonomy: Taxonomy
    runs: tuple[FinishedRun, ...]
    external: tuple[ExternalFolder, ...]
    incomplete: tuple[Incomplete, ...]

    @property
    def roles(self) -> RolesRecord:
        """What its protocols and baselines are for."""
        return self.plan.roles or RolesRecord()

    @property
    def protocols(self) -> tuple[str, ...]:
        """Protocols with a finished run, in the order of the plan."""
        return in_order({run.config.protocol for run in self.runs}, self.plan.protocols)

    @property
    def baselines(self) -> tuple[str, ...]:
        """Baselines with a finished run, in the order of the plan."""
        return in_order({run.config.baseline for run in self.runs}, self.plan.baselines)

    def runs_of(
        self, *, protocol: str | None = None, baseline: str | None = None
    ) -> list[FinishedRun]:
        """Return the runs of a protocol, of a baseline, or of both, by seed and fold."""
        return [
            run
            for run in self.runs
            if protocol in (None, run.config.protocol) and baseline in (None, run.config.baseline)
        ]

    def models(self, protocol: str) -> tuple[Predictions, ...]:
        """Return a table a baseline, its runs one below the other, in the order of the plan."""
        return tuple(
            _together(name, [run.predictions for run in runs])
            for name in self.baselines
            if (runs := self.runs_of(protocol=protocol, baseline=name))
        )


def _together(name: str, parts: Sequence[Predictions]) -> Predictions:
    """Return the predictions of one model, its runs one below the other."""
    probabilities = [part.probabilities for part in parts if part.probabilities is not None]
    return replace(
        parts[0],
        name=name,
        table=pd.concat([part.table for part in parts], ignore_index=True),
        probabilities=np.concatenate(probabilities),
        notes=tuple(dict.fromkeys(note for part in parts for note in part.notes)),
    )
