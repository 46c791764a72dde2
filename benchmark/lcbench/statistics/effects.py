"""How much two models differ on an event: difference, odds ratio, relative reduction.

Everything reads "B against A": a difference below 0, an odds ratio above 1 and a relative
reduction above 0 all mean that the event happens less often under B.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lcbench.statistics.bootstrap import RESAMPLES
from lcbench.statistics.choices import Method
from lcbench.statistics.clustered import PairedGroups
from lcbench.statistics.intervals import ALIKE, WILSON, Interval, intervals
from lcbench.statistics.limits import Scale
from lcbench.statistics.metrics import Values, ratio
from lcbench.statistics.panel import Count, Panel, count_panel, difference, join
from lcbench.statistics.proportions import wilson


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


def effects(
    pairs: PairedGroups,
    *,
    method: Method = Method.score,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Effects:
    """Return the sizes of the difference with intervals over source groups.

    The odds are a function of the share s = only_a / (only_a + only_b), s / (1 - s), so their
    limits are those of the share, transformed. The ratio of the rates is positive, so its limits
    are symmetric on the logarithm; where B has no event at all, or the ratio is the same in all
    resamples, they are Wilson's on groups for the share of B among all events, transformed.

    Parameters
    ----------
    pairs
        Paired events of each group.
    method, confidence, resamples, seed
        As for `lcbench.statistics.intervals.intervals`.
    """
    found = intervals(
        effects_panel(pairs), method=method, confidence=confidence, resamples=resamples, seed=seed
    )
    return read_effects(found, pairs, confidence)


def effects_panel(pairs: PairedGroups) -> Panel:
    """Return the panel whose intervals `read_effects` takes."""
    a, b = (_rate_panel(only + pairs.both, pairs) for only in (pairs.only_a, pairs.only_b))
    return join([difference(b, a), _ratio_panel(pairs)])


def read_effects(
    found: Mapping[str, Interval], pairs: PairedGroups, confidence: float = 0.95
) -> Effects:
    """Return the sizes of the difference from the intervals of `effects_panel`."""
    return Effects(
        difference=found["rate"],
        odds_ratio=_odds(found["share"]),
        relative_reduction=_reduction(found["ratio"], pairs, confidence),
    )


def _rate_panel(events: NDArray[np.int64], pairs: PairedGroups) -> Panel:
    counts = np.stack([events, pairs.size], axis=1)
    return count_panel(counts, {"rate": Count(_first_of_second, lambda sums: sums[..., 1])})


def _ratio_panel(pairs: PairedGroups) -> Panel:
    """Return the share of A among discordant rows, and the ratio of B's events to A's."""
    only_a, only_b = pairs.only_a, pairs.only_b
    shares = np.stack([only_a, only_a + only_b], axis=1)
    ratios = np.stack([only_b + pairs.both, only_a + pairs.both], axis=1)
    first = count_panel(shares, {"share": Count(_first_of_second, lambda sums: sums[..., 1])})
    reduced = Count(_first_of_second, lambda sums: sums[..., 1], (0.0, math.inf), Scale.positive)
    return join([first, count_panel(ratios, {"ratio": reduced})])


def _odds(share: Interval) -> Interval:
    value, low, high = (
        part / (1.0 - part) if part < 1.0 else math.inf
        for part in (share.value, share.low, share.high)
    )
    return replace(share, value=value, low=low, high=high, error=math.nan)


def _reduction(found: Interval, pairs: PairedGroups, confidence: float) -> Interval:
    if found.n == 0:
        return replace(found, low=-math.inf, high=1.0)
    if found.value == 0.0 or found.method == ALIKE:
        groups = int((pairs.only_a + pairs.both > 0).sum())
        share = found.value / (1.0 + found.value)  # of B among the events of either model
        low, high = (part / (1.0 - part) for part in wilson(share * groups, groups, confidence))
        found = replace(found, low=low, high=high, method=WILSON)
    return replace(found, value=1.0 - found.value, low=1.0 - found.high, high=1.0 - found.low)


def _first_of_second(sums: Values) -> Values:
    return ratio(sums[..., 0], sums[..., 1])
