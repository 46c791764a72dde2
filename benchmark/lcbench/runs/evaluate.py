"""Finished runs on an external folder of images."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from lcbench.compute import Compute, DeviceChoice, PrecisionChoice, resolve_compute
from lcbench.console import progress
from lcbench.datasets.dataset import Dataset, drop_unreadable
from lcbench.datasets.labels import LabelReader, read_labels_with
from lcbench.datasets.listing import Listing, decode_all, list_images, manifest_hash
from lcbench.errors import UserError
from lcbench.features.extraction import Features
from lcbench.features.samples import Samples
from lcbench.models.backbones import Backbone, fetch_backbone, resolve_backbone
from lcbench.models.baseline import Context, State, find_kind
from lcbench.models.weights import WeightOptions, how_to_get
from lcbench.predictions.table import predictions_table, write_predictions
from lcbench.provenance import command, now
from lcbench.runs.job import seed_of_run
from lcbench.runs.overlap import overlap_with_training
from lcbench.runs.records import (
    BackboneRecord,
    ExternalRecord,
    LabelCount,
    LeftOut,
    OverlapRecord,
    PlanRecord,
    read_record,
    write_record,
)
from lcbench.runs.store import (
    EVALUATION,
    EXTERNAL,
    MODEL,
    StoredRun,
    plan_taxonomy,
    read_plan,
    read_run,
    run_folders,
)
from lcbench.storage import whole_folder
from lcbench.taxonomy import Taxonomy


@dataclass(frozen=True)
class EvaluationOptions:
    """What `lcbench evaluate` was asked for.

    `training`: where the training images lie now. `about`: what kind of images these are.
    """

    labels: Path | None = None
    training: Path | None = None
    weights: str | None = None
    offline: bool = False
    device: DeviceChoice = "auto"
    precision: PrecisionChoice = "auto"
    about: str = ""


@dataclass(frozen=True)
class Evaluation:
    """What came of it: where it is stored, the record, and how many runs predicted."""

    folder: Path
    record: ExternalRecord
    runs: int


def evaluate(
    source: Path,
    suite_folder: Path,
    options: EvaluationOptions,
    reader: LabelReader | None = None,
) -> Evaluation:
    """Let every finished run of a suite predict the images of a folder, and store it.

    Labels are read with `reader`, or as the options say. They may be leaves or inner nodes of the
    class tree; images whose label is not known are left out and counted. Unreadable images are
    counted and named, never fatal.

    Raises
    ------
    UserError
        If the folder holds nothing that can be scored, or the suite no finished run.
    """
    plan = read_plan(suite_folder)
    runs = _finished_runs(suite_folder)
    taxonomy = plan_taxonomy(plan)
    reader = reader or read_labels_with(options.labels, taxonomy)
    listing = list_images(source, reader)
    _require_something_to_score(source, listing)
    dataset = _load(source, listing)
    compute = resolve_compute(options.device, options.precision)
    backbones, left_out = _backbones(runs, _weights_option(runs, plan, options))
    features = Features(dataset, compute, backbones)
    usable = [run for run in runs if run.config.baseline not in left_out]
    _compute_features(usable, features)
    folder = _folder(suite_folder, dataset)
    overlap = overlap_with_training(suite_folder, plan, dataset, options.training)
    how = {"source": str(source), "device": compute.device, "precision": compute.precision}
    record = _describe(folder, listing, dataset, left_out, overlap, options.about).model_copy(
        update=how
    )
    with whole_folder(folder) as temporary:
        with progress(f"Predicting {dataset.name}", len(usable)) as advance:
            for run in usable:
                _predict(run, features, taxonomy, compute, temporary)
                advance(1)
        write_record(temporary / EVALUATION, record)
    return Evaluation(folder, record, len(usable))


def _finished_runs(suite_folder: Path) -> list[StoredRun]:
    found = (read_run(folder) for folder in run_folders(suite_folder, read_plan(suite_folder)))
    runs = [run for run in found if run is not None and run.done]
    if not runs:
        raise UserError(f"{suite_folder}: no finished runs", "Run the suite first: lcbench run")
    return runs


def _require_something_to_score(source: Path, listing: Listing) -> None:
    if listing.rows.empty:
        seen = ", ".join(sorted({*listing.unknown, *listing.left_out})) or "none"
        raise UserError(
            f"{source}: no image has a class that the models know",
            f"Class names seen: {seen}. Say what they stand for with --labels MAP.toml.",
        )


def _load(source: Path, listing: Listing) -> Dataset:
    with progress("Reading images", len(listing.rows)) as advance:
        manifest = decode_all(listing, advance)
    manifest, skipped = drop_unreadable(source, manifest, "skip")
    if manifest.empty:
        raise UserError(f"{source}: none of its {len(skipped)} images can be read")
    return Dataset(
        name=source.resolve().stem if source.is_file() else source.resolve().name,
        root=listing.root,
        manifest=manifest,
        groups_source="the group column of its CSV" if (manifest["group"] != "").all() else "",
        skipped=skipped,
        synthetic=False,
        sha256=manifest_hash(manifest),
    )


def _weights_option(
    runs: list[StoredRun], plan: PlanRecord, options: EvaluationOptions
) -> WeightOptions:
    """Return `--weights` for the backbone that it can be for: the one that `lcbench run` takes."""
    used = [(run.config.baseline, run.config.backbone) for run in runs if run.config.backbone]
    likely = [
        *(backbone.name for _, backbone in used if backbone.weights.startswith("file ")),
        *(backbone.name for baseline, backbone in used if baseline == plan.reference),
        *(backbone.name for _, backbone in used),
    ]
    return WeightOptions(options.weights, likely[0] if likely else "", options.offline)


def _backbones(
    runs: list[StoredRun], options: WeightOptions
) -> tuple[dict[str, Backbone], dict[str, str]]:
    """Find the weights that the runs were trained with; return reasons for those that cannot be."""
    backbones: dict[str, Backbone] = {}
    left_out: dict[str, str] = {}
    for run in runs:
        wanted = run.config.backbone
        if wanted is None or run.config.baseline in left_out:
            continue
        try:
            backbone = backbones.get(wanted.name) or _backbone(wanted, options)
            facts = backbone.facts
        except UserError as error:
            left_out[run.config.baseline] = error.message
            continue
        if facts.weights_sha256 == wanted.weights_sha256:
            backbones[wanted.name] = backbone
        else:
            left_out[run.config.baseline] = (
                f"{backbone.source} are other weights of {wanted.name} than the run was trained "
                f"with ({wanted.weights})"
            )
    return backbones, left_out


def _backbone(wanted: BackboneRecord, options: WeightOptions) -> Backbone:
    asked = options.weights if wanted.name == options.backbone else None
    if asked is None and wanted.random:
        asked = "random"
    if asked is None and wanted.weights.startswith("file "):
        asked = wanted.weights.removeprefix("file ")
    weights = WeightOptions(asked, wanted.name, options.offline)
    backbone = resolve_backbone(wanted.name, weights)
    if backbone is None:
        raise UserError(f"no weights of {wanted.name} here; {how_to_get(wanted.name)}")
    return fetch_backbone(backbone)


def _compute_features(runs: list[StoredRun], features: Features) -> None:
    for run in runs:
        kind = find_kind(run.config.kind)
        settings = kind.settings_type.model_validate(run.config.recipe)
        features.prepare(kind.needs(settings), settings.backbone)


def _predict(
    run: StoredRun, features: Features, taxonomy: Taxonomy, compute: Compute, folder: Path
) -> None:
    config = run.config
    kind = find_kind(config.kind)
    settings = kind.settings_type.model_validate(config.recipe)
    backbone = features.backbones[config.backbone.name] if config.backbone else None
    seed = seed_of_run(config.seed, config.fold)
    baseline = kind(settings, Context(taxonomy, compute, seed, backbone))
    baseline.restore(_stored_model(run.folder / MODEL))
    manifest = features.dataset.manifest
    probabilities = baseline.predict(Samples(features, np.arange(len(manifest))))
    predictions = predictions_table(
        manifest,
        probabilities,
        taxonomy.leaves,
        protocol=config.protocol,
        seed=config.seed,
        fold=config.fold,
        baseline=config.baseline,
    )
    path = folder / config.protocol / config.baseline / f"{run.folder.name}.parquet"
    write_predictions(path, predictions)


def _stored_model(path: Path) -> State:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        return load(path.read_bytes())
    except (FileNotFoundError, SafetensorError) as error:
        raise UserError(f"{path}: not a readable model: {error}", "Run the suite again.") from error


def _folder(suite_folder: Path, dataset: Dataset) -> Path:
    """Return where to store it; another folder of the same name keeps its place."""
    folder = suite_folder / EXTERNAL / dataset.name
    if not (folder / EVALUATION).is_file():
        return folder
    same = read_record(folder / EVALUATION, ExternalRecord).sha256 == dataset.sha256
    return folder if same else folder.with_name(f"{dataset.name}-{dataset.sha256[:8]}")


def _describe(
    folder: Path,
    listing: Listing,
    dataset: Dataset,
    left_out: dict[str, str],
    overlap: OverlapRecord,
    about: str,
) -> ExternalRecord:
    given = pd.Series(listing.rows["given"].to_numpy(), index=listing.rows["image"])
    manifest = dataset.manifest
    return ExternalRecord(
        name=folder.name,
        command=command(),
        created=now(),
        labels=tuple(_label_counts(listing)),
        images=len(listing.rows) + sum(listing.unknown.values()) + sum(listing.left_out.values()),
        scored=len(manifest),
        copies=int(manifest["sha256"].duplicated().sum()),
        contradictions=tuple(_contradictions(manifest, given)),
        unreadable=dataset.skipped,
        sha256=dataset.sha256,
        left_out=tuple(LeftOut(baseline=name, reason=why) for name, why in left_out.items()),
        overlap=overlap,
        about=about.strip(),
    )


def _label_counts(listing: Listing) -> Iterator[LabelCount]:
    for (label, node), rows in listing.rows.groupby(["given", "label"]):
        yield LabelCount(label=label, node=node, images=len(rows))
    for label, count in sorted(listing.left_out.items()):
        yield LabelCount(label=label, node="", images=count, left_out=True)
    for label, count in sorted(listing.unknown.items()):
        yield LabelCount(label=label, node="", images=count)


def _contradictions(manifest: pd.DataFrame, given: pd.Series) -> Iterator[str]:
    """Yield sets of byte-identical images that lie under different labels."""
    for _, copies in manifest.groupby("sha256", sort=False):
        if given.loc[copies["image"]].nunique() > 1:
            yield " = ".join(copies["image"])
