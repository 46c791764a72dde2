import numpy as np
import pytest

from lcbench.statistics import bootstrap
from lcbench.statistics.bootstrap import bootstrap_weights, resample
from lcbench.statistics.design import Design

DESIGNS = [Design(5), Design(5, 3), Design(5, 1, (0, 1, 0, 1, 0), (4, 2, 1, 1, 3))]


def weights(design, resamples, seed=0, block=1000):
    return np.concatenate(list(bootstrap_weights(design, resamples, seed, block)))


# groups


def test_one_group_fewer_than_there_are_is_drawn():
    drawn = weights(Design(7), 20_000)
    assert drawn.shape == (20_000, 7)
    np.testing.assert_allclose(drawn.sum(axis=1), 7)
    times = drawn * 6 / 7  # scaled to the images that there are
    np.testing.assert_allclose(times, np.round(times), atol=1e-9)
    np.testing.assert_allclose(drawn.mean(axis=0), 1, atol=0.03)
    # The variance of a mean of 7 is that of the weights over 7: unbiased, s^2 / 7.
    values = np.arange(7.0)
    assert (drawn @ values / 7).var() == pytest.approx(values.var(ddof=1) / 7, rel=0.03)
    correlation = np.corrcoef(drawn.T)[np.triu_indices(7, 1)]
    np.testing.assert_allclose(correlation, -1 / 6, atol=0.03)


def test_the_images_of_each_stratum_are_fixed():
    sizes = (1, 9, 5, 5, 2, 30, 4, 4)
    drawn = weights(Design(8, 1, (0, 0, 1, 1, 1, 2, 3, 3), sizes), 2000)
    images = drawn * sizes
    for members, whole in (([0, 1], 10), ([2, 3, 4], 12), ([6, 7], 8)):
        np.testing.assert_allclose(images[:, members].sum(axis=1), whole)
    np.testing.assert_array_equal(drawn[:, 5], 1)  # the only one of its stratum
    # Strata are drawn apart from each other.
    assert abs(np.corrcoef(drawn[:, 0], drawn[:, 6])[0, 1]) < 0.07
    assert len(np.unique(drawn[:, [0, 6]], axis=0)) == 4


@pytest.mark.parametrize("design", DESIGNS)
def test_weights_depend_on_the_seed_and_not_on_the_block(design):
    one = weights(design, 100, seed=1)
    for block in (1, 7, 100):
        np.testing.assert_array_equal(weights(design, 100, seed=1, block=block), one)
    assert not np.array_equal(weights(design, 100, seed=2), one)


# groups and seeds


def test_all_seeds_of_a_group_have_its_weight():
    strata, sizes = (0, 0, 0, 1, 1, 1), (2, 3, 5, 1, 1, 9)
    with_seeds = Design(6, 4, strata, tuple(np.repeat(sizes, 4).tolist()))
    drawn = weights(with_seeds, 50, seed=3).reshape(-1, 6, 4)
    expected = weights(Design(6, 1, strata, sizes), 50, seed=3)
    np.testing.assert_allclose(drawn, np.repeat(expected[:, :, None], 4, axis=2))


# statistics


@pytest.mark.parametrize("design", DESIGNS)
def test_resampled_statistics_are_those_of_the_weights(design, monkeypatch):
    counts = np.random.default_rng(0).integers(0, 9, (design.units, 2)).astype(float)
    expected = weights(design, 50, seed=4) @ counts
    monkeypatch.setattr(bootstrap, "_BLOCK_CELLS", 30)  # small blocks
    done = []
    drawn = resample(
        lambda units: units @ counts,
        design,
        resamples=50,
        seed=4,
        tick=lambda *so_far: done.append(so_far),
    )
    np.testing.assert_array_equal(drawn, expected)
    assert done[-1] == (50, 50)
    assert len(done) > 1


@pytest.mark.parametrize(("groups", "resamples"), [(0, 10), (2, 0)])
def test_nothing_to_draw_is_refused(groups, resamples):
    with pytest.raises(ValueError, match="cannot draw"):
        resample(lambda units: units, Design(groups), resamples=resamples)
