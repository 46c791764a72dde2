"""Intervals with several seeds of training, and beside other models."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lcbench.statistics import metrics
from lcbench.statistics.choices import METHODS
from lcbench.statistics.design import Design
from lcbench.statistics.intervals import all_intervals, intervals
from lcbench.statistics.limits import wilson
from lcbench.statistics.panel import Count, count_panel
from lcbench.statistics.panels import join, rekeyed
from lcbench.statistics.rates import pooled_trials

FEW = 200
PANEL = {
    "accuracy": Count(metrics.accuracy, proportion=True),
    "balanced": Count(metrics.balanced_accuracy),
    "macro F1": Count(metrics.macro_f1),
    "kappa": Count(metrics.cohen_kappa, bounds=(-1.0, 1.0), defined=metrics.beyond_chance),
}
tables = hnp.arrays(
    np.int64, st.tuples(st.integers(1, 12), st.just(3), st.just(3)), elements=st.integers(0, 4)
)


def limits(result):
    return result.low, result.high


def numbers(result):
    return result.value, result.low, result.high


# several seeds


def test_seeds_that_agree_are_no_news():
    counts = np.random.default_rng(5).poisson(0.5, (30, 3, 3)) ** 3
    once = all_intervals(count_panel(counts, PANEL), resamples=FEW)
    twice = np.repeat(counts, 2, axis=0)
    again = all_intervals(count_panel(twice, PANEL, Design(30, 2)), resamples=FEW)
    for method in METHODS:
        for name, one in once[method].items():
            two = again[method][name]
            assert numbers(two) == pytest.approx(numbers(one))
            assert (two.n, two.groups, one.training) == (2 * one.n, one.groups, None)
            # One degree of freedom of no variance widens nothing.
            assert limits(two.training) == pytest.approx(limits(two), abs=1e-6)
            assert (two.training.error, two.training.seeds) == (pytest.approx(two.error), 2)


@settings(max_examples=30)
@given(tables, st.integers(2, 4), st.randoms())
def test_limits_of_training_contain_those_of_the_networks(counts, n_seeds, random):
    rng = np.random.default_rng(random.randrange(10**6))
    several = rng.binomial(np.repeat(counts, n_seeds, axis=0), 0.6)
    panel = count_panel(several, PANEL, Design(len(counts), n_seeds))
    for found in all_intervals(panel, resamples=50).values():
        for measure in panel.measures:
            one, (least, most) = found[measure.key], measure.bounds
            if one.low is None:
                assert one.training is None
                continue
            assert least <= one.training.low <= one.low + 1e-12
            assert one.high - 1e-12 <= one.training.high <= most
            assert one.training.error >= (one.error or 0)
            assert one.training.seeds == n_seeds


def test_seeds_that_differ_widen_the_limits_of_training_alone():
    # Two seeds, one always right, the other in three of four: no group tells them apart.
    correct = np.stack([np.full(40, 20), np.full(40, 15) + np.arange(40) % 3 - 1], axis=1)
    counts = np.stack([correct.ravel(), np.full(80, 20)], axis=1)
    share = Count(lambda s: s[..., 0] / np.maximum(s[..., 1], 1), lambda s: s[..., 1])
    one = intervals(count_panel(counts, {"share": share}, Design(40, 2)))["share"]
    assert one.high - one.low < 0.05
    assert (one.training.low, one.training.high) == (0, 1)  # one degree of freedom
    assert one.training.error == pytest.approx(0.25 / 2, rel=0.05)


# what other models tell


def right_of(failures, groups=60, size=20):
    counts = np.zeros((groups, 3, 3), int)
    counts[:, 0, 1] = failures
    counts[:, 0, 0] = size - counts[:, 0, 1]
    return count_panel(counts, {"accuracy": PANEL["accuracy"], "macro F1": PANEL["macro F1"]})


def test_other_models_tell_what_a_score_without_failures_is_worth():
    perfect, scattered = right_of(np.zeros(60, int)), right_of((np.arange(60) % 3 == 0) * 2)
    every = join([rekeyed(perfect, lambda of: ("p", of)), rekeyed(scattered, lambda of: ("s", of))])
    alone = intervals(every)
    alike = {one.key: one.key[1] for one in every.measures}
    told = intervals(every, alike=alike)
    assert limits(alone["p", "accuracy"]) == pytest.approx(wilson(60, 60))
    value, error = alone["s", "accuracy"].value, alone["s", "accuracy"].error
    expected = pooled_trials(60, [(1 - value, value * (1 - value) / error**2)])
    assert expected > 100
    assert limits(told["p", "accuracy"]) == pytest.approx(wilson(expected, expected))
    # Its own failures tell it nothing that it did not know, and a perfect model tells nothing.
    assert told["s", "accuracy"] == alone["s", "accuracy"]
    # Only the same measure does.
    only = {key: what for key, what in alike.items() if key != ("s", "accuracy")}
    assert limits(intervals(every, alike=only)["p", "accuracy"]) == pytest.approx(wilson(60, 60))
