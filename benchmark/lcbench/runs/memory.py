"""Peak memory of a piece of work."""

from __future__ import annotations

import threading
from types import TracebackType

import psutil

_INTERVAL_SECONDS = 0.05


class PeakMemory:
    """Context manager that measures the peak memory of its block, in megabytes.

    On CUDA, the allocator's own peak; elsewhere the process's resident memory, sampled twenty
    times a second.
    """

    def __init__(self, device: str) -> None:
        self._device = device
        self._stop = threading.Event()
        self._process = psutil.Process()
        self._peak = 0
        self._sampler = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> PeakMemory:
        if self._device == "cuda":
            import torch

            torch.cuda.reset_peak_memory_stats()
        else:
            self._peak = self._process.memory_info().rss
            self._sampler.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._device == "cuda":
            import torch

            self._peak = torch.cuda.max_memory_allocated()
        else:
            self._stop.set()
            self._sampler.join()

    @property
    def megabytes(self) -> float:
        """The peak, once the block has ended."""
        return round(self._peak / 1e6, 1)

    def _sample(self) -> None:
        while not self._stop.wait(_INTERVAL_SECONDS):
            self._peak = max(self._peak, self._process.memory_info().rss)
