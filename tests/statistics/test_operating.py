"""Operating thresholds against what they promise, and against scikit-learn's curve."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_curve

from lcbench.statistics.operating import operating_threshold

CASES = st.lists(st.tuples(st.integers(0, 10), st.booleans()), min_size=1, max_size=40).map(
    lambda rows: (np.array([k / 10 for k, _ in rows]), np.array([yes for _, yes in rows]))
)


@given(CASES, st.sampled_from([0.5, 0.9, 0.95, 1.0]))
def test_the_largest_threshold_that_finds_enough(case, target):
    chances, positive = case
    found = operating_threshold(chances, positive, target)
    if not positive.any():
        assert found is None
        return
    assert found is not None
    assert found.sensitivity == np.mean(chances[positive] >= found.threshold) >= target - 1e-9
    larger = chances[positive & (chances > found.threshold)]
    assert len(larger) / positive.sum() < target
    others = chances[~positive]
    if len(others):
        assert found.specificity == pytest.approx(np.mean(others < found.threshold))
    else:
        assert found.specificity is None


def test_it_is_a_point_of_the_roc_curve():
    generator = np.random.default_rng(3)
    positive = generator.random(200) < 0.4
    chances = generator.normal(positive, 1.0)
    found = operating_threshold(chances, positive)
    assert found is not None
    false_alarms, hits, thresholds = roc_curve(positive, chances, drop_intermediate=False)
    first = int(np.argmax(hits >= 0.95))
    assert found.threshold == thresholds[first]
    assert found.sensitivity == hits[first]
    assert found.specificity is not None
    np.testing.assert_allclose(1.0 - found.specificity, false_alarms[first])
