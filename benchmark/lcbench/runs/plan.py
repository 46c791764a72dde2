"""From what the user asked for to a checked list of what will be run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydantic import ValidationError

from lcbench.compute import Compute, DeviceChoice, PrecisionChoice, resolve_compute
from lcbench.datasets.dataset import Dataset, OnBad, load_dataset
from lcbench.datasets.fewer import drawn_rows, keep
from lcbench.datasets.labels import LabelReader, read_labels_with
from lcbench.datasets.tiles import require_tile_size, tiles_of
from lcbench.documents import explain
from lcbench.errors import UserError, wrong_usage
from lcbench.features.embedding_files import EmbeddingFile, EmbeddingFiles
from lcbench.features.embedding_tables import is_embedding_file
from lcbench.features.encoder import HeadFacts
from lcbench.features.extraction import TRAINS_LAYERS, FeatureKind, Features
from lcbench.leakage.pixel_groups import PixelCheck, know_sources
from lcbench.leakage.siblings import Siblings, count_siblings
from lcbench.models.backbones import Backbone, require_backbone, resolve_backbone
from lcbench.models.baseline import Baseline, Settings, find_kind
from lcbench.models.weights import HubError, WeightOptions, how_to_get
from lcbench.protocols import Split, coarse_labels, require_protocol, splits
from lcbench.runs.claims import check_claims
from lcbench.runs.plan_records import LeftOut
from lcbench.runs.suite import (
    MOST_SEEDS,
    REFERENCE_BACKBONE,
    Recipe,
    Suite,
    about_words,
    choose,
    load_suite,
    suite_place,
)
from lcbench.statistics.tree import ClassTree
from lcbench.taxonomy import Taxonomy, load_taxonomy


@dataclass(frozen=True)
class RunOptions:
    """What `lcbench run` was asked for; None and empty mean the suite's own choice.

    `about`: what kind of images these are, as the user says it. `images`: how many to draw, in
    whole source groups; `epochs`: at most so many, whatever the recipes say. `tile`: side in
    pixels of the tiles that images are cut into. `image_size`: side of the images that backbones
    are given, in pixels; `image_sizes`: the same by backbone, which goes before.
    """

    suite: str
    data: str
    groups: Path | None = None
    labels: Path | None = None
    taxonomy: Path | None = None
    protocols: tuple[str, ...] = ()
    seeds: int | None = None
    backbone: str | None = None
    weights: str | None = None
    offline: bool = False
    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    device: DeviceChoice = "auto"
    precision: PrecisionChoice = "auto"
    on_bad: OnBad = "stop"
    force: bool = False
    about: str = ""
    images: int | None = None
    epochs: int | None = None
    tile: int | None = None
    image_size: int | None = None
    image_sizes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class PlannedBaseline:
    """A recipe with everything resolved.

    Parameters
    ----------
    recipe
        With the reference backbone's name put in.
    kind
        The class that will be fitted.
    settings
        The recipe's options, checked by the kind.
    backbone
        With a source of weights, or a file of embeddings; None where the recipe names none.
    """

    recipe: Recipe
    kind: type[Baseline]
    settings: Settings
    backbone: Backbone | EmbeddingFile | None

    @property
    def name(self) -> str:
        """The recipe's name."""
        return self.recipe.name

    @property
    def needs(self) -> FeatureKind:
        """What has to be computed from the images before fitting."""
        return self.kind.needs(self.settings)


@dataclass(frozen=True)
class PlannedSplit:
    """A split and how much of its test side has a source sibling in training.

    `proven`: the same by pixels, where the groups are the user's own.
    """

    split: Split
    siblings: Siblings | None
    proven: Siblings | None = None

    @property
    def path(self) -> str:
        """`<protocol>/<name>`, which no other split of a plan has."""
        return f"{self.split.protocol}/{self.split.name}"


@dataclass(frozen=True)
class Plan:
    """Everything that a run of a suite will do.

    `left_out`: recipes that cannot run here. `pixel_check`: where pixels disagree with groups that
    the user gave. `about`: what kind of images these are, as the user says it. `options`: what was
    asked for; `labels`: what the user's label map says.
    """

    suite: Suite
    taxonomy: Taxonomy
    compute: Compute
    baselines: tuple[PlannedBaseline, ...]
    left_out: tuple[LeftOut, ...]
    protocols: tuple[str, ...]
    seeds: int
    dataset: Dataset
    splits: tuple[PlannedSplit, ...] = field(repr=False)
    pixel_check: PixelCheck | None = None
    about: str = ""
    options: RunOptions | None = None
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def features(self) -> Features:
        """What can be computed from the plan's images."""
        backbones = {
            baseline.settings.encoder_key or baseline.backbone.name: baseline.backbone
            for baseline in self.baselines
            if baseline.backbone
        }
        return Features(self.dataset, self.compute, backbones)

    def runs(self) -> Iterator[tuple[PlannedBaseline, PlannedSplit]]:
        """Yield every run, split by split, so that all arms of a split end together."""
        for split in self.splits:
            for baseline in self.baselines:
                yield baseline, split


def make_plan(options: RunOptions) -> Plan:
    """Resolve what was asked for, read the images, find their source groups, divide them.

    What can be checked without the images is checked first, because they take time.

    Raises
    ------
    UserError
        If anything that was asked for does not exist or does not fit.
    """
    suite = load_suite(options.suite)
    taxonomy = load_taxonomy(options.taxonomy)
    return plan_suite(suite, read_labels_with(options.labels, taxonomy), options)


def plan_suite(suite: Suite, reader: LabelReader, options: RunOptions) -> Plan:
    """Do the same for a suite, class tree and label map that were read before.

    Raises
    ------
    UserError
        If anything that was asked for does not exist or does not fit, a file of embeddings to
        the images included.
    """
    about = about_words(options.about)
    require_tile_size(options.tile)
    for claims in suite.claims:
        check_claims(
            claims, reader.taxonomy
        )  # what the report will want, while it can still be mended
    _check_hypothesis(suite, reader.taxonomy)
    protocols = options.protocols or suite.protocols
    for protocol in protocols:
        require_protocol(protocol)
    seeds = suite.seeds if options.seeds is None else options.seeds
    if not 1 <= seeds <= MOST_SEEDS:
        raise wrong_usage(f"--seeds {seeds}: not between 1 and {MOST_SEEDS}")
    compute = resolve_compute(options.device, options.precision)
    planned, left_out = plan_baselines(suite, options, compute)
    baselines = tuple(_settled(one, reader, suite) for one in planned)
    images = load_dataset(options.data, reader, options.groups, options.on_bad)
    dataset, check = know_sources(images)
    if options.images is not None:
        rows = drawn_rows(dataset, options.images)
        dataset = keep(dataset, rows, options.images)
        check = check and check.keep(rows, dataset)
    tiles = tiles_of(dataset, options.tile)
    if tiles is not None:
        dataset, check = tiles.dataset, check and check.of_tiles(tiles)
    plan = Plan(
        suite=suite,
        taxonomy=reader.taxonomy,
        compute=compute,
        baselines=baselines,
        left_out=left_out,
        protocols=protocols,
        seeds=seeds,
        dataset=dataset,
        splits=tuple(_plan_splits(dataset, reader.taxonomy, protocols, seeds, check)),
        pixel_check=check,
        about=about,
        options=options,
        labels=reader.mapping,
    )
    for name, backbone in plan.features.backbones.items():
        if isinstance(backbone, EmbeddingFile):
            plan.features.embeddings(name)  # whether it has every image, before anything is fitted
    return plan


def _check_hypothesis(suite: Suite, taxonomy: Taxonomy) -> None:
    """Refuse a question about confusions that the class tree does not know."""
    asked = suite.hypothesis
    known = [one.node for one in ClassTree.of(taxonomy).decisions]
    if asked is not None and asked.of and asked.of not in known:
        raise UserError(
            f"suite {suite.name}, hypothesis: of = {asked.of!r} is no node of class tree "
            f"{taxonomy.name} whose children get confused",
            f'Such nodes: {", ".join(known) or "none"}; or ask for event = "any_error".',
        )


def plan_baselines(
    suite: Suite, options: RunOptions, compute: Compute
) -> tuple[tuple[PlannedBaseline, ...], tuple[LeftOut, ...]]:
    """Resolve the chosen recipes; return those that can run here and those that cannot."""
    reference_backbone = options.backbone or suite.backbone
    if not is_embedding_file(reference_backbone):
        require_backbone(reference_backbone)
    weights = WeightOptions(
        options.weights,
        reference_backbone,
        options.offline,
        options.image_size,
        options.image_sizes,
    )
    files = EmbeddingFiles(lambda: suite_place(options.suite), options.backbone)
    planned: list[PlannedBaseline] = []
    left_out: list[LeftOut] = []
    for recipe in choose(suite.baselines, options.only, options.skip):
        try:
            resolved = _resolve(recipe, suite, weights, files, options.epochs)
        except HubError as error:  # one encoder that cannot be had does not stop the others
            if recipe.name == suite.reference:
                raise
            left_out.append(LeftOut(baseline=recipe.name, reason=error.message))
            continue
        reason = _reason_to_leave_out(resolved, compute, force=options.force)
        if reason:
            left_out.append(LeftOut(baseline=recipe.name, reason=reason))
        else:
            planned.append(resolved)
    _require_reference(suite, planned, left_out)
    return tuple(planned), tuple(left_out)


def _resolve(
    recipe: Recipe,
    suite: Suite,
    weights: WeightOptions,
    files: EmbeddingFiles,
    epochs: int | None,
) -> PlannedBaseline:
    kind = find_kind(recipe.kind)
    if epochs is not None and "epochs" in kind.settings_type.model_fields:
        recipe = recipe.with_options(epochs=epochs)
    if takes_reference_backbone(recipe):
        recipe = recipe.with_options(backbone=weights.backbone)
    try:
        settings = kind.settings_type.model_validate(recipe.options)
    except ValidationError as error:
        raise UserError(
            f"suite {suite.name}, baseline {recipe.name}: {explain(error)}",
            f"Kind {recipe.kind!r} knows: {', '.join(kind.settings_type.model_fields)}",
        ) from error
    name = settings.backbone
    if settings.own_weights is not None:
        weights = replace(
            weights,
            weights=settings.own_weights,
            backbone=name or "",
            option=f"suite {suite.name}, baseline {recipe.name}: weights =",
        )
    backbone: Backbone | EmbeddingFile | None = None
    if name and is_embedding_file(name):
        backbone = files.find(name)
    elif name:
        backbone = resolve_backbone(name, weights, settings.own_outputs)
    return PlannedBaseline(recipe, kind, settings, backbone)


def _settled(baseline: PlannedBaseline, reader: LabelReader, suite: Suite) -> PlannedBaseline:
    """Return a baseline whose settings need neither the label map nor its file of weights."""
    backbone = baseline.backbone
    try:
        settings = baseline.kind.settle(
            baseline.settings,
            reader,
            lambda: backbone.head if isinstance(backbone, Backbone) else HeadFacts(),
        )
    except UserError as error:
        where = f"suite {suite.name}, baseline {baseline.name}"
        raise UserError(f"{where}: {error.message}", error.remedy, error.code) from error
    return replace(baseline, settings=settings)


def takes_reference_backbone(recipe: Recipe) -> bool:
    """Tell whether `--backbone` exchanges a recipe's backbone: it says so, or its kind does."""
    default = find_kind(recipe.kind).settings_type.model_fields["backbone"].default
    return bool(recipe.options.get("backbone", default) == REFERENCE_BACKBONE)


def _reason_to_leave_out(baseline: PlannedBaseline, compute: Compute, *, force: bool) -> str:
    name = baseline.settings.backbone
    if name and baseline.backbone is None:
        return f"no weights of {name} on this machine; {how_to_get(name)}"
    if isinstance(baseline.backbone, EmbeddingFile) and _looks_at_images(baseline):
        return f"looks at images or at views of them, and {name} holds embeddings alone"
    trains_layers = bool(name) and baseline.needs in TRAINS_LAYERS
    if trains_layers and not compute.is_accelerator and not force:
        what = "a whole network" if baseline.needs == "pixels" else "layers of its backbone"
        return f"trains {what}: needs an accelerator, or --force on a CPU"
    return ""


def _looks_at_images(baseline: PlannedBaseline) -> bool:
    settings = baseline.settings
    views = (settings.view, *settings.training_views)
    return baseline.needs in TRAINS_LAYERS or any(view is not None for view in views)


def _require_reference(
    suite: Suite, planned: Sequence[PlannedBaseline], left_out: Sequence[LeftOut]
) -> None:
    for entry in left_out:
        if entry.baseline == suite.reference:
            raise UserError(
                f"the reference baseline cannot run: {entry.reason}",
                "Or choose a backbone whose weights are here: 'lcbench list backbones'.",
            )
    if not planned:
        reasons = "; ".join(f"{entry.baseline}: {entry.reason}" for entry in left_out)
        raise UserError(f"no baseline can run: {reasons}")


def _plan_splits(
    dataset: Dataset,
    taxonomy: Taxonomy,
    protocols: Sequence[str],
    seeds: int,
    check: PixelCheck | None,
) -> Iterator[PlannedSplit]:
    drawn_as = coarse_labels(dataset, taxonomy)
    for protocol in protocols:
        for seed in range(seeds):
            for split in splits(protocol, dataset, seed, drawn_as):
                proven = None if check is None else count_siblings(split, check.by_pixels)
                yield PlannedSplit(split, count_siblings(split, dataset), proven)
