"""Drawn slices of chests: the same scanner, table and anatomy, another body each."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from .tissue import Pixels

SIDE = 256
_MIDDLE = SIDE / 2


@cache
def _vessels(patient: int) -> NDArray[np.float64]:
    """(vessels, 4) place across, down and along the body, and radius, in pixels."""
    random = np.random.default_rng([patient, 1])
    place = random.uniform([30, 50, -60], [226, 200, 60], (420, 3))
    return np.column_stack([place, random.gamma(2.0, 2.2, len(place)) + 1.5])


def chest(patient: int, along: float = 0.0) -> Pixels:
    """Return a slice of a patient's chest, so many pixels along the body, as grey RGB."""
    random = np.random.default_rng([patient, 0])
    size = random.uniform(0.94, 1.06, 2) * (1 + 0.0015 * along)
    image = np.full((SIDE, SIDE), 6.0, dtype=np.float32)
    _table(image)
    _ellipse(image, (0, -6), size * (104, 82), 128)
    for side in (-1, 1):
        lung = size * (random.uniform(34, 40), random.uniform(52, 58))
        _ellipse(image, (side * size[0] * 47, -8), lung, 40)
    _draw_vessels(image, patient, along)
    heart = size * random.uniform((27, 30), (33, 37))
    _ellipse(image, (14 + random.uniform(-4, 4), -2 + 0.1 * along), heart, 140)
    _ellipse(image, (0, 48), size * (15, 17), 225)
    for angle in np.linspace(20, 340, 12) + random.uniform(-6, 6, 12):
        turn = np.deg2rad(angle + 0.25 * along)
        place = size * (93 * np.sin(turn), 71 * np.cos(turn))
        _ellipse(image, (place[0], place[1] - 6), (random.uniform(6, 10), 3.5), 215, -angle)
    image = cv2.GaussianBlur(image, (0, 0), 0.8)
    image += np.random.default_rng([patient, int(along * 100) & 0xFFFF]).normal(0, 2, image.shape)
    grey = np.clip(np.rint(image), 0, 255).astype(np.uint8)
    return np.ascontiguousarray(np.repeat(grey[:, :, None], 3, axis=2))


def mirrored(image: Pixels) -> Pixels:
    """The other way round, which bodies nearly are themselves."""
    return np.ascontiguousarray(image[:, ::-1])


def _table(image: NDArray[np.float32]) -> None:
    for height, light in ((96, 90), (102, 160), (109, 70)):
        cv2.ellipse(image, (SIDE // 2, 20), (150, height + 100), 0, 50, 130, light, 2)


def _draw_vessels(image: NDArray[np.float32], patient: int, along: float) -> None:
    """Draw what a plane cuts of round vessels, and only in the lungs."""
    lungs = image == 40
    drawn = image.copy()
    for x, y, z, radius in _vessels(patient):
        cut = radius**2 - ((z - along) / 3) ** 2
        if cut > 0.5:
            cv2.circle(drawn, (round(x), round(y)), max(1, round(cut**0.5)), 120, -1)
    image[lungs] = drawn[lungs]


def _ellipse(
    image: NDArray[np.float32],
    place: tuple[float, float],
    axes: NDArray[np.float64] | tuple[float, float],
    light: float,
    angle: float = 0.0,
) -> None:
    middle = (round(_MIDDLE + place[0]), round(_MIDDLE + place[1]))
    cv2.ellipse(image, middle, (round(axes[0]), round(axes[1])), angle, 0, 360, light, -1)
