"""What a hypothesis test returns."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class TestResult:
    """What a test says.

    Parameters
    ----------
    statistic
        The test statistic.
    p
        Two-sided p-value: above 0, at most 1.
    """

    __test__ = False  # not a test case for pytest

    statistic: float
    p: float


NO_DISCORDANCE = TestResult(0.0, 1.0)
"""Two models that differ on no image: nothing speaks against the null hypothesis."""


def bounded_p(p: Any) -> float:  # noqa: ANN401 - any scalar of numpy or Python
    """Return a p-value within (0, 1]: one too small for a float is the smallest normal float."""
    return min(1.0, max(float(p), sys.float_info.min))
