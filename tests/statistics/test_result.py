import math
import sys

import numpy as np
import pytest

from lcbench.statistics.result import NO_DISCORDANCE, bounded_p


def test_a_p_value_is_never_0_and_never_above_1():
    assert bounded_p(0.0) == sys.float_info.min > 0
    assert bounded_p(1e-320) == sys.float_info.min
    assert bounded_p(1.0000000000000002) == 1.0
    assert bounded_p(np.float64(0.25)) == 0.25
    assert type(bounded_p(np.float64(0.25))) is float


@pytest.mark.parametrize("p", [1e-300, 0.05, 1.0])
def test_other_p_values_stay(p):
    assert bounded_p(p) == p


def test_nothing_to_tell_apart_is_p_1():
    assert (NO_DISCORDANCE.statistic, NO_DISCORDANCE.p) == (0.0, 1.0)
    assert not math.isnan(NO_DISCORDANCE.statistic)
