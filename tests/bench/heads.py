"""What a head of the paper's size takes to train, beside the same steps by autograd."""

from __future__ import annotations

import time

import torch
from frame import Ratio, side_by_side
from threadpoolctl import threadpool_limits
from torch import nn
from torch.nn import functional

from lcbench.compute import HEADS
from lcbench.models.heads import FlatHead
from lcbench.training.loop import Examples, TrainingSettings, train

FEATURES, HIDDEN, CLASSES = 1280, 128, 3
IMAGES, TOY_IMAGES = 10_000, 50
REPEATS = 7


def measure(quick: bool = False) -> list[Ratio]:
    """Train both for an epoch on one core, as the fits of a suite do."""
    images = TOY_IMAGES if quick else IMAGES
    random = torch.Generator().manual_seed(0)
    # Half of the features are 0, as after a ReLU.
    inputs = torch.randn(images, FEATURES, generator=random).relu()
    answers = torch.randint(0, CLASSES, (images,), generator=random)
    examples = Examples(inputs, torch.arange(images), functional.one_hot(answers, CLASSES).bool())
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            _seconds(examples, by_autograd=True)  # imports what comes with torch's optimizers
            pairs = side_by_side(
                lambda: _seconds(examples, by_autograd=False),
                lambda: _seconds(examples, by_autograd=True),
                1 if quick else REPEATS,
            )
    finally:
        torch.set_num_threads(threads)
    return [
        Ratio(
            "an epoch of a head on cached embeddings",
            "the same by autograd",
            "s",
            pairs,
            2,
            "products of 25 rows with the weights, and Adam, which reads and writes them",
        )
    ]


def _seconds(examples: Examples, *, by_autograd: bool) -> float:
    torch.manual_seed(0)
    head = FlatHead(FEATURES, HIDDEN, CLASSES)
    network = nn.Sequential(head) if by_autograd else head  # only a bare head has its own steps
    nothing = Examples(examples.inputs, examples.rows[:0], examples.allowed[:0])
    settings = TrainingSettings(1, 25, 1e-3, 1, autocast=False)
    started = time.perf_counter()
    train(network, examples, nothing, settings, HEADS, seed=0)
    return time.perf_counter() - started
