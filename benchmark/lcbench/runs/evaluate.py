"""Finished runs on an external folder of images."""

from __future__ import annotations

import traceback
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lcbench.compute import DeviceChoice, PrecisionChoice, resolve_compute
from lcbench.console import progress
from lcbench.datasets.dataset import Dataset, drop_unreadable
from lcbench.datasets.labels import LabelReader, read_labels_with
from lcbench.datasets.listing import Listing, decode_all, list_images, manifest_hash
from lcbench.errors import UserError
from lcbench.features.extraction import Features
from lcbench.features.views import View
from lcbench.predictions.table import predictions_table, write_predictions
from lcbench.runs.external import describe_external, external_folder
from lcbench.runs.external_records import ExternalRecord, Predicted, RunLeftOut
from lcbench.runs.overlap import overlap_with_training
from lcbench.runs.plan_records import PlanRecord
from lcbench.runs.records import write_record
from lcbench.runs.restoring import (
    backbones_of,
    kind_and_settings,
    predict,
    weights_option,
    without_kind,
)
from lcbench.runs.store import (
    EVALUATION,
    plan_taxonomy,
    read_plan,
    run_folders,
    sole_writer,
)
from lcbench.runs.stored import StoredRun, name_of, read_runs, stored_file
from lcbench.runs.suite import about_words
from lcbench.runs.unchanged import tell_unchanged
from lcbench.storage.leftovers import sweep
from lcbench.storage.paths import inside
from lcbench.storage.whole import whole_folder
from lcbench.taxonomy import Taxonomy

_SHOWN = 3
_AGAIN = "lcbench run, with the same command as before, does it again"


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
    options = replace(options, about=about_words(options.about))
    with sole_writer(suite_folder):
        sweep(suite_folder)
        return _evaluate(source, suite_folder, options, reader)


def _evaluate(
    source: Path, suite_folder: Path, options: EvaluationOptions, reader: LabelReader | None
) -> Evaluation:
    plan = read_plan(suite_folder)
    runs, unusable = _finished_runs(suite_folder, plan)
    taxonomy = plan_taxonomy(plan)
    reader = reader or read_labels_with(options.labels, taxonomy)
    listing = list_images(source, reader)
    _require_something_to_score(source, listing)
    dataset = _load(source, listing)
    compute = resolve_compute(options.device, options.precision)
    left_out = without_kind(runs)
    backbones, without_weights = backbones_of(
        [run for run in runs if run.config.baseline not in left_out],
        weights_option(runs, plan, options.weights, offline=options.offline),
    )
    left_out |= without_weights
    features = Features(dataset, compute, backbones)
    usable = [run for run in runs if run.config.baseline not in left_out]
    _compute_features(usable, features)
    folder = external_folder(suite_folder, dataset)
    splits = {f"{run.config.protocol}/{run.folder.name}": run.config.split.sha256 for run in runs}
    overlap = overlap_with_training(suite_folder, plan, dataset, options.training, splits)
    record = describe_external(folder, listing, dataset, left_out, overlap, options.about)
    with whole_folder(folder) as temporary:
        predicted, broken = _predict_all(usable, features, taxonomy, temporary)
        whole = {
            "predicted": predicted,
            "runs_left_out": (*unusable, *broken),
            "source": str(source),
            "device": compute.device,
            "precision": compute.precision,
        }
        record = record.model_copy(update=whole)
        write_record(temporary / EVALUATION, record)
    return Evaluation(folder, record, len(predicted))


def _finished_runs(
    suite_folder: Path, plan: PlanRecord
) -> tuple[list[StoredRun], list[RunLeftOut]]:
    """Return the finished runs of what the suite has, and why others cannot be used."""
    stored = read_runs(run_folders(suite_folder, plan.protocols))
    runs: list[StoredRun] = []
    unusable = [
        RunLeftOut(run=name_of(folder), reason=f"{error.message}; {_AGAIN}")
        for folder, error in stored.unusable.items()
        if _is_of_suite(name_of(folder), plan)
    ]
    for run in stored.sound.values():
        foreign = run.foreign_to(plan)
        if not run.done or not _is_of_suite(run.name, plan):
            continue
        if foreign:
            unusable.append(RunLeftOut(run=run.name, reason=foreign))
        else:
            runs.append(run)
    if not runs:
        why = "; ".join(f"{one.run}: {one.reason}" for one in unusable[:_SHOWN])
        message = f"{suite_folder}: no finished runs" + (f" ({why})" if why else "")
        raise UserError(message, "Run the suite first: lcbench run")
    return runs, unusable


def _is_of_suite(run: str, plan: PlanRecord) -> bool:
    protocol, baseline, _ = run.split("/")
    return plan.has_protocol(protocol) and plan.has_baseline(baseline)


def _reason(error: Exception) -> str:
    """Return a user's error in words, and any other with its traceback."""
    if isinstance(error, UserError):
        return str(error)
    return "".join(traceback.format_exception(error))


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


def _compute_features(runs: list[StoredRun], features: Features) -> None:
    """Fill the caches, and say which images have not the view that a baseline looks at."""
    told: set[View] = set()
    for run in runs:
        kind, settings = kind_and_settings(run)
        view = settings.view
        prepared = features.prepare(
            kind.needs(settings), settings.encoder_key, view, settings.last_part
        )
        if view is not None and prepared is not None and view not in told:
            told.add(view)
            tell_unchanged(features, view, prepared)


def _predict_all(
    runs: list[StoredRun], features: Features, taxonomy: Taxonomy, folder: Path
) -> tuple[dict[str, Predicted], list[RunLeftOut]]:
    """Write the predictions of every run that can predict; return what binds them, and the rest."""
    predicted: dict[str, Predicted] = {}
    broken: list[RunLeftOut] = []
    with progress(f"Predicting {features.dataset.name}", len(runs)) as advance:
        for run in runs:
            try:
                probabilities = predict(run, features, taxonomy)
            except Exception as error:  # noqa: BLE001 - one broken model stops no other
                broken.append(RunLeftOut(run=run.name, reason=_reason(error)))
            else:
                predicted[run.name] = _store(run, probabilities, features, taxonomy, folder)
            advance(1)
    return predicted, broken


def _store(
    run: StoredRun,
    probabilities: NDArray[np.floating],
    features: Features,
    taxonomy: Taxonomy,
    folder: Path,
) -> Predicted:
    """Write the predictions of a run, and return what binds them to it."""
    config = run.config
    predictions = predictions_table(
        features.dataset.manifest,
        probabilities,
        taxonomy.leaves,
        protocol=config.protocol,
        seed=config.seed,
        fold=config.fold,
        baseline=config.baseline,
    ).decided(config.decision, taxonomy)
    path = inside(folder, f"{run.name}.parquet")
    write_predictions(path, predictions)
    return Predicted(file=stored_file(path), run=run.identity)
