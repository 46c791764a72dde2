"""What became of the question that a suite asks about its baselines, under one protocol."""

from __future__ import annotations

from typing import Literal

from lcbench.analysis.scores import EventKind
from lcbench.result_model import ResultModel
from lcbench.statistics.interval_model import Interval

HypothesisVerdict = Literal["shown", "refuted", "accuracy not shown to hold", "not shown"]


class HypothesisTest(ResultModel):
    """The one-sided tests of one arm, of these networks or of the way of training."""

    p_reduction: float
    """Of "the reduction is at most the stated one": small where it is larger."""
    p_holds: float | None
    """Of "accuracy is lower by the margin or more": small where it holds; null where the question
    does not ask for it."""
    p: float
    """Of the whole: the larger of the two, both of which must be shown."""
    p_adjusted: float
    """The same, adjusted for the arms."""
    p_reduction_adjusted: float
    """Of the reduction alone, adjusted for the arms."""
    p_refuted_adjusted: float
    """Of "at least the stated reduction", adjusted for the arms."""
    verdict: HypothesisVerdict
    """"shown": the adjusted p of the whole lies below the level; "refuted": that of at least the
    stated reduction does, so that it is smaller; "accuracy not shown to hold": the reduction alone
    is shown; else "not shown", one way or the other."""


class HypothesisArm(ResultModel):
    """One baseline against the reference."""

    baseline: str
    """Its name."""
    reduction: Interval
    """1 minus the ratio of the rates, over that of the reference: 0.5 means half as often."""
    difference: Interval
    """Its rate minus that of the reference."""
    accuracy: Interval
    """Its accuracy minus that of the reference."""
    few_groups: bool
    """Whether either has the event in so few groups that its spread is not known."""
    detectable: float | None
    """Smallest reduction that had a chance of 80 % to be shown at the first step of the adjustment;
    null where even no event at all would not do."""
    networks: HypothesisTest
    """Of these networks, on new source groups."""
    training: HypothesisTest | None
    """Of networks trained anew with other seeds; null with one seed, and for ensembles over seeds.
    """


class HypothesisResult(ResultModel):
    """The question of the suite under one protocol."""

    event: EventKind
    """What has to be rarer than under the reference."""
    node: str
    """The decision whose options get confused; empty for any error."""
    reduction: float
    """Share by which it has to be rarer; 0 for "at all"."""
    margin: float | None
    """By how much accuracy may be lower, as a share; null where it may be anything."""
    level: float
    """Level of the one-sided tests."""
    arms: tuple[HypothesisArm, ...]
    """Every arm with answers under the protocol, in the order of the plan."""

    @property
    def verdict(self) -> HypothesisVerdict:
        """Whether any arm is shown to do it; refuted where each of them is."""
        found = [arm.networks.verdict for arm in self.arms]
        if "shown" in found:
            return "shown"
        if found and set(found) == {"refuted"}:
            return "refuted"
        held = "accuracy not shown to hold"
        return held if held in found else "not shown"
