"""Every file of every cache, damaged in every way: noticed, named, and the same result again."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from lcbench.caching import entries
from lcbench.caching.seals import FACTS
from lcbench.compute import Compute
from lcbench.datasets import dataset
from lcbench.datasets.dataset import Dataset
from lcbench.datasets.demo import create_demo
from lcbench.datasets.labels import LabelReader
from lcbench.features.extraction import FeatureKind, Features
from lcbench.leakage.sources import find_sources
from lcbench.leakage.store import features_of
from lcbench.models.backbones import Backbone
from lcbench.taxonomy import load_taxonomy

from ..damage import EVERY_DAMAGE, Damage, deleted, named

KEYPOINTS = (
    "pixels", "points", "descriptors", "pixel_starts", "shapes", "sizes", "keypoint_starts",
    "colours", "digests",
)  # fmt: skip
FILES = {
    "colour": ("values.npy",),
    "embeddings": ("values.npy",),
    "pixels": ("values.npy",),
    "keypoints": tuple(f"{name}.npy" for name in KEYPOINTS),
    "sources": ("groups.json", "registrations.jsonl"),
    "demo": ("groups.csv", "lung_n/lung_n-tile00-0.bmp"),
}
"""What each cache writes, but for its facts."""

CELLS = [(kind, file) for kind, files in FILES.items() for file in (*files, FACTS)]
Compute_ = Callable[[Dataset], bytes]


@dataclass(frozen=True)
class Caches:
    """Every cache filled for two datasets, undamaged, and what is read from it."""

    folder: Path
    compute: dict[str, Compute_]
    one: Dataset
    results: dict[str, bytes]
    places: dict[str, tuple[Path, Path]]


def features_bytes(
    kind: FeatureKind, cpu: Compute, backbone: Backbone, images: Dataset
) -> bytes:  # fmt: skip
    found = Features(images, cpu, {"test_resnet": backbone}).prepare(kind, "test_resnet")
    assert found is not None
    return found.values.tobytes()


def keypoint_bytes(images: Dataset) -> bytes:
    return b"".join(
        image.pixels.tobytes() + image.points.tobytes() + image.descriptors.tobytes()
        + image.colour.tobytes() + image.digest + repr(image.size).encode()
        for image in features_of([images.files()])
    )  # fmt: skip


def source_bytes(images: Dataset) -> bytes:
    found = find_sources([images.files()])
    return repr((found.groups, found.copies, found.links, found.doubtful, found.tried)).encode()


def demo_bytes(_images: Dataset) -> bytes:
    folder = dataset.demo_folder(LabelReader(load_taxonomy()))
    files = sorted(path for path in folder.rglob("*") if path.suffix in (".bmp", ".csv"))
    return b"".join(path.read_bytes() for path in files)


@pytest.fixture(scope="module")
def caches(
    tmp_path_factory: pytest.TempPathFactory, demo_dataset: Dataset, cpu: Compute,
    tiny_backbone: Backbone,
) -> Caches:  # fmt: skip
    few = [
        replace(
            demo_dataset,
            manifest=demo_dataset.manifest.iloc[rows].reset_index(drop=True),
            sha256=f"images from {rows.start}",
        )
        for rows in (slice(6), slice(24, 29))
    ]
    kinds: tuple[FeatureKind, ...] = ("colour", "embeddings", "pixels")
    compute: dict[str, Compute_] = {
        kind: partial(features_bytes, kind, cpu, tiny_backbone) for kind in kinds
    }
    compute |= {"keypoints": keypoint_bytes, "sources": source_bytes, "demo": demo_bytes}
    folder = tmp_path_factory.mktemp("whole")
    places: dict[str, tuple[Path, Path]] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LCBENCH_CACHE", str(folder))
        use_small_demo(patch)
        results = {kind: work(few[0]) for kind, work in compute.items()}
        for kind in FILES:
            pattern = {"keypoints": "keypoints/v*/*", "demo": "demo-*"}.get(kind, f"{kind}/*")
            (one,) = folder.glob(pattern)
            compute[kind](few[1])
            others = [path for path in folder.glob(pattern) if path != one]
            places[kind] = (one.relative_to(folder), (others or [one])[0].relative_to(folder))
    return Caches(folder, compute, few[0], results, places)


def use_small_demo(patch: pytest.MonkeyPatch) -> None:
    small = partial(create_demo, tiles_per_class=1, copies=2)
    patch.setattr("lcbench.datasets.demo.create_demo", small)


@pytest.fixture
def damaged_copy(caches: Caches, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The caches, to be damaged by a test in a process that has read none of them."""
    shutil.copytree(caches.folder, tmp_path / "cache")
    monkeypatch.setenv("LCBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(entries, "_checked", set())
    monkeypatch.setattr(entries, "_said", set())
    use_small_demo(monkeypatch)
    return tmp_path / "cache"


def test_these_are_all_the_files_that_caches_hold(caches: Caches) -> None:
    for kind, (place, _) in caches.places.items():
        folder = caches.folder / place
        found = {path.relative_to(folder).as_posix() for path in folder.rglob("*.*")}
        if kind == "demo":
            found = {name for name in found if name in FILES[kind] or not name.endswith(".bmp")}
        assert found == {*FILES[kind], FACTS}


@pytest.mark.parametrize("damage", EVERY_DAMAGE, ids=named)
@pytest.mark.parametrize(("kind", "file"), CELLS)
def test_damage_is_named_and_made_good(
    kind: str, file: str, damage: Damage, caches: Caches, damaged_copy: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    entry, sibling = caches.places[kind]
    other = damaged_copy / sibling / file
    if sibling == entry:  # the demonstration set has none
        other = damaged_copy / entry / ("groups.csv" if file != "groups.csv" else FACTS)
    capsys.readouterr()
    damage(damaged_copy / entry / file, other)
    assert caches.compute[kind](caches.one) == caches.results[kind]
    said = [line for line in capsys.readouterr().err.splitlines() if str(entry) in line]
    assert len([line for line in said if "cache entry" in line or "no hashes" in line]) == 1
    assert any(file in line for line in said) or damage is deleted
    if file != FACTS:
        healed, whole = damaged_copy / entry / file, caches.folder / entry / file
        assert lines(healed) == lines(whole)
    assert caches.compute[kind](caches.one) == caches.results[kind]
    assert "made anew" not in capsys.readouterr().err
    assert not list(damaged_copy.rglob(".*"))


def lines(file: Path) -> list[bytes]:
    """The bytes of a file; those of a journal in any order, for what is made anew comes last."""
    data = file.read_bytes()
    return sorted(data.splitlines()) if file.suffix == ".jsonl" else [data]


def test_zeroed_values_are_not_used(caches: Caches, damaged_copy: Path) -> None:
    """Zeroed digests once gave false exact copies, zeroed colours other predictions."""
    for kind, name in (("colour", "values"), ("keypoints", "digests")):
        file = damaged_copy / caches.places[kind][0] / f"{name}.npy"
        values = np.load(file)
        np.save(file, np.zeros_like(values))
        assert caches.compute[kind](caches.one) == caches.results[kind]
