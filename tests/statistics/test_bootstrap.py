import numpy as np
import pytest

from lcbench.statistics import bootstrap
from lcbench.statistics.bootstrap import bootstrap_weights, cluster_bootstrap


def weights(n_groups, resamples, seed=0, block=1000, strata=None):
    return np.concatenate(list(bootstrap_weights(n_groups, resamples, seed, block, strata)))


def test_weights_are_multinomial():
    drawn = weights(7, 20_000)
    assert drawn.shape == (20_000, 7)
    assert np.all(drawn.sum(axis=1) == 7)
    assert np.all(drawn == np.round(drawn))
    np.testing.assert_allclose(drawn.mean(axis=0), 1, atol=0.03)
    np.testing.assert_allclose(drawn.var(axis=0), 7 * (1 / 7) * (6 / 7), atol=0.04)


def test_weights_depend_on_the_seed_and_not_on_the_block():
    one = weights(5, 100, seed=1)
    for block in (1, 7, 100):
        np.testing.assert_array_equal(weights(5, 100, seed=1, block=block), one)
    assert not np.array_equal(weights(5, 100, seed=2), one)


def test_blocks_are_bounded():
    sizes = [len(block) for block in bootstrap_weights(3, 10, 0, 4)]
    assert sizes == [4, 4, 2]


def test_strata_keep_their_size():
    strata = np.array([2, 0, 2, 2, 0])
    drawn = weights(5, 2000, strata=strata)
    assert np.all(drawn[:, strata == 2].sum(axis=1) == 3)
    assert np.all(drawn[:, strata == 0].sum(axis=1) == 2)
    np.testing.assert_allclose(drawn.mean(axis=0), 1, atol=0.08)


def test_totals_are_weighted_sums_of_whole_groups(monkeypatch):
    counts = np.random.default_rng(0).integers(0, 9, (6, 2, 2))
    expected = np.einsum("bg,gij->bij", weights(6, 50, seed=4), counts)
    monkeypatch.setattr(bootstrap, "_BLOCK_CELLS", 30)  # blocks of five
    totals = cluster_bootstrap(counts, lambda batch: batch, resamples=50, seed=4)
    np.testing.assert_array_equal(totals, expected)


def test_a_statistic_may_return_many_values():
    counts = np.array([[1, 2], [3, 4]])
    result = cluster_bootstrap(counts, lambda batch: batch, resamples=5)
    assert result.shape == (5, 2)


@pytest.mark.parametrize(("counts", "resamples"), [(np.zeros((0, 3)), 10), (np.ones((2, 3)), 0)])
def test_nothing_to_draw_is_refused(counts, resamples):
    with pytest.raises(ValueError, match="cannot draw"):
        cluster_bootstrap(counts, lambda batch: batch[:, 0], resamples=resamples)


def test_strata_must_fit_the_groups():
    with pytest.raises(ValueError, match="strata for 3 groups"):
        weights(3, 5, strata=np.array([0, 1]))
