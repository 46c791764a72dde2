"""Rows of a dataset as a baseline sees them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lcbench.features.encoder import Part
from lcbench.features.extraction import Features
from lcbench.features.views import View
from lcbench.taxonomy import Taxonomy


@dataclass(frozen=True)
class Samples:
    """Some images of a dataset, with what can be computed from them.

    Parameters
    ----------
    features
        Of the whole dataset.
    rows
        Manifest rows, in the order that predictions are wanted.
    """

    features: Features
    rows: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def labels(self) -> NDArray[np.str_]:
        """Node of each image."""
        return self.features.dataset.manifest["label"].to_numpy(dtype=str)[self.rows]

    def colour(self) -> NDArray[np.float32]:
        """(images, bins) colour histograms."""
        return np.asarray(self.features.colour().values[self.rows])

    def embeddings(self, backbone: str, view: View | None = None) -> NDArray[np.float32]:
        """(images, features) of a frozen backbone, of a view of the images or as they are."""
        return np.asarray(self.features.embeddings(backbone, view).values[self.rows])

    def all_activations(self, backbone: str, part: Part) -> NDArray[np.floating]:
        """Return those of the whole dataset, memory-mapped; `rows` picks from it.

        (images, ...), what runs of a backbone before the part that trains.
        """
        return self.features.activations(backbone, part).values

    def all_pixels(self, backbone: str | None = None) -> NDArray[np.uint8]:
        """Return the pixels of the whole dataset, memory-mapped; `rows` picks from it.

        (images, 3, size, size), prepared for a backbone, or by default (224) without one.
        """
        return self.features.pixels(backbone).values

    def with_leaf_labels(self, taxonomy: Taxonomy) -> tuple[Samples, NDArray[np.intp]]:
        """Return the images that are labelled with a leaf, and the index of each one's leaf."""
        index = {leaf: position for position, leaf in enumerate(taxonomy.leaves)}
        codes = np.array([index.get(label, -1) for label in self.labels], dtype=np.intp)
        return Samples(self.features, self.rows[codes >= 0]), codes[codes >= 0]
