import resource
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lcbench.leakage import store
from lcbench.leakage.keypoints import ImageFeatures, read_features
from lcbench.leakage.store import FeatureStore, features_of
from lcbench.storage import file_sha256

from .tissue import Pixels, described, saved, tile

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
    return features_of(paths, [file_sha256(path) for path in paths])


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "PART_SIZE", 3)


def recorded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the images that are decoded from now on."""
    names: list[str] = []

    def read(path: Path) -> ImageFeatures:
        names.append(path.name)
        return read_features(path)

    monkeypatch.setattr(store, "read_features", read)
    return names


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    return recorded(monkeypatch)


@pytest.mark.parametrize("size", [1, 2, 3, 8, 250])
def test_what_is_stored_is_what_was_described(
    paths: list[Path], size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "PART_SIZE", size)
    for _ in range(2):
        found = stored(paths)
        assert len(found) == len(paths)
        for image, pixels in zip(found, tiles(8), strict=True):
            require_equal(image, described(pixels))


@pytest.mark.usefixtures("small_parts")
def test_what_is_stored_is_not_decoded_again(paths: list[Path], decoded: list[str]) -> None:
    stored(paths)
    assert sorted(decoded) == sorted(path.name for path in paths)
    decoded.clear()
    stored(paths)
    assert not decoded


def test_images_are_known_by_their_bytes_and_not_by_their_names(
    paths: list[Path], decoded: list[str]
) -> None:
    stored(paths)
    decoded.clear()
    moved = [path.rename(path.with_name(f"new-{path.name}")) for path in paths]
    found = stored(moved)
    assert not decoded
    require_equal(found[3], described(tiles(4)[3]))
    saved(tile(60, 60), moved[0])
    assert not np.array_equal(stored(moved)[0].pixels, found[0].pixels)


@pytest.mark.usefixtures("small_parts")
def test_parts_that_were_finished_before_a_kill_are_kept(
    paths: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(path: Path) -> ImageFeatures:
        if path.name == "4.png":
            raise KeyboardInterrupt
        return read_features(path)

    monkeypatch.setattr(store, "read_features", read)
    with pytest.raises(KeyboardInterrupt):
        stored(paths)
    names = recorded(monkeypatch)
    found = stored(paths)
    assert sorted(names) == ["3.png", "4.png", "5.png", "6.png", "7.png"]
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
def test_stores_are_joined_in_order(paths: list[Path]) -> None:
    joined = stored(paths[:4]) + stored(paths[5:]) + stored([])
    expected = [described(pixels) for pixels in (*tiles(8)[:4], *tiles(8)[5:])]
    assert len(joined) == 7
    for index, image in enumerate(expected):
        require_equal(joined[index], image)


@pytest.mark.usefixtures("small_parts")
def test_an_index_out_of_range_is_refused_and_slices_are_lists(paths: list[Path]) -> None:
    found = stored(paths)
    for index in (-1, 8, 100):
        with pytest.raises(IndexError):
            found[index]
    some = found[2:7:2]
    assert [image.size for image in some] == [found[index].size for index in (2, 4, 6)]
    assert found[8:] == []
    assert [image.size for image in found] == [found[index].size for index in range(8)]


def test_a_part_without_any_keypoints_is_stored(tmp_path: Path) -> None:
    blank = [np.full((size, 5, 3), 250, dtype=np.uint8) for size in (1, 5, 400)]
    paths = [saved(pixels, tmp_path / f"{number}.png") for number, pixels in enumerate(blank)]
    for _ in range(2):
        for image, pixels in zip(stored(paths), blank, strict=True):
            require_equal(image, described(pixels))
            assert not image.is_comparable


def test_no_images_make_an_empty_store() -> None:
    assert len(stored([])) == 0
    assert list(stored([])) == []


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("again", [False, True])
def test_every_image_advances_by_one(paths: list[Path], again: bool) -> None:
    if again:
        stored(paths[:6])
    steps: list[int] = []
    features_of(paths, [file_sha256(path) for path in paths], steps.append)
    assert sum(steps) == len(paths)


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
