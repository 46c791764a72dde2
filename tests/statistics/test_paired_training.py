"""Paired tests of the way of training: over new seeds, and new groups."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lcbench.statistics.paired_groups import PairedGroups
from lcbench.statistics.paired_tests import clustered_score, clustered_score_of_training


def under_seeds(only_a, only_b, size=10):
    only_a, only_b = np.broadcast_arrays(np.asarray(only_a), np.asarray(only_b))
    return PairedGroups(only_a, only_b, np.zeros_like(only_a), np.full_like(only_a, size))


def test_seeds_that_agree_leave_the_test():
    d = np.random.default_rng(1).integers(0, 4, (2, 60, 1)) * np.array([1, 2]).reshape(2, 1, 1)
    pairs = under_seeds(*np.repeat(d, 3, axis=2), size=20)
    found, plain = clustered_score_of_training(pairs), clustered_score(pairs)
    assert found.p == pytest.approx(plain.p, rel=1e-5)
    assert found.statistic == plain.statistic == pytest.approx(pairs.rates.value)


def test_one_seed_that_differs_from_the_others_is_no_way_of_training():
    # A loses under one seed of three, on all groups alike.
    only_a = np.tile([0, 0, 4], (80, 1)) + np.arange(80)[:, None] % 2
    pairs = under_seeds(only_a, np.arange(80)[:, None] % 3 == 0)
    assert clustered_score(pairs).p < 1e-6
    assert clustered_score_of_training(pairs).p > 0.2


@given(st.integers(0, 10**6), st.integers(2, 4))
def test_new_seeds_are_never_surer(seed, n_seeds):
    rng = np.random.default_rng(seed)
    only_a, only_b = rng.binomial(3, [[[0.2]], [[0.4]]], (2, 12, n_seeds))
    pairs = under_seeds(only_a, only_b)
    found = clustered_score_of_training(pairs).p
    assert clustered_score(pairs).p <= found * (1 + 1e-6)
    mirrored = under_seeds(only_b, only_a)
    assert clustered_score_of_training(mirrored).p == pytest.approx(found, rel=1e-6)


def test_the_variance_is_that_of_the_difference_of_the_rates():
    rng = np.random.default_rng(3)
    only_a, only_b = rng.binomial(3, 0.3, (2, 30, 4))
    pairs = under_seeds(only_a, only_b)
    mean = (only_b - only_a).sum(axis=1) / 40
    assert pairs.variance.groups == pytest.approx(mean.var(ddof=1) / 30)
