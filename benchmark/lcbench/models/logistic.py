"""Multinomial logistic regressions of several strengths, and what they say."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lcbench.errors import UserError

if TYPE_CHECKING:
    from sklearn.linear_model import LogisticRegression


class Decision(NamedTuple):
    """A fitted regression.

    Parameters
    ----------
    penalty
        The inverse strength C of its L2 penalty.
    weights, intercepts
        (classes, features) and (classes,), of the classes that have training images, in order.
    """

    penalty: float
    weights: NDArray[np.float64]
    intercepts: NDArray[np.float64]

    def of(self, inputs: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return (images, classes) decisions, the logarithms of probabilities up to a constant."""
        return np.asarray(inputs @ self.weights.T + self.intercepts, np.float64)


def decisions(
    inputs: NDArray[np.float64],
    codes: NDArray[np.intp],
    penalties: Sequence[float],
    iterations: int,
) -> Iterator[Decision]:
    """Yield a fit (L-BFGS) for each C in the order given; each starts where the last ended.

    Parameters
    ----------
    inputs
        (images, features).
    codes
        (images,) the class of each; of one class alone, every fit says that class.
    penalties
        Inverse strengths; the strongest penalty first is the fastest.
    iterations
        End a fit that is slow.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    if len(np.unique(codes)) == 1:
        yield Decision(0.0, np.zeros((1, inputs.shape[1])), np.zeros(1))
        return
    model = LogisticRegression(warm_start=True, max_iter=iterations)
    for penalty in penalties:
        with warnings.catch_warnings():  # a weak penalty that is cut short is a stronger one
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.set_params(C=penalty).fit(inputs, codes)
        yield Decision(penalty, *_of_every_class(model))


def _of_every_class(
    model: LogisticRegression,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (classes, features) weights and (classes,) intercepts; of two, one has none."""
    # Stored row by row, whatever order the optimiser left: the same bytes come back.
    weights, intercepts = np.array(model.coef_, order="C"), np.array(model.intercept_)
    if len(weights) == len(model.classes_):
        return weights, intercepts
    return np.vstack([np.zeros_like(weights), weights]), np.append(0.0, intercepts)


def softmax(decided: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (images, classes) probabilities of decisions."""
    shares = np.exp(decided - decided.max(axis=1, keepdims=True))
    return np.asarray(shares / shares.sum(axis=1, keepdims=True), np.float64)


def log_losses(decided: NDArray[np.float64], columns: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return (images,) minus the logarithm of the right class's probability."""
    from scipy.special import logsumexp

    right = decided[np.arange(len(columns)), columns]
    return np.asarray(logsumexp(decided, axis=1) - right, np.float64)


def require_classes(classes: NDArray[np.intp], leaves: int, weights: int, intercepts: int) -> None:
    """Hold the classes of a stored regression to its class tree and to its other arrays.

    Parameters
    ----------
    classes
        Codes of leaves.
    leaves
        How many there are.
    weights, intercepts
        For how many classes it has them.

    Raises
    ------
    UserError
        If they do not fit.
    """
    known = len(np.unique(classes)) == len(classes) and ((classes >= 0) & (classes < leaves)).all()
    if not known or not 0 < len(classes) == weights == intercepts:
        raise UserError("another model: its weights and classes do not fit each other")
