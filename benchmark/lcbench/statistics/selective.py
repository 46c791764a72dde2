"""Selective prediction: a model answers where it is sure enough, at every level of the class tree.

At a level the answer is the most probable node, whatever rule decides elsewhere; its probability,
the sum over its leaves, is the confidence. The risk is the share of wrong answers among those
given, the coverage the share of images that get one (El-Yaniv, R. and Wiener, Y. (2010). On the
foundations of noise-free selective classification. JMLR 11, 1605-1641).

Images that a model is equally sure of stand or fall together, for no threshold tells them apart: so
the order of the rows never matters. Confidences of different trained models are never compared, as
in `lcbench.statistics.ranking`; each has thresholds of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lcbench.statistics.hierarchy import summed
from lcbench.statistics.metrics import Values, ratio
from lcbench.statistics.tree import ClassTree, Codes, Decision

Flags = NDArray[np.bool_]

# Of errors per answer: what a product with the target loses to rounding.
_ROUNDING = 1e-9


@dataclass(frozen=True, eq=False)
class Level:
    """A level of the class tree, 1 being below the root.

    Parameters
    ----------
    level
        Its depth.
    tree
        The class tree; leaves that end above the level stand for themselves there.
    """

    level: int
    tree: ClassTree

    @cached_property
    def choice(self) -> Decision:
        """The choice among its nodes."""
        return self.tree.at_level(self.level)

    def answers(self, probabilities: Values, true: Codes) -> Answers:
        """Return what a model answers, how sure it is, and whether it is wrong.

        Parameters
        ----------
        probabilities
            (N, L) leaf probabilities.
        true
            (N,) codes of the labels, see `ClassTree.codes`.
        """
        of_nodes = summed(probabilities, self.choice.leaf_option)
        label = self.choice.true_option[true]
        return Answers(of_nodes.max(axis=1), of_nodes.argmax(axis=1) != label, label >= 0)


@dataclass(frozen=True, eq=False)
class Answers:
    """Answers at a level of the class tree.

    Parameters
    ----------
    confidence
        (N,) probability of the answered node.
    wrong
        (N,) whether the label is another node; without meaning where the label fixes none.
    known
        (N,) whether the label fixes a node of this level.
    """

    confidence: Values
    wrong: Flags
    known: Flags

    def threshold(self, target: float) -> float | None:
        """Return the threshold for these answers, see `threshold_for`."""
        return threshold_for(self.confidence[self.known], self.wrong[self.known], target)


def levels_of(tree: ClassTree) -> tuple[Level, ...]:
    """Return the levels of a class tree, from below the root down to the leaves."""
    return tuple(Level(number, tree) for number in range(1, tree.taxonomy.height + 1))


def risk_coverage(confidence: Values, wrong: Flags) -> tuple[Values, Values]:
    """Return the risk-coverage curve of one trained model.

    Parameters
    ----------
    confidence, wrong
        (N,) confidences, and whether the answer is wrong.

    Returns
    -------
    tuple of ndarray
        (T,) coverages, rising to 1, and risks: a point for each of the T confidences that occur,
        when everything at least as sure is answered.

    References
    ----------
    El-Yaniv and Wiener (2010), see above.
    """
    answered, errors = _cumulated(confidence, wrong)[1:]
    return answered / max(1.0, float(len(confidence))), ratio(errors, answered)


def risks_at(confidence: Values, wrong: Flags, models: Codes, coverages: Values) -> Values:
    """Return the (C,) risks at given coverages, each trained model answering that share.

    Between two points of a model's curve its images are equally sure, and the errors are those of
    any of them: the mean over their orders.

    Parameters
    ----------
    confidence, wrong
        (N,) confidences, and whether the answer is wrong.
    models
        (N,) code of the trained model that answered each row.
    coverages
        (C,) shares, above 0.
    """
    errors = np.zeros(len(coverages))
    for model in np.unique(models):
        rows = models == model
        _, answered, wrongs = _cumulated(confidence[rows], wrong[rows])
        known = np.concatenate([[0.0], answered]), np.concatenate([[0.0], wrongs])
        errors += np.interp(coverages * rows.sum(), *known)
    return np.asarray(errors / (coverages * max(1, len(confidence))))


def threshold_for(confidence: Values, wrong: Flags, target: float) -> float | None:
    """Return the smallest threshold at which the risk is at most a target; None where none is.

    What is at least as sure as the threshold is answered. The risk is the share of wrong answers as
    it is seen, with no allowance for chance: a bound that holds with 95 % confidence needs 3 /
    target source groups without an error (Geifman and El-Yaniv 2017 give such a bound for
    independent images), 300 for 1 %, which hardly any validation part has. The threshold is
    therefore a choice and no promise; what it holds is measured on test images. 0 where everything
    may be answered.

    Parameters
    ----------
    confidence, wrong
        (N,) of the validation images: confidences, and whether the answer is wrong.
    target
        The risk that is wanted, within [0, 1).

    References
    ----------
    Geifman, Y. and El-Yaniv, R. (2017). Selective classification for deep neural networks.
    NeurIPS 30. Geifman, Y. and El-Yaniv, R. (2019). SelectiveNet: a deep neural network with an
    integrated reject option. ICML: thresholds from validation data.
    """
    sure, answered, errors = _cumulated(confidence, wrong)
    (within,) = np.nonzero(errors <= target * answered + _ROUNDING)
    if not len(within):
        return None
    return 0.0 if within[-1] == len(sure) - 1 else float(sure[within[-1]])


@dataclass(frozen=True, eq=False)
class Chosen:
    """Which images get an answer at one threshold for each trained model.

    Parameters
    ----------
    answered
        (N,) whether there is an answer.
    wrong
        (N,) whether it would be wrong.
    """

    answered: Flags
    wrong: Flags

    def keep(self, rows: Flags) -> Chosen:
        """Return some of the rows, (N,) True for those to keep."""
        return Chosen(self.answered[rows], self.wrong[rows])


def chosen(answers: Answers, thresholds: Sequence[float | None], models: Codes) -> Chosen:
    """Return which images are answered, by the threshold of the model that answered each.

    Parameters
    ----------
    answers
        Of the test images.
    thresholds
        Of each trained model; None answers nothing.
    models
        (N,) place of each row's trained model among the thresholds.
    """
    return Chosen(answers.confidence >= _limits(thresholds)[models], answers.wrong)


@dataclass(frozen=True, eq=False)
class Deepest:
    """The hierarchical answer: the deepest level whose threshold is reached.

    Parameters
    ----------
    level
        (N,) level of the answer; 0 where no threshold is reached.
    wrong
        (N,) whether it is wrong; False without an answer.
    """

    level: NDArray[np.int64]
    wrong: Flags

    def at(self, level: int) -> Chosen:
        """Return the answers at one level."""
        return Chosen(self.level == level, self.wrong)

    @property
    def anywhere(self) -> Chosen:
        """The answers at whatever level."""
        return Chosen(self.level > 0, self.wrong)


def deepest(levels: Sequence[Chosen]) -> Deepest:
    """Return the hierarchical answers: "malignant, subtype unknown" where that alone is sure.

    Parameters
    ----------
    levels
        The answers at each level, from below the root down.
    """
    size = len(levels[0].answered)
    level, wrong = np.zeros(size, np.int64), np.zeros(size, np.bool_)
    for number, one in enumerate(levels, start=1):
        level[one.answered] = number
        wrong[one.answered] = one.wrong[one.answered]
    return Deepest(level, wrong)


def _cumulated(confidence: Values, wrong: Flags) -> tuple[Values, Values, Values]:
    """Return the (T,) falling confidences, the answers at least as sure, and the errors in them."""
    sure, step = np.unique(-confidence, return_inverse=True)
    answered = np.bincount(step, minlength=len(sure)).cumsum().astype(np.float64)
    errors = np.bincount(step, weights=wrong, minlength=len(sure)).cumsum()
    return -sure, answered, errors


def _limits(thresholds: Sequence[float | None]) -> Values:
    return np.array([np.inf if one is None else one for one in thresholds], np.float64)
