"""One run: fit, predict, store. Works alone in a process of its own."""

from __future__ import annotations

import shutil
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lcbench.compute import PeakMemory, processor
from lcbench.errors import UserError, from_lack_of_memory
from lcbench.features.cache import CachedArray
from lcbench.features.embedding_files import EmbeddingFile
from lcbench.features.extraction import TRAINS_LAYERS, Features
from lcbench.features.samples import Samples
from lcbench.models.baseline import Context, FitSummary
from lcbench.predictions.table import Predictions, predictions_table, write_predictions
from lcbench.protocols import Split
from lcbench.provenance import now
from lcbench.runs.plan import PlannedBaseline
from lcbench.runs.records import RunConfig, RunState, write_record
from lcbench.runs.stored import CONFIG, HISTORY, MODEL, PREDICTIONS, STATE, VALIDATION, seal
from lcbench.runs.unfinished import unfinished_of
from lcbench.storage.whole import whole_folder, write_text
from lcbench.tables import csv_text
from lcbench.taxonomy import Taxonomy

Result = TypeVar("Result")


@dataclass(frozen=True)
class Job:
    """Everything that one run needs.

    `stands`: whether its folder holds a good run, which a failure must not replace.
    """

    folder: Path
    config: RunConfig
    baseline: PlannedBaseline
    split: Split
    features: Features
    taxonomy: Taxonomy
    stands: bool = False


@dataclass(frozen=True)
class _Fitted:
    model: bytes
    summary: FitSummary
    predictions: Predictions
    validation: Predictions | None
    state: RunState


def run_job(job: Job) -> RunState:
    """Do a run and store its folder, whole or not at all.

    An error of the fit is stored as the run's state: it concerns this run alone; where a good run
    stands, it is only returned. A folder that cannot be written is raised, because it concerns
    every run.

    Raises
    ------
    UserError
        If the folder cannot be written.
    """
    started = now()
    try:
        fitted = _fit_and_predict(job, started)
    except KeyboardInterrupt:
        raise
    except UserError as error:
        return store_failure(job, started, str(error))
    except BaseException as error:  # noqa: BLE001 - of a kind that is broken, or exits
        known = from_lack_of_memory(error)
        return store_failure(job, started, str(known) if known else traceback.format_exc())
    with whole_folder(job.folder) as folder:
        _store(folder, job, fitted)
    shutil.rmtree(unfinished_of(job.folder, job.config).folder, ignore_errors=True)
    return fitted.state


def seed_of_run(seed: int, fold: int) -> int:
    """Return the seed of a split's fits: the same for every baseline, so that arms are paired."""
    return int(np.random.SeedSequence([seed, fold]).generate_state(1)[0])


def _fit_and_predict(job: Job, started: str) -> _Fitted:
    from safetensors.numpy import save

    compute = job.features.compute
    seed = seed_of_run(job.split.seed, job.split.fold)
    unfinished = unfinished_of(job.folder, job.config)
    context = Context(job.taxonomy, compute, seed, job.baseline.backbone, unfinished)
    baseline = job.baseline.kind(job.baseline.settings, context)
    train, validation, test = (
        Samples(job.features, job.split.rows(side)) for side in ("train", "validation", "test")
    )
    trains_layers = job.baseline.needs in TRAINS_LAYERS
    with (
        PeakMemory(compute.device if trains_layers else "cpu") as memory,
        nullcontext() if trains_layers else _as_small_fits_run(),
    ):
        summary, train_seconds = _timed(lambda: baseline.fit(train, validation))
        probabilities, predict_seconds = _timed(lambda: baseline.predict(test))
        on_validation = baseline.predict(validation) if len(validation) else None
    predictions = _predictions(job, test, probabilities)
    held_back = None if on_validation is None else _predictions(job, validation, on_validation)
    state = RunState(
        status="done",
        started=started,
        train_seconds=round(train_seconds, 3),
        images_per_second=_images_per_second(job, predict_seconds, len(test)),
        peak_memory_mb=memory.megabytes,
        parameters=summary.parameters,
        of_backbone=summary.of_backbone,
        epochs=summary.epochs,
        best_epoch=summary.best_epoch,
        processor=processor(compute.device),
        unchanged=_unchanged(job),
        chosen=summary.chosen,
    )
    return _Fitted(save(baseline.state()), summary, predictions, held_back, state)


def _predictions(job: Job, samples: Samples, probabilities: NDArray[np.floating]) -> Predictions:
    wanted = (len(samples), len(job.taxonomy.leaves))
    require_distributions(job.baseline.recipe.kind, probabilities, wanted)
    return predictions_table(
        job.features.dataset.manifest.iloc[samples.rows],
        probabilities,
        job.taxonomy.leaves,
        protocol=job.split.protocol,
        seed=job.split.seed,
        fold=job.split.fold,
        baseline=job.baseline.name,
    ).decided(job.config.decision, job.taxonomy)


@contextmanager
def _as_small_fits_run() -> Iterator[None]:
    """Small fits gain nothing from threads, and one gives the same bits on any number of cores.

    Moments of gradients that stay 0 fade below 1e-38, where a processor takes many times as long.
    """
    import torch
    from threadpoolctl import threadpool_limits

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    try:
        with threadpool_limits(1):
            yield
    finally:
        torch.set_flush_denormal(False)
        torch.set_num_threads(before)


def _timed(work: Callable[[], Result]) -> tuple[Result, float]:
    started = time.perf_counter()
    return work(), time.perf_counter() - started


def _prepared(job: Job) -> CachedArray | None:
    settings = job.baseline.settings
    return job.features.prepare(
        job.baseline.needs, settings.encoder_key, settings.view, settings.last_part
    )


def _unchanged(job: Job) -> int:
    prepared = _prepared(job)
    return 0 if prepared is None else len(prepared.unchanged)


def _images_per_second(job: Job, predict_seconds: float, images: int) -> float | None:
    prepared = _prepared(job)
    if prepared is None or isinstance(job.baseline.backbone, EmbeddingFile):
        return None
    return round(1 / (1 / prepared.images_per_second + predict_seconds / images), 1)


def require_distributions(
    kind: str, probabilities: NDArray[np.floating], wanted: tuple[int, int]
) -> None:
    """Hold a kind to its contract; what breaks it would spoil the report of every baseline.

    Raises
    ------
    UserError
        If it predicted anything but (images, leaves) probabilities.
    """
    if np.shape(probabilities) != wanted:
        raise UserError(f"kind {kind}: predict gave shape {np.shape(probabilities)}, not {wanted}")
    good = (probabilities >= 0).all() and np.allclose(probabilities.sum(axis=1), 1, atol=1e-3)
    if not good:
        raise UserError(
            f"kind {kind}: predict gave probabilities that are missing, negative or do not sum to 1"
        )


def _store(folder: Path, job: Job, fitted: _Fitted) -> None:
    write_record(folder / CONFIG, job.config)
    if fitted.summary.history:
        history = pd.DataFrame([asdict(epoch) for epoch in fitted.summary.history])
        write_text(folder / HISTORY, csv_text(history))
    write_predictions(folder / PREDICTIONS, fitted.predictions)
    if fitted.validation is not None:
        write_predictions(folder / VALIDATION, fitted.validation)
    (folder / MODEL).write_bytes(fitted.model)
    _store_state(folder, fitted.state)


def store_failure(job: Job, started: str, reason: str) -> RunState:
    """Store that a run failed, unless a good one stands in its place; return the state."""
    state = RunState(status="failed", started=started, error=reason)
    if not job.stands:
        with whole_folder(job.folder) as folder:
            write_record(folder / CONFIG, job.config)
            _store_state(folder, state)
    return state


def _store_state(folder: Path, state: RunState) -> None:
    """Write the state last: it names the hash of every other file."""
    write_record(folder / STATE, state.model_copy(update={"files": seal(folder)}))
