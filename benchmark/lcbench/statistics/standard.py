"""The standard panel: every metric of lcbench for the predictions of one model."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lcbench.statistics import metrics
from lcbench.statistics import probabilities as scores
from lcbench.statistics.bootstrap import Design
from lcbench.statistics.limits import Scale
from lcbench.statistics.metrics import Counts, Values
from lcbench.statistics.panel import Count, CountStatistic, Panel, count_panel, join
from lcbench.statistics.ranking import ranking_panel
from lcbench.statistics.roles import Roles

CORRELATION = (-1.0, 1.0)
Codes = NDArray[np.integer[Any]]


def standard_panel(
    true: Codes,
    predicted: Codes,
    probabilities: Values | None,
    units: Codes,
    design: Design,
    roles: Roles,
) -> Panel:
    """Return the panel of all metrics of one model.

    Parameters
    ----------
    true, predicted
        (N,) leaf codes.
    probabilities
        (N, L) leaf probabilities, or None: ranking and calibration are then left out.
    units
        (N,) unit of each row, see `Design`.
    design
        What is drawn.
    roles
        The leaves that metrics speak of.
    """
    parts = [confusion_panel(true, predicted, units, design, roles)]
    if probabilities is not None:
        parts.append(_probability_panel(true, probabilities, units, design))
        parts.append(ranking_panel(probabilities, true, units, design, roles.leaves))
    return join(parts)


def confusion_panel(
    true: Codes, predicted: Codes, units: Codes, design: Design, roles: Roles
) -> Panel:
    """Return the panel of all metrics of confusion counts; see `standard_panel`."""
    size = len(roles.leaves)
    counts = metrics.confusion_by_group(true, predicted, units, size, n_groups=design.units)
    return count_panel(counts, count_statistics(roles), design)


def accuracy_panel(
    true: Codes, predicted: Codes, units: Codes, design: Design, classes: int
) -> Panel:
    """Return the panel of the accuracy alone; see `standard_panel`."""
    counts = metrics.confusion_by_group(true, predicted, units, classes, n_groups=design.units)
    return count_panel(counts, {"accuracy": Count(metrics.accuracy, proportion=True)}, design)


def count_statistics(roles: Roles) -> dict[str, Count]:
    """Return every metric of (L, L) confusion counts by name."""
    found = {
        "accuracy": Count(metrics.accuracy, proportion=True),
        "balanced_accuracy": Count(metrics.balanced_accuracy, trials=_scarcest),
        "macro_f1": Count(metrics.macro_f1, trials=_scarcest),
        "cohen_kappa": Count(
            metrics.cohen_kappa, bounds=CORRELATION, defined=metrics.beyond_chance, trials=_scarcest
        ),
        "matthews_correlation": Count(
            metrics.matthews_correlation,
            bounds=CORRELATION,
            defined=metrics.matthews_scale,
            trials=_scarcest,
        ),
    }
    return found | _screening(roles) | _subtyping(roles) | _each_leaf(roles)


def _scarcest(by_group: Values) -> int:
    """Return the groups of the class with the fewest: they decide how sure a mean of classes is."""
    groups = (by_group.sum(axis=-1) > 0).sum(axis=0)
    return int(groups[groups > 0].min(initial=len(by_group)))


def _screening(roles: Roles) -> dict[str, Count]:
    if not roles.negative:
        return {}
    others = sorted(set(range(len(roles.leaves))) - set(roles.negative))
    return {
        "sensitivity": Count(
            partial(metrics.sensitivity, positive=roles.negative),
            partial(metrics.support, leaves=roles.negative),
            proportion=True,
        ),
        "specificity": Count(
            partial(metrics.specificity, positive=roles.negative),
            partial(metrics.support, leaves=others),
            proportion=True,
        ),
    }


def _subtyping(roles: Roles) -> dict[str, Count]:
    if not roles.subtypes:
        return {}
    images = partial(metrics.support, leaves=roles.subtypes)
    return {
        "subtype_accuracy": Count(
            partial(metrics.subtype_accuracy, subtypes=roles.subtypes), images, proportion=True
        ),
        "subtype_confusion_rate": Count(
            partial(metrics.subtype_confusion_rate, subtypes=roles.subtypes),
            images,
            proportion=True,
        ),
    }


def _each_leaf(roles: Roles) -> dict[str, Count]:
    found = {}
    for number, leaf in enumerate(roles.leaves):
        true = partial(metrics.support, leaves=[number])
        predicted = partial(metrics.predicted_support, leaves=[number])
        found[f"precision:{leaf}"] = Count(
            _column(metrics.precision, number), predicted, proportion=True
        )
        found[f"recall:{leaf}"] = Count(_column(metrics.recall, number), true, proportion=True)
        found[f"f1:{leaf}"] = Count(_column(metrics.f1, number), partial(_either, leaf=number))
    return found


def _column(function: Callable[[Counts], Values], leaf: int) -> CountStatistic:
    return lambda counts: function(counts)[..., leaf]


def _either(counts: Values, leaf: int) -> Values:
    both = np.asarray(counts, np.float64)[..., leaf, leaf]
    return metrics.support(counts, [leaf]) + metrics.predicted_support(counts, [leaf]) - both


def _probability_panel(true: Codes, probabilities: Values, units: Codes, design: Design) -> Panel:
    """Return log loss, Brier score and both calibration errors, from sums of each unit."""
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == true

    def summed(values: Values | None) -> Values:
        sums = np.bincount(units, weights=values, minlength=design.units)
        return sums.astype(np.float64)[:, None]

    def gaps(bins: Codes) -> Values:
        return scores.bin_sums(bins, confidence, right, units, design.units)

    sums = np.hstack(
        [
            summed(None),
            summed(scores.log_losses(probabilities, true)),
            summed(scores.brier_scores(probabilities, true)),
            gaps(scores.equal_width_bins(confidence)),
            gaps(scores.equal_mass_bins(confidence)),
        ]
    )
    first, second = slice(3, 3 + scores.BINS), slice(3 + scores.BINS, None)
    statistics = {
        "log_loss": Count(partial(_mean, column=1), _images, (0.0, np.inf), Scale.positive),
        "brier_score": Count(partial(_mean, column=2), _images, (0.0, 2.0), Scale.positive),
        "calibration_error": Count(partial(_calibration, bins=first), _images, scale=Scale.linear),
        "calibration_error_equal_mass": Count(
            partial(_calibration, bins=second), _images, scale=Scale.linear
        ),
    }
    return count_panel(sums, statistics, design)


def _images(sums: Values) -> Values:
    return sums[..., 0]


def _mean(sums: Values, column: int) -> Values:
    return metrics.ratio(sums[..., column], sums[..., 0])


def _calibration(sums: Values, bins: slice) -> Values:
    return scores.expected_calibration_error(sums[..., bins], sums[..., 0])
