"""What is fitted to colour histograms: a regression, boosted trees, or the mean of both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from lcbench.errors import UserError, first_line
from lcbench.models.baseline import State, require_arrays
from lcbench.models.logistic import decisions, require_classes, softmax

if TYPE_CHECKING:
    import lightgbm

TREES = "lightgbm_text"
"""The array of a stored model that holds trees; it was the only one of older versions."""

_LEAST = 1e-15
"""A right leaf with less probability counts as one with this much: the loss stays finite."""


class Histograms(NamedTuple):
    """Histograms, (images, bins) shares, and the code of each image's leaf."""

    values: NDArray[np.float32]
    codes: NDArray[np.intp]


class Fitted(Protocol):
    """Something that was fitted to histograms."""

    @property
    def words(self) -> str:
        """What it is."""

    @property
    def parameters(self) -> int:
        """Numbers that were learned."""

    def predict(self, values: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return (images, leaves) probabilities."""

    def state(self) -> State:
        """Return what was learned, as arrays."""


@dataclass(frozen=True)
class Linear:
    """A multinomial logistic regression on the square roots of a histogram's shares.

    The distance between square roots is Hellinger's between histograms: rare colours count for
    more than their share. They are scaled so that a histogram's mean square is 1.

    Parameters
    ----------
    classes
        Codes of the leaves that have training images; the others get no probability.
    weights, intercepts
        (classes, bins) and (classes,).
    leaves
        Of the class tree.
    penalty
        The inverse strength C that it was fitted with.
    """

    classes: NDArray[np.intp]
    weights: NDArray[np.float64]
    intercepts: NDArray[np.float64]
    leaves: int
    penalty: float

    @property
    def words(self) -> str:
        """What it is."""
        return f"logistic regression (C = {self.penalty:g})"

    @property
    def parameters(self) -> int:
        """Weights and intercepts."""
        return self.weights.size + self.intercepts.size

    def predict(self, values: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return (images, leaves) probabilities."""
        found = np.zeros((len(values), self.leaves))
        found[:, self.classes] = softmax(_roots(values) @ self.weights.T + self.intercepts)
        return found

    def state(self) -> State:
        """Return classes, weights, intercepts and penalty."""
        return {
            "classes": self.classes.astype(np.int64),
            "weights": self.weights,
            "intercepts": self.intercepts,
            "penalty": np.array([self.penalty]),
        }


@dataclass(frozen=True)
class Boosted:
    """Gradient-boosted trees, as LightGBM's text."""

    text: str
    words = "gradient boosting"

    @property
    def parameters(self) -> int:
        """Leaves of the trees."""
        return sum(tree["num_leaves"] for tree in self._booster().dump_model()["tree_info"])

    def predict(self, values: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return (images, leaves) probabilities."""
        return np.asarray(self._booster().predict(values, num_threads=1), dtype=np.float64)

    def state(self) -> State:
        """Return the text, in bytes."""
        return {TREES: np.frombuffer(self.text.encode(), dtype=np.uint8)}

    def _booster(self) -> lightgbm.Booster:
        import lightgbm

        try:
            return lightgbm.Booster(model_str=self.text)
        except lightgbm.basic.LightGBMError as error:
            raise UserError(f"no trees of LightGBM: {first_line(error)}") from error


@dataclass(frozen=True)
class Both:
    """The mean of their probabilities."""

    linear: Linear
    boosted: Boosted

    @property
    def words(self) -> str:
        """What they are."""
        return f"mean of {self.linear.words} and {self.boosted.words}"

    @property
    def parameters(self) -> int:
        """Those of both."""
        return self.linear.parameters + self.boosted.parameters

    def predict(self, values: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return (images, leaves) probabilities."""
        return (self.linear.predict(values) + self.boosted.predict(values)) / 2

    def state(self) -> State:
        """Return the arrays of both."""
        return {**self.linear.state(), **self.boosted.state()}


def linear_fits(
    train: Histograms, leaves: int, penalties: Sequence[float], iterations: int
) -> Iterator[Linear]:
    """Yield a regression for each inverse strength C, in order."""
    roots = _roots(train.values)
    seen = roots.any(axis=0)  # a colour that no training image has gets no weight
    mean = roots[:, seen].mean(axis=0)  # taken away, it is fitted in half the steps
    classes = np.unique(train.codes)
    for fitted in decisions(roots[:, seen] - mean, train.codes, penalties, iterations):
        weights = np.zeros((len(classes), roots.shape[1]))
        weights[:, seen] = fitted.weights
        intercepts = fitted.intercepts - fitted.weights @ mean
        yield Linear(classes, weights, intercepts, leaves, fitted.penalty)


def boost(
    train: Histograms,
    validation: Histograms,
    parameters: Mapping[str, Any],
    rounds: int,
    patience: int,
) -> Boosted:
    """Boost trees until the validation loss stops falling.

    Parameters
    ----------
    parameters
        LightGBM's.
    rounds
        At most.
    patience
        Rounds without a better loss that end it.
    """
    import lightgbm

    data = lightgbm.Dataset(train.values, train.codes, free_raw_data=True)
    booster = lightgbm.train(
        dict(parameters),
        data,
        num_boost_round=rounds,
        valid_sets=[data.create_valid(validation.values, validation.codes)],
        callbacks=[lightgbm.early_stopping(patience, verbose=False)],
    )
    return Boosted(booster.model_to_string(num_iteration=booster.best_iteration))


def loss(fitted: Fitted, validation: Histograms) -> float:
    """Return the mean of minus the logarithm of the right leaf's probability."""
    right = fitted.predict(validation.values)[np.arange(len(validation.codes)), validation.codes]
    return float(-np.log(np.maximum(right, _LEAST)).mean())


def restore(state: State, leaves: int) -> Fitted:
    """Return what was stored.

    Raises
    ------
    UserError
        If the arrays are none of these models.
    """
    if set(state) <= {TREES}:
        return _trees(state)
    if TREES in state:
        of_linear = {name: array for name, array in state.items() if name != TREES}
        return Both(_linear(of_linear, leaves), _trees({TREES: state[TREES]}))
    return _linear(state, leaves)


def _trees(state: State) -> Boosted:
    require_arrays(state, {TREES: (None,)})
    return Boosted(state[TREES].tobytes().decode(errors="replace"))


def _linear(state: State, leaves: int) -> Linear:
    shapes = {"classes": (None,), "weights": (None, None), "intercepts": (None,), "penalty": (1,)}
    require_arrays(state, shapes)
    classes = state["classes"].astype(np.intp)
    require_classes(classes, leaves, len(state["weights"]), len(state["intercepts"]))
    penalty = float(state["penalty"][0])
    return Linear(classes, state["weights"], state["intercepts"], leaves, penalty)


def _roots(values: NDArray[np.float32]) -> NDArray[np.float64]:
    roots: NDArray[np.float64] = np.sqrt(values * values.shape[1], dtype=np.float64)
    return roots
