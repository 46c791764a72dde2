"""Backbones are cut where one tensor passes, and what is frozen stays as it was."""

from __future__ import annotations

import re

import pytest
import timm
import torch
from torch import Tensor, nn

from lcbench.errors import UserError
from lcbench.models.cutting import TailNetwork, cut, last_layers, last_stages, layers_in_order

LITE0 = "tf_efficientnet_lite0"
BLOCK = ("conv_pw", "bn1", "conv_dw", "bn2", "conv_pwl", "bn3")
"""An inverted residual: three convolutions, each with its normalisation."""


def drawn(name: str) -> nn.Module:
    torch.manual_seed(0)
    network: nn.Module = timm.create_model(name, pretrained=False, num_classes=0)
    return network.eval()


class Several(nn.Module):
    """Layers that are named in another order than they run, and parameters of no layer."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(4))
        self.last = nn.Linear(4, 4)
        self.first = nn.Conv2d(3, 4, 32, stride=32)
        self.block = Block()
        self.unused = nn.Linear(4, 4)

    def forward(self, images: Tensor, _mask: Tensor | None = None) -> Tensor:
        pooled = self.first(images).mean((2, 3)) * self.scale
        found: Tensor = self.last(self.block(pooled)) + self.first.bias.sum()
        return found


class Block(nn.Module):
    """Two layers with a scale that belongs to neither."""

    def __init__(self) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.full((4,), 0.5))
        self.norm = nn.BatchNorm1d(4)
        self.linear = nn.Linear(4, 4)

    def forward(self, given: Tensor) -> Tensor:
        found: Tensor = given + self.gamma * self.linear(self.norm(given))
        return found


class Attending(nn.Module):
    """An attention of PyTorch's, whose output projection is a module that is never called."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 32, stride=32)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.last = nn.Linear(8, 4)

    def forward(self, images: Tensor) -> Tensor:
        tokens = self.first(images).flatten(2).transpose(1, 2)
        seen = tokens + self.attention(tokens, tokens, tokens, need_weights=False)[0]
        found: Tensor = self.last(seen.mean(1))
        return found


class Branching(nn.Module):
    """What it does depends on the pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Conv2d(3, 4, 32, stride=32)
        self.other = nn.Linear(4, 4)

    def forward(self, images: Tensor) -> Tensor:
        pooled: Tensor = self.one(images).mean((2, 3))
        return self.other(pooled) if images.sum() > 0 else pooled


def test_the_last_twenty_layers_of_lite0_are_its_last_three_blocks_and_its_head() -> None:
    blocks = [f"blocks.{name}.{layer}" for name in ("5.2", "5.3", "6.0") for layer in BLOCK]
    assert last_layers(LITE0, drawn(LITE0), 20) == (*blocks, "conv_head", "bn2")


def test_the_last_stage_of_resnet50_is_its_last_twenty_layers() -> None:
    """Three bottlenecks of 3 convolutions, a shortcut, and as many normalisations."""
    network = drawn("resnet50")
    stage = last_stages("resnet50", network, 1)
    assert len(stage) == 2 * (3 * 3 + 1)
    assert {name.split(".")[0] for name in stage} == {"layer4"}
    assert set(stage) == set(last_layers("resnet50", network, 20))


def test_layers_are_counted_as_they_run() -> None:
    assert layers_in_order(Several()) == ("first", "block.norm", "block.linear", "last")


def test_parameters_of_no_layer_train_with_all_layers_of_their_module() -> None:
    for count, trained in (
        (1, {"last.weight", "last.bias"}),
        (2, {"last.weight", "last.bias", "block.linear.weight", "block.linear.bias"}),
    ):
        network = Several()
        cut("several", network, last_layers("several", network, count))
        found = {name for name, value in network.named_parameters() if value.requires_grad}
        assert found == trained
    cut("several", network, last_layers("several", network, 3))
    assert network.block.gamma.requires_grad
    assert not network.scale.requires_grad


def test_weights_that_the_module_around_them_takes_train_with_it() -> None:
    network = Attending()
    assert layers_in_order(network) == ("first", "attention", "last")
    for count, attends in ((1, False), (2, True)):
        cut("attending", network, last_layers("attending", network, count))
        found = {value.requires_grad for value in network.attention.parameters()}
        assert found == {attends}
    beit = timm.models.beit.Beit(embed_dim=12, depth=2, num_heads=3, num_classes=0)
    cut("beit", beit, last_layers("beit", beit, 6))
    blocks = [{value.requires_grad for value in block.parameters()} for block in beit.blocks]
    assert blocks == [{False}, {True}]  # queries, keys and values among them


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        (LITE0, (192, 7, 7)),
        ("resnet50", (1024, 14, 14)),
        ("densenet121", (512, 7, 7)),
        ("vit_tiny_patch16_224", (197, 192)),
    ],
)
def test_both_parts_together_are_the_backbone(name: str, shape: tuple[int, ...]) -> None:
    """What they give is the same to the bit, and the cut lies deep within."""
    network = drawn(name)
    front, tail = cut(name, network, last_layers(name, network, 20))
    images = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        activations = front(images)
        assert torch.equal(tail(activations), network(images))
    assert activations.shape == (2, *shape)
    assert not any(parameter.requires_grad for parameter in front.parameters())


def test_a_cut_may_lie_inside_a_block_s_branch_only_where_one_tensor_passes() -> None:
    """Beside the second half of a block runs its shortcut: the cut is before the block."""
    network = drawn("test_resnet")
    front, tail = cut("test_resnet", network, ("layer4.0.bn2",))
    with torch.no_grad():
        assert front(torch.zeros(1, 3, 224, 224)).shape[1] == network.layer4[0].conv1.in_channels
    trained = {name for name, value in tail.named_parameters() if value.requires_grad}
    assert trained == {"backbone.layer4.0.bn2.weight", "backbone.layer4.0.bn2.bias"}


def test_frozen_layers_after_the_cut_learn_nothing() -> None:
    network = drawn("test_resnet")
    front, tail = cut("test_resnet", network, ("layer4.0.bn2",))
    whole = TailNetwork(tail, nn.LogSoftmax(dim=1)).train()
    before = {name: value.clone() for name, value in whole.state_dict().items()}
    optimizer = torch.optim.Adam(whole.parameters(), 0.1)
    with torch.no_grad():
        activations = front(torch.randn(4, 3, 224, 224))
    whole(activations.half())[:, 0].mean().backward()
    optimizer.step()
    changed = {n for n, value in whole.state_dict().items() if not torch.equal(value, before[n])}
    assert {name.rpartition(".")[0] for name in changed} == {"tail.backbone.layer4.0.bn2"}
    assert any(name.endswith("running_mean") for name in changed)
    assert not whole.eval().tail.training


def test_gradients_are_those_of_the_whole_network() -> None:
    network, other = drawn(LITE0), drawn(LITE0)
    trained = last_layers(LITE0, network, 20)
    front, tail = cut(LITE0, network, trained)
    images = torch.randn(2, 3, 224, 224)
    with torch.no_grad():
        activations = front(images)
    tail(activations).square().mean().backward()
    other(images).square().mean().backward()
    expected = dict(other.named_parameters())
    for name, value in network.named_parameters():
        if value.requires_grad:
            torch.testing.assert_close(value.grad, expected[name].grad, rtol=1e-4, atol=1e-7)
        else:
            assert value.grad is None


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: last_layers("several", Several(), 4), "last_layers = 4: several has 4 layers"),
        (lambda: last_stages("several", Several(), 1), "has no stages that timm knows"),
        (
            lambda: last_stages("resnet", drawn("test_resnet"), 5),
            "last_stages = 5: .* has 5 stages",
        ),
        (lambda: cut("mine", Branching(), ("other",)), "backbone mine cannot be cut in two"),
    ],
)
def test_what_cannot_be_cut_is_named(call: object, words: str) -> None:
    assert callable(call)
    with pytest.raises(UserError) as caught:
        call()
    assert re.search(words, caught.value.message)
