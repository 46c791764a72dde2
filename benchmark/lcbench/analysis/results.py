"""The results of a suite: one typed schema, every key documented."""

from __future__ import annotations

from typing import Literal

from lcbench.analysis.measures import Drop, Estimate, ProtocolResult, ResultModel
from lcbench.runs.records import (
    BackboneRecord,
    DatasetRecord,
    ExternalRecord,
    LeftOut,
    TaxonomyRecord,
)
from lcbench.statistics.choices import Adjustment

SCHEMA_VERSION = 1
Verdict = Literal[
    "reproduced", "consistent", "above the claim", "below the claim", "cannot be judged"
]


class Efficiency(ResultModel):
    """What one baseline costs on one device: medians over its finished runs."""

    baseline: str
    """Name of the baseline."""
    device: str
    """Where it ran."""
    precision: str
    """Number format of the computation."""
    runs: int
    """Runs behind the medians."""
    parameters: int
    """Parameters of the whole model, backbone included."""
    learned: int
    """Parameters that were learned in the run."""
    gmacs: float | None
    """Billions of multiply-accumulates for one image; null without a network."""
    images_per_second: float | None
    """From image file to prediction, decoding included; null where no image is looked at."""
    train_seconds: float
    """Seconds of fitting one run, embedding excluded."""
    peak_memory_mb: float
    """Of the accelerator, or of the process where there is none."""


class ClaimResult(ResultModel):
    """A claim of the paper beside what was measured."""

    claim: str
    """What the paper says, in words."""
    claimed: float
    """The claimed value."""
    unit: Literal["share", "count"]
    """What the claimed value and the measured one are."""
    protocol: str
    """Protocol of the measurement."""
    measured: Estimate | None
    """What the reference reached; null where it was not measured."""
    verdict: Verdict
    """Whether the measurement reproduces the claim, lies above it or lies below it.

    "consistent" is what "reproduced" becomes where `caveat` names another backbone.
    """
    position: str
    """Where the claimed value lies, whether or not that can be judged."""
    obstacle: str
    """Why it cannot be judged; empty where it can."""
    caveat: str
    """What differs from the paper without making the comparison void; empty where nothing does."""


class ExternalScore(ResultModel):
    """One baseline, trained under one protocol, at one level of the class tree."""

    baseline: str
    """Name of the baseline."""
    protocol: str
    """Protocol of its training."""
    runs: int
    """Trained models whose predictions are pooled."""
    accuracy: Estimate
    """Share of predictions that are right at this level."""
    difference: Estimate
    """Accuracy minus the majority rate."""


class ExternalLevel(ResultModel):
    """An external folder at one level of the class tree."""

    level: int
    """Depth in the class tree; 1 is below the root."""
    classes: tuple[str, ...]
    """Classes that models can answer at this level."""
    images: int
    """Images whose label fixes this level."""
    majority_class: str
    """The commonest class of these images."""
    majority_rate: float
    """Its share: what answering it always would reach."""
    scores: tuple[ExternalScore, ...]
    """One entry for each baseline and protocol."""


class ExternalResult(ResultModel):
    """Every finished run on one external folder."""

    record: ExternalRecord
    """What the folder holds and how its labels were read."""
    groups_known: bool
    """False where images were resampled because their source groups are unknown."""
    levels: tuple[ExternalLevel, ...]
    """From below the root down to the leaves."""


class Baseline(ResultModel):
    """A baseline as it ran."""

    baseline: str
    """Its name."""
    purpose: str
    """What it is for."""
    kind: str
    """Kind of model."""
    hierarchical: bool
    """Whether it decides along the class tree."""
    backbone: BackboneRecord | None
    """The network below its head, or null."""

    @property
    def random_weights(self) -> bool:
        """Whether its backbone was drawn at random."""
        return self.backbone is not None and self.backbone.random


class Incomplete(ResultModel):
    """A run that gave no predictions that can be used."""

    run: str
    """Its folder, below the suite's."""
    reason: str
    """What happened to it."""


class RunSummary(ResultModel):
    """Where and when one finished run was made."""

    run: str
    """Its folder, below the suite's."""
    started: str
    """When it began."""
    commit: str
    """Commit of the code, or empty."""
    device: str
    """Where it ran."""
    precision: str
    """Number format of the computation."""
    versions: dict[str, str]
    """Versions of the software."""


class Results(ResultModel):
    """Everything that the report of one suite says."""

    generator: Literal["lcbench report"] = "lcbench report"
    """Marks the folder as one that `lcbench report` may replace."""
    schema_version: int = SCHEMA_VERSION
    """Version of this schema."""
    lcbench_version: str
    """Version of lcbench that wrote the report."""
    suite: str
    """Name of the suite."""
    run_command: str
    """Command that made the runs."""
    report_command: str
    """Command that wrote the report; empty where it was called from Python."""
    created: str
    """When the suite was begun."""
    machine: str
    """Machine of the runs."""
    resamples: int
    """Bootstrap resamples of each interval."""
    adjustment: Adjustment = Adjustment.holm
    """How the p-values of a family are adjusted."""
    reference: str
    """Baseline that the others are compared with."""
    dataset: DatasetRecord
    """Images and source groups."""
    taxonomy: TaxonomyRecord
    """The class tree."""
    leaves: tuple[str, ...]
    """Classes that models predict, in the order of the confusion matrices."""
    baselines: tuple[Baseline, ...]
    """Baselines with at least one finished run, in the order of the plan."""
    protocols: tuple[ProtocolResult, ...]
    """Scores for each protocol."""
    drops: tuple[Drop, ...]
    """Accuracy under `paper` beside `grouped`; empty where one of them was not run."""
    efficiency: tuple[Efficiency, ...]
    """What the baselines cost."""
    claims: tuple[ClaimResult, ...]
    """The paper's claims beside what was measured."""
    external: tuple[ExternalResult, ...]
    """External folders."""
    left_out: tuple[LeftOut, ...]
    """Baselines that the suite names and that were not run."""
    incomplete: tuple[Incomplete, ...]
    """Runs without usable predictions."""
    runs: tuple[RunSummary, ...]
    """Finished runs."""
    findings: tuple[str, ...] = ()
    """The findings, in sentences."""

    def protocol(self, name: str) -> ProtocolResult | None:
        """Return the results under a protocol, or None where it has none."""
        return next((result for result in self.protocols if result.protocol == name), None)

    def title(self, name: str, detail: str = "") -> str:
        """Return a baseline's name with a detail, and a warning where its weights are random."""
        baseline = self.baseline(name)
        flagged = baseline is not None and baseline.random_weights
        return f"{name}{detail} (random weights)" if flagged else f"{name}{detail}"

    def baseline(self, name: str) -> Baseline | None:
        """Return the description of a baseline, or None where it has no finished run."""
        return next((one for one in self.baselines if one.baseline == name), None)
