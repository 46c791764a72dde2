import resource
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lcbench.datasets.images import ImageFile
from lcbench.leakage import store
from lcbench.leakage.keypoints import ImageFeatures, read_features
from lcbench.leakage.store import FeatureStore, features_of

from .tissue import Pixels, described, files, saved, tile

pytestmark = pytest.mark.usefixtures("empty_cache")


def require_equal(found: ImageFeatures, expected: ImageFeatures) -> None:
    for name in ("pixels", "points", "descriptors", "colour"):
        one, other = getattr(found, name), getattr(expected, name)
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)
    assert found.size == expected.size
    assert found.digest == expected.digest


def tiles(count: int) -> list[Pixels]:
    """Tiles of several sizes; every third has no keypoints."""
    blank = [np.full((9, 9 + seed, 3), 200, dtype=np.uint8) for seed in range(count)]
    return [blank[seed] if seed % 3 == 1 else tile(seed, 60 + seed) for seed in range(count)]


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    return [saved(pixels, tmp_path / f"{n}.png") for n, pixels in enumerate(tiles(8))]


def stored(paths: Sequence[Path]) -> FeatureStore:
    return features_of([files(paths)])


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the images that are decoded."""
    names: list[str] = []

    def read(file: ImageFile) -> ImageFeatures:
        names.append(file.path.name)
        return read_features(file)

    monkeypatch.setattr(store, "read_features", read)
    return names


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "PART_SIZE", 3)


@pytest.mark.parametrize("size", [1, 3, 250])
def test_what_is_stored_is_what_was_described(
    paths: list[Path], size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "PART_SIZE", size)
    for _ in range(2):
        steps: list[int] = []
        found = features_of([files(paths)], steps.append)
        assert len(found) == len(paths) == sum(steps)
        for image, pixels in zip(found, tiles(8), strict=True):
            require_equal(image, described(pixels))


def test_images_are_known_by_their_bytes_and_not_by_their_names(
    paths: list[Path], decoded: list[str]
) -> None:
    stored(paths)
    assert sorted(decoded) == sorted(path.name for path in paths)
    decoded.clear()
    moved = [path.rename(path.with_name(f"new-{path.name}")) for path in paths]
    found = stored(moved)
    assert not decoded
    require_equal(found[3], described(tiles(4)[3]))
    saved(tile(60, 60), moved[0])
    assert not np.array_equal(stored(moved)[0].pixels, found[0].pixels)


@pytest.mark.usefixtures("small_parts")
def test_files_of_the_same_bytes_are_described_once(paths: list[Path], decoded: list[str]) -> None:
    copies = [paths[0], paths[0], paths[3], paths[4], paths[0], paths[3]]
    found = features_of([files(copies), files([paths[4], paths[6]])])
    assert sorted(decoded) == ["0.png", "3.png", "4.png", "6.png"]
    for image, number in zip(found, (0, 0, 3, 4, 0, 3, 4, 6), strict=True):
        require_equal(image, described(tiles(8)[number]))


@pytest.mark.usefixtures("small_parts")
def test_parts_that_were_finished_before_a_kill_are_kept(
    paths: list[Path], decoded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(file: ImageFile) -> ImageFeatures:
        if file.path.name == "4.png":
            raise KeyboardInterrupt
        return read_features(file)

    with monkeypatch.context() as patch:
        patch.setattr(store, "read_features", read)
        with pytest.raises(KeyboardInterrupt):
            stored(paths)
    found = stored(paths)
    assert sorted(decoded) == ["3.png", "4.png", "5.png", "6.png", "7.png"]
    for image, pixels in zip(found, tiles(8), strict=True):
        require_equal(image, described(pixels))


@pytest.mark.usefixtures("small_parts")
def test_nothing_half_written_is_left_behind_or_believed(
    paths: list[Path], empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written, save = count(), np.save

    def interrupted(file: Any, array: Any) -> None:
        if next(written) == 5:
            raise KeyboardInterrupt
        save(file, array)

    with monkeypatch.context() as patch:
        patch.setattr(np, "save", interrupted)
        with pytest.raises(KeyboardInterrupt):
            stored(paths)
    assert not [path for path in empty_cache.rglob("*") if path.is_file()]
    require_equal(stored(paths)[0], described(tiles(1)[0]))


@pytest.mark.usefixtures("small_parts")
def test_folders_are_joined_in_order_and_some_of_their_images_can_be_chosen(
    paths: list[Path],
) -> None:
    joined = features_of([files(paths[:4]), files([]), files(paths[5:])])
    expected = [described(pixels) for pixels in (*tiles(8)[:4], *tiles(8)[5:])]
    assert len(joined) == 7
    chosen = joined.only(np.array([5, 0, 3])).only(np.array([0, 2]))
    for found, wanted in ((joined, expected), (chosen, [expected[5], expected[3]])):
        for one, other in zip(found, wanted, strict=True):
            require_equal(one, other)
    assert list(stored([])) == []


@pytest.fixture
def few_open_files() -> Iterator[int]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    yield 256
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_store_of_many_parts_keeps_few_files_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, few_open_files: int
) -> None:
    monkeypatch.setattr(store, "PART_SIZE", 1)
    blank = [np.full((1, width, 3), 250, dtype=np.uint8) for width in range(1, 60)]
    paths = [saved(pixels, tmp_path / f"{number}.png") for number, pixels in enumerate(blank)]
    assert 9 * len(paths) > few_open_files
    assert [image.size for image in stored(paths)] == [(width, 1) for width in range(1, 60)]
