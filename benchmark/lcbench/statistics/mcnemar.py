"""McNemar's test of two classifiers on the same images. It assumes independent images.

Where images come in source groups, use `lcbench.statistics.clustered`: on LC25000's groups of
about twenty, McNemar's test rejects a true null hypothesis more often than not.
"""

from __future__ import annotations

from lcbench.statistics.result import NO_DISCORDANCE, TestResult, bounded_p


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
