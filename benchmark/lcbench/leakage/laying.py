"""One image laid over another by an affine map, and how well the two then agree."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from lcbench.leakage.agreement import local_correlation

MAX_SCALE = 5.0
MAX_STRETCH = 3.0
"""Of one direction against the other; maps beyond these bounds are no augmentation."""

MIN_CONTRAST = 3.0
"""Standard deviation in grey levels of the overlap, in both images: flat areas correlate freely."""

MIN_CORRELATION = 0.75
"""Below, images are not alike as a whole, and their detail is not asked."""

CLEAR_LOCAL = 0.8
CLEAR_CORRELATION = 0.95
"""Where a map shows a copy so clearly, refining it would prove nothing more, and no mirror image
could fit as well: so with 98 of the 100 least alike true pairs of LC25000."""

SMALL_SIDE = 128
"""Refining maps on images of this longer side is a quarter of the work, and mostly exact enough."""

_BLUR = 1.0
_ECC_ITERATIONS = 30
_ECC_TOLERANCE = 1e-4
_ECC_BLUR = 3


@dataclass(frozen=True)
class Laid:
    """An image laid over another one.

    Parameters
    ----------
    template, other
        (height, width) uint8 grey values.
    affine
        (2, 3) float64: from pixel coordinates of the template to those of the other image.
    """

    template: NDArray[np.uint8]
    other: NDArray[np.uint8]
    affine: NDArray[np.float64]

    @property
    def correlation(self) -> float:
        """Pearson correlation of the grey values where the images overlap."""
        return self._compared[0]

    @property
    def brightness(self) -> float:
        """Mean grey level of the other image less the template's, in the overlap."""
        return self._compared[1]

    @cached_property
    def local(self) -> float:
        """Local correlation of the detail; 0 where the images are not alike as a whole."""
        if self.correlation < MIN_CORRELATION:
            return 0.0
        return self.local_correlation

    @property
    def local_correlation(self) -> float:
        """Local correlation of the detail, see `agreement`, however alike the images are."""
        ours, theirs, inside = self._smooth
        return local_correlation(ours, theirs, inside)

    @property
    def is_clear(self) -> bool:
        """Whether the images agree so well that neither map nor orientation need a second look."""
        return self.correlation >= CLEAR_CORRELATION and self.local >= CLEAR_LOCAL

    @cached_property
    def shares(self) -> tuple[float, float]:
        """Share of each image that lies in the other one's frame, the template's first."""
        first, second = self.template.shape, self.other.shape
        laid = (_corners(first) @ self.affine[:, :2].T + self.affine[:, 2]).astype(np.float32)
        common, _ = cv2.intersectConvexConvex(laid, _corners(second).astype(np.float32))
        area_first = abs(float(np.linalg.det(self.affine[:, :2]))) * first[0] * first[1]
        area_second = second[0] * second[1]
        return min(common / area_first, 1.0), min(common / area_second, 1.0)

    def refined(self, side: int = SMALL_SIDE) -> Laid:
        """Return the images laid by a map refined on their grey values, reduced to a longer side.

        The enhanced correlation coefficient is maximised (Evangelidis and Psarakis, IEEE TPAMI
        2008). Where it does not converge, or on a map that no augmentation makes, the map stands.
        """
        stop = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, _ECC_ITERATIONS, _ECC_TOLERANCE)
        ours, theirs = _Reduced.of(self.template, side), _Reduced.of(self.other, side)
        start = theirs.from_whole @ np.vstack([self.affine, [0, 0, 1]]) @ ours.to_whole
        try:
            _, found = cv2.findTransformECC(
                ours.image,
                theirs.image,
                start[:2].astype(np.float32),
                cv2.MOTION_AFFINE,
                stop,
                None,
                _ECC_BLUR if side <= SMALL_SIDE else 2 * _ECC_BLUR - 1,
            )
        except cv2.error:
            return self
        whole = theirs.to_whole @ np.vstack([found, [0, 0, 1]]) @ ours.from_whole
        affine = np.asarray(whole[:2], dtype=np.float64)
        return Laid(self.template, self.other, affine) if is_plausible(affine) else self

    def turned_over(self) -> Laid:
        """Return the mirror image of the template laid at the same place, as well as it fits."""
        width = self.template.shape[1]
        middle = float(np.nonzero(self._overlap[1])[1].mean())
        # Column x of the turned template is column width - 1 - x of the template. It shall lie
        # where the column as far on the other side of the overlap's middle lay.
        turn = np.array([[1, 0, 2 * middle - (width - 1)], [0, 1, 0], [0, 0, 1.0]])
        affine = (np.vstack([self.affine, [0, 0, 1]]) @ turn)[:2]
        turned = np.ascontiguousarray(self.template[:, ::-1])
        return Laid(turned, self.other, affine).refined()

    @cached_property
    def _compared(self) -> tuple[float, float]:
        ours, theirs, inside = self._smooth
        if not inside.any():
            return 0.0, 0.0
        a, b = (image[inside > 0].astype(np.float64) for image in (ours, theirs))
        brightness = float(b.mean() - a.mean())
        if min(a.std(), b.std()) < MIN_CONTRAST:
            return 0.0, brightness
        return float(np.corrcoef(a, b)[0, 1]), brightness

    @cached_property
    def _overlap(self) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """The other image in the template's frame, and 1 where it shows something there."""
        height, width = self.template.shape
        how = cv2.WARP_INVERSE_MAP
        laid = cv2.warpAffine(
            self.other, self.affine, (width, height), flags=cv2.INTER_LINEAR | how
        )
        inside = cv2.warpAffine(
            np.ones_like(self.other), self.affine, (width, height), flags=cv2.INTER_NEAREST | how
        )
        whole = cv2.erode(inside, np.ones((3, 3), np.uint8), borderValue=0)
        return np.asarray(laid, dtype=np.uint8), np.asarray(whole, dtype=np.uint8)

    @cached_property
    def _smooth(self) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.uint8]]:
        """Both images, blurred by a pixel so that storage does not count, and their overlap."""
        laid, inside = self._overlap
        return _blurred(self.template), _blurred(laid), inside


class _Reduced(NamedTuple):
    """An image at the size at which maps are refined, and the map from its pixels to the whole."""

    image: NDArray[np.uint8]
    to_whole: NDArray[np.float64]

    @property
    def from_whole(self) -> NDArray[np.float64]:
        """The map from the whole image's pixels."""
        return np.asarray(np.linalg.inv(self.to_whole), dtype=np.float64)

    @classmethod
    def of(cls, image: NDArray[np.uint8], side: int) -> _Reduced:
        height, width = image.shape
        factor = min(1.0, side / max(height, width))
        size = (max(1, round(width * factor)), max(1, round(height * factor)))
        x, y = width / size[0], height / size[1]
        to_whole = np.array([[x, 0, (x - 1) / 2], [0, y, (y - 1) / 2], [0, 0, 1.0]])
        small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        return cls(np.asarray(small, dtype=np.uint8), to_whole)


def is_plausible(affine: NDArray[np.float64]) -> bool:
    """Tell whether an augmentation can make such a map."""
    if not np.isfinite(affine).all() or np.linalg.det(affine[:, :2]) <= 0:
        return False
    larger, smaller = np.linalg.svd(affine[:, :2], compute_uv=False)
    return bool(
        larger <= MAX_SCALE and smaller >= 1 / MAX_SCALE and larger <= MAX_STRETCH * smaller
    )


def _blurred(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    return np.asarray(cv2.GaussianBlur(image.astype(np.float32), (0, 0), _BLUR))


def _corners(shape: tuple[int, ...]) -> NDArray[np.float64]:
    height, width = shape
    return np.array([[0, 0], [width, 0], [width, height], [0, height]]) - 0.5
