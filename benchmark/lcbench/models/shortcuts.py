"""Baselines without spatial information: how far the class shares, or colour alone, get."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lcbench.errors import UserError, first_line
from lcbench.features.samples import Samples
from lcbench.models.baseline import (
    Baseline,
    Context,
    FitSummary,
    Settings,
    State,
    register,
    require_arrays,
)


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
    """Gradient boosting on colour histograms.

    `patience` rounds without a better validation loss end the boosting.
    """

    learning_rate: float = 0.1
    max_rounds: int = 300
    max_leaves: int = 15
    patience: int = 10


@register("colour")
class Colour(Baseline):
    """Gradient boosting (LightGBM) on the joint colour histogram: no spatial information."""

    settings_type = ColourSettings
    feature = "colour"
    settings: ColourSettings

    def __init__(self, settings: ColourSettings, context: Context) -> None:
        super().__init__(settings, context)
        self._text = ""

    def fit(self, train: Samples, validation: Samples) -> FitSummary:
        """Boost until the validation loss stops falling."""
        import lightgbm

        leaves = self.context.taxonomy.leaves
        train, train_codes = train.with_leaf_labels(self.context.taxonomy)
        validation, validation_codes = validation.with_leaf_labels(self.context.taxonomy)
        parameters = {
            "objective": "multiclass",
            "num_class": len(leaves),
            "learning_rate": self.settings.learning_rate,
            "num_leaves": self.settings.max_leaves,
            "seed": self.context.seed % 2**31,
            "deterministic": True,
            "force_row_wise": True,
            "num_threads": 1,
            "verbosity": -1,
        }
        data = lightgbm.Dataset(train.colour(), train_codes, free_raw_data=True)
        booster = lightgbm.train(
            parameters,
            data,
            num_boost_round=self.settings.max_rounds,
            valid_sets=[data.create_valid(validation.colour(), validation_codes)],
            callbacks=[lightgbm.early_stopping(self.settings.patience, verbose=False)],
        )
        self._text = booster.model_to_string(num_iteration=booster.best_iteration)
        splits = sum(tree["num_leaves"] for tree in booster.dump_model()["tree_info"])
        return FitSummary(parameters=splits)

    def predict(self, samples: Samples) -> NDArray[np.float64]:
        """Return the boosted trees' probabilities."""
        import lightgbm

        try:
            booster = lightgbm.Booster(model_str=self._text)
        except lightgbm.basic.LightGBMError as error:
            raise UserError(f"no trees of LightGBM: {first_line(error)}") from error
        return np.asarray(booster.predict(samples.colour(), num_threads=1), dtype=np.float64)

    def state(self) -> State:
        """Return the trees as LightGBM's text format, in bytes."""
        return {"lightgbm_text": np.frombuffer(self._text.encode(), dtype=np.uint8)}

    def restore(self, state: State) -> None:
        """Take the trees back."""
        require_arrays(state, {"lightgbm_text": (None,)})
        self._text = state["lightgbm_text"].tobytes().decode(errors="replace")
