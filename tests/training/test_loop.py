"""The training loop: what it minimises, when it stops, and which epoch it leaves behind."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.nn import functional

from lcbench.compute import Compute
from lcbench.errors import UserError
from lcbench.training.loop import Examples, TrainingSettings, predict, train


def settings(**changes: object) -> TrainingSettings:
    base = {"epochs": 20, "batch_size": 8, "learning_rate": 0.05, "patience": 50, "autocast": False}
    return TrainingSettings(**{**base, **changes})  # type: ignore[arg-type]


def allowed(codes: list[int], outputs: int) -> Tensor:
    return functional.one_hot(torch.tensor(codes), outputs).bool()


def separable(size: int, seed: int, spread: float = 0.4) -> Examples:
    """Three clusters in five dimensions."""
    centres = torch.randn(3, 5, generator=torch.Generator().manual_seed(99)) * 2
    random = torch.Generator().manual_seed(seed)
    codes = [number % 3 for number in range(size)]
    inputs = centres[codes] + spread * torch.randn(size, 5, generator=random)
    return Examples(inputs, torch.arange(size), allowed(codes, 3))


class Classifier(nn.Module):
    """A hidden layer, batch normalisation (whose statistics belong to the state), a softmax."""

    def __init__(self, seed: int = 0, *, dropout: float = 0.0) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.hidden = nn.Linear(5, 16)
        self.normalise = nn.BatchNorm1d(16)
        self.drop = nn.Dropout(dropout)
        self.outputs = nn.Linear(16, 3)
        self.seen: list[Tensor] = []
        self.precisions: set[torch.dtype] = set()

    def forward(self, inputs: Tensor) -> Tensor:
        if self.training:
            self.seen.append(inputs.detach().clone())
        hidden = self.hidden(inputs)
        self.precisions.add(hidden.dtype)
        hidden = self.drop(self.normalise(hidden.relu()))
        return functional.log_softmax(self.outputs(hidden).float(), dim=1)


class Constant(nn.Module):
    """Says the same of every image; learns nothing at a learning rate of 0."""

    def __init__(self, probabilities: list[float]) -> None:
        super().__init__()
        self.logits = nn.Parameter(torch.tensor(probabilities).log())

    def forward(self, inputs: Tensor) -> Tensor:
        return functional.log_softmax(self.logits, dim=0).expand(len(inputs), -1)


class Slider(nn.Module):
    """One parameter that the training images push up by a learning rate a step."""

    def __init__(self) -> None:
        super().__init__()
        self.position = nn.Parameter(torch.zeros(()))

    def forward(self, inputs: Tensor) -> Tensor:
        logits = torch.stack([self.position.expand(len(inputs)), torch.zeros(len(inputs))], dim=1)
        return functional.log_softmax(logits, dim=1)


def slider_tables(best: float) -> tuple[Examples, Examples]:
    """Training wants the first answer always; validation is best where `position` is `best`."""
    right = round(1000 / (1 + math.exp(-best)))
    codes = [0] * right + [1] * (1000 - right)
    return (
        Examples(torch.zeros(4, 1), torch.arange(4), allowed([0] * 4, 2)),
        Examples(torch.zeros(1000, 1), torch.arange(1000), allowed(codes, 2)),
    )


@pytest.mark.parametrize(("best_epoch", "patience"), [(1, 1), (3, 2), (6, 5)])
def test_the_epoch_of_the_lowest_validation_loss_is_restored(
    best_epoch: int, patience: int, cpu: Compute
) -> None:
    rate = 0.1
    examples, validation = slider_tables(best_epoch * rate)
    network = Slider()
    chosen = settings(epochs=40, learning_rate=rate, patience=patience)
    result = train(network, examples, validation, chosen, cpu, seed=0)
    history = result.epochs
    assert result.best_epoch == best_epoch
    losses = [epoch.validation_loss for epoch in history]
    assert int(np.argmin(losses)) + 1 == best_epoch
    assert len(history) == best_epoch + patience
    assert network.position.item() == pytest.approx(best_epoch * rate, abs=0.02)
    train_losses = [epoch.train_loss for epoch in history]
    assert train_losses == sorted(train_losses, reverse=True)  # training would have gone on


def test_of_equally_good_epochs_the_first_is_kept(cpu: Compute) -> None:
    network = Constant([0.5, 0.3, 0.2])
    table = separable(9, 0)
    result = train(network, table, table, settings(learning_rate=0.0, patience=3), cpu, seed=0)
    assert (len(result.epochs), result.best_epoch) == (4, 1)


def test_batch_statistics_are_restored_as_well(cpu: Compute) -> None:
    network, table, validation = Classifier(), separable(40, 0, 2.5), separable(40, 50, 2.5)
    history = train(network, table, validation, settings(patience=6), cpu, seed=0).epochs
    output = predict(network, validation.inputs, validation.rows, cpu, autocast=False)
    lowest = min(epoch.validation_loss for epoch in history)
    assert -output[validation.allowed].mean().item() == pytest.approx(lowest, abs=1e-9)
    assert history[-1].validation_loss > lowest  # else nothing had to be restored


def seen_rows(network: Classifier, table: Examples) -> list[list[int]]:
    """The rows of the table in each batch that the network was trained on."""
    lookup = {tuple(row.tolist()): number for number, row in enumerate(table.inputs)}
    return [[lookup[tuple(row.tolist())] for row in batch] for batch in network.seen]


def test_every_epoch_shows_every_row_of_the_table_once_and_no_other(cpu: Compute) -> None:
    """The last batch is as large as it comes."""
    whole = separable(30, 0)
    rows = torch.arange(4, 25)
    network, table = Classifier(), Examples(whole.inputs, rows, whole.allowed[rows])
    train(network, table, separable(9, 1), settings(epochs=3, batch_size=8), cpu, seed=0)
    batches = seen_rows(network, whole)
    assert [len(batch) for batch in batches] == [8, 8, 5] * 3
    epochs = [[*batches[i], *batches[i + 1], *batches[i + 2]] for i in (0, 3, 6)]
    assert all(sorted(epoch) == rows.tolist() for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2]


PROBABILITIES = [0.5, 0.3, 0.2]


def marginal_table() -> tuple[Examples, float]:
    """Fine and coarse labels, and the loss of `PROBABILITIES` computed by hand."""
    labels = [
        ([True, False, False], 0.5),
        ([False, True, False], 0.3),
        ([False, True, True], 0.5),
        ([True, False, True], 0.7),
        ([True, True, True], 1.0),
    ]
    table = Examples(torch.zeros(5, 1), torch.arange(5), torch.tensor([row for row, _ in labels]))
    return table, -sum(math.log(share) for _, share in labels) / 5


@pytest.mark.parametrize("batch_size", [2, 100])
def test_the_loss_is_the_negative_log_of_what_the_label_allows(
    batch_size: int, cpu: Compute
) -> None:
    table, expected = marginal_table()
    still = settings(epochs=1, learning_rate=0.0, batch_size=batch_size)
    (epoch,) = train(Constant(PROBABILITIES), table, table, still, cpu, seed=0).epochs
    assert epoch.train_loss == pytest.approx(expected, rel=1e-6)
    assert epoch.validation_loss == pytest.approx(expected, rel=1e-6)
    assert epoch.validation_accuracy == 3 / 5  # the first answer is allowed three times


@pytest.mark.parametrize("autocast", [True, False])
def test_predictions_come_in_the_order_of_the_rows_without_dropout(autocast: bool) -> None:
    """More rows than pass through the network at once, some of them twice."""
    network, table = Classifier(dropout=0.5), separable(20, 0)
    network.train()
    rows = torch.tensor([7, 3, 3, 19, 0])
    output = predict(network, table.inputs, rows, Compute("cpu", "32", 3), autocast=autocast)
    assert (output.dtype, output.device.type, tuple(output.shape)) == (torch.float64, "cpu", (5, 3))
    network.eval()
    with torch.no_grad():
        torch.testing.assert_close(output, network(table.inputs[rows]).double())


@pytest.mark.parametrize("autocast", [True, False])
def test_autocast_computes_in_16_bits_and_keeps_the_loss_in_32(
    autocast: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    losses: set[torch.dtype] = set()
    backward = Accelerator.backward

    def watched(self: Accelerator, loss: Tensor) -> None:
        losses.add(loss.dtype)
        backward(self, loss)

    monkeypatch.setattr(Accelerator, "backward", watched)
    network, table = Classifier(), separable(30, 0)
    compute, chosen = Compute("cpu", "bf16", 8), settings(epochs=6, autocast=autocast)
    history = train(network, table, table, chosen, compute, seed=0).epochs
    assert network.precisions == {torch.bfloat16 if autocast else torch.float32}
    assert losses == {torch.float32}
    assert network.hidden.weight.dtype == torch.float32
    assert history[-1].train_loss < 0.5 * history[0].train_loss


def test_one_process_can_compute_in_both_precisions_one_after_the_other() -> None:
    """Accelerate remembers the first one; the second must not fail, nor get the first."""
    table = separable(8, 0)
    for precision, expected in (("32", torch.float32), ("bf16", torch.bfloat16)) * 2:
        network = Classifier()
        predict(network, table.inputs, table.rows, Compute("cpu", precision, 8), autocast=True)
        assert network.precisions == {expected}


class Diverging(Slider):
    """Says nothing finite from one epoch on, of the training or of the validation table."""

    def __init__(self, epoch: int, table: str, says: float) -> None:
        super().__init__()
        self.left, self.table, self.says = epoch, table, says

    def forward(self, inputs: Tensor) -> Tensor:
        if self.table == ("training" if self.training else "validation"):
            self.left -= 1
            if self.left <= 0:
                return super().forward(inputs) * self.says
        return super().forward(inputs)


@pytest.mark.parametrize(
    ("epoch", "table", "says"),
    [(1, "training", math.nan), (3, "validation", math.nan), (1, "validation", math.inf)],
)
def test_a_loss_that_is_not_finite_ends_the_fit_with_the_reason(
    epoch: int, table: str, says: float, cpu: Compute
) -> None:
    said = rf"the {table} loss is (nan|inf) in epoch {epoch}: training has diverged"
    with pytest.raises(UserError, match=said) as caught:
        train(Diverging(epoch, table, says), *slider_tables(1.0), settings(), cpu, seed=0)
    assert "learning_rate" in caught.value.remedy


@pytest.mark.parametrize("validated", [True, False])
def test_without_validation_images_the_last_epoch_is_kept_as_if_each_were_better(
    validated: bool, cpu: Compute
) -> None:
    examples, better = slider_tables(best=50.0)
    nothing = Examples(better.inputs, torch.arange(0), better.allowed[:0])
    network, chosen = Slider(), settings(epochs=9, patience=1)
    result = train(network, examples, better if validated else nothing, chosen, cpu, seed=0)
    assert (len(result.epochs), result.best_epoch) == (9, 9)
    assert network.position.item() == pytest.approx(9 * 0.05, abs=0.01)


def test_every_image_is_told_of_with_the_epoch_and_a_loss(cpu: Compute) -> None:
    told: list[tuple[int, str]] = []
    table = separable(21, 0)
    result = train(
        Classifier(), table, table, settings(epochs=2), cpu, 0, tell=
        lambda count, words: told.append((count, words)),
    )  # fmt: skip
    assert [count for count, _ in told] == [8, 8, 5] * 2
    losses = [float(re.fullmatch(r"epoch \d of 2, loss (\S+)", words)[1]) for _, words in told]
    assert "epoch 1 of 2" in told[0][1]
    assert "epoch 2 of 2" in told[-1][1]
    assert train(Classifier(), table, table, settings(epochs=2), cpu, seed=0) == result
    assert losses[0] > result.epochs[1].train_loss > 0
