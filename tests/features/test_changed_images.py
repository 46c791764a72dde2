"""Images that change while they are used: no cache holds what was computed from other bytes."""

from __future__ import annotations

import pickle
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lcbench.caching import entries
from lcbench.compute import Compute
from lcbench.datasets.dataset import Dataset
from lcbench.errors import UserError
from lcbench.features.extraction import FeatureKind, Features
from lcbench.leakage.sources import find_sources
from lcbench.leakage.store import features_of
from lcbench.models.backbones import Backbone


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LCBENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def few(demo_dataset: Dataset, tmp_path: Path) -> Dataset:
    """Five images of the demonstration set, in a folder of their own."""
    manifest = demo_dataset.manifest.iloc[::16].reset_index(drop=True)
    for image in manifest["image"]:
        (tmp_path / "data" / image).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(demo_dataset.path(image), tmp_path / "data" / image)
    return replace(demo_dataset, root=tmp_path / "data", manifest=manifest, sha256="five images")


@pytest.fixture
def computed(cpu: Compute, tiny_backbone: Backbone) -> dict[str, Callable[[Dataset], np.ndarray]]:
    """Everything that is computed from images and kept, by name."""

    def prepared(kind: FeatureKind, images: Dataset) -> np.ndarray:
        found = Features(images, cpu, {"test_resnet": tiny_backbone}).prepare(kind, "test_resnet")
        assert found is not None
        return np.array(found.values)

    def descriptors(images: Dataset) -> np.ndarray:
        found = features_of([images.files()])
        return np.concatenate([image.descriptors for image in found])

    return {
        "colour": lambda images: prepared("colour", images),
        "embeddings": lambda images: prepared("embeddings", images),
        "pixels": lambda images: prepared("pixels", images),
        "keypoints": descriptors,
        "sources": lambda images: find_sources([images.files()]).groups,
    }


@pytest.mark.parametrize("name", ["colour", "embeddings", "pixels", "keypoints", "sources"])
def test_an_image_replaced_meanwhile_and_then_restored_poisons_nothing(
    name: str, few: Dataset, computed: dict[str, Callable[[Dataset], np.ndarray]],
    empty_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    victim = few.path(few.manifest["image"][2])
    before = victim.read_bytes()
    shutil.copyfile(few.path(few.manifest["image"][3]), victim)
    with pytest.raises(UserError, match=f"{victim.name}: the image changed") as caught:
        computed[name](few)
    assert caught.value.remedy == "Run the command again."
    assert not [path for path in empty_cache.rglob("*") if path.is_file()]
    victim.write_bytes(before)
    restored = computed[name](few)
    monkeypatch.setenv("LCBENCH_CACHE", str(tmp_path / "another cache"))
    np.testing.assert_array_equal(restored, computed[name](few))


def test_workers_believe_the_process_that_started_them(
    few: Dataset, cpu: Compute, monkeypatch: pytest.MonkeyPatch
) -> None:
    features = Features(few, cpu, {})
    expected = np.array(features.colour().values)
    sent = pickle.dumps(features)
    monkeypatch.setattr(entries, "_checked", set())  # as in a new process

    def hashes(*_: object) -> None:
        raise AssertionError("hashed again")

    monkeypatch.setattr(entries, "check_files", hashes)
    received = pickle.loads(sent)  # noqa: S301
    np.testing.assert_array_equal(received.colour().values, expected)
    assert vars(received).keys() == vars(features).keys()
    assert not hasattr(received, "checked")
