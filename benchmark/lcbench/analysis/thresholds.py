"""The thresholds of selective prediction: of each trained model, from its own validation images.

An ensemble over baselines has the validation images of its members, which share seed and fold, and
their average there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lcbench.analysis.ensembles import average_validation
from lcbench.predictions.table import Predictions
from lcbench.runs.finished import FinishedSuite
from lcbench.statistics.hierarchy import summed
from lcbench.statistics.metrics import Values
from lcbench.statistics.operating import Operating, operating_threshold
from lcbench.statistics.selective import Answers, Chosen, Level, chosen, levels_of
from lcbench.statistics.tree import ClassTree, Codes

TARGETS = (0.01, 0.05)
"""Risks that thresholds are chosen for."""
Cell = tuple[int, int]
"""Seed and fold of a trained model."""
Limits = tuple[float | None, ...]
"""Thresholds of some trained models; None answers nothing."""


@dataclass(frozen=True)
class ValidationSide:
    """The validation images of one trained model.

    Parameters
    ----------
    images, groups
        Their number, and that of their source groups; None where those are unknown.
    thresholds
        By level of the class tree, from 1, and target; None where no threshold keeps the target.
    operating
        By each node that can be looked for, see `ClassTree.detections`: the threshold that finds
        nearly all of it; without those of which there is no image.
    """

    images: int
    groups: int | None
    thresholds: dict[tuple[int, float], float | None]
    operating: dict[str, Operating]


@dataclass(frozen=True)
class Choice:
    """What is answered at some thresholds.

    Parameters
    ----------
    answers
        Which images are.
    limits
        The threshold of each trained model.
    """

    answers: Chosen
    limits: Limits

    @property
    def decided(self) -> bool:
        """Whether the thresholds alone say how much: everything, or nothing."""
        return set(self.limits) in ({None}, {0.0})


@dataclass(frozen=True)
class Thresholds:
    """The validation images of every run, and ensemble of runs, that has predictions on them.

    Parameters
    ----------
    sides
        By protocol and baseline, then by seed and fold.
    """

    sides: dict[tuple[str, str], dict[Cell, ValidationSide]]

    @classmethod
    def of(cls, suite: FinishedSuite) -> Thresholds:
        """Choose the thresholds of every run, and of every ensemble over baselines."""
        tree = ClassTree.of(suite.taxonomy)
        levels = levels_of(tree)
        sides: dict[tuple[str, str], dict[Cell, ValidationSide]] = {}
        for (protocol, seed, fold), models in _held_back(suite).items():
            for name, predictions in models.items():
                cells = sides.setdefault((protocol, name), {})
                cells[seed, fold] = _validation_side(predictions, levels, tree)
        return cls(sides)

    def known(self, protocol: str, baseline: str, cells: Sequence[Cell]) -> bool:
        """Tell whether each of these trained models has thresholds."""
        return set(cells) <= set(self.sides.get((protocol, baseline), {}))

    def choices(
        self,
        answers: Answers,
        level: int,
        of: tuple[str, str],
        cells: Sequence[Cell],
        models: Codes,
    ) -> dict[float, Choice]:
        """Return what is answered at each target; nothing where a model has no thresholds.

        Parameters
        ----------
        answers
            At the level.
        level
            Of the class tree.
        of
            Protocol and baseline of the thresholds.
        cells
            Seed and fold of the trained models of the thresholds.
        models
            (N,) place of each row's threshold among them.
        """
        if not self.known(*of, cells):
            return {}
        found = {}
        for target in TARGETS:
            limits = tuple(self.sides[of][cell].thresholds[level, target] for cell in cells)
            found[target] = Choice(chosen(answers, limits, models), limits)
        return found

    def operating(
        self, node: str, of: tuple[str, str], cells: Sequence[Cell]
    ) -> tuple[Operating, ...]:
        """Return the operating point of each trained model for a node; nothing if one has none."""
        sides = self.sides.get(of, {})
        found = [sides[cell].operating.get(node) if cell in sides else None for cell in cells]
        return tuple(one for one in found if one is not None) if None not in found else ()

    def of_protocol(self, protocol: str) -> list[ValidationSide]:
        """Return the validation images of every run of a protocol."""
        found = (cells for (name, _), cells in self.sides.items() if name == protocol)
        return [side for cells in found for side in cells.values()]


def _held_back(suite: FinishedSuite) -> dict[tuple[str, int, int], dict[str, Predictions]]:
    """Return predictions on validation images by protocol, seed and fold, then by model."""
    found: dict[tuple[str, int, int], dict[str, Predictions]] = {}
    for run in suite.runs:
        config = run.config
        if run.validation is not None and run.validation.probabilities is not None:
            models = found.setdefault((config.protocol, config.seed, config.fold), {})
            models[config.baseline] = run.validation
    for models in found.values():
        averages = [average_validation(one, models) for one in suite.plan.ensembles]
        models |= {one.name: one for one in averages if one is not None}
    return found


def _validation_side(
    validation: Predictions, levels: Sequence[Level], tree: ClassTree
) -> ValidationSide:
    assert validation.probabilities is not None  # noqa: S101 - others are not held back
    table = validation.table
    true = tree.codes(list(table["true"]))
    answers = {one.level: one.answers(validation.probabilities, true) for one in levels}
    known = bool(np.all(table["group"] != ""))
    return ValidationSide(
        images=len(table),
        groups=int(table["group"].nunique()) if known else None,
        thresholds={
            (level, target): answers[level].threshold(target)
            for level in answers
            for target in TARGETS
        },
        operating=operating_by_node(validation.probabilities, true, tree),
    )


def operating_by_node(chances: Values, true: Codes, tree: ClassTree) -> dict[str, Operating]:
    """Return the threshold for each node that can be looked for and that some image is of.

    Parameters
    ----------
    chances
        (N, L) leaf probabilities of one trained model.
    true
        (N,) codes of the labels, see `ClassTree.codes`.
    tree
        The class tree.
    """
    found = {}
    for node in tree.detections:
        side = node.true_option[true]
        rows = side >= 0
        of_node = summed(chances[rows], node.leaf_option)[:, 0]
        point = operating_threshold(of_node, side[rows] == 0)
        if point is not None:
            found[node.node] = point
    return found
