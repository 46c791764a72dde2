"""Paired tests of two classifiers on an event.

McNemar's tests assume independent images. The clustered tests take the source group as the unit:
they look at d = (images with the event under A only) - (under B only) in each group, and ask
whether its expectation is 0. With one image a group they are McNemar's test; on LC25000's groups of
about twenty, McNemar's test rejects a true null hypothesis more often than not.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np

from lcbench.statistics.limits import smallest_level, with_training
from lcbench.statistics.paired_groups import PairedGroups


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


def mcnemar_exact(b: int, c: int) -> TestResult:
    """Return McNemar's exact test; p = 1 where b + c = 0.

    Parameters
    ----------
    b, c
        Images on which the event happens under A only, and under B only.

    Returns
    -------
    TestResult
        The statistic is the smaller of b and c.
    """
    from statsmodels.stats.contingency_tables import mcnemar

    if b + c == 0:
        return NO_DISCORDANCE
    return TestResult(float(min(b, c)), bounded_p(mcnemar([[0, b], [c, 0]], exact=True).pvalue))


def mcnemar_mid_p(b: int, c: int) -> TestResult:
    """Return McNemar's mid-p test: the exact one with half the chance of the table seen.

    Parameters
    ----------
    b, c
        As for `mcnemar_exact`.

    References
    ----------
    Fagerland, M. W., Lydersen, S. and Laake, P. (2013). The McNemar test for binary matched-pairs
    data: mid-p and asymptotic are better than exact conditional. BMC Medical Research
    Methodology 13, 91.
    """
    from scipy.stats import binom

    if b + c == 0:
        return NO_DISCORDANCE
    least = min(b, c)
    half = binom.cdf(least, b + c, 0.5) - 0.5 * binom.pmf(least, b + c, 0.5)
    return TestResult(float(least), bounded_p(2.0 * half))


def mcnemar_corrected(b: int, c: int) -> TestResult:
    """Return McNemar's chi-squared test with Edwards' continuity correction.

    Parameters
    ----------
    b, c
        As for `mcnemar_exact`.

    References
    ----------
    Edwards, A. L. (1948). Note on the correction for continuity in testing the significance of
    the difference between correlated proportions. Psychometrika 13, 185-187.
    """
    from statsmodels.stats.contingency_tables import mcnemar

    if b == c:  # statsmodels gives p = 0 without discordant pairs, and corrects 0 to 1 at b = c
        return NO_DISCORDANCE
    found = mcnemar([[0, b], [c, 0]], exact=False, correction=True)
    return TestResult(float(found.statistic), bounded_p(found.pvalue))


def obuchowski(pairs: PairedGroups) -> TestResult:
    """Return Obuchowski's test: the variance of the sum of d under the null hypothesis.

    Chi-squared with one degree of freedom: (G - 1) / G (sum d)^2 / sum d^2.

    References
    ----------
    Obuchowski, N. A. (1998). On the comparison of correlated proportions for clustered data.
    Statistics in Medicine 17, 1495-1507.
    """
    d = pairs.difference.astype(np.float64)
    return _chi_squared(d.sum() ** 2 * _small_sample(pairs), (d**2).sum())


def durkalski(pairs: PairedGroups) -> TestResult:
    """Return Durkalski's test: every group counts alike, by its mean d.

    Chi-squared with one degree of freedom: (sum d/n)^2 / sum (d/n)^2.

    References
    ----------
    Durkalski, V. L. et al. (2003). Analysis of clustered matched-pair data. Statistics in
    Medicine 22, 2417-2428.
    """
    mean = pairs.difference / np.maximum(pairs.group_size, 1)
    return _chi_squared(mean.sum() ** 2, (mean**2).sum())


def yang(pairs: PairedGroups) -> TestResult:
    """Return Yang's modification of Obuchowski's test.

    The variance of the sum of d is the mean of Obuchowski's, under the null hypothesis, and of
    the one around the difference that was seen: (G - 1) / G (sum d)^2 / (sum (d - n D / N)^2 / 2
    + sum d^2 / 2), D = sum d.

    References
    ----------
    Yang, Z., Sun, X. and Hardin, J. W. (2010). A note on the tests for clustered matched-pair
    binary data. Biometrical Journal 52, 638-652.
    """
    d = pairs.difference.astype(np.float64)
    seen = d - pairs.group_size * (d.sum() / max(pairs.rows, 1))
    variance = ((seen**2).sum() + (d**2).sum()) / 2.0
    return _chi_squared(d.sum() ** 2 * _small_sample(pairs), variance)


def clustered_score(pairs: PairedGroups) -> TestResult:
    """Return the test that the interval of the difference makes.

    p is the smallest level at which the interval excludes 0, so that test and interval never
    disagree. Null hypothesis: on new source groups, these networks have the event equally often;
    nothing is assumed about how it spreads over the groups under either.

    Returns
    -------
    TestResult
        The statistic is the difference of the rates, B minus A.

    References
    ----------
    See `lcbench.statistics.rate_pairs.RateDifference`.
    """
    if len(pairs.size) < 2:
        return NO_DISCORDANCE  # one group shows no variance
    difference = pairs.rates
    return TestResult(difference.value, smallest_level(difference.limits, difference.value))


def clustered_score_of_training(pairs: PairedGroups) -> TestResult | None:
    """Return the test that the interval for the way of training makes.

    Null hypothesis: networks trained in these two ways with new seeds have the event equally often
    on new source groups. None with one seed, which says nothing of others.
    """
    if pairs.design.seeds < 2 or len(pairs.size) < 2:
        return None
    value, spread = pairs.rates.value, pairs.variance
    limits = with_training(pairs.rates.limits, value, spread.training, spread.training_freedom)
    return TestResult(value, smallest_level(limits, value))


def sign_flip(pairs: PairedGroups) -> TestResult:
    """Return the exact sign-flip test over source groups.

    If A and B are exchangeable within each group, the sign of a group's d is a fair coin toss,
    whatever the dependence of the images inside the group. The statistic is |sum of d|. Its
    distribution over all sign patterns is the convolution of the groups' +d and -d, computed in
    full: no sampling, no seed, for any number of groups. With one image a group it is McNemar's
    exact test.

    Returns
    -------
    TestResult
        p is the share of sign patterns with a sum at least as large; 1 where every d is 0. A
        share too small for a float is given as the smallest normal one: p is never 0.

    References
    ----------
    Fisher, R. A. (1935). The Design of Experiments, section 21. Pagano, M. and Tritchler, D.
    (1983). On obtaining permutation distributions in polynomial time. JASA 78, 435-440.
    """
    sums = pairs.difference
    # The groups with a plus sign add up to a subset sum; the signed sum is twice that minus the
    # whole, so the distribution of subset sums is all that is needed.
    steps = np.sort(np.abs(sums[sums != 0]))
    whole, seen = int(steps.sum()), abs(int(sums.sum()))
    chances = np.zeros(whole + 1)
    chances[0] = 1.0
    reached = 0
    for step in steps.tolist():
        chances[: reached + 1] *= 0.5
        shifted = chances[: reached + 1].copy()
        reached += step
        chances[step : reached + 1] += shifted
    signed = 2 * np.arange(whole + 1) - whole
    return TestResult(float(seen), bounded_p(chances[np.abs(signed) >= seen].sum()))


def _small_sample(pairs: PairedGroups) -> float:
    return (len(pairs.size) - 1) / max(len(pairs.size), 1)


def _chi_squared(numerator: Any, variance: Any) -> TestResult:  # noqa: ANN401 - numpy scalars
    from scipy.stats import chi2

    if variance <= 0.0:
        return NO_DISCORDANCE
    statistic = float(numerator / variance)
    return TestResult(statistic, bounded_p(chi2.sf(statistic, 1)))
