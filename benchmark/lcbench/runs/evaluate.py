"""Finished runs on an external folder of images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from lcbench.compute import resolve_compute
from lcbench.console import warn
from lcbench.datasets.labels import LabelReader, read_labels_with
from lcbench.datasets.listing import Listing
from lcbench.errors import UserError
from lcbench.predictions.messages import counted, listed
from lcbench.runs.calibration_part import calibration_part
from lcbench.runs.evaluation_options import EvaluationOptions
from lcbench.runs.external import (
    describe_external,
    external_folder,
    folder_name,
    images_table,
    place_of,
)
from lcbench.runs.external_images import ExternalImages, Grouping, list_external, read_external
from lcbench.runs.external_records import ExternalRecord
from lcbench.runs.external_table import YES, write_images
from lcbench.runs.overlap import overlap_with_training
from lcbench.runs.plan_records import LeftOut, PlanRecord
from lcbench.runs.predicting import Ready, make_ready, predict_all
from lcbench.runs.records import read_record, write_record
from lcbench.runs.shift import shift_from_training
from lcbench.runs.shift_records import ShiftRecord
from lcbench.runs.shift_sides import images_of
from lcbench.runs.store import (
    EVALUATION,
    EXTERNAL,
    plan_taxonomy,
    read_plan,
    sole_writer,
)
from lcbench.runs.stored import StoredRun
from lcbench.runs.suite import about_words
from lcbench.runs.usable_runs import finished_runs
from lcbench.storage.leftovers import sweep
from lcbench.storage.whole import whole_folder

_SHOWN = 3


@dataclass(frozen=True)
class Evaluation:
    """What came of it: where it is stored, the record, and how many runs predicted.

    Where none did, nothing is stored, and what was stored of the folder before stays.
    """

    folder: Path
    record: ExternalRecord
    runs: int


class _NothingPredictedError(Exception):
    """Takes what was begun away again: no run could predict."""

    def __init__(self, record: ExternalRecord) -> None:
        super().__init__(record.name)
        self.record = record


TellImages = Callable[[ExternalRecord, ExternalImages], None]


def evaluate(
    source: Path,
    suite_folder: Path,
    options: EvaluationOptions,
    reader: LabelReader | None = None,
    tell: TellImages | None = None,
) -> Evaluation:
    """Let every finished run of a suite predict the images of a folder, and store it.

    Images whose label the class tree does not have are predicted too, and scored nowhere.
    Unreadable images are counted and named, never fatal.

    Parameters
    ----------
    source, suite_folder, options
        The folder or CSV, the suite whose runs predict, and what was asked for.
    reader
        Reads the labels; as the options say by default.
    tell
        Told what the folder holds, before anything is predicted.

    Raises
    ------
    UserError
        If the folder holds nothing that can be scored, or the suite no finished run; if options
        contradict each other or find nothing.
    """
    options.require_consistent()
    options = replace(options, about=about_words(options.about))
    with sole_writer(suite_folder):
        sweep(suite_folder)
        try:
            return _evaluate(source, suite_folder, options, reader, tell)
        except _NothingPredictedError as nothing:
            place = suite_folder / EXTERNAL
            with suppress(OSError):  # others have been evaluated
                place.rmdir()
            return Evaluation(place / nothing.record.name, nothing.record, 0)


def _evaluate(
    source: Path,
    suite_folder: Path,
    options: EvaluationOptions,
    reader: LabelReader | None,
    tell: TellImages | None,
) -> Evaluation:
    plan = read_plan(suite_folder)
    runs, unusable = finished_runs(suite_folder, plan, options.only)
    taxonomy = plan_taxonomy(plan)
    reader = reader or read_labels_with(options.labels, taxonomy)
    images = _read_images(source, reader, options)
    _tell_unused(reader, images.listing, options)
    folder, record, table = _describe(source, suite_folder, plan, runs, images, options)
    if tell is not None:
        tell(record, images)
    _tell_tiles(plan, options)
    _tell_replaced(folder, runs, options)
    compute = resolve_compute(options.device, options.precision)
    ready = make_ready(runs, images.dataset, plan, compute, options)
    left_out = tuple(LeftOut(baseline=name, reason=why) for name, why in ready.left_out.items())
    with whole_folder(folder) as temporary:
        predicted, broken = predict_all(ready, taxonomy, temporary)
        became = {"left_out": left_out, "runs_left_out": (*unusable, *broken)}
        if not predicted:
            raise _NothingPredictedError(record.model_copy(update=became))
        whole = {
            **became,
            "predicted": predicted,
            "table": write_images(temporary, table),
            "device": compute.device,
            "precision": compute.precision,
            "unchanged": ready.unchanged,
            "shift": _shift(ready, runs, plan, record, table, options),
            "tiling": ready.tiles.words if ready.tiles else "",
        }
        record = record.model_copy(update=whole)
        write_record(temporary / EVALUATION, record)
    return Evaluation(folder, record, len(predicted))


def _tell_tiles(plan: PlanRecord, options: EvaluationOptions) -> None:
    """Say so where models that were trained on tiles are to answer whole images."""
    size = next((one.tile for one in reversed(plan.invocations) if one.tile), None)
    if plan.dataset.tiling and size and not options.tile:
        warn(
            f"the runs were trained on tiles of {size} px and are shown whole images: "
            f"--tile {size} cuts these in the same way"
        )


def _tell_unused(reader: LabelReader, listing: Listing, options: EvaluationOptions) -> None:
    """Say so where the label map speaks of labels that no image has."""
    unused = reader.unused([*listing.rows["given"], *listing.left_out])
    if unused:
        seen = sorted({*listing.rows["given"], *listing.left_out} - {""})
        warn(
            f"{options.labels}: no image is labelled {listed(map(repr, unused), _SHOWN)} "
            f"(labels seen: {listed(map(repr, seen), _SHOWN)})"
        )


def _tell_replaced(folder: Path, runs: Sequence[StoredRun], options: EvaluationOptions) -> None:
    """Say so where `--only` takes the place of what other baselines had predicted."""
    if not options.only:
        return
    try:
        before = read_record(folder / EVALUATION, ExternalRecord)
    except UserError:  # there is none, or it is damaged
        return
    others = {name.split("/")[1] for name in before.predicted}
    others -= {run.config.baseline for run in runs}
    if others:
        warn(
            f"{folder.name}: replaces what {counted(len(others), 'other baseline')} had predicted "
            f"({listed(sorted(others), _SHOWN)}); leave out --only to ask all"
        )


def _read_images(source: Path, reader: LabelReader, options: EvaluationOptions) -> ExternalImages:
    grouping = Grouping.asked(source, options.groups, options.group_pattern)
    listing = list_external(source, reader, options.label_pattern, unlabelled=options.unlabelled)
    return read_external(source, options.name or folder_name(source), listing, grouping)


def _describe(
    source: Path,
    suite_folder: Path,
    plan: PlanRecord,
    runs: Sequence[StoredRun],
    images: ExternalImages,
    options: EvaluationOptions,
) -> tuple[Path, ExternalRecord, pd.DataFrame]:
    """Return where the evaluation will lie, what the folder holds, and the table of its images."""
    dataset = images.dataset
    folder = external_folder(suite_folder, source, dataset.name, dataset.sha256, options.name)
    splits = {f"{run.config.protocol}/{run.folder.name}": run.config.split.sha256 for run in runs}
    known = images_of(runs)
    trained = {
        image: sha256
        for image, sha256 in zip(known["image"], known["sha256"], strict=True)
        if sha256
    }
    overlap = overlap_with_training(suite_folder, plan, dataset, options.training, splits, trained)
    set_aside = np.zeros(len(dataset.manifest), bool)
    if options.calibrate_on is not None:
        set_aside = calibration_part(dataset.manifest, overlap.contaminated, options.calibrate_on)
    table = images_table(images, overlap, set_aside)
    record = describe_external(folder, images, overlap, table, options.record)
    asked = {"about": options.about, "source": str(source), "place": place_of(source)}
    return folder, record.model_copy(update=asked), table


def _shift(
    ready: Ready,
    runs: Sequence[StoredRun],
    plan: PlanRecord,
    record: ExternalRecord,
    table: pd.DataFrame,
    options: EvaluationOptions,
) -> ShiftRecord:
    """Return how the images differ from the training images, where these can be looked at."""
    root = options.training or (Path(plan.root) if plan.root else None)
    reason = record.overlap.reason if record.overlap else ""
    contaminated = (table["contaminated"] == YES).to_numpy()
    if ready.tiles is not None:  # what is compared are tiles
        contaminated = contaminated[ready.tiles.image_of]
    return shift_from_training(ready, runs, root, contaminated, reason)
