"""Scores of one model whose true value is known."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm
from simulated import Groups, confusions, expected_confusions, lc25000_groups, scores
from study_cells import INDEPENDENT, SCORE, Cell, Outcome, Place, Seen, holds

from lcbench.statistics import metrics
from lcbench.statistics.answers import Question
from lcbench.statistics.choices import METHODS, Method
from lcbench.statistics.intervals import Interval, all_intervals
from lcbench.statistics.kinds import MeanOfImages
from lcbench.statistics.limits import wilson
from lcbench.statistics.panel import Count, Panel, count_panel
from lcbench.statistics.ranking import ranking_panel
from lcbench.statistics.registry import METRICS, MetricKey
from lcbench.statistics.standard import ACCURACY, count_statistics
from lcbench.statistics.tree import ClassTree
from lcbench.taxonomy import load_taxonomy

TREE = ClassTree.of(load_taxonomy())
COUNTS = count_statistics(TREE)[Question()]
FURTHER = {"macro F1": MetricKey("macro_f1"), "Cohen's kappa": MetricKey("cohen_kappa")}
ERRORS = (0.05, 0.01, 0.002)
AUROC = 0.99
RESAMPLES = 1_000
_SEPARATION = math.sqrt(2) * float(norm.ppf(AUROC))
_DEFAULT: tuple[Method, ...] = ("score",)


def score_cells(groups: Sequence[int], correlations: Sequence[float]) -> Iterator[Cell]:
    """Yield the cells of the default interval."""
    for place in (Place(count, icc) for count in groups for icc in correlations):
        for error in ERRORS:
            yield Cell(f"accuracy {error:g}", place, partial(_draw_counts, error, "uneven"))
        for kind in ("even", "informative"):
            yield Cell(f"accuracy, {kind}", place, partial(_draw_counts, ERRORS[0], kind))
        yield Cell("probabilities", place, _draw_probabilities)


def method_cells(groups: Sequence[int], correlations: Sequence[float]) -> Iterator[Cell]:
    """Yield the cells in which the methods of the accuracy's interval are compared."""
    for place in (Place(count, icc) for count in groups for icc in correlations):
        for error in ERRORS[:2]:
            yield Cell(f"methods {error:g}", place, partial(_draw_methods, error), share=0.5)


def groups_at(place: Place, kind: str = "uneven") -> Groups:
    """Return the source groups of a cell."""
    found = lc25000_groups().first(place.groups)
    return found.even() if kind == "even" else found


def counts_of_nodes(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return (U, L, L) confusion counts as the (U, M, L) ones that lcbench has."""
    rest = len(TREE.nodes) - counts.shape[1]
    return np.pad(counts, ((0, 0), (0, rest), (0, 0)))


def _draw_counts(error: float, kind: str, rng: np.random.Generator, place: Place) -> Seen:
    groups = groups_at(place, kind)
    chance: float | NDArray[np.float64] = error
    if kind == "informative":
        chance = np.minimum(error * groups.weight, 0.95)
    counts = counts_of_nodes(confusions(rng, groups, chance, place.icc))
    expected = counts_of_nodes(expected_confusions(groups, chance)).sum(axis=0)[None]
    share = f"{100 * (1 - error):g} %"
    names = {f"accuracy {share}" if kind == "uneven" else _NAMES[kind]: ACCURACY}
    if kind == "uneven" and error == ERRORS[0]:
        names |= {f"{name} at {share} right": key for name, key in FURTHER.items()}
    statistics = {key: COUNTS[key] for key in names.values()}
    found = all_intervals(count_panel(counts, statistics, groups.design()), _DEFAULT)["score"]
    truths = {key: float(one.function(expected)[0]) for key, one in statistics.items()}
    return {
        Outcome("coverage", name, SCORE): holds(found[key], truths[key])
        for name, key in names.items()
    }


_NAMES = {
    "even": "accuracy 95 %, even groups",
    "informative": "accuracy, larger groups err more",
}


def _draw_methods(error: float, rng: np.random.Generator, place: Place) -> Seen:
    groups = groups_at(place)
    counts = confusions(rng, groups, error, place.icc)
    panel = count_panel(counts_of_nodes(counts), {ACCURACY: COUNTS[ACCURACY]}, groups.design())
    found = all_intervals(panel, METHODS, resamples=RESAMPLES, seed=1)
    row, truth = f"accuracy {100 * (1 - error):g} %", 1.0 - error
    low, high = wilson(float(np.trace(counts.sum(axis=0))), float(counts.sum()))
    return {
        Outcome("methods", row, INDEPENDENT): low <= truth <= high,
        **{Outcome("methods", row, one): holds(found[one][ACCURACY], truth) for one in METHODS},
    }


def _draw_probabilities(rng: np.random.Generator, place: Place) -> Seen:
    groups = groups_at(place)
    score, true, _ = scores(rng, groups, _SEPARATION, place.icc)
    # The chance of the first class given the score, where both are equally frequent.
    chance = 1.0 / (1.0 + np.exp(-_SEPARATION * (score - _SEPARATION / 2.0)))
    losses = _log_losses(np.stack([1.0 - chance, chance], axis=1), true, groups)
    return {
        Outcome("coverage", "AUROC 99 %", SCORE): holds(_auroc(score, true, groups), AUROC),
        Outcome("coverage", "log loss at an AUROC of 99 %", SCORE): holds(losses, LOG_LOSS),
    }


def _auroc(score: NDArray[np.float64], true: NDArray[np.int64], groups: Groups) -> Interval:
    one_model = np.zeros_like(groups.codes)
    panel = ranking_panel(
        score[:, None], 1 - true, groups.codes, one_model, groups.design(), ["it"]
    )
    return _only(panel, MetricKey("auroc", "it"))


def _log_losses(
    probabilities: NDArray[np.float64], true: NDArray[np.int64], groups: Groups
) -> Interval:
    metric = METRICS["log_loss"]
    assert isinstance(metric.statistic, MeanOfImages)
    losses = metric.statistic.values(probabilities, true)
    sums = np.stack([groups.sizes, np.bincount(groups.codes, weights=losses)], axis=1)
    count = Count(_mean, _images, metric.bounds, metric.scale)
    return _only(count_panel(sums, {MetricKey("log_loss"): count}, groups.design()), None)


def _only(panel: Panel[MetricKey], key: MetricKey | None) -> Interval:
    found = all_intervals(panel, _DEFAULT)["score"]
    return found[key or panel.measures[0].key]


def _images(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(sums[..., 0])


def _mean(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    return metrics.ratio(sums[..., 1], sums[..., 0])


def _expected_log_loss() -> float:
    """Return the mean of log(1 + exp(-score)) over the normal scores of either class."""
    from scipy.integrate import quad

    def density(z: float) -> float:
        score = _SEPARATION * (z + _SEPARATION / 2.0)
        return float(norm.pdf(z)) * float(np.logaddexp(0.0, -score))

    return float(quad(density, -10.0, 10.0)[0])


LOG_LOSS = _expected_log_loss()
