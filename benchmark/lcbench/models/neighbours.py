"""Nearest neighbours on frozen embeddings: what a backbone knows without training."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lcbench.errors import UserError
from lcbench.features.samples import Samples
from lcbench.models.baseline import Baseline, FitSummary, Settings, State, register, require_arrays


class NeighboursSettings(Settings):
    """Votes of the `neighbours` training images of highest cosine similarity."""

    backbone: str = "reference"
    neighbours: int = 20


@register("neighbours")
class Neighbours(Baseline):
    """Cosine k-nearest neighbours; probabilities are the shares of the votes."""

    settings_type = NeighboursSettings
    feature = "embeddings"
    settings: NeighboursSettings

    def fit(self, train: Samples, validation: Samples) -> FitSummary:  # noqa: ARG002 - contract
        """Keep the training embeddings, in half precision so that the model stays small."""
        train, self._codes = train.with_leaf_labels(self.context.taxonomy)
        self._known = _unit(train.embeddings(self.settings.backbone)).astype(np.float16)
        return FitSummary(parameters=0)

    def predict(self, samples: Samples) -> NDArray[np.float64]:
        """Return the shares of the neighbours' classes."""
        from sklearn.neighbors import NearestNeighbors

        count = min(self.settings.neighbours, len(self._known))
        index = NearestNeighbors(n_neighbors=count, metric="cosine", algorithm="brute")
        index.fit(self._known.astype(np.float32))
        nearest = index.kneighbors(
            _unit(samples.embeddings(self.settings.backbone)), return_distance=False
        )
        leaves = np.arange(len(self.context.taxonomy.leaves))
        votes = (self._codes[nearest][:, :, None] == leaves).mean(axis=1)
        return np.asarray(votes, dtype=np.float64)

    def state(self) -> State:
        """Return the embeddings and their classes."""
        return {"embeddings": self._known, "codes": self._codes.astype(np.int64)}

    def restore(self, state: State) -> None:
        """Take the embeddings and classes back."""
        features = self.context.backbone.facts.features if self.context.backbone else None
        require_arrays(state, {"embeddings": (None, features), "codes": (None,)})
        self._known, self._codes = state["embeddings"], state["codes"].astype(np.intp)
        leaves = len(self.context.taxonomy.leaves)
        if not 0 < len(self._known) == len(self._codes) or not (self._codes < leaves).all():
            raise UserError("another model: its embeddings and classes do not fit each other")


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: NDArray[np.float32] = vectors / np.maximum(lengths, np.finfo(np.float32).tiny)
    return unit
