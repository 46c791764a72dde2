"""Heads: distributions over the leaves of any tree, and losses that can be checked by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

from lcbench.features.encoder import Normaliser, Preprocessing
from lcbench.models.heads import FlatHead, ImageNetwork, MultiHead
from lcbench.taxonomy import ROOT, Taxonomy

FEATURES, HIDDEN = 5, 7


def taxonomy(parents: dict[str, str]) -> Taxonomy:
    return Taxonomy("random", parents, {}, (), None)


@st.composite
def trees(draw: st.DrawFn) -> Taxonomy:
    """Rooted trees of any depth, ragged, with the nodes listed in any order."""
    shape = draw(
        st.recursive(
            st.just([]),
            lambda below: st.lists(below, min_size=2, max_size=3),
            max_leaves=8,
        ).filter(bool)
    )
    parents: dict[str, str] = {}

    def place(children: list[Any], parent: str) -> None:
        for child in children:
            name = f"node{len(parents)}"
            parents[name] = parent
            place(child, name)

    place(shape, ROOT)
    order = draw(st.permutations(list(parents)))
    return taxonomy({name: parents[name] for name in order})


def features(seed: int = 0, rows: int = 4) -> Tensor:
    return torch.randn(rows, FEATURES, generator=torch.Generator().manual_seed(seed))


def multi_head(tree: Taxonomy, seed: int = 0) -> MultiHead:
    torch.manual_seed(seed)
    return MultiHead(FEATURES, HIDDEN, tree)


def cross_entropies(head: MultiHead, tree: Taxonomy, label: str, x: Tensor) -> Tensor:
    """The losses of the decisions on the way to a node, each from its own linear layer."""
    total = torch.zeros(len(x))
    for node, child in zip((ROOT, *tree.path(label)), tree.path(label), strict=False):
        logits = head.heads[tree.inner_nodes.index(node)](head.trunk(x))
        target = torch.full((len(x),), tree.children(node).index(child))
        total += functional.cross_entropy(logits, target, reduction="none")
    return total


@given(tree=trees(), data=st.data())
@settings(max_examples=60, deadline=None)
def test_the_loss_of_any_label_is_the_sum_of_the_decisions_that_lead_to_it(
    tree: Taxonomy, data: st.DataObject
) -> None:
    label = data.draw(st.sampled_from(tree.nodes))
    head, x = multi_head(tree), features()
    below = [tree.leaves.index(leaf) for leaf in tree.leaves_under(label)]
    loss = -head(x)[:, below].logsumexp(dim=1)
    torch.testing.assert_close(loss, cross_entropies(head, tree, label, x), rtol=1e-4, atol=1e-5)


@given(tree=trees(), data=st.data())
@settings(max_examples=30, deadline=None)
def test_a_coarse_label_teaches_nothing_about_the_decisions_below_it(
    tree: Taxonomy, data: st.DataObject
) -> None:
    label = data.draw(st.sampled_from(tree.nodes))
    head = multi_head(tree)
    below = [tree.leaves.index(leaf) for leaf in tree.leaves_under(label)]
    head(features())[:, below].logsumexp(dim=1).sum().backward()
    taught = {ROOT, *tree.path(label)} - {label}
    for node, layer in zip(tree.inner_nodes, head.heads, strict=True):
        size = layer.weight.grad.abs().max().item()
        assert size > 1e-4 if node in taught else size < 1e-6


def test_the_flat_head_is_the_papers_dense_relu_dense_softmax() -> None:
    torch.manual_seed(0)
    head = FlatHead(FEATURES, HIDDEN, 3)
    first, last = (layer for layer in head.modules() if isinstance(layer, nn.Linear))
    with torch.no_grad():
        x = features()
        hidden = np.maximum(x.numpy() @ first.weight.numpy().T + first.bias.numpy(), 0)
        logits = hidden @ last.weight.numpy().T + last.bias.numpy()
        expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        np.testing.assert_allclose(head(x).exp().numpy(), expected, rtol=1e-5)


TREE = taxonomy({"benign": ROOT, "malignant": ROOT, "small": "malignant", "large": "malignant"})


@pytest.mark.parametrize("head", [FlatHead(FEATURES, HIDDEN, 5), multi_head(TREE)])
def test_log_probabilities_are_32_bit_under_autocast(head: nn.Module) -> None:
    with torch.autocast("cpu", torch.bfloat16):
        log_probabilities = head(features())
    assert log_probabilities.dtype == torch.float32
    sums = log_probabilities.exp().sum(dim=1)
    torch.testing.assert_close(sums, torch.ones(4), rtol=0, atol=1e-5)


PLAIN = Preprocessing("bicubic", 1.0, "center", (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


class Flat(nn.Module):
    """A backbone that hands on every pixel."""

    def forward(self, pixels: Tensor) -> Tensor:
        return pixels.flatten(1)


def image_network(*, flips: bool) -> ImageNetwork:
    normaliser = Normaliser(PLAIN, torch.device("cpu"))
    return ImageNetwork(normaliser, Flat(), nn.Identity(), flips=flips)


def test_training_images_are_shown_in_all_eight_symmetries_and_no_other_way() -> None:
    image = torch.arange(12, dtype=torch.uint8).view(3, 2, 2)
    batch = image.repeat(200, 1, 1, 1)
    torch.manual_seed(0)
    shown = (image_network(flips=True).train()(batch) * 255).round().view(-1, 3, 2, 2)
    turned = [torch.rot90(side, k, (1, 2)) for side in (image, image.flip(2)) for k in range(4)]
    symmetries = {tuple(one.flatten().tolist()) for one in turned}
    assert len(symmetries) == 8
    assert {tuple(one.flatten().int().tolist()) for one in shown} == symmetries


@pytest.mark.parametrize(("flips", "training"), [(True, False), (False, True), (False, False)])
def test_images_are_left_as_they_are_when_testing_or_without_augmentation(
    flips: bool, training: bool
) -> None:
    batch = torch.randint(0, 256, (50, 3, 2, 2), dtype=torch.uint8)
    network = image_network(flips=flips).train(training)
    torch.testing.assert_close(network(batch) * 255, batch.float().flatten(1))
