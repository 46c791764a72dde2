"""Two equal ways of training under crossed source groups and seeds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from simulated import Groups, crossed
from study_cells import SCORE, TRAINING, Cell, Outcome, Place, Seen, holds, training_holds
from study_pairs import ALPHA
from study_scores import COUNTS, counts_of_nodes, groups_at

from lcbench.statistics.effects import difference_panel
from lcbench.statistics.intervals import Interval, all_intervals
from lcbench.statistics.paired_tests import (
    PairedGroups,
    clustered_score_of_training,
    sign_flip,
)
from lcbench.statistics.pairwise import TestName
from lcbench.statistics.panel import count_panel
from lcbench.statistics.standard import ACCURACY

ERROR = 0.05
GROUPS = (40, 240, 710)
SEEDS = (3, 5, 10)
SEED_SDS = (0.0, 0.2, 0.39, 1.5)
CORRELATIONS = (0.1, 0.5)


def seed_cells(groups: Sequence[int]) -> Iterator[Cell]:
    """Yield the cells of seeds."""
    for count in groups:
        for icc in CORRELATIONS:
            for seeds in SEEDS:
                for seed_sd in SEED_SDS:
                    yield Cell("crossed", Place(count, icc, seeds, seed_sd), _draw)


def _draw(rng: np.random.Generator, place: Place) -> Seen:
    groups = groups_at(place)
    drawn = crossed(rng, groups.sizes, ERROR, place.icc, place.seeds, place.seed_sd / 100)
    size = np.repeat(groups.sizes[:, None], place.seeds, axis=1)
    pairs = PairedGroups(drawn[..., 1], drawn[..., 2], drawn[..., 3], size, groups.strata)
    accuracy = _accuracy(groups, drawn[..., 1] + drawn[..., 3], size)
    difference = all_intervals(difference_panel(pairs), ("score",))["score"]["rate"]
    test = clustered_score_of_training(pairs)
    assert test is not None
    covered = training_holds(difference, 0.0)
    return {
        Outcome("seeds", "accuracy 95 %", SCORE): holds(accuracy, 1.0 - ERROR),
        Outcome("coverage of training", "accuracy 95 %", TRAINING): training_holds(
            accuracy, 1.0 - ERROR
        ),
        Outcome("seeds", "difference 0 points", SCORE): holds(difference, 0.0),
        Outcome("coverage of training", "difference 0 points", TRAINING): covered,
        Outcome("level of training", "no difference", TRAINING): test.p < ALPHA,
        Outcome("agreement", "no difference", TRAINING): (test.p < ALPHA) == covered,
        Outcome("seeds", "no difference", TestName.sign_flip.value): sign_flip(pairs).p < ALPHA,
    }


def _accuracy(groups: Groups, wrong: np.ndarray, size: np.ndarray) -> Interval:
    classes = np.repeat(groups.classes, size.shape[1])
    units = np.arange(size.size)
    counts = np.zeros((size.size, 3, 3), np.int64)
    counts[units, classes, classes] = (size - wrong).ravel()
    counts[units, classes, (classes + 1) % 3] = wrong.ravel()
    statistics = {ACCURACY: COUNTS[ACCURACY]}
    panel = count_panel(counts_of_nodes(counts), statistics, groups.design(size.shape[1]))
    return all_intervals(panel, ("score",))["score"][ACCURACY]
