"""Paired events of two classifiers, counted in each source group: what every paired test sees."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lcbench.statistics.design import Design
from lcbench.statistics.events import Events
from lcbench.statistics.rate_pairs import RateDifference, RateRatio
from lcbench.statistics.rates import GroupedRate, pooled_trials
from lcbench.statistics.tree import Codes
from lcbench.statistics.variance import Variance, variance


@dataclass(frozen=True, eq=False)
class PairedGroups:
    """Paired events, counted in each source group, and under each seed of training.

    Parameters
    ----------
    only_a, only_b
        (G, S) or (G,) rows with the event under A only, and under B only.
    both
        (G, S) or (G,) rows with the event under both.
    size
        (G, S) or (G,) rows compared; every group has some.
    strata
        (G,) stratum of each group, see `Design`.
    """

    only_a: NDArray[np.int64]
    only_b: NDArray[np.int64]
    both: NDArray[np.int64]
    size: NDArray[np.int64]
    strata: tuple[int, ...] = ()

    @cached_property
    def design(self) -> Design:
        """Groups and seeds, with the rows compared as sizes."""
        seeds = self.size.size // max(1, len(self.size))
        return Design(len(self.size), max(1, seeds), self.strata, tuple(self.size.ravel().tolist()))

    @cached_property
    def difference(self) -> NDArray[np.int64]:
        """(G,) d: `only_a` - `only_b`."""
        return of_groups(self.only_a - self.only_b)

    @cached_property
    def group_size(self) -> NDArray[np.int64]:
        """(G,) rows compared."""
        return of_groups(self.size)

    @property
    def rows(self) -> int:
        """Rows in all groups."""
        return int(self.size.sum())

    @cached_property
    def rates(self) -> RateDifference:
        """The rate of the event under B minus that under A.

        How the events of a model heap shows in all of them, those that the other has too.
        """
        alone = [self._rate(one) for one in (self.only_a, self.only_b)]
        every = [self._rate(one + self.both) for one in (self.only_a, self.only_b)]
        only_a, only_b = (
            replace(one, pooled=pooled_trials(one.trials, [all_of_it.worth]))
            if all_of_it.worth is not None
            else one
            for one, all_of_it in zip(alone, every, strict=True)
        )
        return RateDifference(only_a, only_b)

    @property
    def odds(self) -> RateRatio:
        """The rate of A alone over that of B alone."""
        return RateRatio(self.rates.only_a, self.rates.only_b)

    @property
    def ratio(self) -> RateRatio:
        """The rate of the event under B over that under A."""
        under_b, under_a = (self._rate(one + self.both) for one in (self.only_b, self.only_a))
        return RateRatio(under_b, under_a, most=1.0)

    def _rate(self, events: NDArray[np.int64]) -> GroupedRate:
        size = self.group_size.astype(np.float64)
        return GroupedRate(of_groups(events).astype(np.float64), size, self.design)

    @cached_property
    def variance(self) -> Variance:
        """Variance of the difference of the rates, over groups and over seeds."""
        d = (self.only_b - self.only_a).ravel() / self.rows
        return variance(d - self.rates.value * self.size.ravel() / self.rows, self.design)


def of_groups(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return (G, S) or (G,) counts added up over the seeds, (G,)."""
    return np.asarray(counts.sum(axis=tuple(range(1, counts.ndim))), np.int64)


@dataclass(frozen=True, eq=False)
class RowGroups:
    """Source group and seed of the rows that any two models are compared on.

    Parameters
    ----------
    units
        (N,) unit of each row, see `Design`.
    shape
        Groups and seeds, G and S.
    strata
        (G,) stratum of each group, see `Design`.
    """

    units: Codes
    shape: tuple[int, int]
    strata: tuple[int, ...]

    @classmethod
    def of(
        cls, groups: Codes, seeds: Codes | None = None, strata: Codes | None = None
    ) -> RowGroups:
        """Return the groups that have a row; parameters as for `pair_groups`."""
        present, codes = np.unique(groups, return_inverse=True)
        seeds = np.zeros(len(codes), np.int64) if seeds is None else np.asarray(seeds, np.int64)
        shape = len(present), int(seeds.max(initial=0)) + 1
        of_present = () if strata is None else np.unique(strata[present], return_inverse=True)[1]
        return cls(codes * shape[1] + seeds, shape, tuple(np.asarray(of_present).tolist()))

    @cached_property
    def size(self) -> NDArray[np.int64]:
        """(G, S) rows."""
        return self._count(slice(None))

    def pair(self, event_a: Events, event_b: Events) -> PairedGroups:
        """Count paired events in each group; see `pair_groups`."""
        event_a, event_b = np.asarray(event_a, np.bool_), np.asarray(event_b, np.bool_)
        if not event_a.shape == event_b.shape == self.units.shape:
            raise ValueError("the events and the groups differ in length")
        return PairedGroups(
            only_a=self._count(event_a & ~event_b),
            only_b=self._count(event_b & ~event_a),
            both=self._count(event_a & event_b),
            size=self.size,
            strata=self.strata,
        )

    def _count(self, rows: Events | slice) -> NDArray[np.int64]:
        counts = np.bincount(self.units[rows], minlength=self.shape[0] * self.shape[1])
        return counts.reshape(self.shape).astype(np.int64)


def pair_groups(
    event_a: Events,
    event_b: Events,
    groups: Codes,
    seeds: Codes | None = None,
    strata: Codes | None = None,
) -> PairedGroups:
    """Count paired events in each group.

    Parameters
    ----------
    event_a, event_b
        (N,) whether the event happens under A, and under B. Several seeds or folds of an image
        are several rows of its group.
    groups
        (N,) codes of the source groups; codes without a row are left out.
    seeds
        (N,) codes of the seeds from 0; by default all rows are of one.
    strata
        Stratum of each group by its code, see `Design`.

    Raises
    ------
    ValueError
        If the lengths differ.
    """
    return RowGroups.of(groups, seeds, strata).pair(event_a, event_b)
