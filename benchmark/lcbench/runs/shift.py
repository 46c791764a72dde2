"""How an external folder differs from the images that a suite's models learned from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lcbench.console import progress
from lcbench.datasets.dataset import Dataset
from lcbench.datasets.images import ImageFile, open_again
from lcbench.errors import UserError
from lcbench.features.appearance import Appearance, appearance
from lcbench.features.decoding import ahead
from lcbench.features.extraction import colour_histogram
from lcbench.runs.predicting import Ready
from lcbench.runs.restoring import kind_and_settings, reason_of
from lcbench.runs.shift_records import (
    RANGE,
    ColourRecord,
    OutsideRecord,
    Range,
    ShiftRecord,
    SpaceRecord,
    Vector,
)
from lcbench.runs.shift_sides import (
    MOST,
    Rows,
    TrainingSide,
    files_of,
    first_by_content,
    one_a_group,
    training_side,
)
from lcbench.runs.stored import StoredRun
from lcbench.statistics.rates import grouped_share
from lcbench.statistics.two_samples import (
    FEWEST,
    PERMUTATIONS,
    energy_test,
    nearest_distances,
    pairwise,
)

_QUANTILE = 0.99
_CLOUD = 300
"""Images of a side that the picture shows."""
_NO_GROUPS = "there are fewer than two source groups on a side"
Points = NDArray[np.floating[Any]]


def shift_from_training(
    ready: Ready,
    runs: Sequence[StoredRun],
    root: Path | None,
    contaminated: NDArray[np.bool_],
    reason: str = "",
) -> ShiftRecord:
    """Compare the images of an external folder with those of the runs' training.

    Parameters
    ----------
    ready
        The runs that can predict the folder, and its features.
    runs
        All finished runs of the suite.
    root
        Where the images of the suite lie; None where nobody knows.
    contaminated
        (images,) external images, or tiles where they are cut, with tissue of the training
        images: they are left out.
    reason
        Why the training images cannot be looked at; empty where they can.
    """
    if reason or root is None:
        return ShiftRecord(reason=reason or "the runs do not say where their images lie")
    external = ready.features.dataset
    rows = np.flatnonzero(~contaminated)
    if not len(rows):
        return ShiftRecord(reason="every image shows tissue of the training images")
    try:
        return _compare(ready, training_side(runs, root), rows, external)
    except (UserError, OSError) as error:
        return ShiftRecord(reason=reason_of(error))


def _compare(ready: Ready, training: TrainingSide, rows: Rows, external: Dataset) -> ShiftRecord:
    manifest = external.manifest.iloc[rows].reset_index(drop=True)
    some = np.sort(first_by_content(manifest, MOST).index.to_numpy(np.intp))
    known, looked_at = training.dataset, rows[some]
    of_training, training_bins = _seen(known, np.arange(len(known.manifest)))
    of_external, external_bins = _seen(external, looked_at)
    pair = _Pair(training, manifest.iloc[some].reset_index(drop=True))
    spaces = [pair.compare("", training_bins, external_bins)]
    without: dict[str, str] = {}
    pair = _Pair(training, manifest)
    for name in embedded(ready.runs):
        try:
            own = ready.features.embeddings(name).values[rows]
            spaces.append(pair.compare(name, training.embeddings(name, ready.features), own))
        except (UserError, OSError) as error:
            without[name] = reason_of(error)
    sides = (known.groups_known, external.groups_known)
    held_out = known.manifest[training.held_out]
    return ShiftRecord(
        images=len(rows),
        contaminated=len(external.manifest) - len(rows),
        training_images=len(known.manifest),
        training_groups=known.manifest["group"].nunique(),
        held_out=len(held_out),
        held_out_groups=held_out["group"].nunique(),
        groups_known=_KNOWN[sides],
        training=of_training,
        external=of_external,
        spaces=tuple(space for space in spaces if space is not None),
        without=without if spaces[0] is not None else {**without, "": _NO_GROUPS},
    )


_KNOWN: dict[tuple[bool, bool], Any] = {
    (True, True): "both",
    (True, False): "training",
    (False, True): "external",
    (False, False): "neither",
}


def embedded(runs: Sequence[StoredRun]) -> list[str]:
    """Return the backbones whose embeddings a baseline looks at, of images as they are.

    What a finished classifier looks at are answers of its own head: no features of the image.
    """
    names = []
    for run in runs:
        kind, settings = kind_and_settings(run)
        looks = kind.needs(settings) == "embeddings" and settings.view is None
        if looks and settings.encoder_key and settings.own_outputs is None:
            names.append(settings.encoder_key)
    return list(dict.fromkeys(names))


def _seen(dataset: Dataset, rows: Rows) -> tuple[ColourRecord, Points]:
    """Return the colour of some images, and the roots of their (images, bins) histograms.

    Distances of roots are Hellinger's: images that share no colour are as far apart as can be, be
    they of one colour or of many.
    """
    with progress(f"Colour of {dataset.name}", len(rows)) as advance:
        found = list(_looked_at(dataset, rows, advance))
    looks = [one for one, _ in found]
    by_content = np.argsort(dataset.manifest["sha256"].to_numpy(dtype=str)[rows], kind="stable")
    shown = [looks[row] for row in by_content[:_CLOUD]]
    return _colour(looks, shown), np.sqrt(np.stack([bins for _, bins in found]))


def _looked_at(
    dataset: Dataset, rows: Rows, advance: Callable[[int], None]
) -> Iterator[tuple[Appearance, Points]]:
    def look(file: ImageFile) -> tuple[Appearance, Points]:
        image = open_again(file)
        return appearance(image), colour_histogram(image)

    for one in ahead(look, files_of(dataset, rows)):
        advance(1)
        yield one


def _colour(looks: Sequence[Appearance], shown: Sequence[Appearance]) -> ColourRecord:
    lab = np.stack([one.lab for one in looks])
    stains = [one.stains for one in looks if one.stains is not None]
    mean = np.mean(stains, axis=0) if stains else None
    unit = None if mean is None else mean / np.linalg.norm(mean, axis=1, keepdims=True)
    return ColourRecord(
        images=len(looks),
        mean=_vector(lab.mean(axis=0)),
        spread=_vector(lab.std(axis=0)),
        stained=len(stains),
        haematoxylin=None if unit is None else _vector(unit[0]),
        eosin=None if unit is None else _vector(unit[1]),
        cloud=tuple((round(float(one.lab[1]), 2), round(float(one.lab[2]), 2)) for one in shown),
    )


def _vector(values: Points) -> Vector:
    first, second, third = (float(value) for value in values)
    return first, second, third


class _Pair:
    """Training images and external ones, in one space of features after the other.

    Parameters
    ----------
    training
        The sample of the training images.
    external
        One row an external image, with sha256, group and label.
    """

    def __init__(self, training: TrainingSide, external: pd.DataFrame) -> None:
        known = training.dataset.manifest
        self._held_out = training.held_out
        self._known = one_a_group(known)
        self._new = one_a_group(external)
        self._groups = external["group"].to_numpy()
        self._labels = external["label"].to_numpy(dtype=str)

    def compare(self, name: str, training: Points, external: Points) -> SpaceRecord | None:
        """Compare (images, features) of either side; None with fewer than two groups."""
        if min(len(self._known), len(self._new)) < FEWEST:
            return None
        held_out = self._held_out[self._known]
        known = training[self._known]
        reference = training[~self._held_out]
        of_held_out = nearest_distances(training[self._held_out], reference)
        of_external = nearest_distances(external, reference)
        test = energy_test(known, external[self._new])
        limit = float(np.quantile(of_held_out, _QUANTILE))
        apart = pairwise(known)[np.triu_indices(len(known), 1)]
        typical = float(np.median(apart))
        return SpaceRecord(
            space=name,
            distance=test.share,
            p=test.p,
            permutations=PERMUTATIONS,
            groups=(len(known), len(self._new)),
            among_training=_distance(known[held_out], known[~held_out]),
            limit=limit,
            typical=typical,
            farther=float((of_external > typical).mean()),
            outside=tuple(self._outside(of_external > limit)),
            held_out=_range(of_held_out),
            external=_range(of_external),
        )

    def _outside(self, beyond: NDArray[np.bool_]) -> Iterator[OutsideRecord]:
        yield self._share("", beyond, np.ones(len(beyond), np.bool_))
        for label in np.unique(self._labels):
            yield self._share(str(label), beyond, self._labels == label)

    def _share(
        self, label: str, beyond: NDArray[np.bool_], rows: NDArray[np.bool_]
    ) -> OutsideRecord:
        groups = np.unique(self._groups[rows], return_inverse=True)[1]
        size = np.bincount(groups).astype(np.float64)
        events = np.bincount(groups, weights=beyond[rows]).astype(np.float64)
        return OutsideRecord(
            label=label,
            images=int(rows.sum()),
            groups=len(size),
            outside=grouped_share(events, size),
        )


def _distance(first: Points, second: Points) -> float | None:
    if min(len(first), len(second)) < FEWEST:
        return None
    return energy_test(first, second, permutations=0).share


def _range(distances: Points) -> Range:
    low, quarter, median, more, high = (float(one) for one in np.quantile(distances, RANGE))
    return low, quarter, median, more, high
