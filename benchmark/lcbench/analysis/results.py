"""What was computed: one typed schema, every key documented, the same for reports and comparisons.

`lcbench.read_results` reads the JSON files back; `docs/results.schema.json` is written from here.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, JsonValue

from lcbench.analysis.claim_results import PaperClaims, UnreadableClaims
from lcbench.analysis.ensemble_results import EnsembleLeftOut, EnsembleResult
from lcbench.analysis.explanation_results import ExplanationResult
from lcbench.analysis.external_results import ExternalResult
from lcbench.analysis.given_results import GivenModel
from lcbench.analysis.hypothesis_results import HypothesisResult
from lcbench.analysis.scores import AnalysisSettings, MetricInfo, ModelComparison
from lcbench.analysis.selective_scores import SelectiveResult
from lcbench.result_model import ResultModel
from lcbench.runs.plan_records import Invocation, LeftOut, RolesRecord
from lcbench.runs.records import BackboneRecord, DatasetRecord, SplitRecord, TaxonomyRecord
from lcbench.runs.stored import IncompleteKind
from lcbench.statistics.interval_model import Interval
from lcbench.taxonomy import Taxonomy

SCHEMA_VERSION = 3
ENSEMBLE = "ensemble"
"""What stands for the kind of an average of stored predictions."""


class Split(ResultModel):
    """One division of the images."""

    seed: int
    """Its seed."""
    fold: int
    """Its fold; 0 where the protocol has one."""
    record: SplitRecord
    """Sizes, hash, and siblings on both sides."""


class MissingRun(ResultModel):
    """A seed and fold that some models did not finish: left out for all."""

    seed: int
    """Its seed."""
    fold: int
    """Its fold."""
    models: tuple[str, ...]
    """The models that lack it."""


class ProtocolResult(ResultModel):
    """Everything measured under one protocol."""

    protocol: str
    """Name of the protocol."""
    splits: tuple[Split, ...]
    """The divisions of the images."""
    not_compared: tuple[str, ...]
    """Baselines without a seed and fold in common with the others."""
    missing: tuple[MissingRun, ...]
    """Runs that some baselines lack."""
    tested: int
    """Images with a leaf label that were tested in the seed with the fewest."""
    planned: int
    """Images with a leaf label that a whole seed of the protocol would test."""
    comparison: ModelComparison
    """Scores and paired comparisons; in each pair, a is the reference."""
    selective: SelectiveResult | None = None
    """Selective prediction; null in older reports."""
    ensembles: tuple[EnsembleResult, ...] = ()
    """What ensembles gain; empty in older reports."""
    ensembles_left_out: tuple[EnsembleLeftOut, ...] = ()
    """Ensembles that cannot be made here."""
    hypothesis: HypothesisResult | None = None
    """What became of the suite's question; null where it asks none, where no arm was compared, and
    in older reports."""


class Drop(ResultModel):
    """The accuracy of one baseline under the flattering and the leakage-free protocol."""

    baseline: str
    """Name of the baseline."""
    flattering: Interval
    """Accuracy under the flattering protocol."""
    leakage_free: Interval
    """Accuracy under the leakage-free protocol."""
    drop: Interval
    """The first minus the second, over the source groups of both."""


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


class Training(ResultModel):
    """How training of one baseline went under one protocol: medians over its finished runs.

    Losses are those of the restored epoch, means over images. The training loss is what training
    minimised, taken while the epoch went on; `gap` is None where that is not the validation loss's
    negative log-likelihood of images as they are.
    """

    protocol: str
    """Name of the protocol."""
    baseline: str
    """Name of the baseline."""
    runs: int
    """Runs behind the medians."""
    tuning: str
    """How much of the backbone was trained, as the recipe says it."""
    learned: int
    """Parameters that were learned in the run."""
    train_seconds: float
    """Seconds of fitting one run, without what frozen layers compute once."""
    epochs: float
    """Epochs that were trained."""
    train_loss: float
    """Training loss of the restored epoch."""
    validation_loss: float | None
    """Validation loss of the restored epoch; null without validation images."""
    validation_accuracy: float | None
    """Accuracy on validation images after the restored epoch; null without them."""
    gap: float | None
    """Validation loss minus training loss."""


class Baseline(ResultModel):
    """A baseline as it ran."""

    baseline: str
    """Its name."""
    purpose: str
    """What it is for."""
    kind: str
    """Kind of model."""
    hierarchical: bool
    """Whether the class tree is in its networks, its loss or its decision rule."""
    backbone: BackboneRecord | None
    """The network below its head, or null."""
    recipe: dict[str, JsonValue] | None = None
    """Everything that its kind was given; null in older reports."""

    @property
    def is_ensemble(self) -> bool:
        """Whether it averages stored predictions of others, and was not run itself."""
        return self.kind == ENSEMBLE

    @property
    def random_weights(self) -> bool:
        """Whether its backbone was drawn at random."""
        return self.backbone is not None and self.backbone.random

    @property
    def has_own_head(self) -> bool:
        """Whether it is a classifier that was finished elsewhere."""
        return self.backbone is not None and self.backbone.outputs is not None


class Incomplete(ResultModel):
    """Something that was planned or begun, and that gave no predictions that can be used."""

    run: str
    """Its folder, below the suite's: a run, or a protocol or baseline where more is missing."""
    kind: IncompleteKind
    """What became of it."""
    detail: str
    """The stored reason, the message of the reader, or the run that it repeats."""
    missing: tuple[str, ...]
    """Names of the planned runs below it that were never started, or are not finished yet."""


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
    processor: str = ""
    """What computed it; empty for runs of older versions."""


class Results(ResultModel):
    """Everything that the report of one suite says."""

    generator: Literal["lcbench report"] = "lcbench report"
    """Which command wrote it; marks the folder as one that `lcbench report` may replace."""
    schema_version: int = SCHEMA_VERSION
    """Version of this schema."""
    lcbench_version: str
    """Version of lcbench that wrote the report."""
    suite: str
    """Name of the suite."""
    run_commands: tuple[str, ...]
    """Commands that made the runs, the first one first."""
    invocations: tuple[Invocation, ...] = ()
    """What each of them asked for; empty in older reports."""
    report_command: str
    """Command that wrote the report; empty where it was called from Python."""
    created: str
    """When the suite was begun."""
    machine: str
    """Machine of the runs."""
    settings: AnalysisSettings
    """How numbers were computed."""
    reference: str
    """Baseline that the others are compared with."""
    roles: RolesRecord
    """Which protocol flatters, which is leakage-free, which baselines are floor and shortcut."""
    dataset: DatasetRecord
    """Images and source groups."""
    taxonomy: TaxonomyRecord
    """The class tree."""
    aliases: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """The folder names that each class is known by; empty in older reports."""
    leaves: tuple[str, ...]
    """Classes that models predict, in the order of the confusion matrices."""
    metrics: tuple[MetricInfo, ...]
    """What each metric is."""
    baselines: tuple[Baseline, ...]
    """Baselines with at least one finished run, in the order of the plan."""
    protocols: tuple[ProtocolResult, ...]
    """Scores for each protocol."""
    drops: tuple[Drop, ...]
    """Accuracy under both protocols; empty where one of them was not run."""
    efficiency: tuple[Efficiency, ...]
    """What the baselines cost."""
    training: tuple[Training, ...] = ()
    """How training went; empty where no baseline trained layers of its backbone."""
    claims: tuple[PaperClaims, ...]
    """Claims of papers about these data; empty where the data are others."""
    claims_unreadable: tuple[UnreadableClaims, ...]
    """Claims that the suite names and that could not be read."""
    external: tuple[ExternalResult, ...]
    """External folders."""
    given: tuple[GivenModel, ...] = ()
    """Models whose prediction files were given; empty in older reports."""
    left_out: tuple[LeftOut, ...]
    """Baselines that the suite names and that were not run."""
    incomplete: tuple[Incomplete, ...]
    """Runs without usable predictions."""
    runs: tuple[RunSummary, ...]
    """Finished runs."""
    findings: tuple[str, ...] = ()
    """The findings, in sentences."""
    explanations: tuple[ExplanationResult, ...] | None = None
    """Why the models answer so; null where nobody asked, and in older reports."""

    def protocol(self, name: str | None) -> ProtocolResult | None:
        """Return the results under a protocol, or None where it has none."""
        return next((result for result in self.protocols if result.protocol == name), None)

    @property
    def flattering(self) -> ProtocolResult | None:
        """The results under the protocol that flatters, or None where it was not run."""
        return self.protocol(self.roles.flattering)

    @property
    def leakage_free(self) -> ProtocolResult | None:
        """The results under the leakage-free protocol, or None where it was not run."""
        return self.protocol(self.roles.leakage_free)

    @property
    def strictest(self) -> ProtocolResult:
        """The leakage-free protocol where it was run, else the first."""
        return self.leakage_free or self.protocols[0]

    @property
    def tree(self) -> Taxonomy:
        """The class tree."""
        return self.taxonomy.tree()

    def baseline(self, name: str) -> Baseline | None:
        """Return the description of a baseline, or None where it has no finished run."""
        return next((one for one in self.baselines if one.baseline == name), None)


class ComparisonResults(ResultModel):
    """Everything that `lcbench compare` finds."""

    generator: Literal["lcbench compare"] = "lcbench compare"
    """Which command wrote it."""
    schema_version: int = SCHEMA_VERSION
    """Version of this schema."""
    lcbench_version: str
    """Version of lcbench."""
    command: str
    """Command that was typed; empty where it was called from Python."""
    settings: AnalysisSettings
    """How numbers were computed."""
    taxonomy: TaxonomyRecord
    """The class tree."""
    leaves: tuple[str, ...]
    """Classes that models predict, in the order of the confusion matrices."""
    metrics: tuple[MetricInfo, ...]
    """What each metric is."""
    matched_by: Literal["sha256", "image", "base name"]
    """What images were matched by."""
    notes: tuple[str, ...]
    """What was noted when the files were read."""
    repeats: Literal["seed", "trained model"] = "seed"
    """What the seeds of the comparison stand for: on an external folder each trained model has
    answered every image, whatever its seed and fold."""
    comparison: ModelComparison
    """Scores of the models, and every pair of them in the order of the command line."""

    @property
    def tree(self) -> Taxonomy:
        """The class tree."""
        return self.taxonomy.tree()
