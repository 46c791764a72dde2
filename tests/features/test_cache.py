"""The cache: computed once, whole or not at all."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lcbench.caching.entries import Entry
from lcbench.features import cache
from lcbench.features.cache import cached_array


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LCBENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


class Source:
    """Gives blocks and counts how often it was asked."""

    def __init__(self, *blocks: np.ndarray) -> None:
        self.blocks = blocks
        self.asked = 0

    def __call__(self) -> Iterator[np.ndarray]:
        self.asked += 1
        yield from self.blocks


def numbers(*sizes: int, dtype: str = "float32") -> list[np.ndarray]:
    values = np.random.default_rng(0).integers(0, 200, (sum(sizes), 2, 3)).astype(dtype)
    return np.split(values, np.cumsum(sizes)[:-1])


@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_what_is_read_is_what_was_computed_once(dtype: str) -> None:
    """In whatever memory order it was given, and whatever became of what was read before."""
    source = Source(*(block.transpose(0, 2, 1) for block in numbers(4, 4, 3, dtype=dtype)))
    speeds = set()
    for _ in range(2):
        found = cached_array("kind", ("key",), 11, source, "Computing")
        assert found.values.dtype == np.dtype(dtype)
        np.testing.assert_array_equal(found.values, np.concatenate(source.blocks))
        found.values[:] = 0
        speeds.add(found.images_per_second)
    assert source.asked == 1
    assert len(speeds) == 1
    assert speeds.pop() > 0


@pytest.mark.parametrize(
    ("kind", "key"), [("kind", ("a", "c")), ("other", ("a", "b")), ("kind", ("ab",))]
)
def test_another_kind_or_key_is_another_array(kind: str, key: tuple[str, ...]) -> None:
    cached_array("kind", ("a", "b"), 4, Source(*numbers(4)), "Computing")
    source = Source(*numbers(4))
    cached_array(kind, key, 4, source, "Computing")
    assert source.asked == 1


def cut_off() -> Iterator[np.ndarray]:
    yield numbers(4)[0]
    raise KeyboardInterrupt


def test_a_computation_that_is_cut_off_leaves_nothing_that_is_taken_for_complete(
    empty_cache: Path,
) -> None:
    with pytest.raises(KeyboardInterrupt):
        cached_array("kind", ("key",), 8, cut_off, "Computing")
    assert not [path for path in empty_cache.rglob("*") if path.is_file()]
    whole = Source(*numbers(4, 4))
    found = cached_array("kind", ("key",), 8, whole, "Computing")
    assert whole.asked == 1
    np.testing.assert_array_equal(found.values, np.concatenate(whole.blocks))


@pytest.mark.parametrize("sizes", [(4,), (4, 4, 4)])
def test_too_few_or_too_many_rows_are_not_stored(sizes: tuple[int, ...], empty_cache: Path) -> None:
    with pytest.raises(RuntimeError, match="rows instead of 8"):
        cached_array("kind", ("key",), 8, Source(*numbers(*sizes)), "Computing")
    assert not list(empty_cache.rglob("values.npy"))


def test_arrays_lie_in_the_cache_whatever_their_key_with_the_key_beside_them(
    empty_cache: Path,
) -> None:
    for key in ("hf-hub:../../lab/name", "/a:/b\\c*?"):
        cached_array("kind", (key, "b"), 4, Source(*numbers(4)), "Computing")
    folders = list((empty_cache / "kind").iterdir())
    assert len(folders) == 2
    assert all(folder.name.isalnum() for folder in folders)
    keys = [json.loads((folder / "facts.json").read_text())["key"] for folder in folders]
    assert ["hf-hub:../../lab/name", "b"] in keys
    assert [path.name for path in empty_cache.parent.iterdir()] == [empty_cache.name]


def test_an_entry_that_is_cleared_before_it_is_mapped_is_made_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = Source(*numbers(4))
    opened = cache.open_entry

    def cleared_once(folder: Path, *arguments: Any) -> Entry:
        entry = opened(folder, *arguments)
        if source.asked == 1:
            shutil.rmtree(folder)
        return entry

    monkeypatch.setattr(cache, "open_entry", cleared_once)
    found = cached_array("kind", ("key",), 4, source, "Computing")
    np.testing.assert_array_equal(found.values, source.blocks[0])
    assert source.asked == 2
