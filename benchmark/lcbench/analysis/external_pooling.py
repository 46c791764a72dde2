"""Intervals of all arms on an external folder: models of one design tell of each other's errors.

As those of a suite are computed, so that one score has one interval wherever it stands.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from lcbench.analysis.external_arms import Arm
from lcbench.analysis.scores import AnalysisSettings
from lcbench.analysis.scoring import of_one_answer
from lcbench.statistics.design import Design
from lcbench.statistics.interval_model import Interval
from lcbench.statistics.models import model_intervals
from lcbench.statistics.panel import K, Panel


@dataclass(frozen=True)
class Aside:
    """Models whose errors say nothing about those of others.

    Parameters
    ----------
    floor
        Such as a constant answer.
    averages
        Models that are one average over all seeds: no trained model of theirs stands beside others.
    """

    floor: Collection[str] = ()
    averages: Collection[str] = ()


def pooled_intervals(
    panels: Sequence[tuple[Arm, Panel[K]]],
    aside: Aside,
    settings: AnalysisSettings,
    confidence: float = 0.95,
) -> list[Mapping[K, Interval]]:
    """Return the intervals of the measures of each arm, in their order.

    What scores without failures are worth is learned from the other models of a protocol on the
    same images, see `lcbench.statistics.models.model_intervals`. One answer to every image has
    no interval.
    """
    alike: dict[tuple[str, str, Design], dict[str, tuple[Arm, Panel[K]]]] = {}
    for arm, panel in panels:
        alone = arm.baseline if arm.baseline in aside.averages else ""
        key = (arm.protocol, alone, panel.design)
        alike.setdefault(key, {})[arm.baseline] = (arm, panel)
    found: dict[tuple[str, str], Mapping[K, Interval]] = {}
    for arms in alike.values():
        own = model_intervals(
            {name: panel for name, (_, panel) in arms.items()},
            method=settings.interval,
            confidence=confidence,
            resamples=settings.resamples,
            floor=aside.floor,
        ).own
        for name, (arm, _) in arms.items():
            found[arm.key] = of_one_answer(own[name]) if arm.is_constant else own[name]
    return [found[arm.key] for arm, _ in panels]
