"""Whether an event is rarer by more than a share: the limits decide, and the sizes hold."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from lcbench.statistics.paired_groups import PairedGroups
from lcbench.statistics.paired_tests import clustered_score, clustered_score_of_training
from lcbench.statistics.reductions import Reach, Reduction, difference_reach
from lcbench.statistics.variance import Variance

from .helpers import effects

LEVEL = 0.025
KEPT = 0.6
"""Of what B gets wrong, the part that A gets wrong, too."""
ONE_SEED = Variance(0.01, 10.0, 0.0, math.inf)


@st.composite
def pairs(draw: st.DrawFn, seeds: int = 1) -> PairedGroups:
    """Paired events in groups of several sizes, perhaps in two classes."""
    cells = st.tuples(*(st.sampled_from([0, 0, 1, 2, 7]) for _ in range(3)), st.integers(1, 9))
    groups = draw(st.integers(3, 12))
    rows = draw(st.lists(cells, min_size=groups * seeds, max_size=groups * seeds))
    only_a, only_b, both, rest = np.array(rows).reshape(groups, seeds, 4).transpose(2, 0, 1)
    strata = tuple(i % 2 for i in range(groups)) if groups > 3 and draw(st.booleans()) else ()
    return PairedGroups(only_a, only_b, both, only_a + only_b + both + rest, strata)


shares = st.sampled_from([0.1, 0.3, 0.5, 0.8])


def normal(value: float, error: float) -> Reach:
    """A normal estimate with a known error."""

    def limits(tail: float) -> tuple[float, float]:
        half = float(stats.norm.isf(tail)) * error
        return value - half, value + half

    return Reach(value, limits, ONE_SEED)


@given(st.floats(-2.0, 2.0), st.floats(-2.0, 2.0), st.floats(0.5, 2.0))
def test_p_of_a_normal_estimate_is_the_normal_tail(
    value: float, bound: float, error: float
) -> None:
    below, above = normal(value, error).below(bound), normal(value, error).above(bound)
    expected = float(stats.norm.sf((bound - value) / error))
    assert below == pytest.approx(expected, rel=1e-5, abs=1e-12)
    assert above == pytest.approx(1.0 - expected, rel=1e-5, abs=1e-12)


@settings(max_examples=60)
@given(pairs(), shares)
def test_p_is_below_the_level_exactly_where_the_stored_interval_clears_the_share(
    found: PairedGroups, share: float
) -> None:
    one = Reduction(found, share)
    assume(one.is_defined and one.reach is not None)
    assert one.reach is not None
    interval = effects(found).relative_reduction
    below, above = one.reach.below(one.bound), one.reach.above(one.bound)
    assert interval.low is not None
    assert interval.high is not None
    if abs(below - LEVEL) > 1e-6 and abs(interval.low - share) > 1e-9:
        assert (below < LEVEL) == (interval.low > share)
    if abs(above - LEVEL) > 1e-6 and abs(interval.high - share) > 1e-9:
        assert (above < LEVEL) == (interval.high < share)
    assert not (below < LEVEL and above < LEVEL)


@settings(max_examples=60)
@given(pairs(seeds=3), shares)
def test_limits_for_the_way_of_training_are_the_stored_ones(
    found: PairedGroups, share: float
) -> None:
    reach = Reduction(found, share).reach
    stored = effects(found).relative_reduction.training
    assume(reach is not None and stored is not None)
    assert reach is not None
    assert stored is not None
    low, high = reach.of_training.limits(LEVEL)
    assert 1.0 - high == pytest.approx(stored.low, rel=1e-5, abs=1e-5)
    if math.isfinite(high):
        assert 1.0 - max(low, 0.0) == pytest.approx(min(stored.high, 1.0), rel=1e-5, abs=1e-5)


@settings(max_examples=60)
@given(pairs(seeds=2))
def test_without_a_share_it_is_half_of_the_test_of_the_difference(found: PairedGroups) -> None:
    reach = Reduction(found, 0.0).reach
    assume(reach is not None)
    assert reach is not None
    trained = clustered_score_of_training(found)
    assert trained is not None
    for one, test in ((reach, clustered_score(found)), (reach.of_training, trained)):
        p = one.below(0.0) if one.value <= 0.0 else one.above(0.0)
        assert 2.0 * p == pytest.approx(test.p, rel=1e-6)


@settings(max_examples=60)
@given(pairs(), shares, shares)
def test_asking_for_more_is_never_shown_more_easily(
    found: PairedGroups, one: float, other: float
) -> None:
    less, more = (Reduction(found, share) for share in sorted((one, other)))
    assume(less.reach is not None and more.reach is not None)
    assert less.reach is not None
    assert more.reach is not None
    assert less.reach.below(less.bound) <= more.reach.below(more.bound) + 1e-6


@settings(max_examples=60)
@given(pairs(), st.sampled_from([0.0, 0.3, 0.5]))
def test_what_could_be_shown_lies_beyond_what_is_asked(found: PairedGroups, share: float) -> None:
    one = Reduction(found, share)
    seen, surer = one.detectable(), one.detectable(power=0.95)
    if seen is None:
        assert surer is None
    else:
        assert share <= seen <= 1.0
        assert surer is None or surer >= seen
    stricter = one.detectable(alpha=0.01)
    assert stricter is None or (seen is not None and stricter >= seen)


def test_without_events_of_the_reference_nothing_is_asked() -> None:
    none, size = np.zeros(5, np.int64), np.full(5, 4)
    one = Reduction(PairedGroups(none, none + 1, none, size), 0.5)
    assert not one.is_defined
    assert one.reach is None
    assert one.detectable() is None
    alone = Reduction(PairedGroups(*(np.array([k]) for k in (3, 1, 2, 20))), 0.5)
    assert alone.reach is None


def test_few_groups_are_pointed_out() -> None:
    heaped, none, size = np.array([9, 0, 0, 0, 0, 0]), np.zeros(6, np.int64), np.full(6, 20)
    assert Reduction(PairedGroups(heaped, none, none, size), 0.5).few_groups
    even = np.full(6, 9)
    assert not Reduction(PairedGroups(none, none, even, size), 0.5).few_groups


# Rates by simulation, drawn by code of its own


def draws(
    groups: int, images: int, rate: float, ratio: float, heaping: float, times: int
) -> Iterator[PairedGroups]:
    """Draw pairs of models of which B errs `ratio` times as often, with A's errors in heaps."""
    rng = np.random.default_rng(20261126)
    shape = (1.0 - heaping) / heaping
    for _ in range(times):
        of_a = rng.beta(rate * shape, (1.0 - rate) * shape, groups)
        own = np.minimum(1.0, (1.0 - KEPT) * ratio * of_a / np.maximum(1.0 - of_a, 1e-9))
        a = rng.random((groups, images)) < of_a[:, None]
        chance = np.where(a, KEPT * ratio, own[:, None])
        b = rng.random((groups, images)) < chance
        yield PairedGroups(
            _count(a & ~b), _count(b & ~a), _count(a & b), np.full(groups, images, np.int64)
        )


def _count(rows: NDArray[np.bool_]) -> NDArray[np.int64]:
    return rows.sum(axis=1).astype(np.int64)


CELLS = [(60, 10, 0.1, 0.1), (200, 20, 0.06, 0.2)]


@pytest.mark.parametrize("share", [0.0, 0.5])
@pytest.mark.parametrize("cell", CELLS)
def test_exactly_the_stated_reduction_is_seldom_taken_for_more_or_less(
    cell: tuple[int, int, float, float], share: float
) -> None:
    groups, images, rate, heaping = cell
    found = [
        (reach.below(one.bound), reach.above(one.bound))
        for drawn in draws(groups, images, rate, 1.0 - share, heaping, 400)
        for one in [Reduction(drawn, share)]
        if (reach := one.reach) is not None
    ]
    below, above = (np.array(found) < LEVEL).mean(axis=0)
    # Three standard errors of 400 draws; in 4,000 draws of 60 groups "less" was found in 3.7 %.
    errors = 3.0 * math.sqrt(0.025 * 0.975 / 400)
    assert below < 0.025 + errors
    assert above < 0.037 + errors


@pytest.mark.parametrize("share", [0.0, 0.5])
@pytest.mark.parametrize("cell", CELLS)
def test_what_could_be_shown_is_shown_four_times_in_five(
    cell: tuple[int, int, float, float], share: float
) -> None:
    groups, images, rate, heaping = cell
    before = draws(groups, images, rate, 1.0 - share, heaping, 60)
    seen = [Reduction(drawn, share).detectable() or 1.0 for drawn in before]
    at = draws(groups, images, rate, 1.0 - float(np.median(seen)), heaping, 200)
    shown = [
        reach is not None and reach.below(one.bound) < LEVEL
        for one in (Reduction(drawn, share) for drawn in at)
        for reach in [one.reach]
    ]
    assert 0.68 < np.mean(shown) < 0.93


def test_the_difference_is_that_of_the_paired_rates() -> None:
    (found,) = draws(30, 10, 0.1, 0.8, 0.2, 1)
    reach = difference_reach(found)
    assert reach.value == found.rates.value
    assert reach.limits(LEVEL) == found.rates.limits(LEVEL)
