import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lcbench.statistics.paired_groups import RowGroups, pair_groups
from lcbench.statistics.paired_tests import (
    clustered_score,
    clustered_score_of_training,
    durkalski,
    mcnemar_corrected,
    mcnemar_exact,
    mcnemar_mid_p,
    obuchowski,
    sign_flip,
    yang,
)
from lcbench.statistics.pairwise import DEFAULT_TEST, TestName, compare_with_each
from lcbench.statistics.power import detectable_after

from .helpers import effects

FEW = 50
CLUSTERED = [
    TestName.obuchowski,
    TestName.durkalski,
    TestName.yang,
    TestName.sign_flip,
    TestName.clustered_score,
]
PLAIN = [TestName.mcnemar_exact, TestName.mcnemar_mid_p, TestName.mcnemar_corrected]
length = st.shared(st.integers(1, 30), key="n")
events = hnp.arrays(np.bool_, length)
codes = hnp.arrays(np.int64, length, elements=st.integers(0, 6))


def compare(event_a, event_b, groups, once=None, seeds=None, strata=None, **options):
    event_a, event_b = np.asarray(event_a, bool), np.asarray(event_b, bool)
    once = np.ones(len(event_a), bool) if once is None else once
    rows = RowGroups.of(np.asarray(groups), seeds, strata)
    return compare_with_each(event_a, {"b": event_b}, rows, once, resamples=FEW, **options)["b"]


def some_rows(seed=0, n=120):
    rng = np.random.default_rng(seed)
    return rng.random(n) < 0.4, rng.random(n) < 0.2, rng.integers(0, 25, n)


def test_a_comparison_is_made_of_its_parts():
    event_a, event_b, groups = some_rows()
    pairs = pair_groups(event_a, event_b, groups)
    found = compare(event_a, event_b, groups)
    b, c = int((event_a & ~event_b).sum()), int((event_b & ~event_a).sum())
    assert dataclasses.astuple(found.discordance) == (b, c, 120)
    assert found.independent == found.discordance
    assert found.groups == 25
    assert found.tests == {
        TestName.mcnemar_exact: mcnemar_exact(b, c),
        TestName.mcnemar_mid_p: mcnemar_mid_p(b, c),
        TestName.mcnemar_corrected: mcnemar_corrected(b, c),
        TestName.obuchowski: obuchowski(pairs),
        TestName.durkalski: durkalski(pairs),
        TestName.yang: yang(pairs),
        TestName.sign_flip: sign_flip(pairs),
        TestName.clustered_score: clustered_score(pairs),
    }
    assert found.effects == effects(pairs, resamples=FEW)
    assert found.detectable == detectable_after(pairs)
    assert (found.training, found.few_groups) == (None, pairs.rates.few_groups)


def test_seeds_and_strata_reach_the_parts():
    event_a, event_b, groups = some_rows()
    seeds, strata = np.arange(120) % 3, np.arange(25) % 2
    pairs = pair_groups(event_a, event_b, groups, seeds, strata)
    found = compare(event_a, event_b, groups, seeds=seeds, strata=strata)
    assert found.training == clustered_score_of_training(pairs) != None  # noqa: E711
    assert found.tests[TestName.clustered_score] == clustered_score(pairs)
    assert found.effects == effects(pairs, resamples=FEW)
    assert found.effects.difference.training.seeds == 3
    plain = compare(event_a, event_b, groups, seeds=seeds)
    assert plain.effects.difference.error != found.effects.difference.error


def test_the_test_to_read_agrees_with_the_interval():
    for seed in range(40):
        found = compare(*some_rows(seed))
        one, p = found.effects.difference, found.tests[DEFAULT_TEST].p
        assert (p < 0.05) == (one.low > 0 or one.high < 0)


def test_plain_tests_look_at_each_image_once_and_clustered_ones_at_all_rows():
    event_a, event_b, groups = some_rows()
    once = np.arange(120) % 3 == 0
    found = compare(event_a, event_b, groups, once)
    first, every = (
        compare(event_a[rows], event_b[rows], groups[rows]) for rows in (once, np.ones(120, bool))
    )
    assert found.independent == first.discordance != found.discordance == every.discordance
    for test in PLAIN:
        assert found.tests[test] == first.tests[test] != every.tests[test]
        assert found.rows_of(test) == found.independent
    for test in CLUSTERED:
        assert found.tests[test] == every.tests[test] != first.tests[test]
        assert found.rows_of(test) == found.discordance
    assert found.effects == every.effects


@settings(max_examples=25)
@given(events, events, codes)
def test_swapping_the_models_keeps_every_test(event_a, event_b, groups):
    one, two = compare(event_a, event_b, groups), compare(event_b, event_a, groups)
    for name, test in one.tests.items():
        assert two.tests[name].p == pytest.approx(test.p, rel=1e-6)
        assert abs(two.tests[name].statistic) == pytest.approx(abs(test.statistic))
    assert one.discordance.only_a == two.discordance.only_b
    assert one.detectable == pytest.approx(two.detectable)
    assert 0 < one.detectable <= 1
    for result in one.tests.values():
        assert 0 < result.p <= 1
        assert math.isfinite(result.statistic)


NOTHING = np.zeros(0, bool)
EDGES = {
    "no rows": (NOTHING, NOTHING, NOTHING.astype(int)),
    "identical models": ([1, 0, 1, 0], [1, 0, 1, 0], [0, 0, 1, 2]),
    "all right": ([0] * 4, [0] * 4, [0, 0, 1, 2]),
    "all wrong": ([1] * 4, [1] * 4, [0, 0, 1, 2]),
    "one group": ([1, 1, 1, 0], [0] * 4, [0] * 4),
    "two groups": ([1, 1, 1, 0], [0, 0, 0, 1], [0, 0, 1, 1]),
    "one row": ([1], [0], [0]),
    "always A": ([1] * 40, [0] * 40, np.arange(40) // 2),
    "even": ([1, 0, 1, 0], [0, 1, 0, 1], [0, 0, 1, 1]),
}


@pytest.mark.parametrize("case", EDGES)
def test_edge_cases_are_defined(case):
    found = compare(*EDGES[case])
    for result in found.tests.values():
        assert 0 < result.p <= 1
        assert math.isfinite(result.statistic)
        if found.discordance.only_a == found.discordance.only_b:
            assert result.p == pytest.approx(1)
    assert 0 < found.detectable <= 1
    for one in (
        found.effects.difference,
        found.effects.odds_ratio,
        found.effects.relative_reduction,
    ):
        assert (one.value is None) == (one.n == 0)
        assert (one.low is None) == (one.groups < 2)
        assert one.low is None or one.low <= one.value <= one.high


def test_an_empty_selection_of_images_leaves_the_clustered_tests():
    event_a, event_b, groups = some_rows()
    found = compare(event_a, event_b, groups, np.zeros(120, bool))
    assert all(found.tests[test].p == 1 for test in PLAIN)
    assert all(found.tests[test].p < 1 for test in CLUSTERED)


def test_others_change_nothing():
    event_a, event_b, groups = some_rows()
    once = np.ones(120, bool)
    others = {"b": event_b, "c": event_a, "a-b": ~event_b}
    found = compare_with_each(event_a, others, RowGroups.of(groups), once, resamples=FEW)
    assert list(found) == list(others)
    for name, event in others.items():
        assert found[name] == compare(event_a, event, groups, family=3)
    # A difference must be larger to be seen among several.
    alone = compare(event_a, event_b, groups)
    assert found["b"].detectable > alone.detectable
    pairs = pair_groups(event_a, event_b, groups)
    assert found["b"].detectable == detectable_after(pairs, alpha=0.05 / 3)
