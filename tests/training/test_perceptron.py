"""Steps in NumPy are those that autograd and `torch.optim.Adam` take of the same network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import pytest
import torch
from torch import Tensor, nn

from lcbench.compute import Compute
from lcbench.errors import UserError
from lcbench.models.heads import FlatHead, MultiHead
from lcbench.taxonomy import ROOT, Taxonomy
from lcbench.training.checkpoint import Checkpoint
from lcbench.training.loop import Examples, TrainingResult, TrainingSettings, predict, train
from lcbench.training.perceptron import Perceptron, PerceptronSteps
from lcbench.training.steps import losses

FEATURES, HIDDEN = 12, 10
PARENTS = {
    "squamous": "malignant",
    "benign": ROOT,
    "malignant": ROOT,
    "adeno": "malignant",
    "lepidic": "adeno",
    "solid": "adeno",
}
TREE = Taxonomy("ragged", PARENTS, {}, (), None)
HEADS = pytest.mark.parametrize("hierarchy", ["flat", "multi-head"])


def head(hierarchy: str) -> Perceptron:
    torch.manual_seed(3)
    if hierarchy == "flat":
        return FlatHead(FEATURES, HIDDEN, len(TREE.leaves))
    return MultiHead(FEATURES, HIDDEN, TREE)


def table(size: int, seed: int, labels: Sequence[str] = TREE.leaves) -> Examples:
    """Overlapping clusters; one feature is always 0."""
    random = torch.Generator().manual_seed(seed)
    centres = torch.randn(len(labels), FEATURES, generator=torch.Generator().manual_seed(9))
    codes = [number % len(labels) for number in range(size)]
    inputs = centres[codes] + torch.randn(size, FEATURES, generator=random)
    inputs[:, 4] = 0
    below = [[leaf in TREE.leaves_under(label) for leaf in TREE.leaves] for label in labels]
    return Examples(inputs, torch.arange(size), torch.tensor(below)[codes])


TRAIN, VALIDATION = table(103, 0), table(60, 1)


def settings(**changes: object) -> TrainingSettings:
    base = {"epochs": 30, "batch_size": 8, "learning_rate": 0.02, "patience": 4, "autocast": False}
    return TrainingSettings(**{**base, **changes})  # type: ignore[arg-type]


def fit(
    network: nn.Module, cpu: Compute, checkpoint: Checkpoint | None = None, **changes: object
) -> tuple[TrainingResult, Tensor]:
    result = train(network, TRAIN, VALIDATION, settings(**changes), cpu, 5, checkpoint=checkpoint)
    output = predict(network, VALIDATION.inputs, VALIDATION.rows, cpu, autocast=False)
    return result, output


@HEADS
def test_training_is_what_autograd_makes_of_it(hierarchy: str, cpu: Compute) -> None:
    """Epochs, early stopping and predictions; in a sequence, a head is trained by autograd."""
    own, usual = head(hierarchy), head(hierarchy)
    result, output = fit(own, cpu)
    expected, expected_output = fit(nn.Sequential(usual), cpu)
    assert (len(result.epochs), result.best_epoch) == (len(expected.epochs), expected.best_epoch)
    assert result.best_epoch < len(result.epochs) < 30  # it was stopped, and an epoch restored
    for one, other in zip(result.epochs, expected.epochs, strict=True):
        assert one.train_loss == pytest.approx(other.train_loss, rel=1e-4)
        assert one.validation_loss == pytest.approx(other.validation_loss, rel=1e-4)
        assert one.validation_accuracy == other.validation_accuracy
    torch.testing.assert_close(output, expected_output, rtol=1e-3, atol=1e-4)
    for name, tensor in usual.state_dict().items():
        torch.testing.assert_close(own.state_dict()[name], tensor, rtol=1e-3, atol=1e-4)


@HEADS
def test_gradients_of_any_label_are_those_of_autograd(hierarchy: str) -> None:
    """Told by a first step; not by what follows, because Adam makes much of rounded zeros."""
    examples = table(30, 2, TREE.nodes)
    own, usual = head(hierarchy), head(hierarchy)
    steps = PerceptronSteps(own, 0.0)
    loss = steps(examples.inputs, examples.allowed)
    expected = losses(usual(examples.inputs), examples.allowed).mean()
    assert loss == pytest.approx(expected.item(), rel=1e-6)
    first, *decisions = (cast(nn.Linear, usual.trunk[0]), *usual.decisions)
    layers = [layer for one in (first, *decisions) for layer in (one.weight, one.bias)]
    weight, bias, *options = torch.autograd.grad(expected, layers)
    gradients = [
        *(weight.T, bias),
        *(torch.cat([option.T for option in options[::2]], dim=1), torch.cat(options[1::2])),
    ]
    means = torch.cat([gradient.flatten() for gradient in gradients]) * (1 - 0.9)
    torch.testing.assert_close(steps.state_dict()["means"], means, rtol=1e-4, atol=1e-8)


@HEADS
def test_a_confident_head_is_not_taught_by_rounding_errors(hierarchy: str) -> None:
    """Where scores are large and right, 1 less a probability is all there is to a gradient."""
    network = head(hierarchy)
    with torch.no_grad():
        for layer in network.decisions:
            layer.weight.zero_()
            layer.bias.copy_(torch.tensor([1008.0] + [1000.0] * (layer.out_features - 1)))
    likeliest = torch.zeros(8, len(TREE.leaves), dtype=torch.bool)
    likeliest[:, network(TRAIN.inputs[:1]).argmax()] = True
    loss = PerceptronSteps(network, 0.0)(TRAIN.inputs[:8], likeliest)
    expected = losses(network(TRAIN.inputs[:8]), likeliest).mean().item()
    assert loss == pytest.approx(expected, rel=1e-4)
    assert loss < 0.01


@HEADS
def test_the_same_seed_gives_the_same_bytes(hierarchy: str, cpu: Compute) -> None:
    (result, output), (again, output_again) = (fit(head(hierarchy), cpu) for _ in range(2))
    assert result == again
    assert torch.equal(output, output_again)


@HEADS
def test_a_step_leaves_what_was_not_concerned(hierarchy: str) -> None:
    """A feature that is always 0 has weights that stay."""
    network = head(hierarchy)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    steps = PerceptronSteps(network, 0.01)
    assert all(torch.equal(before[name], now) for name, now in network.state_dict().items())
    steps(TRAIN.inputs, TRAIN.allowed)
    moved = network.state_dict()["trunk.0.weight"] != before["trunk.0.weight"]
    assert not moved[:, 4].any()
    assert moved[:, :4].any()


@HEADS
def test_an_interrupted_training_ends_with_the_same_bytes(
    hierarchy: str, cpu: Compute, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lcbench.training.checkpoint.SHARE_OF_TIME", float("inf"))
    whole = fit(head(hierarchy), cpu, epochs=6, patience=6)
    checkpoint = Checkpoint(tmp_path / "one", "key")
    fit(head(hierarchy), cpu, checkpoint, epochs=3, patience=6)
    result, output = fit(head(hierarchy), cpu, checkpoint, epochs=6, patience=6)
    assert result == whole[0]
    assert torch.equal(output, whole[1])


@pytest.mark.filterwarnings("error")
def test_a_training_that_diverges_is_an_error_and_no_warning(cpu: Compute) -> None:
    with pytest.raises(UserError, match="diverged"):
        fit(head("multi-head"), cpu, learning_rate=1e30)
