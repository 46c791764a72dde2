"""Steps of descent that an accelerator replays: hundreds of kernels, started as one.

A step of a small batch takes a large accelerator less time than starting its kernels one by one
takes the processor.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor, nn

from lcbench.compute import Compute
from lcbench.console import warn
from lcbench.errors import first_line
from lcbench.training.steps import NetworkSteps

WARM_UP = 3
"""Steps that are taken as usual before one is recorded: libraries set themselves up in them."""

Work = Callable[[], Tensor]


class Recorder(Protocol):
    """What can record work on an accelerator."""

    def aside(self, work: Work) -> Tensor:
        """Do work where it can be recorded later."""

    def record(self, work: Work) -> tuple[Tensor, Callable[[], None]]:
        """Record work without doing it; return where its result lies, and what does it."""


class CudaRecorder:
    """CUDA graphs, recorded on a stream of their own."""

    def __init__(self) -> None:
        self._stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]

    def aside(self, work: Work) -> Tensor:
        """Do work on the stream, in its turn."""
        self._stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._stream):
            result = work()
        torch.cuda.current_stream().wait_stream(self._stream)
        return result

    def record(self, work: Work) -> tuple[Tensor, Callable[[], None]]:
        """Record work on the stream."""
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=self._stream, capture_error_mode="thread_local"):
            result = work()
        return result, graph.replay


class ReplayedSteps(NetworkSteps):
    """The same steps, of which those of the usual batch size are recorded once and replayed.

    Parameters
    ----------
    network
        Does the same with every batch: what it decides in Python is decided once.
    recorder
        Of the compute's device.
    """

    def __init__(
        self,
        network: nn.Module,
        learning_rate: float,
        compute: Compute,
        *,
        autocast: bool,
        recorder: Recorder,
    ) -> None:
        super().__init__(network, learning_rate, compute, autocast=autocast)
        self._recorder = recorder
        self._shape: torch.Size | None = None
        self._warm = 0
        self._possible = True
        self._replay: Callable[[], None] | None = None

    def take(self, inputs: Tensor, allowed: Tensor) -> Tensor:
        """Take a step; return the mean loss before it."""
        self._shape = self._shape or inputs.shape  # the first batch has the usual size
        if inputs.shape != self._shape or not self._possible:
            return self._as_usual(inputs, allowed)
        if self._warm < WARM_UP:
            self._warm += 1
            return self._recorder.aside(lambda: self._as_usual(inputs, allowed))
        if self._replay is None:
            try:
                self._record(inputs, allowed)
            except RuntimeError as error:
                self._possible = False
                warn(f"a step cannot be replayed, which is slower: {first_line(error)}")
                return self._as_usual(inputs, allowed)
        return self._again(inputs, allowed)

    def _as_usual(self, inputs: Tensor, allowed: Tensor) -> Tensor:
        # Replayed gradients have places, which must stay theirs.
        self._optimizer.zero_grad(set_to_none=self._replay is None)
        loss = self._gradients(inputs, allowed)
        self._optimizer.step()
        return loss

    def _record(self, inputs: Tensor, allowed: Tensor) -> None:
        self._inputs, self._allowed = inputs.clone(), allowed.clone()
        self._optimizer.zero_grad(set_to_none=True)
        self._loss, self._replay = self._recorder.record(
            lambda: self._gradients(self._inputs, self._allowed)
        )

    def _again(self, inputs: Tensor, allowed: Tensor) -> Tensor:
        if self._replay is None:
            raise RuntimeError("nothing was recorded")
        self._inputs.copy_(inputs)
        self._allowed.copy_(allowed)
        self._replay()
        self._optimizer.step()
        return self._loss
