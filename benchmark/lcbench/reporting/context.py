"""What every computation of a report needs: the class tree as indices, and the bootstrap."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lcbench.reporting.measures import Estimate
from lcbench.statistics import metrics
from lcbench.statistics.intervals import Interval, difference_interval
from lcbench.statistics.metrics import Counts, Values
from lcbench.taxonomy import Taxonomy


@dataclass(frozen=True)
class Context:
    """The class tree and the settings of the bootstrap.

    Parameters
    ----------
    taxonomy
        The class tree.
    resamples
        Bootstrap resamples of each interval.
    """

    taxonomy: Taxonomy
    resamples: int

    @property
    def size(self) -> int:
        """Number of leaves."""
        return len(self.taxonomy.leaves)

    @property
    def negative(self) -> list[int]:
        """Indices of the leaves that mean "no finding"; empty where the tree names none."""
        return self._leaves_under(self.taxonomy.negative)

    @property
    def subtypes(self) -> list[int]:
        """Indices of the leaves that are subtypes; empty where the tree names none."""
        return self._leaves_under(self.taxonomy.subtypes_of)

    def confusion_rate(self, counts: Counts) -> Values:
        """Return the share of images of a subtype that are called another subtype."""
        images = metrics.support(counts, self.subtypes)
        confused = metrics.subtype_confusions(counts, self.subtypes)
        return np.divide(confused, images, out=np.zeros_like(images), where=images > 0)

    def subtype_images(self, counts: Counts) -> Values:
        """Return the number of images of a subtype."""
        return metrics.support(counts, self.subtypes)

    def group_counts(
        self, true: NDArray[np.int64], predicted: NDArray[np.int64], clusters: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Return (G, L, L) confusion counts."""
        return metrics.confusion_by_group(true, predicted, clusters, self.size)

    def _leaves_under(self, node: str | None) -> list[int]:
        if node is None:
            return []
        leaves = self.taxonomy.leaves
        return [leaves.index(leaf) for leaf in self.taxonomy.leaves_under(node)]


def accuracy_difference(first: Counts, second: Counts, *, n: int, resamples: int) -> Estimate:
    """Return the accuracy of `first` minus that of `second`, groups resampled together."""
    return estimate(
        difference_interval(
            first,
            second,
            metrics.accuracy,
            n=n,
            resamples=resamples,
            denominator=metrics.support,
        )
    )


def estimate(interval: Interval) -> Estimate:
    """Return an interval as it is stored; without images there is no value."""
    if interval.n == 0:
        return Estimate(value=None, low=None, high=None, n=0, groups=0, method=interval.method)
    return Estimate(
        value=interval.value,
        low=interval.low,
        high=interval.high,
        n=interval.n,
        groups=interval.groups,
        method=interval.method,
    )
