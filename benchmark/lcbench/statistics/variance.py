"""Variance of a statistic from the influence of each unit: over source groups, and over seeds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lcbench.statistics.design import Design
from lcbench.statistics.metrics import Values

# Influences that cancel leave squares of this size, whose ratio says nothing.
_ROUNDING = 1e-20


@dataclass(frozen=True)
class Variance:
    """Where the variance of a statistic comes from.

    Parameters
    ----------
    groups
        Variance over source groups, for the networks as they are trained.
    freedom
        Its degrees of freedom.
    training
        What a new seed of training adds; 0 with one seed, and where the seeds differ by no more
        than their groups explain.
    training_freedom
        Degrees of freedom of the sum of both; infinite with one seed.
    """

    groups: float
    freedom: float
    training: float
    training_freedom: float


def centred(influence: Values, design: Design) -> Values:
    """Return influences under fixed numbers of images of each stratum.

    A unit that counts more makes the others of its stratum count less, so that the influence of
    the whole stratum is 0: u - (n / N_h) sum of u over the stratum h.

    Parameters
    ----------
    influence
        (U,) derivatives with respect to the weight of each unit.
    design
        Groups, seeds, strata and sizes.
    """
    stratum, size = design.stratum_of_units, design.sizes_of_strata
    total = np.bincount(stratum, weights=influence)
    share = np.divide(total, size, out=np.zeros(total.shape), where=size > 0)
    return np.asarray(influence - design.sizes * share[stratum])


def variance(influence: Values, design: Design) -> Variance:
    """Return the variance of a statistic over source groups, and what new seeds add.

    Groups and seeds are crossed: every seed answers for every group. Of the variance over seeds,
    what groups within a seed explain is taken off (the interaction, which the variance over groups
    already holds); the rest, never below 0, is what a new seed adds. The degrees of freedom of the
    sum are Satterthwaite's, with the S - 1 of all the variance over seeds, so that three seeds
    are never taken for many.

    Parameters
    ----------
    influence
        (U,) derivatives with respect to the weight of each unit.
    design
        Groups, seeds, strata and sizes.

    References
    ----------
    Jaeckel, L. A. (1972). The infinitesimal jackknife. Bell Laboratories. Obuchowski, N. A. and
    Rockette, H. E. (1995). Hypothesis testing of diagnostic accuracy for multiple readers and
    multiple tests. Communications in Statistics: Simulation 24, 285-308: readers and cases are
    seeds and groups here. Hillis, S. L. (2007). A comparison of denominator degrees of freedom
    methods for multiple observer ROC analysis. Statistics in Medicine 26, 596-619.
    """
    units = centred(influence, design).reshape(design.groups, design.seeds)
    of_groups = units.sum(axis=1)
    groups = float((design.unbiased * of_groups**2).sum())
    seeds, interaction = _over_seeds(units)
    training = max(seeds - interaction, 0.0)
    freedom = np.inf
    if seeds > _ROUNDING:
        freedom = (groups + training) ** 2 * (design.seeds - 1) / seeds**2
    return Variance(groups, degrees_of_freedom(of_groups), training, max(float(freedom), 1.0))


def group_influence(influence: Values, design: Design) -> Values:
    """Return the (G,) centred influences of the groups, scaled so that squares add to a variance.

    The factor is the square root of n / (n - 1) for the n groups of a stratum.
    """
    of_groups = centred(influence, design).reshape(design.groups, design.seeds).sum(axis=1)
    return np.asarray(np.sqrt(design.unbiased) * of_groups)


def degrees_of_freedom(influence: Values) -> float:
    """Return Satterthwaite's degrees of freedom of a variance over groups.

    The variance of a statistic is about the sum of the squared influences of the groups. Where
    few groups carry all errors, few terms make that sum, and it is itself uncertain: matching
    its first two moments with a scaled chi-squared gives 2 (sum u^2)^2 / (sum u^4 - (sum u^2)^2 /
    G) degrees of freedom, at least 1 and at most G - 1.

    Parameters
    ----------
    influence
        (G,) centred influences.

    References
    ----------
    Satterthwaite, F. E. (1946). An approximate distribution of estimates of variance components.
    Biometrics Bulletin 2, 110-114.
    """
    squares = influence**2
    # Not a power of 4, which is slow and rounds otherwise on each kind of processor.
    second, fourth = float(squares.sum()), float((squares**2).sum())
    spread = fourth - second**2 / max(1, len(influence))
    most = max(1.0, len(influence) - 1.0)
    if second <= 0.0 or spread <= 1e-12 * fourth:
        return most
    return min(max(2.0 * second**2 / spread, 1.0), most)


def _over_seeds(units: Values) -> tuple[float, float]:
    """Return the variance over seeds, and what groups within a seed explain of it."""
    groups, seeds = units.shape
    if seeds < 2 or groups < 2:
        return 0.0, 0.0
    rest = units - units.mean(axis=1, keepdims=True)
    rest -= rest.mean(axis=0)
    factor = seeds / (seeds - 1.0)
    of_seeds = units.sum(axis=0)
    interaction = factor * groups / (groups - 1.0) * float((rest**2).sum())
    return factor * float(((of_seeds - of_seeds.mean()) ** 2).sum()), interaction
