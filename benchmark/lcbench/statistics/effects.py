"""How much two models differ on an event: difference, odds ratio, relative reduction.

Everything reads "B against A": a difference below 0, an odds ratio above 1 and a relative
reduction above 0 all mean that the event happens less often under B.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from lcbench.statistics.interval_model import Interval
from lcbench.statistics.limits import Scale
from lcbench.statistics.metrics import Values, ratio
from lcbench.statistics.paired_groups import PairedGroups
from lcbench.statistics.panel import Count, Panel, column_share, count_panel
from lcbench.statistics.panels import join
from lcbench.statistics.rate_pairs import RateRatio

Part = Literal["rate", "share", "ratio"]
"""What is measured: the difference of the rates, the share of A among discordant rows, and the
ratio of B's events to A's."""


@dataclass(frozen=True)
class Effects:
    """Sizes of the difference between two models on an event, B against A.

    Parameters
    ----------
    difference
        Rate of the event under B minus the rate under A.
    odds_ratio
        (under A only) / (under B only): the odds that an image goes wrong under A rather than
        under B, given that it goes wrong under one of them. Undefined (n = 0) without discordance.
    relative_reduction
        1 - rate under B / rate under A: 0.5 means half as many. Undefined (n = 0) where the event
        never happens under A.
    """

    difference: Interval
    odds_ratio: Interval
    relative_reduction: Interval


def difference_panel(pairs: PairedGroups) -> Panel[Part]:
    """Return the panel of the difference of the rates, B minus A."""
    counts = np.stack([one.ravel() for one in (pairs.only_a, pairs.only_b, pairs.size)], axis=1)
    of_b: dict[Part, Count] = {"rate": Count(_rate_difference, _rows, (-1.0, 1.0), Scale.linear)}
    panel = count_panel(counts, of_b, pairs.design)
    score = pairs.rates.limits if pairs.rows else None
    measures = (replace(panel.measures[0], difference=True, score=score),)
    return replace(panel, measures=measures)


def effects_panel(pairs: PairedGroups) -> Panel[Part]:
    """Return the panel whose intervals `read_effects` takes."""
    return join([difference_panel(pairs), _ratio_panel(pairs)])


def _ratio_panel(pairs: PairedGroups) -> Panel[Part]:
    """Return the share of A among discordant rows, and the ratio of B's events to A's."""
    only_a, only_b, both = (one.ravel() for one in (pairs.only_a, pairs.only_b, pairs.both))
    shares = np.stack([only_a, only_a + only_b], axis=1)
    ratios = np.stack([only_b + both, only_a + both], axis=1)
    of_a: dict[Part, Count] = {"share": column_share(0, 1)}
    of_b: dict[Part, Count] = {
        "ratio": column_share(0, 1, bounds=(0.0, math.inf), scale=Scale.positive)
    }
    share = count_panel(shares, of_a, pairs.design)
    rates = count_panel(ratios, of_b, pairs.design)
    return join([_limited(share, pairs.odds, _share), _limited(rates, pairs.ratio, float)])


def _limited(panel: Panel[Part], of: RateRatio, function: Callable[[float], float]) -> Panel[Part]:
    """Return the panel of a function of a ratio of rates, with the limits of the ratio."""

    def limits(tail: float) -> tuple[float, float]:
        low, high = of.limits(tail)
        return function(low), function(high)

    (measure,) = panel.measures
    return replace(panel, measures=(replace(measure, score=limits),))


def read_effects(found: Mapping[Part, Interval]) -> Effects:
    """Return the sizes of the difference with intervals over source groups.

    The odds are a function of the share s = only_a / (only_a + only_b), s / (1 - s). Their limits
    and those of the ratio of B's rate to A's are those of two rates, see
    `lcbench.statistics.rate_pairs.RateRatio`: the odds exclude 1 where the difference excludes 0.

    Parameters
    ----------
    found
        The 95 % intervals of `effects_panel`.
    """
    return Effects(
        difference=found["rate"],
        odds_ratio=_transformed(found["share"], _odds),
        relative_reduction=_transformed(found["ratio"], _less),
    )


def _transformed(found: Interval, function: Callable[[float], float]) -> Interval:
    """Return an interval on another scale; a falling function turns it round."""
    if found.value is None:
        return found
    value = function(found.value)
    if found.low is None or found.high is None:
        return found.model_copy(update={"value": value})
    low, high = sorted((function(found.low), function(found.high)))
    training = found.training
    if training is not None:
        least, most = sorted((function(training.low), function(training.high)))
        training = training.model_copy(update={"low": least, "high": most, "error": None})
    return found.model_copy(
        update={"value": value, "low": low, "high": high, "error": None, "training": training}
    )


def _odds(share: float) -> float:
    return share / (1.0 - share) if share < 1.0 else math.inf


def _share(odds: float) -> float:
    return odds / (1.0 + odds) if math.isfinite(odds) else 1.0


def _less(ratio_of_rates: float) -> float:
    return 1.0 - ratio_of_rates


def _rate_difference(sums: Values) -> Values:
    return ratio(sums[..., 1] - sums[..., 0], _rows(sums))


def _rows(sums: Values) -> Values:
    return np.asarray(sums[..., 2])
