"""The question of a suite: whether something is rarer than under the reference, at what cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lcbench.analysis.coded import CodedPredictions
from lcbench.analysis.hypothesis_results import (
    HypothesisArm,
    HypothesisResult,
    HypothesisTest,
    HypothesisVerdict,
)
from lcbench.analysis.scores import AnalysisSettings, ModelComparison, PairResult
from lcbench.runs.plan_records import HypothesisRecord, RolesRecord
from lcbench.statistics.events import ANY_ERROR, Event, EventRows, event_rows
from lcbench.statistics.power import ALPHA
from lcbench.statistics.reductions import Reach, Reduction, difference_reach
from lcbench.statistics.several import adjust

LEVEL = ALPHA / 2.0
"""Of a one-sided test: half of the two-sided level (ICH E9, section 5.5), as the limits of the 95 %
intervals have it."""


def hypothesis_result(
    coded: CodedPredictions,
    comparison: ModelComparison,
    roles: RolesRecord,
    reference: str,
    settings: AnalysisSettings,
) -> HypothesisResult | None:
    """Judge every arm of the suite's question under one protocol.

    The question is a conjunction: the reduction is beyond the stated one, and accuracy is not
    lower by the margin. Both have to be shown, so that the larger of their p-values is that of the
    whole (intersection-union); the family that is adjusted for are the arms. That the reduction is
    smaller than stated is a second family.

    Parameters
    ----------
    coded
        What the models say of the same images.
    comparison
        Their comparison with the reference, which has the intervals.
    roles
        With the question, and floor and shortcuts, which are no arms unless they are named.
    reference
        Name of the baseline that the others are compared with.
    settings
        With the adjustment and the margin.

    Returns
    -------
    HypothesisResult or None
        None without a question, without an arm, and where no image can have the event.

    References
    ----------
    Berger, R. L. (1982). Multiparameter hypothesis testing and acceptance sampling. Technometrics
    24, 295-300: intersection-union tests. Holm, S. (1979). A simple sequentially rejective multiple
    test procedure. Scandinavian Journal of Statistics 6, 65-70.
    """
    asked = roles.hypothesis
    pairs = {pair.b: pair for pair in comparison.pairs if pair.a == reference}
    names = [] if asked is None else _arms(asked, roles, list(pairs))
    event = None if asked is None else _event(coded, asked)
    if asked is None or event is None or not names:
        return None
    margin = settings.margin if asked.holds else None
    evidence = {
        name: _evidence(coded, event, reference, name, asked.reduction, margin) for name in names
    }
    networks = _tests({name: one.of_networks for name, one in evidence.items()}, settings)
    # An ensemble over seeds has no limits for the way of training: all seeds are in it.
    trained = {
        name: one.of_training for name, one in evidence.items() if _has_training(pairs[name])
    }
    training = _tests(trained, settings)
    return HypothesisResult(
        event=event.event.kind,
        node=event.event.node,
        reduction=asked.reduction,
        margin=margin,
        level=LEVEL,
        arms=tuple(
            _arm(
                pairs[name],
                event.event,
                evidence[name],
                networks[name],
                training.get(name),
                len(names),
            )
            for name in names
        ),
    )


def _arms(asked: HypothesisRecord, roles: RolesRecord, known: Sequence[str]) -> list[str]:
    if asked.arms:
        return [name for name in known if name in asked.arms]
    return [name for name in known if name not in roles.aside]


def _event(coded: CodedPredictions, asked: HypothesisRecord) -> EventRows | None:
    """Return what has to be rarer: without a node the confusions that the class tree points out."""
    headline = coded.tree.headline
    node = asked.of or (headline.node if headline is not None else "")
    wanted = Event("confusion", node) if asked.event == "confusion" and node else ANY_ERROR
    found = (one for one in event_rows(coded.true, coded.tree) if one.event == wanted)
    return next(found, None)


def _has_training(pair: PairResult) -> bool:
    return any(event.training is not None for event in pair.events)


@dataclass(frozen=True)
class _PValues:
    """The p-values of one arm before they are adjusted."""

    reduction: float
    refuted: float
    holds: float | None

    @property
    def whole(self) -> float:
        """Of the conjunction."""
        return self.reduction if self.holds is None else max(self.reduction, self.holds)


@dataclass(frozen=True)
class _Evidence:
    """What one arm shows against the reference."""

    reduction: Reduction
    errors: Reach
    margin: float | None

    @property
    def of_networks(self) -> _PValues:
        return self._p_values(self.reduction.reach, self.errors)

    @property
    def of_training(self) -> _PValues:
        reach = self.reduction.reach
        return self._p_values(reach and reach.of_training, self.errors.of_training)

    def _p_values(self, reach: Reach | None, errors: Reach) -> _PValues:
        return _PValues(
            reduction=1.0 if reach is None else reach.below(self.reduction.bound),
            refuted=1.0 if reach is None else reach.above(self.reduction.bound),
            holds=None if self.margin is None else errors.below(self.margin),
        )


def _evidence(
    coded: CodedPredictions,
    event: EventRows,
    reference: str,
    name: str,
    reduction: float,
    margin: float | None,
) -> _Evidence:
    predicted, leaf = coded.aligned.predicted, coded.has_leaf
    pairs = coded.row_groups(event.rows).pair(
        event.happens(predicted[reference]), event.happens(predicted[name])
    )
    wrong = [predicted[one][leaf] != coded.true[leaf] for one in (reference, name)]
    return _Evidence(
        Reduction(pairs, reduction),
        difference_reach(coded.row_groups(leaf).pair(*wrong)),
        margin,
    )


def _tests(found: Mapping[str, _PValues], settings: AnalysisSettings) -> dict[str, HypothesisTest]:
    def adjusted(p_values: Sequence[float]) -> dict[str, float]:
        return dict(zip(found, adjust(p_values, settings.adjustment), strict=True))

    whole = adjusted([one.whole for one in found.values()])
    reduction = adjusted([one.reduction for one in found.values()])
    refuted = adjusted([one.refuted for one in found.values()])
    return {
        name: HypothesisTest(
            p_reduction=one.reduction,
            p_holds=one.holds,
            p=one.whole,
            p_adjusted=whole[name],
            p_reduction_adjusted=reduction[name],
            p_refuted_adjusted=refuted[name],
            verdict=_verdict(whole[name], reduction[name], refuted[name]),
        )
        for name, one in found.items()
    }


def _verdict(whole: float, reduction: float, refuted: float) -> HypothesisVerdict:
    if whole < LEVEL:
        return "shown"
    if refuted < LEVEL:
        return "refuted"
    return "accuracy not shown to hold" if reduction < LEVEL else "not shown"


def _arm(
    pair: PairResult,
    event: Event,
    evidence: _Evidence,
    networks: HypothesisTest,
    training: HypothesisTest | None,
    arms: int,
) -> HypothesisArm:
    compared = pair.on(event.kind, event.node)
    accuracy = pair.get("accuracy")
    if compared is None or accuracy is None:
        raise ValueError(f"{pair.b} was not compared with {pair.a} on the event of the hypothesis")
    return HypothesisArm(
        baseline=pair.b,
        reduction=compared.relative_reduction,
        difference=compared.difference,
        accuracy=accuracy,
        few_groups=evidence.reduction.few_groups,
        detectable=evidence.reduction.detectable(alpha=ALPHA / arms),
        networks=networks,
        training=training,
    )
