"""Embedding beside the loops that others publish, in their usual form: same model, same images.

Written from their public descriptions, with their defaults: timm's validation loop reads batches of
256 through four workers; LC25000-clean's extraction reads batches of 256 in the process itself.
Both compute in 32 bits, in torch's default memory order.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import timm
import torch
from embedding import from_files
from forward import BACKBONES, TOY, backbone
from frame import Ratio, side_by_side
from pictures import Pictures, pictures
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from lcbench.compute import resolve_compute

IMAGES = {"tf_efficientnet_lite0": 512, "resnet50": 256}
BATCH = 256
WORKERS = 4
REPEATS = 2


def measure(quick: bool = False) -> list[Ratio]:
    """Measure each backbone beside both loops."""
    return [
        _measure(name, loop, quick)
        for name in ((TOY,) if quick else BACKBONES)
        for loop in (Validation, Extraction)
    ]


class Validation:
    """timm's validation: its loader with its defaults, the whole network, accuracy."""

    words = f"timm's validation loop, batch {BATCH}, {WORKERS} workers"

    def __init__(self, name: str, images: Pictures, workers: int) -> None:
        self._network = timm.create_model(name, pretrained=False).eval()
        timm.data.add_img_extensions(".bmp")  # of drawn images
        self._folder, self._workers = images.folder, workers

    def __call__(self) -> None:
        config = timm.data.resolve_data_config({}, model=self._network)
        loader = timm.data.create_loader(
            timm.data.create_dataset("", self._folder),
            (3, 224, 224),
            BATCH,
            use_prefetcher=False,
            interpolation=config["interpolation"],
            mean=config["mean"],
            std=config["std"],
            crop_pct=config["crop_pct"],
            num_workers=self._workers,
            device=torch.device("cpu"),
        )
        right = timm.utils.AverageMeter()
        with torch.inference_mode():
            for batch, labels in loader:
                output = self._network(batch)
                torch.nn.functional.cross_entropy(output, labels)
                right.update(timm.utils.accuracy(output, labels, topk=(1, 5))[0].item(), len(batch))


class Extraction:
    """LC25000-clean's extraction: a loader without workers, features as arrays."""

    words = f"LC25000-clean's extraction loop, batch {BATCH}, no workers"

    def __init__(self, name: str, images: Pictures, workers: int) -> None:  # noqa: ARG002
        self._network = timm.create_model(name, pretrained=False, num_classes=0).eval()
        self._files = _Files(images.files())

    def __call__(self) -> None:
        features = []
        for batch in DataLoader(self._files, BATCH):
            with torch.inference_mode():
                features.append(self._network(batch).cpu().numpy())
        np.concatenate(features)


class _Files(Dataset[torch.Tensor]):
    def __init__(self, paths: list[Path]) -> None:
        from torchvision.transforms import v2

        self._paths = paths
        self._transform = v2.Compose([v2.Resize(224), v2.ToDtype(torch.float32, scale=True)])

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, index: int) -> torch.Tensor:
        with Image.open(self._paths[index]) as image:
            pixels = torch.from_numpy(np.asarray(image.convert("RGB")).transpose(2, 0, 1).copy())
        found: torch.Tensor = self._transform(pixels)
        return found


def _measure(name: str, loop: type[Validation] | type[Extraction], quick: bool) -> Ratio:
    compute, encoder = resolve_compute("cpu"), backbone(name)
    images = pictures(18, drawn=True) if quick else pictures(IMAGES[name])
    number = len(images.files())
    pairs = side_by_side(
        from_files(images, encoder, compute),
        _speed(loop(name, images, 0 if quick else WORKERS), number),
        1 if quick else REPEATS,
    )
    return Ratio(
        f"embedding {number:,} {images.words} from files, {name}, {compute.precision}",
        loop.words,
        "images/s",
        pairs,
        3,
        "small batches stay in the processor's cache; bf16 where the processor has it",
    )


def _speed(loop: Callable[[], None], images: int) -> Callable[[], float]:
    def speed() -> float:
        started = time.perf_counter()
        loop()
        return images / (time.perf_counter() - started)

    return speed
