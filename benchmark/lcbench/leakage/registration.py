"""Proof that two images show the same tissue: one is laid over the other."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from lcbench.leakage.keypoints import (
    MAX_SIDE,
    ImageFeatures,
    mirrored_descriptors,
    mirrored_points,
)
from lcbench.leakage.laying import SMALL_SIDE, Laid, is_plausible

RATIO = 0.8
"""A match is kept if the next best is farther by this factor (Lowe, 2004, section 7.1)."""

REPROJECTION_PIXELS = 5.0
MIN_INLIERS = 6
"""An affine map passes through any three matches; chance reaches five on LC25000."""

MIN_INLIER_SHARE = 0.05
"""Of the keypoints in the overlap. Two chests of different patients have a dozen matches in the
same places and correlate at .9; copies share at least a sixth of their keypoints."""

MIN_OVERLAP = 0.05
"""Of the smaller image: the correlation of a smaller area can be chance."""

MIN_HOPEFUL = 0.3
"""Correlation from which a map is refined on the whole images."""

MIN_ALIKE = 0.5
"""Correlation from which the mirror image is laid at the same place too: a symmetric body that was
matched the wrong way round fits badly, and well once it is turned over."""

_MOST_DRAWS = 2_000


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
    local
        Mean correlation of the detail over small windows, see `agreement.local_correlation`; 0
        where the images are not alike as a whole.
    local_mirrored
        The same with the first image turned over at the same place. Bodies are nearly symmetric:
        what fits as well when it is turned over shows the kind of thing, not the same thing. 0
        where the images agree so clearly that it need not be asked.
    """

    matrix: NDArray[np.float64]
    inliers: int
    correlation: float
    overlap_first: float
    overlap_second: float
    brightness: float
    local: float
    local_mirrored: float

    @property
    def overlap(self) -> float:
        """Share of the smaller image that the other one shows."""
        return max(self.overlap_first, self.overlap_second)

    @property
    def is_mirrored(self) -> bool:
        """Whether the map turns the first image over."""
        return bool(np.linalg.det(self.matrix[:, :2]) < 0)


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
    if inliers < MIN_INLIER_SHARE * _keypoints_in_common(template, points, second, affine):
        return None
    laid = _refined(Laid(template, second.pixels, affine))
    best, other_local = _better_side(laid)
    return Registration(
        matrix=_in_image_pixels(best.affine, first, second, mirror=mirror != (best is not laid)),
        inliers=inliers,
        correlation=best.correlation if max(best.shares) >= MIN_OVERLAP else 0.0,
        overlap_first=best.shares[0],
        overlap_second=best.shares[1],
        brightness=best.brightness,
        local=best.local,
        local_mirrored=other_local,
    )


def refined(found: Registration, first: ImageFeatures, second: ImageFeatures) -> Registration:
    """Return the same images on each other with a map to a tenth of a pixel.

    `register` leaves a map at about a pixel where it shows a copy clearly: enough to judge by, not
    to publish. `local` stays what the pair was judged by.

    Parameters
    ----------
    found
        How the images lie on each other.
    first, second
        Features of the images.
    """
    mirror = found.is_mirrored
    template = np.ascontiguousarray(first.pixels[:, ::-1]) if mirror else first.pixels
    whole = np.vstack([found.matrix, [0, 0, 1]])
    affine = _to_working(second) @ whole @ np.linalg.inv(_to_working(first)) @ _flip(first, mirror)
    laid = Laid(template, second.pixels, affine[:2]).refined()
    if laid.correlation < found.correlation:
        return found
    return replace(
        found,
        matrix=_in_image_pixels(laid.affine, first, second, mirror=mirror),
        correlation=laid.correlation,
        overlap_first=laid.shares[0],
        overlap_second=laid.shares[1],
        brightness=laid.brightness,
    )


def _refined(laid: Laid) -> Laid:
    """Return the images laid as well as they fit: the dearer steps only where they may tell.

    Maps are refined on small images first, which serves most pairs. A narrow overlap, or a map
    that is a few pixels off, needs the whole ones.
    """
    for side in (SMALL_SIDE, MAX_SIDE):
        if laid.is_clear:
            break
        again = laid.refined(side)
        laid = again if again.correlation > laid.correlation else laid
        if laid.correlation < MIN_HOPEFUL:
            break
    return laid


def _better_side(laid: Laid) -> tuple[Laid, float]:
    """Return the template as it is or turned over, whichever agrees better, and how the other does.

    What is clear, or not alike at all, is not turned over.
    """
    if laid.is_clear or laid.correlation < MIN_ALIKE:
        return laid, 0.0
    turned = laid.turned_over()
    return (turned, laid.local) if turned.local > laid.local else (laid, turned.local)


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
        maxIters=_draws(len(ours)),
    )
    if affine is None or not is_plausible(affine):
        return None
    # Several keypoints at one place are one: SIFT gives a place a keypoint a direction.
    places = np.unique(np.round(points[ours][inside.ravel() > 0]), axis=0)
    return (affine, len(places)) if len(places) >= MIN_INLIERS else None


def _draws(matches: int) -> int:
    """Return how many triples find one of `MIN_INLIERS` right matches, 999 times of 1,000.

    Most candidates have a few matches by chance, and six of seven are soon found or not there
    (Fischler and Bolles, Communications of the ACM 1981, section II.B).
    """
    all_right = (MIN_INLIERS / matches) ** 3
    if all_right >= 1:
        return 1
    return min(_MOST_DRAWS, math.ceil(math.log(1e-3) / math.log(1 - all_right)))


def _match(
    first: NDArray[np.uint8], second: NDArray[np.uint8]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the rows of descriptors that belong together by the ratio test."""
    if len(first) == 0 or len(second) < 2:
        return np.zeros(0, dtype=np.intp), np.zeros(0, dtype=np.intp)
    a, b = first.astype(np.float32), second.astype(np.float32)
    # Of integers this small, sums in 32 bits are exact: the same matches on every processor.
    ours, theirs = np.einsum("ij,ij->i", a, a), np.einsum("ij,ij->i", b, b)
    nearness = a @ b.T  # less half of the squared length: one large array, changed in place
    nearness -= theirs / 2
    rows, nearest = np.arange(len(a)), nearness.argmax(axis=1)
    best = nearness[rows, nearest]
    nearness[rows, nearest] = -np.inf
    good = ours - 2 * best < RATIO**2 * (ours - 2 * nearness.max(axis=1))
    return rows[good], nearest[good]


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


def _in_image_pixels(
    affine: NDArray[np.float64], first: ImageFeatures, second: ImageFeatures, *, mirror: bool
) -> NDArray[np.float64]:
    """Undo working sizes and mirror: pixel centres are integers in all frames."""
    whole = np.vstack([affine, [0, 0, 1]])
    matrix = np.linalg.inv(_to_working(second)) @ whole @ _flip(first, mirror) @ _to_working(first)
    return np.asarray(matrix[:2])


def _flip(image: ImageFeatures, mirror: bool) -> NDArray[np.float64]:
    """Return the map from an image's working pixels to those of the template, and back."""
    if not mirror:
        return np.eye(3)
    return np.array([[-1, 0, image.pixels.shape[1] - 1], [0, 1, 0], [0, 0, 1.0]])


def _to_working(image: ImageFeatures) -> NDArray[np.float64]:
    """Return the map from an image's pixels to its working pixels."""
    x, y = image.scale
    return np.array([[x, 0, (x - 1) / 2], [0, y, (y - 1) / 2], [0, 0, 1.0]])
