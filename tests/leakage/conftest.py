"""A cache that holds nothing yet, and a count of what is registered."""

from __future__ import annotations

from pathlib import Path

import pytest

from lcbench.leakage import proofs, sources, unrelated
from lcbench.leakage.keypoints import ImageFeatures
from lcbench.leakage.registration import Registration, register

_PAIRS = unrelated.PAIRS


@pytest.fixture(autouse=True)
def as_many_unrelated_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the few of other tests."""
    for module in (unrelated, sources):
        monkeypatch.setattr(module, "PAIRS", _PAIRS)


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("LCBENCH_CACHE", str(folder))
    return folder


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> list[tuple[bytes, bytes]]:
    """The digests of the images that are registered from now on."""
    pairs: list[tuple[bytes, bytes]] = []

    def count(first: ImageFeatures, second: ImageFeatures, *, mirror: bool) -> Registration | None:
        pairs.append((first.digest, second.digest))
        return register(first, second, mirror=mirror)

    monkeypatch.setattr(proofs, "register", count)
    return pairs
