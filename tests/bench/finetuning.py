"""Training a whole network, from image files to the fitted baseline, beside a bare loop."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import torch
from forward import BACKBONES, TOY, backbone, wait
from frame import Ratio, side_by_side
from pictures import empty_cache, pictures
from torch import nn

from lcbench.compute import Compute, channels_last, resolve_compute
from lcbench.datasets.dataset import Dataset
from lcbench.features.encoder import IMAGE_SIZE
from lcbench.features.extraction import Features
from lcbench.features.samples import Samples
from lcbench.models.backbones import Backbone
from lcbench.models.baseline import Context
from lcbench.models.network import Network, NetworkSettings
from lcbench.taxonomy import load_taxonomy

BATCH = 25
"""The reference recipe's."""
IMAGES = {"tf_efficientnet_lite0": 150, "resnet50": 75}
EPOCHS = 2
REPEATS = 3


def measure(quick: bool = False) -> list[Ratio]:
    """Measure each backbone in the precision that `lcbench run` takes on this machine."""
    return [_measure(name, quick) for name in ((TOY,) if quick else BACKBONES)]


def bare_loop(encoder: Backbone, compute: Compute, steps: int, batch: int = BATCH) -> float:
    """Return the images a second of forward and backward passes over one batch in memory."""
    device = compute.accelerator().device
    trunk = channels_last(encoder.load(), device)
    network = nn.Sequential(trunk, nn.Linear(encoder.facts.features, 3).to(device)).train()
    optimizer = torch.optim.Adam(network.parameters(), 1e-4, fused=device.type in ("cpu", "cuda"))
    images = torch.randn(batch, 3, IMAGE_SIZE, IMAGE_SIZE).to(device)
    images = images.to(memory_format=torch.channels_last)
    labels = torch.arange(batch, device=device) % 3

    def step() -> None:
        with torch.autocast(device.type, torch.bfloat16, enabled=compute.precision == "bf16"):
            loss = nn.functional.cross_entropy(network(images), labels)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()

    step()
    wait(device)
    started = time.perf_counter()
    for _ in range(steps):
        step()
    wait(device)
    return steps * batch / (time.perf_counter() - started)


def reference(encoder: Backbone, compute: Compute, epochs: int) -> Network:
    """Return the reference with the whole network trained and images turned and mirrored."""
    settings = NetworkSettings(
        backbone=encoder.name,
        tuning="full",
        epochs=epochs,
        batch_size=BATCH,
        learning_rate=1e-4,
        patience=epochs,
        augmentation="flips",
    )
    return Network(settings, Context(load_taxonomy(), compute, 0, encoder))


def fit(
    dataset: Dataset, encoder: Backbone, compute: Compute, epochs: int
) -> tuple[Network, float]:
    """Decode the images, unless the cache has them, and fit; return the seconds as well."""
    rows = np.arange(len(dataset.manifest))
    features = Features(dataset, compute, {encoder.name: encoder})
    network = reference(encoder, compute, epochs)
    started = time.perf_counter()
    network.fit(Samples(features, rows), Samples(features, rows[:0]))
    wait(compute.accelerator().device)
    return network, time.perf_counter() - started


def from_files(
    dataset: Dataset, encoder: Backbone, compute: Compute, epochs: int
) -> Callable[[], float]:
    """Return what measures the images a second of a fit; images are decoded anew each time."""

    def speed() -> float:
        with empty_cache():
            return epochs * len(dataset.manifest) / fit(dataset, encoder, compute, epochs)[1]

    return speed


def _measure(name: str, quick: bool) -> Ratio:
    compute, encoder = resolve_compute(), backbone(name)
    images = pictures(18, drawn=True) if quick else pictures(IMAGES[name])
    number, epochs = len(images.files()), 1 if quick else EPOCHS
    steps = 1 if quick else max(1, epochs * number // BATCH)
    _ = encoder.facts
    pairs = side_by_side(
        from_files(images.dataset(), encoder, compute, epochs),
        lambda: bare_loop(encoder, compute, steps),
        1 if quick else REPEATS,
    )
    return Ratio(
        f"fine-tuning {name} on {number:,} {images.words} from files, {epochs} epochs, "
        f"turned and mirrored, {compute.precision}",
        f"bare forward-backward loop, batch {BATCH}",
        "images/s",
        pairs,
        0.9,
        "the arithmetic; decoding once, loading and turning share the rest",
    )
