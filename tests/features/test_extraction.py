"""Features: computed once for each image, in the manifest's order, with everything in the key."""

from __future__ import annotations

import importlib.metadata
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from hypothesis import given, settings
from hypothesis.extra import numpy as arrays
from PIL import Image

from lcbench.compute import Compute
from lcbench.datasets.dataset import Dataset
from lcbench.datasets.images import ImageFile, image_now, open_rgb
from lcbench.features import extraction
from lcbench.features.encoder import EncoderFacts, Normaliser
from lcbench.features.extraction import COLOUR_BINS, FeatureKind, Features, colour_histogram
from lcbench.features.samples import Samples
from lcbench.features.views import View
from lcbench.models.backbones import Backbone
from lcbench.models.weights import WeightSource
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

    def watched(batch: list[ImageFile], convert: Callable[..., np.ndarray]) -> np.ndarray:
        with lock:
            paths.extend(file.path for file in batch)
        return decode_batch(batch, convert)

    monkeypatch.setattr(extraction, "decode_batch", watched)
    return paths


@pytest.mark.usefixtures("empty_cache")
def test_each_image_is_decoded_once_and_never_again(
    features: Features, decoded: list[Path]
) -> None:
    expected = sorted(features.dataset.path(image) for image in features.dataset.manifest["image"])
    kinds: tuple[FeatureKind, ...] = ("embeddings", "pixels", "colour")
    for kind in kinds:
        decoded.clear()
        first, second = (features.prepare(kind, "test_resnet") for _ in range(2))
        assert sorted(decoded) == expected
        assert first is not None
        assert second is not None
        np.testing.assert_array_equal(first.values, second.values)


@pytest.mark.usefixtures("empty_cache")
def test_embeddings_are_the_networks_own_in_the_order_of_the_manifest(features: Features) -> None:
    backbone = features.backbones["test_resnet"]
    network = timm.create_model("test_resnet", num_classes=0)
    network.load_state_dict(backbone.load().state_dict())
    network.eval()
    normalise = Normaliser(backbone.preprocessing, torch.device("cpu"))
    found = features.embeddings("test_resnet").values
    assert found.shape == (9, backbone.facts.features)
    assert found.dtype == np.float32
    for row, image in enumerate(features.dataset.manifest["image"]):
        pixels = backbone.preprocessing.to_pixels()(open_rgb(features.dataset.path(image)))
        x = normalise(torch.from_numpy(pixels[None]))
        with torch.inference_mode():
            expected = network(x)[0].numpy()
        np.testing.assert_allclose(found[row], expected, rtol=1e-3, atol=1e-5)
    assert np.ptp(found, axis=0).max() > 0.01  # images differ


@pytest.mark.usefixtures("empty_cache")
def test_stored_embeddings_are_found_by_the_rule_that_grey_values_were_read_by(
    few: Dataset, cpu: Compute, tiny_backbone: Backbone
) -> None:
    deep = replace(few, manifest=few.manifest.assign(mode="I;16, as 12 bits"))
    features = Features(deep, cpu, {"test_resnet": tiny_backbone})
    computed = features.embeddings("test_resnet").values
    # Who knows the images by their hash alone, such as from a stored run, says the rule.
    stored = Features(few, cpu, features.backbones).stored_embeddings("test_resnet", deep.decoding)
    assert stored is not None
    np.testing.assert_array_equal(stored.values, computed)
    assert features.stored_embeddings("test_resnet", ()) is None


@pytest.mark.parametrize("precision", ["32", "bf16"])
def test_embeddings_have_the_same_bits_whatever_the_number_of_threads(
    precision: str, few: Dataset, tiny_backbone: Backbone, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    found = []
    for cores in (1, 7):
        monkeypatch.setenv("LCBENCH_CACHE", str(tmp_path / f"cache-{cores}"))
        monkeypatch.setattr("os.cpu_count", lambda cores=cores: cores)
        features = Features(few, Compute("cpu", precision, 2), {"test_resnet": tiny_backbone})
        found.append(np.array(features.embeddings("test_resnet").values))
    np.testing.assert_array_equal(found[0], found[1])


def with_backbone(features: Features, **changes: object) -> Features:
    changed = replace(features.backbones["test_resnet"], **changes)
    return replace(features, backbones={"test_resnet": changed})


def with_preprocessing(features: Features, **changes: object) -> Features:
    before = features.backbones["test_resnet"].preprocessing
    return with_backbone(features, preprocessing=replace(before, **changes))


@pytest.mark.usefixtures("empty_cache")
@pytest.mark.parametrize(
    "change",
    [
        lambda f: replace(f, dataset=replace(f.dataset, sha256="x")),
        lambda f: with_backbone(f, source=WeightSource("random", "other numbers")),
        lambda f: with_preprocessing(f, mean=(0.4, 0.5, 0.5)),
        lambda f: with_preprocessing(f, crop_share=0.5),
        lambda f: replace(f, compute=Compute("cpu", "bf16", 4)),
        lambda f: replace(f, compute=Compute("cpu", "32", 16)),
    ],
    ids=["dataset", "weights", "mean", "crop", "precision", "micro-batch"],
)
def test_embeddings_are_computed_anew_when_what_they_depend_on_changes(
    change: Callable[[Features], Features], features: Features, decoded: list[Path],
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(
        Backbone, "facts", property(lambda one: EncoderFacts(64, 0, 0.0, one.source.name))
    )
    features.embeddings("test_resnet")
    decoded.clear()
    moved = replace(features, dataset=replace(features.dataset, root=tmp_path / "elsewhere"))
    moved.embeddings("test_resnet")
    assert not decoded  # the same images in another place
    change(features).embeddings("test_resnet")
    assert len(decoded) == 9


@pytest.mark.usefixtures("empty_cache")
@pytest.mark.parametrize(
    ("kind", "packages"),
    [
        ("embeddings", {"torch", "torchvision", "timm", "pillow"}),
        ("pixels", {"torchvision", "timm", "pillow"}),
        ("colour", {"pillow"}),
    ],
)
def test_an_upgrade_of_what_computed_them_computes_features_anew(
    kind: FeatureKind, packages: set[str], features: Features, decoded: list[Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    features.prepare(kind, "test_resnet")
    installed = importlib.metadata.version
    anew = set()
    for package in ("torch", "torchvision", "timm", "pillow", "pandas"):
        decoded.clear()
        with monkeypatch.context() as patch:
            patch.setattr(
                "importlib.metadata.version",
                lambda name, new=package: installed(name) + ".new" * (name == new),
            )
            features.prepare(kind, "test_resnet")
        if decoded:
            anew.add(package)
    assert anew == packages
    decoded.clear()
    features.prepare(kind, "test_resnet")
    assert not decoded  # the installed versions' own are still there


@pytest.mark.usefixtures("empty_cache")
def test_without_a_backbone_pixels_are_the_whole_image_in_a_square(
    few: Dataset, cpu: Compute, tmp_path: Path
) -> None:
    wide = np.zeros((50, 100, 3), dtype=np.uint8)
    wide[:, :5] = wide[:, -5:] = (200, 100, 0)
    Image.fromarray(wide).save(tmp_path / "wide.png")
    sha256 = image_now(tmp_path / "wide.png").sha256
    manifest = few.manifest.iloc[:1].assign(image="wide.png", sha256=sha256)
    features = Features(replace(few, root=tmp_path, manifest=manifest, sha256="wide"), cpu, {})
    prepared = features.prepare("pixels", None)
    assert prepared is not None
    pixels = Samples(features, np.array([0])).all_pixels()
    np.testing.assert_array_equal(pixels, prepared.values)
    assert (pixels.dtype, pixels.shape) == (np.uint8, (1, 3, 224, 224))
    assert pixels[0, :, 112, 0].tolist() == pixels[0, :, 112, -1].tolist() == [200, 100, 0]


@pytest.mark.usefixtures("empty_cache")
def test_pixels_are_shared_by_backbones_that_differ_in_normalisation_only(
    features: Features, decoded: list[Path]
) -> None:
    features.pixels("test_resnet")
    decoded.clear()
    found = with_preprocessing(features, mean=(0.1, 0.2, 0.3)).pixels("test_resnet")
    assert not decoded
    assert (found.values.dtype, found.values.shape) == (np.uint8, (9, 3, 160, 160))
    with_preprocessing(features, interpolation="nearest").pixels("test_resnet")
    assert len(decoded) == 9


IMAGES = arrays.arrays(np.uint8, arrays.array_shapes(min_dims=2, max_dims=2, max_side=12).map(
    lambda shape: (*shape, 3)))  # fmt: skip


@given(pixels=IMAGES)
@settings(deadline=None, max_examples=50)
def test_colour_histograms_are_numpys_own(pixels: np.ndarray) -> None:
    """Which holds no places: shuffling the pixels changes nothing."""
    edges = [np.linspace(0, 256, COLOUR_BINS + 1)] * 3
    expected, _ = np.histogramdd(pixels.reshape(-1, 3).astype(float), bins=edges)
    expected = expected.ravel() / expected.sum()
    np.testing.assert_allclose(colour_histogram(Image.fromarray(pixels)), expected, atol=1e-6)


def test_samples_give_the_rows_they_were_asked_for(features: Features, lung: Taxonomy) -> None:
    rows = np.array([4, 0, 8])
    labels = ["malignant", *features.dataset.manifest["label"][1:]]
    manifest = features.dataset.manifest.assign(label=labels)
    samples = Samples(replace(features, dataset=replace(features.dataset, manifest=manifest)), rows)
    assert len(samples) == 3
    assert samples.labels.tolist() == manifest["label"].iloc[rows].tolist()
    np.testing.assert_array_equal(samples.colour(), features.colour().values[rows])
    np.testing.assert_array_equal(
        samples.embeddings("test_resnet"), features.embeddings("test_resnet").values[rows]
    )
    assert samples.all_pixels("test_resnet").shape[0] == 9
    leaves, codes = samples.with_leaf_labels(lung)
    assert leaves.rows.tolist() == [4, 8]  # the first image's label is coarse
    assert [lung.leaves[code] for code in codes] == leaves.labels.tolist()


@pytest.mark.usefixtures("empty_cache")
def test_embeddings_of_a_view_are_cached_beside_the_others(features: Features) -> None:
    plain = np.array(features.embeddings("test_resnet").values)
    seen = features.embeddings("test_resnet", View("geometric"))
    assert seen.values.shape == plain.shape
    assert not np.allclose(seen.values, plain)
    assert not len(seen.unchanged)
    assert np.array_equal(features.embeddings("test_resnet").values, plain)
    other = features.embeddings("test_resnet", View("geometric", 1)).values
    assert not np.allclose(seen.values, other)


@pytest.mark.usefixtures("empty_cache")
def test_images_without_a_view_are_as_they_are_and_named_again_from_the_cache(
    features: Features, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second image has no view."""
    own, without = View.of, features.dataset.files()[1].sha256

    def of(view: View, image: Image.Image, sha256: str) -> Image.Image | None:
        return None if sha256 == without else own(view, image, sha256)

    monkeypatch.setattr(View, "of", of)
    plain = features.embeddings("test_resnet").values
    for _ in range(2):
        seen = features.embeddings("test_resnet", View("geometric"))
        assert seen.unchanged.tolist() == [1]
        assert np.allclose(seen.values[1], plain[1], atol=1e-5)
