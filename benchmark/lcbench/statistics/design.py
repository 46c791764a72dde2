"""What is independent of what: source groups within classes, crossed with seeds of training."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lcbench.statistics.metrics import Values


@dataclass(frozen=True)
class Design:
    """What is independent of what.

    Parameters
    ----------
    groups
        Number of source groups, G.
    seeds
        Number of training seeds, S, whose predictions are told apart; unit g * S + s is group g
        under seed s.
    strata
        (G,) stratum of each group, from 0, see `lcbench.statistics.groups.class_strata`; without
        it all groups are one stratum.
    images
        (U,) images of each unit: the sums over a stratum are fixed. Without it every unit counts
        alike.
    """

    groups: int
    seeds: int = 1
    strata: tuple[int, ...] = ()
    images: tuple[int, ...] = ()

    @property
    def units(self) -> int:
        """Number of weights, U = G * S."""
        return self.groups * self.seeds

    @cached_property
    def stratum(self) -> NDArray[np.int64]:
        """(G,) stratum of each group."""
        return np.array(self.strata or (0,) * self.groups, np.int64)

    @cached_property
    def sizes(self) -> Values:
        """(U,) images of each unit."""
        return np.array(self.images or (1,) * self.units, np.float64)

    @cached_property
    def stratum_of_units(self) -> NDArray[np.int64]:
        """(U,) stratum of each unit."""
        return np.repeat(self.stratum, self.seeds)

    @cached_property
    def sizes_of_strata(self) -> Values:
        """(H,) images of each stratum."""
        return np.bincount(self.stratum_of_units, weights=self.sizes).astype(np.float64)

    @cached_property
    def unbiased(self) -> Values:
        """(G,) n / (n - 1), n being the groups of its stratum; 0 for the only one of a stratum."""
        n = np.bincount(self.stratum)[self.stratum].astype(np.float64)
        return np.where(n > 1, n / np.maximum(n - 1.0, 1.0), 0.0)
