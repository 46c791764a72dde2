import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lcbench.statistics import metrics
from lcbench.statistics.design import Design
from lcbench.statistics.limits import Scale
from lcbench.statistics.panel import Count, column_share, count_panel
from lcbench.statistics.panels import difference, join, rekeyed, with_differences

from .helpers import PANEL, slopes, tables

# counts


@given(tables, st.integers(0, 9))
def test_evaluates_weighted_totals(counts, seed):
    weights = np.random.default_rng(seed).integers(0, 4, (7, len(counts))).astype(float)
    found = count_panel(counts, PANEL).evaluate(weights)
    for row, drawn in zip(found, weights, strict=True):
        total = np.einsum("g,gij->ij", drawn, counts)
        for value, one in zip(row, PANEL.values(), strict=True):
            images = (one.images or metrics.support)(total)
            assert (value == one.function(total)) if images > 0 else math.isnan(value)


@given(tables, st.integers(1, 3))
def test_the_influence_is_the_derivative_by_the_weights(counts, seeds):
    counts = np.repeat(counts, seeds, axis=0) * np.arange(1, seeds * len(counts) + 1)[:, None, None]
    panel = count_panel(counts, PANEL, Design(len(counts) // seeds, seeds))
    apart = with_differences(panel, {"apart": ("macro F1", "recall")})
    joined = join([panel, rekeyed(panel, lambda name: f"other {name}")])
    for one in (panel, joined, difference(panel, panel), rekeyed(panel, str.upper), apart):
        assert one.influence().shape == (one.design.units, len(one.measures))
        np.testing.assert_allclose(one.influence(), slopes(one), atol=1e-6)


def test_a_share_of_images_knows_its_counts():
    counts = np.random.default_rng(0).integers(0, 5, (8, 3, 3))
    panel = count_panel(counts, PANEL, Design(4, 2))
    rate = {one.key: one.rate for one in panel.measures}
    assert (rate["macro F1"], rate["recall"]) == (None, None)
    by_group = counts.reshape(4, 2, 3, 3).sum(axis=1)
    np.testing.assert_allclose(rate["accuracy"].events, np.trace(by_group, axis1=1, axis2=2))
    np.testing.assert_array_equal(rate["accuracy"].size, by_group.sum(axis=(1, 2)))
    assert rate["accuracy"].value == pytest.approx(panel.on_all()[0])


def test_a_statistic_sees_each_kind_of_unit_once():
    kinds = np.array([[1, 0], [0, 1], [3, 2]])
    counts = kinds[np.random.default_rng(0).integers(0, 3, 4000)]
    seen = []

    def share(sums):
        seen.append(len(sums))
        return sums[..., 0] / sums.sum(axis=-1)

    design = Design(2000, 2)
    panel = count_panel(counts, {"share": Count(share, proportion=True)}, design)
    influence = panel.influence()
    assert max(seen) <= 10  # kinds of units, or of the groups that two units make
    total = counts.sum(axis=0)
    expected = (counts[:, 0] - counts.sum(axis=1) * total[0] / total.sum()) / total.sum()
    np.testing.assert_allclose(influence[:, 0], expected, atol=1e-12)


def test_a_column_over_another():
    sums = np.array([[2.0, 1.0, 8.0], [0.0, 5.0, 0.0]])
    one = column_share(0, 2, proportion=True)
    np.testing.assert_array_equal(one.function(sums), [0.25, 0.0])
    np.testing.assert_array_equal(one.images(sums), [8.0, 0.0])
    assert (one.bounds, one.scale, one.proportion) == ((0.0, 1.0), Scale.bounded, True)
