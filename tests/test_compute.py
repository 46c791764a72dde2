"""Devices and precision: what the machine has decides, and the user hears when it does not."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from lcbench import compute
from lcbench.compute import (
    HEADS,
    Compute,
    channels_last,
    fits_on_device,
    resolve_compute,
    supports_bf16,
)
from lcbench.errors import ExitCode, UserError


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """A machine whose abilities the test sets."""
    supports_bf16.cache_clear()
    yield monkeypatch
    supports_bf16.cache_clear()


def test_auto_takes_the_first_device_and_the_precision_it_computes_in(
    machine: pytest.MonkeyPatch,
) -> None:
    machine.setattr(compute, "available_devices", lambda: ("cuda", "cpu"))
    machine.setattr(compute, "supports_bf16", lambda device: device == "cuda")
    assert resolve_compute("auto", "auto").device == "cuda"
    assert resolve_compute("auto", "auto").precision == "bf16"
    assert resolve_compute("auto", "32").precision == "32"
    assert resolve_compute("cpu", "auto").precision == "32"
    assert resolve_compute("auto").is_accelerator
    assert not resolve_compute("cpu").is_accelerator


def test_a_device_that_is_not_there_is_an_error_that_names_those_that_are(
    machine: pytest.MonkeyPatch,
) -> None:
    machine.setattr(compute, "available_devices", lambda: ("cpu",))
    with pytest.raises(UserError, match=r"--device cuda.*cpu") as caught:
        resolve_compute("cuda")
    assert caught.value.code == ExitCode.WRONG_USAGE


def test_bf16_where_it_is_not_computed_in_is_an_error(machine: pytest.MonkeyPatch) -> None:
    machine.setattr(compute, "supports_bf16", lambda _: False)
    with pytest.raises(UserError, match="--precision bf16") as caught:
        resolve_compute("cpu", "bf16")
    assert "--precision 32" in caught.value.remedy
    assert resolve_compute("cpu", "auto").precision == "32"


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ({"avx512_f": True, "avx512_bf16": False}, False),  # bf16 only by emulation
        ({"amx_bf16": True}, True),
        ({}, False),
    ],
)
def test_a_processor_has_bf16_only_with_instructions_for_it(
    flags: dict[str, bool], expected: bool, machine: pytest.MonkeyPatch
) -> None:
    machine.setattr(torch.cpu, "get_capabilities", lambda: flags)
    assert supports_bf16("cpu") is expected


def test_the_micro_batch_of_a_cpu_depends_on_its_precision_alone(
    machine: pytest.MonkeyPatch,
) -> None:
    """The batch size changes the last bits, and the same command must give the same bytes."""
    machine.setattr(compute, "supports_bf16", lambda _: True)
    found = set()
    for cores in (1, 2, 64):
        machine.setattr("os.cpu_count", lambda cores=cores: cores)
        for precision in ("32", "bf16"):
            found.add((precision, resolve_compute("cpu", precision).micro_batch))
    assert found == {("32", 4), ("bf16", 8)}
    machine.setattr(compute, "supports_bf16", lambda _: False)
    assert resolve_compute("cpu").micro_batch == 4


def test_a_network_in_channels_last_order_can_still_be_trained() -> None:
    network = channels_last(torch.nn.Conv2d(3, 4, 3), torch.device("cpu"))
    assert network.weight.is_contiguous(memory_format=torch.channels_last)
    network(torch.ones(1, 3, 5, 5)).sum().backward()
    assert network.weight.grad is not None


def test_data_fit_on_a_gpu_only_beside_a_network_in_training(machine: pytest.MonkeyPatch) -> None:
    machine.setattr(torch.cuda, "mem_get_info", lambda _: (1000, 4000))
    assert fits_on_device(499, torch.device("cuda"))
    assert not fits_on_device(501, torch.device("cuda"))
    assert fits_on_device(10**12, torch.device("cpu"))  # it is there already


# memory

MEGABYTE = 1_000_000


def test_memory_that_was_given_back_still_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lcbench.compute._LOOK_SECONDS", 0.001)
    with compute.PeakMemory("cpu") as before:
        pass
    with compute.PeakMemory("cpu") as memory:
        held = np.ones(300 * MEGABYTE, dtype=np.uint8)
        for _ in range(20):  # long enough to be looked at
            held += 1
        del held
    with compute.PeakMemory("cpu") as after:
        pass
    assert memory.megabytes > before.megabytes + 250
    assert memory.megabytes > after.megabytes + 250


def test_a_block_that_fails_still_stops_measuring() -> None:
    memory = compute.PeakMemory("cpu")
    with pytest.raises(ValueError, match="broken"), memory:
        raise ValueError("broken")
    assert not memory._sampler.is_alive()
    assert memory.megabytes > 0


def test_an_accelerator_is_used_after_heads_were_trained_on_the_cpu(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("accelerate.state.is_mps_available", lambda *_, **__: True)
    assert HEADS.accelerator().device.type == "cpu"
    assert Compute("mps", "32", 256).accelerator().device.type == "mps"
    assert HEADS.accelerator().device.type == "cpu"
