"""A linear probe: regularised logistic regression on frozen embeddings, the field's standard."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PositiveFloat, PositiveInt

from lcbench.errors import UserError
from lcbench.features.samples import Samples
from lcbench.models.baseline import Baseline, FitSummary, Settings, State, register, require_arrays
from lcbench.models.logistic import decisions, log_losses, require_classes, softmax

if TYPE_CHECKING:
    import torch

    from lcbench.models.differentiable import LeafNetwork


class LinearProbeSettings(Settings):
    """`penalties`: the inverse strengths C to choose from; `iterations` end a fit that is slow."""

    backbone: str = "reference"
    penalties: tuple[PositiveFloat, ...] = Field(
        (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0), min_length=1, max_length=100
    )
    iterations: PositiveInt = 1000


@register("linear-probe")
class LinearProbe(Baseline):
    """Multinomial logistic regression with an L2 penalty (L-BFGS) on standardised embeddings.

    Mean and standard deviation are those of the training table. The inverse strength C is the one
    of a fixed grid with the smallest log loss on the validation table, the stronger penalty where
    two are level. The penalty is cross-validated by holding out, not by folds inside training: the
    validation table is there for every baseline to choose by, the protocol has divided it from
    training in the same way as the test table (by source group, where it does), and the arms keep
    equal data: nothing is fitted again on training and validation together. A class that no
    training image is labelled with gets no probability; images labelled with an inner node of the
    class tree teach nothing. Where no validation image is labelled with a class of the training
    table, C is the middle one of the grid.

    References
    ----------
    Kornblith, S., Shlens, J., & Le, Q. V. (2019). Do better ImageNet models transfer better? CVPR,
    2661-2671 (L-BFGS; the penalty from a logarithmic grid, by a validation set).
    Chen, R. J., et al. (2024). Towards a general-purpose foundation model for computational
    pathology. Nature Medicine 30, 850-862 (UNI: logistic-regression probes of pathology encoders).
    Caron, M., et al. (2021). Emerging properties in self-supervised vision transformers. ICCV,
    9650-9660 (DINO: the linear probe beside nearest neighbours).
    """

    settings_type = LinearProbeSettings
    feature = "embeddings"
    settings: LinearProbeSettings

    def fit(self, train: Samples, validation: Samples) -> FitSummary:
        """Fit every penalty from the strongest on, each from the one before; keep the best."""
        train, codes = train.with_leaf_labels(self.context.taxonomy)
        if not len(train):
            raise UserError("linear-probe: no training image is labelled with a class to predict")
        embeddings = train.embeddings(self.settings.backbone).astype(np.float64)
        self._mean, self._scale = embeddings.mean(axis=0), embeddings.std(axis=0)
        self._scale[self._scale == 0.0] = 1.0  # what never varies is 0 after its mean is taken away
        self._classes = np.unique(codes)
        self._choose_penalty(self._standardised(embeddings), codes, validation)
        return FitSummary(
            parameters=self._weights.size + self._intercepts.size,
            chosen=f"C = {self._penalty:g}",
        )

    def predict(self, samples: Samples) -> NDArray[np.float64]:
        """Return the softmax of the decisions; 0 for a class without training images."""
        inputs = self._standardised(samples.embeddings(self.settings.backbone))
        found = np.zeros((len(inputs), len(self.context.taxonomy.leaves)))
        found[:, self._classes] = softmax(inputs @ self._weights.T + self._intercepts)
        return found

    def state(self) -> State:
        """Return the classes, how embeddings are standardised, the chosen C and the weights."""
        return {
            "classes": self._classes.astype(np.int64),
            "mean": self._mean,
            "scale": self._scale,
            "penalty": np.array([self._penalty]),
            "weights": self._weights,
            "intercepts": self._intercepts,
        }

    def restore(self, state: State) -> None:
        """Take them back."""
        features = self.context.backbone.facts.features if self.context.backbone else None
        shapes: dict[str, tuple[int | None, ...]] = {
            "classes": (None,),
            "mean": (features,),
            "scale": (features,),
            "penalty": (1,),
            "weights": (None, features),
            "intercepts": (None,),
        }
        require_arrays(state, shapes)
        classes = state["classes"].astype(np.intp)
        leaves = len(self.context.taxonomy.leaves)
        require_classes(classes, leaves, len(state["weights"]), len(state["intercepts"]))
        if not (state["scale"] > 0).all():
            raise UserError("a broken model: it divides embeddings by what is not above 0")
        self._classes, self._mean, self._scale = classes, state["mean"], state["scale"]
        self._choose(float(state["penalty"][0]), state["weights"], state["intercepts"])

    def differentiable(self, load: Callable[[], torch.nn.Module]) -> LeafNetwork:
        """Return the backbone and the regression."""
        from lcbench.models.differentiable import LeafNetwork, Linear

        leaves = len(self.context.taxonomy.leaves)
        fitted = (self._mean, self._scale, self._weights, self._intercepts)
        decide = Linear(*fitted, self._classes, leaves)
        return LeafNetwork(load(), decide, self._classes.tolist())

    def _choose(
        self, penalty: float, weights: NDArray[np.float64], intercepts: NDArray[np.float64]
    ) -> None:
        self._penalty, self._weights, self._intercepts = penalty, weights, intercepts

    def _choose_penalty(
        self, inputs: NDArray[np.float64], codes: NDArray[np.intp], validation: Samples
    ) -> None:
        penalties = sorted(self.settings.penalties)
        validation, wanted = validation.with_leaf_labels(self.context.taxonomy)
        told = np.isin(wanted, self._classes)
        if told.any():
            held_out = self._standardised(validation.embeddings(self.settings.backbone)[told])
            columns = np.searchsorted(self._classes, wanted[told])
        else:
            penalties = penalties[: len(penalties) // 2 + 1]
        best = np.inf
        for fitted in decisions(inputs, codes, penalties, self.settings.iterations):
            if not told.any():
                self._choose(*fitted)
                continue
            loss = log_losses(fitted.of(held_out), columns).mean()
            if loss < best:
                best = loss
                self._choose(*fitted)

    def _standardised(self, embeddings: NDArray[np.floating]) -> NDArray[np.float64]:
        return np.asarray((embeddings - self._mean) / self._scale, np.float64)
