"""Proof that two images show the same tissue: one is laid over the other."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from lcbench.leakage.keypoints import ImageFeatures, mirrored_descriptors, mirrored_points

RATIO = 0.8
"""A match is kept if the next best is farther by this factor (Lowe, 2004, section 7.1)."""

REPROJECTION_PIXELS = 5.0
MIN_INLIERS = 6
"""An affine map passes through any three matches; chance reaches five on LC25000."""

MIN_INLIER_SHARE = 0.05
"""Of the keypoints in the overlap. Two chests of different patients have a dozen matches in the
same places and correlate at .9; copies share at least a sixth of their keypoints."""

MAX_SCALE = 5.0
MAX_STRETCH = 3.0
"""Of one direction against the other; maps beyond these bounds are no augmentation."""

MIN_OVERLAP = 0.05
"""Of the smaller image: the correlation of a smaller area can be chance."""

MIN_CONTRAST = 3.0
"""Standard deviation in grey levels of the overlap, in both images: flat areas correlate freely."""

_BLUR = 1.0
_ECC_ITERATIONS = 30
_ECC_TOLERANCE = 1e-4
_ECC_BLUR = 5


@dataclass(frozen=True)
class Registration:
    """One image laid over another.

    Parameters
    ----------
    matrix
        (2, 3) float64: from pixel coordinates of the first image to those of the second.
    inliers
        Matched keypoints that agree with the affine map before refinement.
    correlation
        Pearson correlation of the grey values where the images overlap.
    overlap_first, overlap_second
        Share of each image that the other one shows.
    brightness
        Mean grey level of the second image less the first one's, in the overlap.
    """

    matrix: NDArray[np.float64]
    inliers: int
    correlation: float
    overlap_first: float
    overlap_second: float
    brightness: float

    @property
    def overlap(self) -> float:
        """Share of the smaller image that the other one shows."""
        return max(self.overlap_first, self.overlap_second)


class Transform(NamedTuple):
    """An affine map, taken apart: mirror first, then stretch, turn and scale.

    Parameters
    ----------
    mirrored
        Whether the first image is flipped from left to right.
    rotation
        Degrees, clockwise as seen on the screen, in (-180, 180].
    scale
        Pixels of the second image for a pixel of the first; the root of the area's factor.
    stretch
        Larger over smaller factor of the two directions; 1 where nothing is sheared.
    """

    mirrored: bool
    rotation: float
    scale: float
    stretch: float


def register(first: ImageFeatures, second: ImageFeatures, *, mirror: bool) -> Registration | None:
    """Lay an image, or its mirror image, over another one.

    SIFT matches propose an affine map (RANSAC); a similarity would not do, because augmentation
    also shears. The map is refined on the grey values (enhanced correlation coefficient:
    Evangelidis and Psarakis, IEEE TPAMI 2008), and judged by what then lies on each other.

    Parameters
    ----------
    first, second
        Features of the images.
    mirror
        Whether the first image is flipped from left to right before.

    Returns
    -------
    Registration or None
        None where too few matches agree on a map. What is returned is not yet a proof: the
        caller judges the correlation.
    """
    template, points, descriptors = first.pixels, first.points, first.descriptors
    if mirror:
        template = np.ascontiguousarray(template[:, ::-1])
        points = mirrored_points(points, template.shape[1])
        descriptors = mirrored_descriptors(descriptors)
    proposed = _propose(points, descriptors, second)
    if proposed is None:
        return None
    affine, inliers = proposed
    refined = _refine(template, second.pixels, affine)
    if not _is_plausible(refined):
        refined = affine
    if inliers < MIN_INLIER_SHARE * _keypoints_in_common(template, points, second, refined):
        return None
    shares = _overlap_shares(template.shape, second.pixels.shape, refined)
    correlation, brightness = _compare(template, second.pixels, refined)
    return Registration(
        matrix=_in_image_pixels(refined, first, second, mirror=mirror),
        inliers=inliers,
        correlation=correlation if max(shares) >= MIN_OVERLAP else 0.0,
        overlap_first=shares[0],
        overlap_second=shares[1],
        brightness=brightness,
    )


def decompose(matrix: NDArray[np.float64]) -> Transform:
    """Take a (2, 3) affine matrix apart (polar decomposition of its linear part)."""
    linear = matrix[:, :2]
    mirrored = bool(np.linalg.det(linear) < 0)
    if mirrored:
        linear = linear @ np.diag([-1.0, 1.0])
    left, factors, right = np.linalg.svd(linear)
    turn = left @ right
    return Transform(
        mirrored=mirrored,
        rotation=math.degrees(math.atan2(turn[1, 0], turn[0, 0])),
        scale=float(np.sqrt(factors.prod())),
        stretch=float(factors[0] / factors[1]),
    )


def _propose(
    points: NDArray[np.float32], descriptors: NDArray[np.uint8], second: ImageFeatures
) -> tuple[NDArray[np.float64], int] | None:
    ours, theirs = _match(descriptors, second.descriptors)
    if len(ours) < MIN_INLIERS:
        return None
    affine, inside = cv2.estimateAffine2D(
        points[ours],
        second.points[theirs],
        method=cv2.RANSAC,
        ransacReprojThreshold=REPROJECTION_PIXELS,
    )
    if affine is None or not _is_plausible(affine):
        return None
    # Several keypoints at one place are one: SIFT gives a place a keypoint a direction.
    places = np.unique(np.round(points[ours][inside.ravel() > 0]), axis=0)
    return (affine, len(places)) if len(places) >= MIN_INLIERS else None


def _match(
    first: NDArray[np.uint8], second: NDArray[np.uint8]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the rows of descriptors that belong together by the ratio test."""
    if len(first) == 0 or len(second) < 2:
        return np.zeros(0, dtype=np.intp), np.zeros(0, dtype=np.intp)
    a, b = first.astype(np.float32), second.astype(np.float32)
    squared = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * (a @ b.T)
    rows, nearest = np.arange(len(a)), squared.argmin(axis=1)
    smallest = squared[rows, nearest].copy()
    squared[rows, nearest] = np.inf
    good = smallest < RATIO**2 * squared.min(axis=1)
    return rows[good], nearest[good]


def _is_plausible(affine: NDArray[np.float64]) -> bool:
    if not np.isfinite(affine).all() or np.linalg.det(affine[:, :2]) <= 0:
        return False
    larger, smaller = np.linalg.svd(affine[:, :2], compute_uv=False)
    return bool(
        larger <= MAX_SCALE and smaller >= 1 / MAX_SCALE and larger <= MAX_STRETCH * smaller
    )


def _refine(
    template: NDArray[np.uint8], other: NDArray[np.uint8], affine: NDArray[np.float64]
) -> NDArray[np.float64]:
    stop = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, _ECC_ITERATIONS, _ECC_TOLERANCE)
    try:
        _, refined = cv2.findTransformECC(
            template, other, affine.astype(np.float32), cv2.MOTION_AFFINE, stop, None, _ECC_BLUR
        )
    except cv2.error:  # no convergence: the matches' map stands, and is judged
        return affine
    return np.asarray(refined, dtype=np.float64)


def _keypoints_in_common(
    template: NDArray[np.uint8],
    points: NDArray[np.float32],
    second: ImageFeatures,
    affine: NDArray[np.float64],
) -> int:
    """Return how many keypoints lie in the overlap, in the image that has fewer there."""
    inverse = cv2.invertAffineTransform(affine)
    return min(
        _count_inside(points, affine, second.pixels.shape),
        _count_inside(second.points, inverse, template.shape),
    )


def _count_inside(
    points: NDArray[np.float32], affine: NDArray[np.float64], shape: tuple[int, ...]
) -> int:
    laid = points @ affine[:, :2].T + affine[:, 2]
    return int(((laid >= 0) & (laid < [shape[1], shape[0]])).all(axis=1).sum())


def _overlap_shares(
    first: tuple[int, ...], second: tuple[int, ...], affine: NDArray[np.float64]
) -> tuple[float, float]:
    """Return the share of each image that lies in the other one's frame."""
    frame = _corners(second).astype(np.float32)
    laid = (_corners(first) @ affine[:, :2].T + affine[:, 2]).astype(np.float32)
    common, _ = cv2.intersectConvexConvex(laid, frame)
    area_first = abs(float(np.linalg.det(affine[:, :2]))) * first[0] * first[1]
    area_second = second[0] * second[1]
    return min(common / area_first, 1.0), min(common / area_second, 1.0)


def _corners(shape: tuple[int, ...]) -> NDArray[np.float64]:
    height, width = shape
    return np.array([[0, 0], [width, 0], [width, height], [0, height]]) - 0.5


def _compare(
    template: NDArray[np.uint8], other: NDArray[np.uint8], affine: NDArray[np.float64]
) -> tuple[float, float]:
    """Return correlation and difference in brightness of the area that both images show."""
    height, width = template.shape
    how = cv2.WARP_INVERSE_MAP
    inside = cv2.warpAffine(
        np.ones_like(other), affine, (width, height), flags=cv2.INTER_NEAREST | how
    )
    laid = cv2.warpAffine(other, affine, (width, height), flags=cv2.INTER_LINEAR | how)
    inside = cv2.erode(inside, np.ones((3, 3), np.uint8), borderValue=0).astype(bool)
    if not inside.any():
        return 0.0, 0.0
    a, b = (_smooth(image)[inside].astype(np.float64) for image in (template, laid))
    if min(a.std(), b.std()) < MIN_CONTRAST:
        return 0.0, float(b.mean() - a.mean())
    correlation = float(np.corrcoef(a, b)[0, 1])
    return correlation, float(b.mean() - a.mean())


def _smooth(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Blur by a pixel, so that interpolation and compression do not count."""
    return np.asarray(cv2.GaussianBlur(image.astype(np.float32), (0, 0), _BLUR))


def _in_image_pixels(
    affine: NDArray[np.float64], first: ImageFeatures, second: ImageFeatures, *, mirror: bool
) -> NDArray[np.float64]:
    """Undo working sizes and mirror: pixel centres are integers in all frames."""
    whole = np.vstack([affine, [0, 0, 1]])
    flip = np.eye(3)
    if mirror:
        flip = np.array([[-1, 0, first.pixels.shape[1] - 1], [0, 1, 0], [0, 0, 1.0]])
    matrix = np.linalg.inv(_to_working(second)) @ whole @ flip @ _to_working(first)
    return np.asarray(matrix[:2])


def _to_working(image: ImageFeatures) -> NDArray[np.float64]:
    """Return the map from an image's pixels to its working pixels."""
    x, y = image.scale
    return np.array([[x, 0, (x - 1) / 2], [0, y, (y - 1) / 2], [0, 0, 1.0]])
