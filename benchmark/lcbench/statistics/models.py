"""Intervals of several models and of their differences, all over the same source groups."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic

from lcbench.statistics.bootstrap import RESAMPLES, Tick
from lcbench.statistics.choices import Method
from lcbench.statistics.interval_model import Interval
from lcbench.statistics.intervals import intervals
from lcbench.statistics.panel import K, Panel
from lcbench.statistics.panels import join, rekeyed, with_differences

Pair = tuple[str, str]


@dataclass(frozen=True)
class ModelIntervals(Generic[K]):
    """Intervals of every measure.

    Parameters
    ----------
    own
        Of each model, by its name and the measure's key.
    differences
        Of each pair of models, the second minus the first: the measures that both have.
    """

    own: dict[str, dict[K, Interval]]
    differences: dict[Pair, dict[K, Interval]]


def model_intervals(
    panels: Mapping[str, Panel[K]],
    pairs: Sequence[Pair] = (),
    *,
    method: Method = "score",
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
    tick: Tick | None = None,
    floor: Collection[str] = (),
    apart: Collection[K] = (),
) -> ModelIntervals[K]:
    """Return the intervals of several models, and of the differences between some of them.

    A bootstrap evaluates all panels on the same resamples, each of them once.

    Parameters
    ----------
    panels
        Measures of each model, by its name; all are of one design. One without probabilities
        may have fewer measures than another.
    pairs
        Names of the two models of each difference: the second minus the first.
    method, confidence, resamples, seed, tick
        As for `lcbench.statistics.intervals.intervals`.
    floor
        Models whose errors say nothing about those of others, such as a constant answer.
    apart
        Measures whose differences the caller has from elsewhere.

    Raises
    ------
    ValueError
        If the designs of the panels differ.
    """
    every = join([rekeyed(panel, _with((name,))) for name, panel in panels.items()])
    keys = {name: [one.key for one in panel.measures] for name, panel in panels.items()}
    sides = {
        ((a, b), key): (((b,), key), ((a,), key))
        for a, b in pairs
        for key in keys[a]
        if key in keys[b] and key not in apart
    }
    found = intervals(
        with_differences(every, sides),
        method=method,
        confidence=confidence,
        resamples=resamples,
        seed=seed,
        tick=tick,
        alike={one.key: one.key[1] for one in every.measures if one.key[0][0] not in floor},
    )
    own: dict[str, dict[K, Interval]] = {name: {} for name in panels}
    differences: dict[Pair, dict[K, Interval]] = {pair: {} for pair in pairs}
    for (names, key), interval in found.items():
        if len(names) == 1:
            own[names[0]][key] = interval
        else:
            differences[names[0], names[1]][key] = interval
    return ModelIntervals(own, differences)


def _with(names: tuple[str, ...]) -> Callable[[K], tuple[tuple[str, ...], K]]:
    return lambda key: (names, key)
