"""An interrupted training goes on from its last epoch, and ends with the same bytes."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from lcbench.compute import Compute
from lcbench.training.checkpoint import Checkpoint
from lcbench.training.loop import Examples, TrainingResult, TrainingSettings, train

pytestmark = pytest.mark.usefixtures("every_epoch")
EPOCHS = 5
SETTINGS = TrainingSettings(EPOCHS, 8, 0.02, patience=EPOCHS, autocast=True)


@pytest.fixture
def every_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    """These epochs take no longer than storing them."""
    monkeypatch.setattr("lcbench.training.checkpoint.SHARE_OF_TIME", math.inf)


class StopHereError(Exception):
    pass


class Convolutions(nn.Module):
    """What whole networks are made of: channels last, batch statistics, dropout, turned images."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.first = nn.Conv2d(3, 8, 3)
        self.normalise = nn.BatchNorm2d(8)
        self.drop = nn.Dropout(0.3)
        self.outputs = nn.Linear(8, 3)
        self.to(memory_format=torch.channels_last)

    def forward(self, images: Tensor) -> Tensor:
        if self.training:  # like the augmentation, with PyTorch's own random numbers
            images = torch.rot90(images, int(torch.randint(0, 4, ())), (-2, -1))
        hidden = self.drop(self.normalise(self.first(images)).relu().mean(dim=(-2, -1)))
        return functional.log_softmax(self.outputs(hidden).float(), dim=1)


def images(count: int, seed: int) -> Examples:
    random = torch.Generator().manual_seed(seed)
    codes = torch.arange(count) % 3
    pixels = torch.randn(count, 3, 8, 8, generator=random) + codes.view(-1, 1, 1, 1)
    return Examples(pixels, torch.arange(count), functional.one_hot(codes, 3).bool())


def fit(
    cpu: Compute, checkpoint: Checkpoint | None, tell: Callable[[int, str], None] | None = None
) -> tuple[TrainingResult, dict[str, Tensor]]:
    network = Convolutions()
    result = train(
        network, images(30, 0), images(12, 1), SETTINGS, cpu, 0, tell=tell, checkpoint=checkpoint
    )
    return result, network.state_dict()


def interrupting(epoch: int) -> Callable[[int, str], None]:
    """Raise in the second batch of an epoch."""
    seen = 0

    def tell(_count: int, words: str) -> None:
        nonlocal seen
        seen += words.startswith(f"epoch {epoch} ")
        if seen == 2:
            raise StopHereError

    return tell


def require_same(
    one: tuple[TrainingResult, dict[str, Tensor]], other: tuple[TrainingResult, dict[str, Tensor]]
) -> None:
    assert one[0] == other[0]
    assert one[1].keys() == other[1].keys()
    assert all(torch.equal(one[1][name], other[1][name]) for name in one[1])


def told_epochs(words: list[str]) -> set[int]:
    return {int(one.split()[1]) for one in words if one.startswith("epoch ")}


@pytest.mark.parametrize("epoch", range(1, EPOCHS + 1))
def test_training_that_was_interrupted_in_any_epoch_ends_as_if_it_had_not_been(
    epoch: int, cpu: Compute, tmp_path: Path
) -> None:
    undisturbed = fit(cpu, None)
    checkpoint = Checkpoint(tmp_path / "place" / "all.checkpoint", "key")
    with pytest.raises(StopHereError):
        fit(cpu, checkpoint, interrupting(epoch))
    torch.rand(100)  # another process stands elsewhere
    words: list[str] = []
    counts: list[int] = []
    again = fit(cpu, checkpoint, lambda count, said: (counts.append(count), words.append(said)))  # type: ignore[func-returns-value]
    require_same(again, undisturbed)
    assert told_epochs(words) == set(range(epoch, EPOCHS + 1))
    assert sum(counts) == 30 * EPOCHS  # the bar is full all the same


def test_training_interrupted_again_and_again_ends_as_if_it_had_not_been(
    cpu: Compute, tmp_path: Path
) -> None:
    checkpoint = Checkpoint(tmp_path / "all.checkpoint", "key")
    for epoch in range(1, EPOCHS + 1):
        with pytest.raises(StopHereError):
            fit(cpu, checkpoint, interrupting(epoch))
    require_same(fit(cpu, checkpoint), fit(cpu, None))
    require_same(fit(cpu, checkpoint), fit(cpu, None))  # and after its last epoch


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[: len(data) // 2],
        lambda _: b"",
        lambda data: data[:500] + bytes([data[500] ^ 1]) + data[501:],
        lambda data: bytes([data[0] ^ 1]) + data[1:],
    ],
    ids=["truncated", "emptied", "one bit in its content", "one bit in its hash"],
)
def test_a_damaged_checkpoint_is_named_and_training_begins_anew(
    damage: Callable[[bytes], bytes], cpu: Compute, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    checkpoint = Checkpoint(tmp_path / "all.checkpoint", "key")
    with pytest.raises(StopHereError):
        fit(cpu, checkpoint, interrupting(4))
    checkpoint.path.write_bytes(damage(checkpoint.path.read_bytes()))
    words: list[str] = []
    require_same(fit(cpu, checkpoint, lambda _, said: words.append(said)), fit(cpu, None))
    assert told_epochs(words) == set(range(1, EPOCHS + 1))
    assert f"{checkpoint.path}: damaged" in capsys.readouterr().err


def test_a_checkpoint_of_another_run_is_named_and_not_taken(
    cpu: Compute, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "all.checkpoint"
    with pytest.raises(StopHereError):
        fit(cpu, Checkpoint(path, "one"), interrupting(4))
    words: list[str] = []
    fit(cpu, Checkpoint(path, "another"), lambda _, said: words.append(said))
    assert told_epochs(words) == set(range(1, EPOCHS + 1))
    assert f"{path}: of a training of another making" in capsys.readouterr().err


def test_the_epoch_after_the_first_signal_is_stored_however_short(
    cpu: Compute, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lcbench.training.checkpoint.SHARE_OF_TIME", 1e-9)  # one in a lifetime
    checkpoint = Checkpoint(tmp_path / "all.checkpoint", "key")

    def tell(_count: int, words: str) -> None:
        if words.startswith("epoch 3 "):
            monkeypatch.setattr("lcbench.interrupts._state.asked", True)
        if words.startswith("epoch 4 "):
            raise StopHereError

    with pytest.raises(StopHereError):
        fit(cpu, checkpoint, tell)
    stored = checkpoint.load()
    assert stored is not None
    assert len(stored["epochs"]) == 3


def test_a_checkpoint_runs_no_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import hashlib
    import io

    class Evil:
        def __reduce__(self) -> tuple[object, ...]:
            return Path.touch, (tmp_path / "owned",)

    buffer = io.BytesIO()
    torch.save(("key", {"network": Evil()}), buffer)
    content = buffer.getvalue()
    path = tmp_path / "all.checkpoint"
    path.write_bytes(hashlib.sha256(content).digest() + content)
    assert Checkpoint(path, "key").load() is None
    assert f"{path}: damaged" in capsys.readouterr().err
    assert not (tmp_path / "owned").exists()


def test_storing_takes_a_small_share_of_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a clock that counts how often it is asked: storing takes one tick."""
    ticks = iter(range(1000))
    monkeypatch.setattr("time.monotonic", lambda: next(ticks))
    monkeypatch.setattr("lcbench.training.checkpoint.SHARE_OF_TIME", 1 / 3)
    checkpoint = Checkpoint(tmp_path / "all.checkpoint", "key")
    stored = []
    for number in range(12):
        checkpoint.save({"number": number})
        found = Checkpoint(checkpoint.path, "key").load()
        assert found is not None
        stored.append(found["number"])
    assert stored == [0, 0, 0, 3, 3, 3, 6, 6, 6, 9, 9, 9]
