"""Calibration of the most probable leaf: slope, intercept, and the error over bins.

Slope and intercept are estimates of logistic regressions, so their standard errors come from the
sums of their score contributions over source groups (the sandwich of robust regression), and they
enter a panel as these linear approximations. The error over bins is a sum of absolute values,
which no resampling covers; it stands without an interval.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lcbench.statistics.design import Design
from lcbench.statistics.limits import Scale
from lcbench.statistics.metrics import Values
from lcbench.statistics.panel import K, Measure, Panel

CLIP = 1e-6
"""Confidences are cut to [CLIP, 1 - CLIP] before their logit: that of 1 is infinite."""
FEWEST = 10
"""Source groups with an error, and with a right answer, that the interval of a slope needs."""
_STEPS = 100
_HALVINGS = 60
_SINGULAR = 1e12
# Squared length of the last step in standard errors of independent images.
_DECREMENT = 1e-20


@dataclass(frozen=True)
class Confidences:
    """What a model says of its own answers.

    Parameters
    ----------
    confidence
        (N,) probability of the most probable leaf.
    right
        (N,) whether that leaf is the true one.
    units
        (N,) unit of each image, see `Design`.
    design
        Groups, seeds, strata and sizes.
    """

    confidence: Values
    right: NDArray[np.bool_]
    units: NDArray[np.integer[Any]]
    design: Design

    @cached_property
    def logits(self) -> Values:
        """(N,) logarithm of the odds of the confidences, cut at `CLIP`.

        What differs by rounding alone is equal, as in `equal_mass_bins`.
        """
        cut = np.clip(np.round(self.confidence, 12), CLIP, 1.0 - CLIP)
        return np.asarray(np.log(cut) - np.log1p(-cut))

    @cached_property
    def groups(self) -> NDArray[np.integer[Any]]:
        """(N,) source group of each image."""
        return self.units // self.design.seeds

    def groups_with(self, rows: NDArray[np.bool_] | slice = slice(None)) -> int:
        """Return how many source groups have one of these (N,) rows, or any row at all."""
        return int(np.count_nonzero(np.bincount(self.groups[rows])))

    def by_unit(self, values: Values) -> Values:
        """Return the (U,) sums of (N,) values."""
        sums = np.bincount(self.units, weights=values, minlength=self.design.units)
        return sums.astype(np.float64)


@dataclass(frozen=True)
class Linear:
    """An estimate and its linear approximation.

    Parameters
    ----------
    value
        The estimate; NaN where it is undefined.
    influence
        (U,) derivative with respect to the weight of each unit; None where the estimate has no
        approximation that could carry an interval.
    """

    value: float
    influence: Values | None


Estimate = Callable[[Confidences], Linear]


def calibration_slope(of: Confidences) -> Linear:
    """Return the slope of the logistic regression of right or wrong on the logit of confidence.

    1 is calibrated; below 1, confidences are too extreme: the surest answers are not as sure as
    they say. Undefined where the estimate does not exist: all right, all wrong, one confidence
    alone, or right and wrong answers separated by their confidence (all but separated counts too).
    No interval with fewer than `FEWEST` source groups that have an error, or a right answer: the
    sandwich of so few is too small, the more so the more alike the images of a group.

    References
    ----------
    Cox, D. R. (1958). Two further applications of a model for binary regression. Biometrika 45,
    562-565. Van Calster, B. et al. (2019). Calibration: the Achilles heel of predictive analytics.
    BMC Medicine 17, 230. Albert, A. and Anderson, J. A. (1984). On the existence of maximum
    likelihood estimates in logistic regression models. Biometrika 71, 1-10. Peduzzi, P. et al.
    (1996). A simulation study of the number of events per variable in logistic regression
    analysis. Journal of Clinical Epidemiology 49, 1373-1379: ten events a variable.
    """
    logits = of.logits
    if not _overlap(logits[of.right], logits[~of.right]):
        return _undefined(of)
    # Centred and scaled logits keep the information matrix far from singular.
    scale = float(logits.std())
    design = np.stack([np.ones_like(logits), (logits - logits.mean()) / scale])
    value, influences = _logistic(of, design, np.zeros_like(logits), column=1)
    enough = min(of.groups_with(of.right), of.groups_with(~of.right)) >= FEWEST
    return Linear(value / scale, influences / scale if enough else None)


def calibration_intercept(of: Confidences) -> Linear:
    """Return the intercept of that regression with the slope fixed at 1: calibration in the large.

    0 is calibrated; below 0, the model is right less often than it says. Undefined where all
    answers are right or all are wrong.

    References
    ----------
    Van Calster, B. et al. (2019), see `calibration_slope`.
    """
    if of.right.all() or not of.right.any():
        return _undefined(of)
    return Linear(*_logistic(of, np.ones((1, len(of.right))), of.logits, column=0))


def calibration_panel(
    of: Confidences, statistics: Mapping[K, tuple[Estimate, tuple[float, float]]]
) -> Panel[K]:
    """Return the panel of estimates that enter as their linear approximations.

    Their standard error over source groups is the sandwich's: the root of the sum of squared
    influences.

    Parameters
    ----------
    of
        What the model says of its own answers.
    statistics
        By key, the function that estimates, and the smallest and largest possible value.

    References
    ----------
    Liang, K.-Y. and Zeger, S. L. (1986). Longitudinal data analysis using generalized linear
    models. Biometrika 73, 13-22: the sandwich over clusters, independence as working correlation.
    """
    found = {key: function(of) for key, (function, _) in statistics.items()}
    groups = of.groups_with()
    values = np.array([one.value for one in found.values()])
    flat = np.zeros(of.design.units)
    influences = np.stack(
        [flat if one.influence is None else one.influence for one in found.values()], axis=1
    )

    return Panel(
        of.design,
        tuple(
            _measure(key, one, statistics[key][1], len(of.right), groups)
            for key, one in found.items()
        ),
        evaluate=lambda weights: values + (weights - 1.0) @ influences,
        influence=lambda: influences,
    )


def _measure(
    key: K, one: Linear, bounds: tuple[float, float], images: int, groups: int
) -> Measure[K]:
    defined = not math.isnan(one.value)
    return Measure(
        key,
        bounds,
        Scale.linear,
        images=images if defined else 0,
        groups=groups if defined else 0,
        trials=groups if defined else 0,
        interval=one.influence is not None,
    )


def _undefined(of: Confidences) -> Linear:
    return Linear(math.nan, np.zeros(of.design.units))


def _overlap(right: Values, wrong: Values) -> bool:
    """Tell whether no threshold separates the two, not even up to ties (Albert and Anderson)."""
    if not len(right) or not len(wrong):
        return False
    return bool(right.min() < wrong.max() and wrong.min() < right.max())


def _logistic(of: Confidences, design: Values, offset: Values, column: int) -> tuple[float, Values]:
    """Fit by Newton's method with halved steps; return one coefficient and its (U,) influences.

    Of a (C, N) design of one or two columns: sums and no matrix products, whose threads cost more
    than they save there, and whose last digits depend on their number.
    """
    beta = np.zeros(len(design))
    loss = _loss(beta, design, offset, of.right)
    for _ in range(_STEPS):
        residual, information = _score(beta, design, offset, of.right)
        if np.linalg.cond(information) > _SINGULAR:
            break
        score = (design * residual).sum(axis=1)
        step = np.linalg.solve(information, score)
        if float(step @ score) < _DECREMENT:
            contributions = residual * _line(np.linalg.inv(information)[column], design)
            return float(beta[column]), of.by_unit(contributions)
        moved = _loss(beta + step, design, offset, of.right)
        for _ in range(_HALVINGS):
            if moved <= loss * (1.0 + 1e-12):
                break
            step = step / 2.0
            moved = _loss(beta + step, design, offset, of.right)
        beta, loss = beta + step, moved
    return math.nan, np.zeros(of.design.units)


def _score(
    beta: Values, design: Values, offset: Values, right: NDArray[np.bool_]
) -> tuple[Values, Values]:
    """Return the (N,) residuals and the information matrix."""
    chance = 1.0 / (1.0 + np.exp(-np.clip(offset + _line(beta, design), -500.0, 500.0)))
    weighted = design * (chance * (1.0 - chance))
    information = (weighted[:, None] * design).sum(axis=-1)
    return right - chance, information


def _loss(beta: Values, design: Values, offset: Values, right: NDArray[np.bool_]) -> float:
    """Return minus the log-likelihood."""
    line = offset + _line(beta, design)
    return float(np.logaddexp(0.0, np.where(right, -line, line)).sum())


def _line(beta: Values, design: Values) -> Values:
    """Return the (N,) linear predictor."""
    return np.asarray((beta[:, None] * design).sum(axis=0))
