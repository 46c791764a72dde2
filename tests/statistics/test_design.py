import numpy as np

from lcbench.statistics.design import Design


def test_without_strata_or_images_all_count_alike():
    design = Design(3, 2)
    assert design.units == 6
    assert design.stratum.tolist() == [0, 0, 0]
    assert design.sizes.tolist() == [1] * 6
    assert design.sizes_of_strata.tolist() == [6]
    np.testing.assert_allclose(design.unbiased, 3 / 2)


def test_strata_of_units_and_what_they_hold():
    design = Design(4, 2, (0, 1, 0, 2), (1, 2, 3, 4, 5, 6, 7, 8))
    assert design.stratum_of_units.tolist() == [0, 0, 1, 1, 0, 0, 2, 2]
    assert design.sizes_of_strata.tolist() == [14, 7, 15]
    # The only group of a stratum shows no variance.
    assert design.unbiased.tolist() == [2, 0, 2, 0]


def test_equal_designs_are_one():
    assert len({Design(2, 1, (0, 1)), Design(2, 1, (0, 1)), Design(2, 1, (0, 0))}) == 2
