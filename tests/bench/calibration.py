"""Coverage of calibration slope and intercept, and bias of the calibration error, truth known.

Confidences have normal logits, answers are right with chance expit(slope * logit), and both have a
random effect of the source group: a correlation of 0 makes images independent, 1 makes all images
of a group the same. Run it by hand; 100 simulations take two minutes.
"""

from __future__ import annotations

import argparse
import itertools
import math
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit, logit
from scipy.stats import norm, t
from simulated import Groups, lc25000_groups

from lcbench.statistics.calibration import (
    Confidences,
    Linear,
    calibration_intercept,
    calibration_slope,
)
from lcbench.statistics.design import Design
from lcbench.statistics.reliability import calibration_error, confidence_bins
from lcbench.statistics.variance import degrees_of_freedom

GROUPS = (240, 710)
CORRELATIONS = (0.0, 0.5, 1.0)
ERRORS = (0.0, 0.01, 0.02, 0.05)
CENTRES = (3.0, 5.0)
SPREAD = 2.0
LEAST = float(logit(1 / 3))


class Truth(NamedTuple):
    """What is to be found."""

    slope: float
    intercept: float
    error: float


def main() -> None:
    """Print a row for each case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulations", type=int, default=100)
    simulations = parser.parse_args().simulations
    print(f"{simulations} simulations a row; coverage of 95 % intervals, bias of the ECE")
    print("accuracy  groups  correlation  true ECE  slope  intercept  ECE's bias  uncorrected")
    for centre, count, icc, error in itertools.product(CENTRES, GROUPS, CORRELATIONS, ERRORS):
        sure, truth = population(centre, error)
        accuracy = float(expit(truth.slope * sure).mean())
        groups = lc25000_groups().first(count)
        found = np.array(
            [simulated(seed, groups, centre, icc, truth) for seed in range(simulations)]
        )
        covered_slope, covered_intercept, corrected, plain = np.nanmean(found, axis=0)
        print(
            f"{accuracy:>8.3f} {count:>7} {icc:>12} {error:>9} {covered_slope:>6.3f} "
            f"{covered_intercept:>10.3f} {corrected - error:>+11.4f} {plain - error:>+12.4f}",
            flush=True,
        )


def reflected(logits: np.ndarray) -> np.ndarray:
    """Return logits with those below one third mirrored: the largest of three is above it."""
    return np.abs(logits - LEAST) + LEAST


def population(centre: float, error: float) -> tuple[np.ndarray, Truth]:
    """Return the logits of the population, and the truth: all are too sure, by `error` on average.

    As no bin is too unsure, bins do not cancel, and the error over bins is that over images.
    """
    sure = reflected(centre + SPREAD * norm.ppf((np.arange(100_000) + 0.5) / 100_000))
    mean = expit(sure).mean()
    slope = brentq(lambda b: mean - expit(b * sure).mean() - error, 0.05, 1.0) if error else 1.0
    chance = expit(slope * sure).mean()
    intercept = brentq(lambda a: expit(a + sure).mean() - chance, -9.0, 1.0)
    return sure, Truth(slope, intercept, error)


def simulated(
    seed: int, groups: Groups, centre: float, icc: float, truth: Truth
) -> tuple[float, float, float, float]:
    """Return whether slope and intercept are covered, and the error with and without correction."""
    rng = np.random.default_rng(seed)
    codes = np.repeat(np.arange(len(groups.sizes)), groups.sizes)

    def correlated() -> np.ndarray:
        shared, own = rng.normal(size=len(groups.sizes))[codes], rng.normal(size=len(codes))
        return math.sqrt(icc) * shared + math.sqrt(1 - icc) * own

    sure = reflected(centre + SPREAD * correlated())
    right = norm.cdf(correlated()) < expit(truth.slope * sure)
    of = Confidences(expit(sure), right, codes, Design(len(groups.sizes)))
    gaps = [one.confidence.sum() - one.right.sum() for one in confidence_bins(of)]
    return (
        covers(calibration_slope(of), truth.slope),
        covers(calibration_intercept(of), truth.intercept),
        calibration_error(of).value,
        float(np.abs(gaps).sum()) / len(codes),
    )


def covers(found: Linear, truth: float) -> float:
    """Return 1 where the interval holds the truth, NaN where there is none.

    The interval of `lcbench.statistics.intervals` with the bootstrap's standard error at its
    limit, that of infinitely many resamples.
    """
    if math.isnan(found.value) or found.influence is None:
        return math.nan
    size = len(found.influence)
    error = math.sqrt(size / (size - 1) * float((found.influence**2).sum()))
    quantile = float(t.ppf(0.975, degrees_of_freedom(found.influence)))
    return float(abs(found.value - truth) <= quantile * error)


if __name__ == "__main__":
    main()
