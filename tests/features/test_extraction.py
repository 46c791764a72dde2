"""Features: computed once for each image, in the manifest's order, with everything in the key."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from lcbench.compute import Compute
from lcbench.datasets.dataset import Dataset
from lcbench.datasets.images import open_rgb
from lcbench.features import extraction
from lcbench.features.extraction import COLOUR_BINS, Features, colour_histogram
from lcbench.features.samples import Samples
from lcbench.models.backbones import Backbone, resolve_backbone
from lcbench.models.weights import WeightOptions
from lcbench.taxonomy import Taxonomy


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LCBENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="session")
def few(demo_dataset: Dataset) -> Dataset:
    """Nine images of the demonstration set: one batch of eight, and one image more."""
    return replace(
        demo_dataset,
        manifest=demo_dataset.manifest.iloc[::8].reset_index(drop=True),
        sha256="nine images",
    )


@pytest.fixture
def features(few: Dataset, cpu: Compute, tiny_backbone: Backbone) -> Features:
    return Features(few, cpu, {"test_resnet": tiny_backbone})


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The images that were decoded, in no certain order."""
    paths: list[Path] = []
    lock = threading.Lock()
    decode_batch = extraction.decode_batch

    def watched(batch: list[Path], convert: Callable[..., np.ndarray]) -> np.ndarray:
        with lock:
            paths.extend(batch)
        return decode_batch(batch, convert)

    monkeypatch.setattr(extraction, "decode_batch", watched)
    return paths


@pytest.mark.usefixtures("empty_cache")
def test_each_image_is_decoded_once_and_never_again(
    features: Features, decoded: list[Path]
) -> None:
    expected = sorted(features.dataset.path(image) for image in features.dataset.manifest["image"])
    for prepare in (
        lambda: features.embeddings("test_resnet"),
        lambda: features.pixels("test_resnet"),
        features.colour,
    ):
        decoded.clear()
        first = prepare()
        assert sorted(decoded) == expected
        second = prepare()
        assert sorted(decoded) == expected
        np.testing.assert_array_equal(first.values, second.values)


@pytest.mark.usefixtures("empty_cache")
def test_embeddings_are_the_networks_own_in_the_order_of_the_manifest(features: Features) -> None:
    backbone = features.backbones["test_resnet"]
    network = timm.create_model("test_resnet", num_classes=0)
    network.load_state_dict(backbone.load().state_dict())
    network.eval()
    found = features.embeddings("test_resnet").values
    assert found.shape == (9, backbone.facts.features)
    assert found.dtype == np.float32
    for row, image in enumerate(features.dataset.manifest["image"]):
        pixels = backbone.preprocessing.to_pixels()(open_rgb(features.dataset.path(image)))
        x = backbone.normaliser(torch.device("cpu"))(torch.from_numpy(pixels[None]))
        with torch.inference_mode():
            expected = network(x)[0].numpy()
        np.testing.assert_allclose(found[row], expected, rtol=1e-3, atol=1e-5)
    assert np.ptp(found, axis=0).max() > 0.01  # images differ


@pytest.mark.parametrize("precision", ["32", "bf16"])
def test_embeddings_have_the_same_bits_whatever_the_number_of_threads(
    precision: str, few: Dataset, tiny_backbone: Backbone, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    found = []
    for cores in (1, 2, 7):
        monkeypatch.setenv("LCBENCH_CACHE", str(tmp_path / f"cache-{cores}"))
        monkeypatch.setattr("os.cpu_count", lambda cores=cores: cores)
        features = Features(few, Compute("cpu", precision, 2), {"test_resnet": tiny_backbone})
        found.append(np.array(features.embeddings("test_resnet").values))
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])


def other_weights() -> Backbone:
    """The same network and preprocessing with one number changed."""
    backbone = resolve_backbone("test_resnet", WeightOptions("random", "test_resnet"))
    assert backbone is not None
    facts = replace(backbone.facts, weights_sha256="other")
    changed = replace(backbone)
    changed.__dict__["facts"] = facts
    return changed


def with_preprocessing(backbone: Backbone, **changes: object) -> Backbone:
    return replace(backbone, preprocessing=replace(backbone.preprocessing, **changes))


@pytest.mark.usefixtures("empty_cache")
@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda f: replace(f, dataset=replace(f.dataset, sha256="x")), id="dataset"),
        pytest.param(lambda f: replace(f, backbones={"test_resnet": other_weights()}),
                     id="weights"),
        pytest.param(lambda f: replace(f, backbones={"test_resnet": with_preprocessing(
            f.backbones["test_resnet"], mean=(0.4, 0.5, 0.5))}), id="mean"),
        pytest.param(lambda f: replace(f, backbones={"test_resnet": with_preprocessing(
            f.backbones["test_resnet"], crop_share=0.5)}), id="crop"),
        pytest.param(lambda f: replace(f, compute=Compute("cpu", "bf16", 8)), id="precision"),
        pytest.param(lambda f: replace(f, compute=Compute("cpu", "32", 4)), id="micro-batch"),
    ],
)  # fmt: skip
def test_embeddings_are_computed_anew_when_what_they_depend_on_changes(
    change: Callable[[Features], Features], features: Features, decoded: list[Path]
) -> None:
    features.embeddings("test_resnet")
    decoded.clear()
    change(features).embeddings("test_resnet")
    assert len(decoded) == 9


@pytest.mark.usefixtures("empty_cache")
def test_a_move_of_the_images_alone_needs_no_new_embeddings(
    features: Features, decoded: list[Path], tmp_path: Path
) -> None:
    before = features.embeddings("test_resnet").values
    decoded.clear()
    moved = replace(features, dataset=replace(features.dataset, root=tmp_path / "elsewhere"))
    np.testing.assert_array_equal(moved.embeddings("test_resnet").values, before)
    assert not decoded


@pytest.mark.usefixtures("empty_cache")
def test_pixels_are_shared_by_backbones_that_differ_in_normalisation_only(
    features: Features, decoded: list[Path]
) -> None:
    features.pixels("test_resnet")
    decoded.clear()
    other = with_preprocessing(features.backbones["test_resnet"], mean=(0.1, 0.2, 0.3))
    found = replace(features, backbones={"test_resnet": other}).pixels("test_resnet")
    assert not decoded
    assert (found.values.dtype, found.values.shape) == (np.uint8, (9, 3, 224, 224))


@pytest.mark.usefixtures("empty_cache")
def test_a_folder_that_is_interrupted_is_computed_whole_the_next_time(
    features: Features, monkeypatch: pytest.MonkeyPatch
) -> None:
    decode_batch = extraction.decode_batch
    calls = iter(range(100))

    def interrupted(batch: list[Path], convert: Callable[..., np.ndarray]) -> np.ndarray:
        if next(calls) == 1:
            raise KeyboardInterrupt
        return decode_batch(batch, convert)

    with monkeypatch.context() as patch:
        patch.setattr(extraction, "decode_batch", interrupted)
        with pytest.raises(KeyboardInterrupt):
            features.embeddings("test_resnet")
    assert len(features.embeddings("test_resnet").values) == 9


def test_every_kind_of_feature_can_be_prepared_by_name(features: Features) -> None:
    assert features.prepare("none", None) is None
    shapes = {
        kind: getattr(features.prepare(kind, "test_resnet"), "values", np.empty(0)).shape
        for kind in ("colour", "embeddings", "pixels")
    }
    assert shapes == {
        "colour": (9, COLOUR_BINS**3),
        "embeddings": (9, features.backbones["test_resnet"].facts.features),
        "pixels": (9, 3, 224, 224),
    }
    with pytest.raises(ValueError, match="need a backbone"):
        features.prepare("embeddings", None)


IMAGES = arrays.arrays(np.uint8, arrays.array_shapes(min_dims=2, max_dims=2, max_side=12).map(
    lambda shape: (*shape, 3)))  # fmt: skip


@given(pixels=IMAGES, seed=st.integers(0, 1000))
@settings(deadline=None)
def test_colour_histograms_hold_no_places(pixels: np.ndarray, seed: int) -> None:
    shuffled = np.random.default_rng(seed).permutation(pixels.reshape(-1, 3)).reshape(pixels.shape)
    first, second = (colour_histogram(Image.fromarray(one)) for one in (pixels, shuffled))
    np.testing.assert_array_equal(first, second)
    assert first.sum() == pytest.approx(1, abs=1e-5)
    assert first.shape == (COLOUR_BINS**3,)


@given(pixels=IMAGES)
@settings(deadline=None)
def test_colour_histograms_are_numpys_own(pixels: np.ndarray) -> None:
    edges = [np.linspace(0, 256, COLOUR_BINS + 1)] * 3
    expected, _ = np.histogramdd(pixels.reshape(-1, 3).astype(float), bins=edges)
    expected = expected.ravel() / expected.sum()
    np.testing.assert_allclose(colour_histogram(Image.fromarray(pixels)), expected, atol=1e-6)


def test_samples_give_the_rows_they_were_asked_for(features: Features, lung: Taxonomy) -> None:
    rows = np.array([4, 0, 8])
    samples = Samples(features, rows)
    manifest = features.dataset.manifest
    assert len(samples) == 3
    assert samples.labels.tolist() == manifest["label"].iloc[rows].tolist()
    np.testing.assert_array_equal(samples.colour(), features.colour().values[rows])
    np.testing.assert_array_equal(
        samples.embeddings("test_resnet"), features.embeddings("test_resnet").values[rows]
    )
    assert samples.all_pixels("test_resnet").shape[0] == 9
    leaves, codes = samples.with_leaf_labels(lung)
    assert (
        [lung.leaves[code] for code in codes] == leaves.labels.tolist() == samples.labels.tolist()
    )


def test_images_with_coarse_labels_are_no_leaf_samples(features: Features, lung: Taxonomy) -> None:
    labels = ["malignant", "benign", *features.dataset.manifest["label"][2:]]
    dataset = replace(features.dataset, manifest=features.dataset.manifest.assign(label=labels))
    leaves, codes = Samples(
        replace(features, dataset=dataset), np.array([0, 1, 2])
    ).with_leaf_labels(lung)
    assert leaves.rows.tolist() == [1, 2]
    assert codes[0] == lung.leaves.index("benign")
