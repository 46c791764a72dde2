"""Selective prediction under one protocol: areas, coverages and risks of every model."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from lcbench.analysis.coded import CodedPredictions
from lcbench.analysis.ensembles import of_all_seeds, without_training
from lcbench.analysis.scores import AnalysisSettings
from lcbench.analysis.scoring import without_chance
from lcbench.analysis.selective_scores import (
    AnswersAtLevel,
    CarriedOver,
    HierarchicalAnswers,
    HierarchicalPoint,
    OperatingPoint,
    SelectiveLevel,
    SelectiveResult,
    SelectiveScores,
)
from lcbench.analysis.thresholds import TARGETS, Cell, Choice, Thresholds
from lcbench.runs.plan_records import EnsembleRecord, RolesRecord
from lcbench.statistics.design import Design
from lcbench.statistics.effects import difference_panel
from lcbench.statistics.interval_model import DECIDED, Interval
from lcbench.statistics.intervals import intervals
from lcbench.statistics.models import model_intervals
from lcbench.statistics.panel import Panel
from lcbench.statistics.panels import join
from lcbench.statistics.selective import (
    Answers,
    Chosen,
    Flags,
    Level,
    deepest,
    levels_of,
    risks_at,
)
from lcbench.statistics.selective_panels import area_panel, chosen_panel
from lcbench.statistics.tree import Codes

COVERAGES = tuple(round(0.02 * step, 2) for step in range(1, 51))
"""Where the curves are given."""


class Key(NamedTuple):
    """A measure of selective prediction."""

    measure: str
    """area, coverage or risk."""
    target: float = 0.0
    """Risk that the thresholds were chosen for; 0 for the area."""
    carried_over: bool = False
    """Whether the thresholds are those of the flattering protocol."""
    level: int = 0
    """Of hierarchical answers: their level, 0 for all levels together."""


Found = Mapping[Key, Interval]


def selective_result(
    coded: CodedPredictions,
    protocol: str,
    reference: str,
    thresholds: Thresholds,
    roles: RolesRecord,
    ensembles: Sequence[EnsembleRecord],
    settings: AnalysisSettings,
) -> SelectiveResult:
    """Return what selective prediction gives under a protocol.

    Parameters
    ----------
    coded
        What the models say of the same test images.
    protocol
        Name of the protocol.
    reference
        Model that the others are compared with.
    thresholds
        Of every run of the suite.
    roles
        Which protocol flatters, and which models are the floor.
    ensembles
        Which models are averages of others: over seeds they have no thresholds.
    settings
        How intervals are computed.
    """
    names = tuple(name for name, one in coded.aligned.probabilities.items() if one is not None)
    of = _Protocol(
        coded, protocol, reference, names, thresholds, roles, of_all_seeds(ensembles), settings
    )
    sides = thresholds.of_protocol(protocol)
    groups = [side.groups for side in sides if side.groups is not None]
    levels = {
        level: {name: of.at_level(level, name) for name in names}
        for level in levels_of(coded.tree)
        if of.rows_of(level).any()
    }
    return SelectiveResult(
        targets=TARGETS,
        coverages=COVERAGES,
        validation_images=min((side.images for side in sides), default=None),
        validation_groups=min(groups) if groups and len(groups) == len(sides) else None,
        without_validation=tuple(name for name in names if not of.has_thresholds(name)),
        levels=tuple(_level(of, level, models) for level, models in levels.items()),
        answers=tuple(
            _hierarchical(of, name, [models[name] for models in levels.values()])
            for name in names
            if of.has_thresholds(name)
        ),
    )


@dataclass(frozen=True)
class _AtLevel:
    """One model at one level of the class tree, its choices by the target of their thresholds."""

    level: int
    answers: Answers
    own: Mapping[float, Choice]
    carried_over: Mapping[float, Choice]


@dataclass(frozen=True, eq=False)
class _Protocol:
    """What everything under a protocol is computed from."""

    coded: CodedPredictions
    protocol: str
    reference: str
    names: tuple[str, ...]
    thresholds: Thresholds
    roles: RolesRecord
    of_all_seeds: Collection[str]
    """Models whose answers are the same in every seed."""
    settings: AnalysisSettings

    @property
    def cells(self) -> tuple[Cell, ...]:
        """Seed and fold of each trained model, by its code."""
        rows = self.coded.aligned.rows[["seed", "fold"]].drop_duplicates()
        return tuple(sorted((int(seed), int(fold)) for seed, fold in rows.to_numpy()))

    def rows_of(self, level: Level) -> Flags:
        """Return the (rows,) whose label fixes a node of a level."""
        return np.asarray(level.choice.true_option[self.coded.true] >= 0)

    def has_thresholds(self, model: str) -> bool:
        """Tell whether each trained model has predictions on its validation images."""
        return self.thresholds.known(self.protocol, model, self.cells)

    def at_level(self, level: Level, model: str) -> _AtLevel:
        """Return one model at one level."""
        probabilities = self.coded.aligned.probabilities[model]
        assert probabilities is not None  # noqa: S101 - others are not among the names
        answers = level.answers(probabilities, self.coded.true)
        choices, models = self.thresholds.choices, self.coded.models
        own = choices(answers, level.level, (self.protocol, model), self.cells, models)
        flattering, carried_over = self.roles.flattering, {}
        if flattering is not None and flattering != self.protocol:
            seeds = [(seed, 0) for seed, _ in self.cells]
            carried_over = choices(answers, level.level, (flattering, model), seeds, models)
        return _AtLevel(level.level, answers, own, carried_over)

    def intervals(
        self, panels: Mapping[str, Panel[Key]]
    ) -> tuple[dict[str, Found], dict[str, Found]]:
        """Return the intervals of each model, and of its differences from the reference."""
        others = [name for name in panels if name != self.reference]
        found = model_intervals(
            panels,
            [(self.reference, name) for name in others if self.reference in panels],
            method=self.settings.interval,
            resamples=self.settings.resamples,
            floor=self.roles.floor,
        )
        own = {name: without_chance(self.coded, name, one) for name, one in found.own.items()}
        differences = {b: one for (_, b), one in found.differences.items()}
        return self._of_networks(own), self._of_networks(differences)

    def _of_networks(self, found: Mapping[str, Found]) -> dict[str, Found]:
        """Take the limits for the way of training from models of all seeds."""
        return {
            name: {key: without_training(estimate) for key, estimate in one.items()}
            if name in self.of_all_seeds
            else one
            for name, one in found.items()
        }


def operating_points(
    choices: Mapping[float, Choice],
    rows: Flags,
    units: Codes,
    design: Design,
    settings: AnalysisSettings,
) -> tuple[OperatingPoint, ...]:
    """Return coverage and risk of one model at thresholds that were chosen elsewhere.

    Parameters
    ----------
    choices
        What is answered of (N,) images, by the target of the thresholds.
    rows
        (N,) images that enter.
    units
        Unit of each of these, see `Design`.
    design
        Their groups, trained models in place of seeds, strata and sizes.
    settings
        How intervals are computed.
    """
    if not choices:
        return ()
    panel = chosen_panel(_parts(choices, rows), units, design)
    found = intervals(panel, method=settings.interval, resamples=settings.resamples)
    return tuple(_point(target, choice, found) for target, choice in choices.items())


def _parts(
    choices: Mapping[float, Choice], rows: Flags, *, carried_over: bool = False
) -> dict[tuple[Key, Key], Chosen]:
    return {
        (Key("coverage", target, carried_over), Key("risk", target, carried_over)): (
            choice.answers.keep(rows)
        )
        for target, choice in choices.items()
    }


def _point(target: float, choice: Choice, found: Found) -> OperatingPoint:
    return OperatingPoint(
        target=target,
        thresholds=choice.limits,
        coverage=_coverage(choice, found[Key("coverage", target)]),
        risk=found[Key("risk", target)],
    )


def _level(of: _Protocol, level: Level, models: Mapping[str, _AtLevel]) -> SelectiveLevel:
    rows = of.rows_of(level)
    own, differences = of.intervals({name: _panel(of, one, rows) for name, one in models.items()})
    return SelectiveLevel(
        level=level.level,
        classes=level.choice.options,
        models=tuple(
            SelectiveScores(
                model=name,
                area=own[name][Key("area")],
                area_difference=differences.get(name, {}).get(Key("area")),
                curve=_curve(of, one.answers, rows),
                points=tuple(
                    _point(target, choice, own[name]).model_copy(
                        update={
                            "coverage_difference": _coverage_difference(
                                of, models, name, target, rows
                            ),
                            "carried_over": _carried_over(one, own[name], target),
                        }
                    )
                    for target, choice in one.own.items()
                ),
            )
            for name, one in models.items()
        ),
    )


def _panel(of: _Protocol, one: _AtLevel, rows: Flags) -> Panel[Key]:
    coded, answers = of.coded, one.answers
    units, models = coded.units[rows], coded.models[rows]
    area = area_panel(
        Key("area"), answers.confidence[rows], answers.wrong[rows], units, models, coded.design
    )
    parts = _parts(one.own, rows) | _parts(one.carried_over, rows, carried_over=True)
    return join([area, chosen_panel(parts, units, coded.design)]) if parts else area


def _curve(of: _Protocol, answers: Answers, rows: Flags) -> tuple[float, ...]:
    risks = risks_at(
        answers.confidence[rows], answers.wrong[rows], of.coded.models[rows], np.array(COVERAGES)
    )
    return tuple(risks.tolist())


def _coverage(choice: Choice, coverage: Interval) -> Interval:
    return _decided(coverage) if choice.decided else coverage


def _decided(found: Interval) -> Interval:
    """Take the limits away: new tissue cannot change the value."""
    nothing = {"low": None, "high": None, "error": None, "training": None, "few_groups": False}
    return found.model_copy(update={**nothing, "method": DECIDED})


def _coverage_difference(
    of: _Protocol, models: Mapping[str, _AtLevel], name: str, target: float, rows: Flags
) -> Interval | None:
    """Return the coverage minus the reference's, from what only one of the two answers."""
    reference = models.get(of.reference)
    if reference is None or name == of.reference or target not in reference.own:
        return None
    ours, theirs = models[name].own[target], reference.own[target]
    silent, of_reference = (~one.answers.answered[rows] for one in (ours, theirs))
    panel = difference_panel(of.coded.row_groups(rows).pair(silent, of_reference))
    settings = of.settings
    found = intervals(panel, method=settings.interval, resamples=settings.resamples)["rate"]
    return _decided(found) if ours.decided and theirs.decided else found


def _carried_over(one: _AtLevel, own: Found, target: float) -> CarriedOver | None:
    choice = one.carried_over.get(target)
    if choice is None:
        return None
    coverage, risk = (own[Key(measure, target, True)] for measure in ("coverage", "risk"))
    return CarriedOver(coverage=_coverage(choice, coverage), risk=risk)


def _hierarchical(of: _Protocol, name: str, levels: Sequence[_AtLevel]) -> HierarchicalAnswers:
    """Return the hierarchical answers to images with a leaf label."""
    coded, rows = of.coded, of.coded.has_leaf
    parts = {}
    for target in TARGETS:
        found = deepest([one.own[target].answers.keep(rows) for one in levels])
        every = {0: found.anywhere} | {one.level: found.at(one.level) for one in levels}
        for level, one in every.items():
            keys = (Key(measure, target, level=level) for measure in ("coverage", "risk"))
            parts[next(keys), next(keys)] = one
    own = of.intervals({name: chosen_panel(parts, coded.units[rows], coded.design)})[0][name]
    return HierarchicalAnswers(
        model=name,
        points=tuple(
            HierarchicalPoint(
                target=target,
                levels=tuple(
                    AnswersAtLevel(
                        level=one.level,
                        share=own[Key("coverage", target, level=one.level)],
                        risk=own[Key("risk", target, level=one.level)],
                    )
                    for one in levels
                ),
                answered=own[Key("coverage", target)],
                risk=own[Key("risk", target)],
            )
            for target in TARGETS
        ),
    )
