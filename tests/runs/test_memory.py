"""Peak memory: what a block of work holds at once, not what it leaves behind."""

from __future__ import annotations

import numpy as np
import pytest

from lcbench.runs.memory import PeakMemory

MEGABYTE = 1_000_000


def test_memory_that_was_given_back_still_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lcbench.runs.memory._INTERVAL_SECONDS", 0.001)
    with PeakMemory("cpu") as before:
        pass
    with PeakMemory("cpu") as memory:
        held = np.ones(300 * MEGABYTE, dtype=np.uint8)
        for _ in range(20):  # long enough to be looked at
            held += 1
        del held
    with PeakMemory("cpu") as after:
        pass
    assert memory.megabytes > before.megabytes + 250
    assert memory.megabytes > after.megabytes + 250


def test_a_block_that_fails_still_stops_measuring() -> None:
    memory = PeakMemory("cpu")
    with pytest.raises(ValueError, match="broken"), memory:
        raise ValueError("broken")
    assert not memory._sampler.is_alive()
    assert memory.megabytes > 0
