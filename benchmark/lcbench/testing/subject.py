"""A class under check, with images to fit it on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lcbench.features.encoder import Encoder, Preprocessing
from lcbench.features.extraction import Features
from lcbench.features.samples import Samples
from lcbench.models.backbones import Backbone
from lcbench.models.baseline import Baseline, Context, FitSummary, Settings
from lcbench.models.weights import WeightSource
from lcbench.taxonomy import Taxonomy

_SIDES = {"train": 10, "validation": 4, "test": 3}
"""Images of each leaf on each side."""

_IMAGE_SIDE = 48


@dataclass(frozen=True)
class Images:
    """The images and the rows of each side."""

    features: Features
    rows: Mapping[str, NDArray[np.intp]]

    @property
    def labels(self) -> NDArray[np.str_]:
        """The node of each image."""
        return self.features.dataset.manifest["label"].to_numpy(dtype=str)

    def samples(self, side: str) -> Samples:
        """Return the table of one side."""
        return Samples(self.features, self.rows[side])

    def relabelled(self, labels: NDArray[np.str_]) -> Images:
        """Return the same images under other labels; what was computed from pixels is kept."""
        manifest = self.features.dataset.manifest.assign(label=labels.astype(object))
        dataset = replace(self.features.dataset, manifest=manifest)
        return Images(replace(self.features, dataset=dataset), self.rows)


@dataclass
class Subject:
    """One class under check.

    Parameters
    ----------
    kind, options
        The class, and what a recipe would set.
    taxonomy
        The class tree.
    images
        Of every leaf of the tree.
    encoder
        Stands in for the backbone that the settings name.
    """

    kind: type[Baseline]
    options: Mapping[str, Any]
    taxonomy: Taxonomy
    images: Images
    encoder: Encoder

    def __post_init__(self) -> None:
        self.manifest_before = self.images.features.dataset.manifest.copy()
        self.rows_before = {side: rows.copy() for side, rows in self.images.rows.items()}

    @cached_property
    def settings(self) -> Settings:
        """The checked settings, with the stand-in's name where they name a backbone."""
        settings = self.kind.settings_type.model_validate(dict(self.options))
        if settings.backbone is None:
            return settings
        return settings.model_copy(update={"backbone": self.encoder.name})

    @cached_property
    def fitted(self) -> tuple[Baseline, FitSummary]:
        """A baseline that was fitted on the images."""
        return self.fit(self.images)

    @cached_property
    def probabilities(self) -> NDArray[np.float64]:
        """What the fitted baseline predicts of the test images."""
        return self.fitted[0].predict(self.images.samples("test"))

    def new(self, seed: int = 7) -> Baseline:
        """Return a baseline that was not fitted yet."""
        backbone = self.encoder if self.settings.backbone else None
        context = Context(self.taxonomy, self.images.features.compute, seed, backbone)
        return self.kind(self.settings, context)

    def fit(self, images: Images) -> tuple[Baseline, FitSummary]:
        """Fit a new baseline."""
        baseline = self.new()
        return baseline, baseline.fit(images.samples("train"), images.samples("validation"))

    def predict_after_fit(self, images: Images) -> NDArray[np.float64]:
        """Fit a new baseline; return what it predicts of the test images."""
        return self.fit(images)[0].predict(images.samples("test"))


def draw_images(taxonomy: Taxonomy, folder: Path, encoder: Encoder) -> Images:
    """Draw images of every leaf into a folder, to be embedded by an encoder on the CPU.

    Leaves differ in colour, and enough noise keeps them from being told apart at once.
    """
    from PIL import Image

    from lcbench.compute import resolve_compute
    from lcbench.datasets.dataset import load_dataset
    from lcbench.datasets.labels import LabelReader

    random = np.random.default_rng(0)
    for leaf in taxonomy.leaves:
        (folder / leaf).mkdir(parents=True)
        colour = random.uniform(60, 200, 3)
        for number in range(sum(_SIDES.values())):
            shade = colour + random.normal(0, 15, 3)
            pixels = shade + random.normal(0, 40, (_IMAGE_SIDE, _IMAGE_SIDE, 3))
            image = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
            image.save(folder / leaf / f"{number:02d}.png")
    dataset = load_dataset(str(folder), LabelReader(taxonomy))
    number_in_leaf = dataset.manifest.groupby("label").cumcount().to_numpy()
    rows, start = {}, 0
    for side, count in _SIDES.items():
        chosen = (number_in_leaf >= start) & (number_in_leaf < start + count)
        rows[side], start = np.flatnonzero(chosen), start + count
    by_any_key: Mapping[str, Encoder] = defaultdict(lambda: encoder)
    features = Features(dataset, resolve_compute("cpu", "32"), by_any_key)
    return Images(features, rows)


def tiny_encoder() -> Encoder:
    """Return a network of 0.4 million random parameters: fast, and no weights are needed."""
    return Backbone("test_resnet", WeightSource("random", "drawn with seed 0"), Preprocessing())
