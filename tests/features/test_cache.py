"""The cache: computed once, whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from lcbench.features.cache import cached_array, is_cached
from lcbench.storage import cache_folder


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


@pytest.mark.parametrize("dtype", ["float32", "uint8", "int64", "float16"])
def test_what_is_read_is_what_was_computed(dtype: str) -> None:
    blocks = numbers(4, 4, 3, dtype=dtype)
    for _ in range(2):
        found = cached_array("kind", ("key",), 11, Source(*blocks), "Computing")
        assert found.values.dtype == np.dtype(dtype)
        np.testing.assert_array_equal(found.values, np.concatenate(blocks))


def test_blocks_in_any_memory_order_are_stored_as_they_read() -> None:
    block = np.arange(24, dtype=np.float32).reshape(4, 3, 2).transpose(0, 2, 1)
    found = cached_array("kind", ("key",), 4, Source(block), "Computing")
    np.testing.assert_array_equal(found.values, block)


def test_the_second_call_reads() -> None:
    source = Source(*numbers(4, 2))
    for _ in range(3):
        cached_array("kind", ("key",), 6, source, "Computing")
    assert source.asked == 1


@pytest.mark.parametrize(
    ("kind", "key"), [("kind", ("a", "c")), ("other", ("a", "b")), ("kind", ("ab",))]
)
def test_another_kind_or_key_is_another_array(kind: str, key: tuple[str, ...]) -> None:
    cached_array("kind", ("a", "b"), 4, Source(*numbers(4)), "Computing")
    assert is_cached("kind", ("a", "b"))
    assert not is_cached(kind, key)


def test_changing_what_was_read_changes_nothing_on_disk() -> None:
    source = Source(*numbers(4))
    cached_array("kind", ("key",), 4, source, "Computing").values[:] = 0
    again = cached_array("kind", ("key",), 4, source, "Computing").values
    np.testing.assert_array_equal(again, source.blocks[0])


class Cut(Exception):  # noqa: N818 - a stand-in for whatever ends a process
    """The computation is cut off."""


def cut_off() -> Iterator[np.ndarray]:
    yield numbers(4)[0]
    raise Cut


def test_a_computation_that_is_cut_off_leaves_nothing_that_is_taken_for_complete(
    empty_cache: Path,
) -> None:
    with pytest.raises(Cut):
        cached_array("kind", ("key",), 8, cut_off, "Computing")
    assert not is_cached("kind", ("key",))
    assert not [path for path in empty_cache.rglob("*") if path.is_file()]
    whole = Source(*numbers(4, 4))
    found = cached_array("kind", ("key",), 8, whole, "Computing")
    assert whole.asked == 1
    np.testing.assert_array_equal(found.values, np.concatenate(whole.blocks))


def test_leftovers_of_a_killed_process_are_not_taken_for_complete(empty_cache: Path) -> None:
    source = Source(*numbers(4))
    cached_array("kind", ("key",), 4, source, "Computing")
    (finished,) = (empty_cache / "kind").iterdir()
    finished.rename(finished.with_name(f".{finished.name}-abc"))
    cached_array("kind", ("key",), 4, source, "Computing")
    assert source.asked == 2


@pytest.mark.parametrize("sizes", [(4,), (4, 4, 4)])
def test_too_few_or_too_many_rows_are_not_stored(sizes: tuple[int, ...]) -> None:
    with pytest.raises(RuntimeError, match="rows instead of 8"):
        cached_array("kind", ("key",), 8, Source(*numbers(*sizes)), "Computing")
    assert not is_cached("kind", ("key",))


def test_the_speed_and_the_key_are_stored_beside_the_values() -> None:
    found = cached_array("kind", ("a", "b"), 4, Source(*numbers(4)), "Computing")
    (facts,) = cache_folder().rglob("facts.json")
    assert json.loads(facts.read_text())["key"] == ["a", "b"]
    assert found.images_per_second > 0
    again = cached_array("kind", ("a", "b"), 4, Source(*numbers(4)), "Computing")
    assert again.images_per_second == found.images_per_second
