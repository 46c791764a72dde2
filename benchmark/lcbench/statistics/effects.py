"""How much two models differ on an event: difference, odds ratio, relative reduction.

Everything reads "B against A": a difference below 0, an odds ratio above 1 and a relative
reduction above 0 all mean that the event happens less often under B.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lcbench.statistics.intervals import ALIKE, WILSON, Interval
from lcbench.statistics.limits import Scale, wilson
from lcbench.statistics.metrics import Values, ratio
from lcbench.statistics.paired_tests import PairedGroups
from lcbench.statistics.panel import Count, Panel, count_panel, difference, join

Part = Literal["rate", "share", "ratio"]
"""What is resampled: the difference of the rates, the share of A among discordant rows, and the
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


def effects_panel(pairs: PairedGroups) -> Panel[Part]:
    """Return the panel whose intervals `read_effects` takes."""
    a, b = (_rate_panel(only + pairs.both, pairs) for only in (pairs.only_a, pairs.only_b))
    return join([difference(b, a), _ratio_panel(pairs)])


def read_effects(found: Mapping[Part, Interval], pairs: PairedGroups) -> Effects:
    """Return the sizes of the difference with intervals over source groups.

    The odds are a function of the share s = only_a / (only_a + only_b), s / (1 - s), so their
    limits are those of the share, transformed. The ratio of the rates is positive, so its limits
    are symmetric on the logarithm; where B has no event at all, or the ratio is the same in all
    resamples, they are Wilson's on groups for the share of B among all events, transformed.

    Parameters
    ----------
    found
        The 95 % intervals of `effects_panel`.
    pairs
        Paired events of each group.
    """
    return Effects(
        difference=found["rate"],
        odds_ratio=_odds(found["share"]),
        relative_reduction=_reduction(found["ratio"], pairs),
    )


def _rate_panel(events: NDArray[np.int64], pairs: PairedGroups) -> Panel[Part]:
    counts = np.stack([events, pairs.size], axis=1)
    return count_panel(counts, {"rate": Count(_first_of_second, _second)})


def _ratio_panel(pairs: PairedGroups) -> Panel[Part]:
    """Return the share of A among discordant rows, and the ratio of B's events to A's."""
    only_a, only_b = pairs.only_a, pairs.only_b
    shares = np.stack([only_a, only_a + only_b], axis=1)
    ratios = np.stack([only_b + pairs.both, only_a + pairs.both], axis=1)
    of_a: dict[Part, Count] = {"share": Count(_first_of_second, _second)}
    of_b: dict[Part, Count] = {
        "ratio": Count(_first_of_second, _second, (0.0, math.inf), Scale.positive)
    }
    return join([count_panel(shares, of_a), count_panel(ratios, of_b)])


def _odds(share: Interval) -> Interval:
    odds = {
        key: None if part is None else part / (1.0 - part) if part < 1.0 else math.inf
        for key, part in (("value", share.value), ("low", share.low), ("high", share.high))
    }
    return share.model_copy(update={**odds, "error": None})


def _reduction(found: Interval, pairs: PairedGroups) -> Interval:
    value, low, high, method = found.value, found.low, found.high, found.method
    if value is None or low is None or high is None:
        return found
    if value == 0.0 or method == ALIKE:
        groups = int((pairs.only_a + pairs.both > 0).sum())
        share = value / (1.0 + value)  # of B among the events of either model
        low, high = (part / (1.0 - part) for part in wilson(share * groups, groups))
        method = WILSON
    limits = {"value": 1.0 - value, "low": 1.0 - high, "high": 1.0 - low}
    return found.model_copy(update={**limits, "method": method})


def _first_of_second(sums: Values) -> Values:
    return ratio(sums[..., 0], _second(sums))


def _second(sums: Values) -> Values:
    return np.asarray(sums[..., 1])
