import math

import numpy as np
import pytest

from lcbench.statistics.design_effect import effective_sample
from lcbench.statistics.intervals import Interval, intervals
from lcbench.statistics.panel import Count, count_panel


def accuracy_of(correct, sizes, resamples=4000):
    counts = np.stack([correct, np.broadcast_to(sizes, np.shape(correct))], axis=1)
    one = Count(
        lambda sums: sums[..., 0] / np.maximum(sums[..., 1], 1),
        lambda sums: sums[..., 1],
        proportion=True,
    )
    return intervals(count_panel(counts, {"accuracy": one}), resamples=resamples)["accuracy"]


def test_independent_images_are_worth_themselves():
    correct = np.random.default_rng(0).random(800) < 0.9
    found = effective_sample(accuracy_of(correct, 1))
    # The standard error of 4,000 resamples is known to 1.1 %, its square to 2.2 %.
    assert found.design_effect == pytest.approx(1, abs=0.07)
    assert found.n == pytest.approx(800, rel=0.07)


def test_independent_images_in_groups_are_worth_themselves():
    correct = np.random.default_rng(1).binomial(5, 0.9, 1500)
    assert effective_sample(accuracy_of(correct, 5)).design_effect == pytest.approx(1, abs=0.15)


def test_twenty_copies_are_worth_one_image():
    correct = 20 * (np.random.default_rng(0).random(800) < 0.9)
    found = effective_sample(accuracy_of(correct, 20))
    assert found.design_effect == pytest.approx(20, rel=0.07)
    assert found.n == pytest.approx(800, rel=0.07)


def test_the_design_effect_follows_the_correlation():
    # With the chance 0.25 a group holds copies, so that 1 + 9 * 0.25 is expected.
    rng = np.random.default_rng(2)
    copies = rng.random(4000) < 0.25
    correct = np.where(copies, 10 * (rng.random(4000) < 0.8), rng.binomial(10, 0.8, 4000))
    found = effective_sample(accuracy_of(correct, 10, resamples=1000))
    assert found.design_effect == pytest.approx(3.25, rel=0.15)


def test_by_hand():
    found = effective_sample(Interval(0.8, 0.7, 0.9, 500, 50, "", error=0.04))
    assert found.n == pytest.approx(0.16 / 0.0016)
    assert found.design_effect == pytest.approx(5)


@pytest.mark.parametrize(
    "share",
    [
        Interval(1.0, 0.9, 1.0, 50, 5, ""),
        Interval(0.0, 0.0, 0.1, 50, 5, "", error=0.1),
        Interval(0.5, 0.4, 0.6, 50, 5, "", error=0.0),
        Interval(0.5, 0.4, 0.6, 50, 5, "", error=math.nan),
        Interval(0.5, 0.0, 1.0, 0, 0, "", error=0.1),
    ],
)
def test_without_a_standard_error_nothing_is_known(share):
    assert effective_sample(share) is None


@pytest.mark.parametrize(("correct", "size"), [([5, 5], 5), ([0, 0], 5), ([3], 5), ([3, 3], 5)])
def test_edge_cases_are_unknown(correct, size):
    assert effective_sample(accuracy_of(np.array(correct), size, resamples=50)) is None
