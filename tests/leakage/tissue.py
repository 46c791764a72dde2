"""Synthetic tissue, and copies of it whose place on the tissue is known."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lcbench.datasets.images import ImageFile, image_now
from lcbench.leakage.keypoints import ImageFeatures, describe

Pixels = NDArray[np.uint8]
TILE = 320
PALE, DARK = np.array([226.0, 180, 205]), np.array([96.0, 62, 130])


@cache
def slide(seed: int, side: int = 720, nuclei: float = 0.0022) -> Pixels:
    """A stained slide: stroma that changes slowly and dark nuclei, so many a pixel."""
    random = np.random.default_rng(seed)
    stain = _clouds(random, side, 90) * 0.25 + _clouds(random, side, 14) * 0.12 + 0.25
    for _ in range(int(nuclei * side * side)):
        x, y = random.integers(0, side, 2).tolist()
        axes = random.uniform(3, 9, 2).round().astype(int).tolist()
        amount = float(random.uniform(0.6, 1.1))
        cv2.ellipse(stain, (x, y), axes, float(random.uniform(0, 180)), 0, 360, amount, -1)
    stain = cv2.GaussianBlur(stain, (0, 0), 0.9).clip(0, 1.2)[:, :, None]
    colours = PALE + (DARK - PALE) * stain + random.normal(0, 2, (side, side, 3))
    return np.clip(np.rint(colours), 0, 255).astype(np.uint8)


def _clouds(random: np.random.Generator, side: int, length: int) -> NDArray[np.float32]:
    coarse = random.standard_normal((side // length + 3,) * 2).astype(np.float32)
    return cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC)


def tile(seed: int, side: int = TILE) -> Pixels:
    """The middle of a slide."""
    whole = slide(seed)
    start = (len(whole) - side) // 2
    return whole[start : start + side, start : start + side]


@dataclass(frozen=True)
class Change:
    """How a copy of a tile is taken from its slide.

    `crop` is the share of the tile's side that the copy shows, `shift` where its middle lies: at
    0 in the tile's, at -1 and 1 as far away as keeps an upright crop inside the tile. `scale` are
    the copy's pixels for one of the slide's.
    """

    angle: float = 0.0
    mirror: bool = False
    crop: float = 1.0
    shift: tuple[float, float] = (0.0, 0.0)
    scale: float = 1.0
    quality: int | None = None
    gain: tuple[float, float, float] = (1.0, 1.0, 1.0)
    offset: float = 0.0
    gamma: float = 1.0


def copied(seed: int, change: Change) -> tuple[Pixels, NDArray[np.float64]]:
    """A copy of a slide's tile, and the map from the tile's pixels to the copy's."""
    shown = TILE * change.crop
    side = round(shown * change.scale)
    scale = side / shown
    turn, stretch = np.deg2rad(change.angle), np.diag([-scale if change.mirror else scale, scale])
    linear = stretch @ [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
    middle = (TILE - 1) / 2 + np.array(change.shift) * (TILE - shown) / 2
    matrix = np.column_stack([linear, (side - 1) / 2 - linear @ middle])
    drawn = _drawn(seed, matrix, side)
    return _compressed(_stained(drawn, change), change.quality), matrix


def _drawn(seed: int, matrix: NDArray[np.float64], side: int) -> Pixels:
    """The slide through a map from the tile's pixels; three samples a pixel and direction."""
    whole, fine = slide(seed), 3
    start = (len(whole) - TILE) // 2
    from_slide = np.array([[1, 0, -start], [0, 1, -start], [0, 0, 1.0]])
    to_fine = np.array([[fine, 0, (fine - 1) / 2], [0, fine, (fine - 1) / 2]])
    matrix = to_fine @ np.vstack([matrix, [0, 0, 1]]) @ from_slide
    large = cv2.warpAffine(
        whole, matrix, (side * fine,) * 2, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT
    )
    return np.asarray(cv2.resize(large, (side, side), interpolation=cv2.INTER_AREA), np.uint8)


def _stained(pixels: Pixels, change: Change) -> Pixels:
    light = (pixels / 255) ** change.gamma * 255 * np.array(change.gain) + change.offset
    return np.clip(np.rint(light), 0, 255).astype(np.uint8)


def _compressed(pixels: Pixels, quality: int | None) -> Pixels:
    if quality is None:
        return pixels
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file).convert("RGB"))


@cache
def features(seed: int) -> ImageFeatures:
    """What is kept of a slide's tile."""
    return described(tile(seed))


def described(pixels: Pixels) -> ImageFeatures:
    """What is kept of an image."""
    return describe(Image.fromarray(pixels))


def files(paths: Sequence[Path]) -> list[ImageFile]:
    """Image files as one folder."""
    return [image_now(path) for path in paths]


def saved(pixels: Pixels, path: Path) -> Path:
    """Save an image, in the format that its name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path
