"""Device, precision and memory of what runs; the one place that branches on devices."""

from __future__ import annotations

import platform
import threading
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import psutil

from lcbench.errors import wrong_usage

if TYPE_CHECKING:
    import torch
    from accelerate import Accelerator

DeviceChoice = Literal["auto", "cpu", "cuda", "mps"]
PrecisionChoice = Literal["auto", "32", "bf16"]

_CPU_MICRO_BATCH = {"bf16": 8, "32": 4}
_ACCELERATOR_MICRO_BATCH = 256
"""Measured by `make bench`, and held fixed: see docs/decisions/0001."""

_LOOK_SECONDS = 0.05


@dataclass(frozen=True)
class Compute:
    """A resolved device and precision.

    Parameters
    ----------
    device
        "cpu", "cuda" or "mps".
    precision
        "32" or "bf16" (autocast).
    micro_batch
        Images that pass through a backbone at once. A constant of device and precision, not
        measured at run time: on a CPU, the batch size changes the last bits of the result, and
        the same command must give the same bytes. `make bench` measures it.
    """

    device: str
    precision: str
    micro_batch: int

    @property
    def is_accelerator(self) -> bool:
        """Whether whole networks can be trained in reasonable time."""
        return self.device != "cpu"

    def accelerator(self) -> Accelerator:
        """Return the Accelerate object that places tensors and opens autocast."""
        from accelerate import Accelerator
        from accelerate.state import AcceleratorState

        wanted = {
            "cpu": self.device == "cpu",
            "mixed_precision": "bf16" if self.precision == "bf16" else "no",
        }
        # Accelerate remembers the process's first device and precision, and does not always say so.
        try:
            found = Accelerator(**wanted)
        except ValueError:
            found = None
        if found is None or found.device.type != self.device:
            AcceleratorState._reset_state(reset_partial_state=True)
            found = Accelerator(**wanted)
        return found


HEADS = Compute(device="cpu", precision="32", micro_batch=_CPU_MICRO_BATCH["32"])
"""Where small heads on cached embeddings train, whatever the machine: a step of theirs is shorter
than an accelerator's launch, and many of them train at once, one a core."""


def resolve_compute(device: DeviceChoice = "auto", precision: PrecisionChoice = "auto") -> Compute:
    """Choose the device and precision, or check the user's choice.

    Raises
    ------
    UserError
        If the machine does not have the device, or the device not the precision.
    """
    available = available_devices()
    chosen = available[0] if device == "auto" else device
    if chosen not in available:
        raise wrong_usage(
            f"--device {chosen}: this machine offers {', '.join(available)}",
            "Use --device auto, or see 'lcbench doctor' for what torch was built for.",
        )
    supported = supports_bf16(chosen)
    if precision == "bf16" and not supported:
        raise wrong_usage(
            f"--precision bf16: {chosen} of this machine does not compute in bf16",
            "Use --precision 32 or auto.",
        )
    resolved = "bf16" if supported and precision != "32" else "32"
    micro_batch = _CPU_MICRO_BATCH[resolved] if chosen == "cpu" else _ACCELERATOR_MICRO_BATCH
    return Compute(chosen, resolved, micro_batch)


def available_devices() -> tuple[str, ...]:
    """Return the devices of this machine, the fastest first."""
    import torch

    devices = []
    if torch.cuda.is_available():
        devices.append("cuda")
    if torch.backends.mps.is_available():
        devices.append("mps")
    return (*devices, "cpu")


@cache
def supports_bf16(device: str) -> bool:
    """Tell whether the device has instructions for bf16; emulation does not count."""
    import torch

    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device == "cpu":
        flags = torch.cpu.get_capabilities()
        return bool(flags.get("avx512_bf16") or flags.get("amx_bf16") or flags.get("bf16"))
    return False


def channels_last(network: torch.nn.Module, device: torch.device) -> torch.nn.Module:
    """Return the network on the device in the memory order that convolutions are fastest in.

    Must not be called inside `inference_mode`: the parameters could not be trained afterwards.
    """
    import torch

    return network.to(device).to(memory_format=torch.channels_last)


def fits_on_device(size: int, device: torch.device) -> bool:
    """Tell whether `size` bytes of data can stay on the device beside a network in training."""
    import torch

    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return size < free // 2
    return device.type == "cpu"


@cache
def processor(device: str) -> str:
    """Name the kind of processor that a device and the heads compute on, and its instructions.

    Runs on two that are called the same give the same bits.
    """
    import torch

    level = torch.backends.cpu.get_cpu_capability()
    words = f"{_cpu_model()} ({level}{', bf16' * supports_bf16('cpu')})"
    return f"{torch.cuda.get_device_name()} and {words}" if device == "cuda" else words


def _cpu_model() -> str:
    """Return the model of the CPU as the system calls it."""
    try:
        first = Path("/proc/cpuinfo").read_text(encoding="utf-8").split("\n\n")[0]
    except OSError:
        return platform.processor() or platform.machine()
    parts = (line.partition(":") for line in first.splitlines())
    facts = {key.strip(): value.strip() for key, _, value in parts}
    name = facts.get("model name", platform.machine())
    numbers = [f"{key} {facts[key]}" for key in ("cpu family", "model") if key in facts]
    return ", ".join([name, *numbers])


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

    def __exit__(self, *_: object) -> None:
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
        while not self._stop.wait(_LOOK_SECONDS):
            self._peak = max(self._peak, self._process.memory_info().rss)
