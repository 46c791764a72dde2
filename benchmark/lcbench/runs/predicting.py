"""Finished runs predict the images of an external folder, each baseline at its own risk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lcbench.compute import Compute
from lcbench.console import progress
from lcbench.datasets.dataset import Dataset
from lcbench.datasets.tiles import Tiles, tiles_of
from lcbench.features.extraction import Features
from lcbench.features.views import View
from lcbench.predictions.table import predictions_table, write_predictions
from lcbench.runs.evaluation_options import EvaluationOptions
from lcbench.runs.external_records import Predicted, RunLeftOut, UnchangedRecord
from lcbench.runs.plan_records import PlanRecord
from lcbench.runs.restoring import (
    backbones_of,
    kind_and_settings,
    predict,
    reason_of,
    weights_option,
    without_kind,
)
from lcbench.runs.stored import StoredRun, stored_file
from lcbench.runs.stored_embeddings import embeddings_of
from lcbench.runs.unchanged import tell_unchanged
from lcbench.storage.hashes import content_hash
from lcbench.storage.paths import inside
from lcbench.taxonomy import Taxonomy


@dataclass(frozen=True)
class Ready:
    """Runs that can predict, and why others cannot.

    Parameters
    ----------
    runs
        Those that can.
    features
        What they predict from.
    images
        Those that are predicted.
    tiles
        Those that are looked at instead; None for whole images.
    left_out
        Why other baselines cannot.
    unchanged
        Images that have not the view that a baseline looks at.
    """

    runs: list[StoredRun]
    features: Features
    images: Dataset
    tiles: Tiles | None
    left_out: dict[str, str]
    unchanged: tuple[UnchangedRecord, ...]


def make_ready(
    runs: Sequence[StoredRun],
    dataset: Dataset,
    plan: PlanRecord,
    compute: Compute,
    options: EvaluationOptions,
) -> Ready:
    """Compute what finished runs predict from; what cannot be done costs its baseline alone.

    Raises
    ------
    UserError
        If files of embeddings were given that do not fit.
    """
    left_out = without_kind(runs)
    backbones, without_weights = backbones_of(
        [run for run in runs if run.config.baseline not in left_out],
        weights_option(runs, plan, options.weights, offline=options.offline),
    )
    files, without_embeddings = embeddings_of(runs, options.embeddings, dataset)
    left_out |= without_weights | without_embeddings
    # What a backbone makes of images does not depend on their labels: those may be mended later.
    tiles = tiles_of(dataset, options.tile)
    seen = tiles.dataset if tiles else dataset
    contents = replace(seen, sha256=content_hash(*seen.manifest["sha256"]))
    features = Features(contents, compute, {**backbones, **files})
    able = [run for run in runs if run.config.baseline not in left_out]
    unprepared, unchanged = _prepare(able, features)
    usable = [run for run in able if run.config.baseline not in unprepared]
    return Ready(usable, features, dataset, tiles, left_out | unprepared, unchanged)


def _prepare(
    runs: Sequence[StoredRun], features: Features
) -> tuple[dict[str, str], tuple[UnchangedRecord, ...]]:
    """Fill the caches: a backbone looks at each image once, whatever heads stand on it.

    Returns
    -------
    left_out, unchanged
        Baselines whose images cannot be prepared, with the reason; and the images that have not
        the view that a baseline looks at, which are also told.
    """
    left_out: dict[str, str] = {}
    unchanged: dict[View, UnchangedRecord] = {}
    for run in runs:
        baseline = run.config.baseline
        if baseline in left_out:
            continue
        try:
            kind, settings = kind_and_settings(run)
            view = settings.view
            prepared = features.prepare(
                kind.needs(settings), settings.encoder_key, view, settings.last_part
            )
        except BaseException as error:  # noqa: BLE001 - of a user's kind, perhaps
            left_out[baseline] = reason_of(error)
            continue
        if view is not None and prepared is not None and view not in unchanged:
            tell_unchanged(features, view, prepared)
            images = features.dataset.manifest["image"].iloc[prepared.unchanged]
            unchanged[view] = UnchangedRecord(view=str(view), images=tuple(images))
    return left_out, tuple(one for one in unchanged.values() if one.images)


def predict_all(
    ready: Ready, taxonomy: Taxonomy, folder: Path
) -> tuple[dict[str, Predicted], list[RunLeftOut]]:
    """Write the predictions of every run that can predict; return what binds them, and the rest."""
    predicted: dict[str, Predicted] = {}
    broken: list[RunLeftOut] = []
    features = ready.features
    with progress(f"Predicting {ready.images.name}", len(ready.runs)) as advance:
        for run in ready.runs:
            try:
                probabilities = predict(run, features, taxonomy)
                if ready.tiles is not None:
                    probabilities = ready.tiles.mean_by_image(probabilities)
            except BaseException as error:  # noqa: BLE001 - one broken model stops no other
                broken.append(RunLeftOut(run=run.name, reason=reason_of(error)))
            else:
                predicted[run.name] = _store(run, probabilities, ready.images, taxonomy, folder)
            advance(1)
    return predicted, broken


def _store(
    run: StoredRun,
    probabilities: NDArray[np.floating],
    images: Dataset,
    taxonomy: Taxonomy,
    folder: Path,
) -> Predicted:
    """Write the predictions of a run, and return what binds them to it."""
    config = run.config
    predictions = predictions_table(
        images.manifest,
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
