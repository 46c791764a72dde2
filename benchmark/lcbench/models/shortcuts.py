"""Baselines without spatial information: how far the class shares, or colour alone, get."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PositiveFloat, PositiveInt

from lcbench.errors import UserError
from lcbench.features.samples import Samples
from lcbench.models.baseline import (
    Baseline,
    FitSummary,
    Settings,
    State,
    register,
    require_arrays,
)
from lcbench.models.colour_models import (
    Boosted,
    Both,
    Fitted,
    Histograms,
    Linear,
    boost,
    linear_fits,
    loss,
    restore,
)

Model = TypeVar("Model", bound=Fitted)


@register("majority")
class Majority(Baseline):
    """The class shares of the training table, whatever the image."""

    def fit(self, train: Samples, validation: Samples) -> FitSummary:  # noqa: ARG002 - contract
        """Count the classes."""
        _, codes = train.with_leaf_labels(self.context.taxonomy)
        counts = np.bincount(codes, minlength=len(self.context.taxonomy.leaves))
        self._shares = counts / counts.sum()
        return FitSummary(parameters=len(self._shares))

    def predict(self, samples: Samples) -> NDArray[np.float64]:
        """Return the shares for each image."""
        return np.tile(self._shares, (len(samples), 1))

    def state(self) -> State:
        """Return the shares."""
        return {"shares": self._shares}

    def restore(self, state: State) -> None:
        """Take the shares back."""
        require_arrays(state, {"shares": (len(self.context.taxonomy.leaves),)})
        self._shares = state["shares"]


class ColourSettings(Settings):
    """A logistic regression and gradient boosting on colour histograms.

    `strengths`: the inverse penalties C of the regression to choose from; `iterations` end a fit
    that is slow. The others are of boosting: `patience` rounds without a better validation loss
    end it.
    """

    learning_rate: float = 0.1
    max_rounds: int = 300
    max_leaves: int = 15
    patience: int = 10
    strengths: tuple[PositiveFloat, ...] = Field(
        (1e-3, 1e-2, 1e-1, 1.0), min_length=1, max_length=20
    )
    iterations: PositiveInt = 200


@register("colour")
class Colour(Baseline):
    """What has learned most from the joint colour histogram: no spatial information.

    A logistic regression, which holds on few images; gradient boosting (LightGBM), which
    remembers copies; or the mean of their probabilities, which of many images is mostly the best.
    The smallest log loss on the validation table chooses, the simpler one where two are level.
    Images labelled with an inner node of the class tree teach nothing; where no validation image
    has a class of the training table, it is the regression with the middle one of the strengths.
    """

    settings_type = ColourSettings
    feature = "colour"
    settings: ColourSettings

    def fit(self, train: Samples, validation: Samples) -> FitSummary:
        """Fit the candidates, and keep the best."""
        table = self._histograms(train)
        if not len(table.codes):
            raise UserError("colour: no training image is labelled with a class to predict")
        held_out = self._histograms(validation)
        told = np.isin(held_out.codes, table.codes)
        held_out = Histograms(held_out.values[told], held_out.codes[told])
        self._fitted = self._best(table, held_out) if told.any() else self._middle(table)
        return FitSummary(parameters=self._fitted.parameters, chosen=self._fitted.words)

    def predict(self, samples: Samples) -> NDArray[np.float64]:
        """Return the probabilities of what was chosen."""
        return self._fitted.predict(samples.colour())

    def state(self) -> State:
        """Return the arrays of what was chosen; trees as LightGBM's text format, in bytes."""
        return self._fitted.state()

    def restore(self, state: State) -> None:
        """Take it back."""
        self._fitted = restore(state, len(self.context.taxonomy.leaves))

    def _histograms(self, samples: Samples) -> Histograms:
        labelled, codes = samples.with_leaf_labels(self.context.taxonomy)
        return Histograms(labelled.colour(), codes)

    def _best(self, train: Histograms, validation: Histograms) -> Fitted:
        linear = _first_least(self._linear_fits(train, self._strengths), validation)
        if len(linear.classes) == 1:
            return linear  # it says that class, and there is nothing to boost
        boosted = self._boost(train, validation)
        candidates: tuple[Fitted, ...] = (linear, boosted, Both(linear, boosted))
        return min(candidates, key=lambda one: loss(one, validation))

    def _middle(self, train: Histograms) -> Fitted:
        *_, middle = self._linear_fits(train, self._strengths[: len(self._strengths) // 2 + 1])
        return middle

    @property
    def _strengths(self) -> list[float]:
        """The strongest penalty first."""
        return sorted(self.settings.strengths)

    def _linear_fits(self, train: Histograms, strengths: list[float]) -> Iterator[Linear]:
        leaves = len(self.context.taxonomy.leaves)
        return linear_fits(train, leaves, strengths, self.settings.iterations)

    def _boost(self, train: Histograms, validation: Histograms) -> Boosted:
        parameters = {
            "objective": "multiclass",
            "num_class": len(self.context.taxonomy.leaves),
            "learning_rate": self.settings.learning_rate,
            "num_leaves": self.settings.max_leaves,
            "seed": self.context.seed % 2**31,
            "deterministic": True,
            "force_row_wise": True,
            "num_threads": 1,
            "verbosity": -1,
        }
        settings = self.settings
        return boost(train, validation, parameters, settings.max_rounds, settings.patience)


def _first_least(candidates: Iterable[Model], validation: Histograms) -> Model:
    """Return the last candidate before the validation loss rises for the first time."""
    best, least = None, np.inf
    for one in candidates:
        found = loss(one, validation)
        if best is not None and found >= least:
            break
        best, least = one, found
    if best is None:
        raise ValueError("no candidates")
    return best
