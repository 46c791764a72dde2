"""What every computation of a report needs: the class tree as indices, and the bootstrap."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from lcbench.analysis.measures import Estimate
from lcbench.statistics.bootstrap import Tick
from lcbench.statistics.choices import Adjustment
from lcbench.statistics.intervals import Interval, intervals
from lcbench.statistics.panel import Panel
from lcbench.statistics.roles import Roles
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
    tick
        Called now and then with the resamples done, and all of them.
    adjustment
        How the p-values of a family are adjusted.
    """

    taxonomy: Taxonomy
    resamples: int
    tick: Tick | None = None
    adjustment: Adjustment = Adjustment.holm

    @cached_property
    def roles(self) -> Roles:
        """The leaves that metrics and events speak of."""
        return Roles.of(self.taxonomy)

    def estimates(self, panel: Panel) -> dict[str, Estimate]:
        """Return the estimate of each measure of a panel."""
        found = self.intervals(panel)
        return {name: estimate(interval) for name, interval in found.items()}

    def intervals(self, panel: Panel) -> dict[str, Interval]:
        """Return the interval of each measure of a panel."""
        return intervals(panel, resamples=self.resamples, tick=self.tick)


def estimate(interval: Interval) -> Estimate:
    """Return an interval as it is stored; where a statistic is undefined there is no value."""
    if interval.n == 0:
        return Estimate(value=None, low=None, high=None, n=0, groups=0, method=interval.method)
    return Estimate(
        value=interval.value,
        low=interval.low,
        high=interval.high,
        n=interval.n,
        groups=interval.groups,
        method=interval.method,
        count=interval.count,
    )
