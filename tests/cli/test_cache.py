"""`lcbench cache`: what it says, and its exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lcbench.caching.upkeep import kept_entries

from .commands import Lcbench, require_one_message


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LCBENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def filled(cache: Path, run: Lcbench) -> Path:
    """The cache after a run of a baseline on embeddings."""
    assert run("--only", "knn").exit_code == 0
    return cache


def test_the_cache_of_a_run_is_shown_checked_and_removed(filled: Path, lcbench: Lcbench) -> None:
    shown = lcbench("cache", "info")
    assert shown.exit_code == 0
    for words in ("embeddings", "keypoints", "source groups", "kB", "today"):
        assert words in shown.stdout
    answer = json.loads(lcbench("cache", "info", "--json").stdout)
    assert answer["folder"] == str(filled)
    assert answer["bytes"] == sum(one["bytes"] for one in answer["entries"])
    assert all(one["key"] for one in answer["entries"])
    assert lcbench("cache", "verify").exit_code == 0
    kept = lcbench("cache", "clear", "--older-than", "1d", "--max-size", "5GB")
    assert "0 entries removed" in kept.stdout
    assert len(answer["entries"]) == len(kept_entries(filled)) == 3
    cleared = lcbench("cache", "clear")
    assert cleared.exit_code == 0
    assert "3 entries removed" in cleared.stdout
    assert kept_entries(filled) == []


def test_damage_ends_with_3_and_the_next_run_heals_it(
    filled: Path, lcbench: Lcbench, run: Lcbench
) -> None:
    (values,) = filled.glob("embeddings/*/values.npy")
    whole = values.read_bytes()
    values.write_bytes(whole[:-8] + bytes(8))
    result = lcbench("cache", "verify", "--json")
    assert result.exit_code == 3
    (damaged,) = json.loads(result.stdout)["damaged"]
    assert damaged["path"] == str(values.parent)
    assert str(values.parent) in lcbench("cache", "verify").stdout
    again = run("--only", "knn", "--fresh")
    assert again.exit_code == 0
    assert f"cache entry {values.parent} is damaged" in again.stderr
    assert values.read_bytes() == whole
    assert lcbench("cache", "verify").exit_code == 0


@pytest.mark.parametrize("words", [
    ("--older-than", "30"), ("--older-than", "long"), ("--max-size", "5"), ("--max-size", "-5GB"),
    ("--max-size", "5PB"),
])  # fmt: skip
def test_limits_without_a_unit_are_one_message(
    words: tuple[str, str], cache: Path, lcbench: Lcbench
) -> None:
    require_one_message(lcbench("cache", "clear", *words), *words, code=2)
    assert not cache.exists()


def test_an_empty_cache_is_no_mistake(cache: Path, lcbench: Lcbench) -> None:
    for verb in ("info", "verify", "clear"):
        assert lcbench("cache", verb).exit_code == 0
    assert not cache.exists()
