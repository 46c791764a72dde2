"""Samples without images: labels and embeddings are given."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import timm
import torch

from lcbench.compute import Compute
from lcbench.features.cache import CachedArray
from lcbench.features.samples import Samples
from lcbench.features.views import View
from lcbench.models.baseline import Context
from lcbench.taxonomy import Taxonomy

FEATURES = 8


class GivenFeatures:
    """Stands in for `Features`: the arrays are given instead of computed."""

    def __init__(self, labels: Sequence[str], values: np.ndarray) -> None:
        self.dataset = SimpleNamespace(manifest=pd.DataFrame({"label": list(labels)}))
        self._values = np.asarray(values, dtype=np.float32)

    def embeddings(self, _backbone: str, view: View | None = None) -> CachedArray:
        shift = 0.0 if view is None else 100.0 * (view.number + 1)
        return CachedArray(self._values + np.float32(shift), 1.0)

    def colour(self) -> CachedArray:
        return CachedArray(self._values, 1.0)


@pytest.fixture(scope="session")
def given_samples() -> Callable[..., Samples]:
    """Samples of given labels and arrays: given_samples(labels, values)."""

    def make(labels: Sequence[str], values: np.ndarray) -> Samples:
        features: Any = GivenFeatures(labels, values)
        return Samples(features, np.arange(len(labels)))

    return make


@pytest.fixture(scope="session")
def given_context(cpu: Compute) -> Callable[..., Context]:
    """A context whose backbone gives `FEATURES` numbers: given_context(taxonomy, seed)."""
    backbone: Any = SimpleNamespace(name="given", facts=SimpleNamespace(features=FEATURES))

    def make(taxonomy: Taxonomy, seed: int = 0) -> Context:
        return Context(taxonomy, cpu, seed, backbone)

    return make


@pytest.fixture(scope="session")
def clusters() -> Callable[..., tuple[list[str], np.ndarray]]:
    """Labels and points, one tight cluster a label: clusters(labels, each, seed)."""

    def make(
        labels: Sequence[str], each: int, seed: int = 0, spread: float = 0.3
    ) -> tuple[list[str], np.ndarray]:
        centres = np.random.default_rng(99).normal(size=(len(labels), FEATURES)) * 2
        random = np.random.default_rng(seed)
        values = np.repeat(centres, each, axis=0)
        values = values + spread * random.normal(size=values.shape)
        return [label for label in labels for _ in range(each)], values

    return make


@pytest.fixture
def tiny_state() -> dict[str, torch.Tensor]:
    """The tensors of a tiny network."""
    torch.manual_seed(7)
    return dict(timm.create_model("test_resnet").state_dict())


@pytest.fixture
def empty_hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine on which nothing was ever downloaded; the folder of what would be."""
    folder = tmp_path / "hub"
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(folder))
    return folder


@pytest.fixture
def downloaded(empty_hub: Path) -> Callable[[str, Mapping[str, bytes]], Path]:
    """A machine on which files were downloaded: downloaded(repository, {name: content})."""

    def place(repository: str, files: Mapping[str, bytes]) -> Path:
        folder = empty_hub / f"models--{repository.replace('/', '--')}"
        (folder / "refs").mkdir(parents=True)
        (folder / "refs" / "main").write_text("abc")
        snapshot = folder / "snapshots" / "abc"
        snapshot.mkdir(parents=True)
        for name, content in files.items():
            (snapshot / name).write_bytes(content)
        return snapshot

    return place
