"""Local features of one image: what is compared when two images are registered."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lcbench.datasets.images import ImageFile, open_again

MAX_SIDE = 256
"""Larger images are reduced to this longer side: registration needs structure, not resolution."""

MIN_SIDE = 128
"""Smaller images are enlarged to this longer side: SIFT finds nothing in a stamp."""

MAX_KEYPOINTS = 300
MIN_KEYPOINTS = 6
"""Fewer cannot prove anything: the image is found only as an exact copy."""

DESCRIPTOR_LENGTH = 128

cv2.setNumThreads(1)  # images are spread over threads; OpenCV's own would fight with them


@dataclass(frozen=True)
class ImageFeatures:
    """What is kept of an image.

    Parameters
    ----------
    pixels
        (height, width) uint8 grey at the working size.
    size
        (width, height) of the image itself, in pixels.
    points
        (keypoints, 2) float32: x and y at the working size.
    descriptors
        (keypoints, 128) uint8 SIFT descriptors (Lowe, 2004).
    colour
        (3,) float32 mean red, green, blue.
    digest
        16 bytes: hash of the decoded RGB pixels and the size.
    """

    pixels: NDArray[np.uint8]
    size: tuple[int, int]
    points: NDArray[np.float32]
    descriptors: NDArray[np.uint8]
    colour: NDArray[np.float32]
    digest: bytes

    @property
    def scale(self) -> NDArray[np.float64]:
        """Working pixels an image pixel, horizontally and vertically."""
        height, width = self.pixels.shape
        return np.array([width / self.size[0], height / self.size[1]])

    @property
    def is_comparable(self) -> bool:
        """Whether there is enough structure to register the image with another."""
        return len(self.points) >= MIN_KEYPOINTS


def read_features(file: ImageFile) -> ImageFeatures:
    """Decode an image that was read before, and describe it.

    Raises
    ------
    UserError
        If the file changed since.
    """
    return describe(open_again(file))


def describe(image: Image.Image) -> ImageFeatures:
    """Find the keypoints of an RGB image; a blank one has none."""
    rgb = np.asarray(image)
    grey = _working_size(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY))
    # A low contrast threshold: pale tissue has as many keypoints as dark, MAX_KEYPOINTS keeps the
    # strongest of both.
    detector = cv2.SIFT.create(nfeatures=MAX_KEYPOINTS, contrastThreshold=0.01, edgeThreshold=15)
    keypoints, descriptors = detector.detectAndCompute(grey, None)
    points = np.array([point.pt for point in keypoints], dtype=np.float32).reshape(-1, 2)
    found = np.zeros((0, DESCRIPTOR_LENGTH)) if descriptors is None else np.asarray(descriptors)
    digest = hashlib.blake2b(f"{rgb.shape}".encode(), digest_size=16)
    digest.update(np.ascontiguousarray(rgb).data)
    return ImageFeatures(
        pixels=grey,
        size=image.size,
        points=points[:MAX_KEYPOINTS],
        descriptors=found[:MAX_KEYPOINTS].astype(np.uint8),
        colour=rgb.reshape(-1, 3).mean(axis=0).astype(np.float32),
        digest=digest.digest(),
    )


def mirrored_points(points: NDArray[np.float32], width: int) -> NDArray[np.float32]:
    """Return where keypoints lie after a flip from left to right."""
    return np.column_stack([width - 1 - points[:, 0], points[:, 1]]).astype(np.float32)


def mirrored_descriptors(descriptors: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the descriptors that SIFT would find in the image flipped from left to right.

    A descriptor is a 4 x 4 grid of histograms of 8 directions, turned to the keypoint's own
    direction. A flip turns the grid over and reverses the directions; nothing is computed anew.
    """
    return descriptors[:, _MIRROR]


def _mirror_order() -> NDArray[np.intp]:
    order = np.arange(DESCRIPTOR_LENGTH).reshape(4, 4, 8)[::-1]
    return order[:, :, (-np.arange(8)) % 8].ravel()


_MIRROR = _mirror_order()


def _working_size(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = grey.shape
    longer = max(height, width)
    side = min(max(longer, MIN_SIDE), MAX_SIDE)
    if side == longer:
        return grey
    size = (max(1, round(width * side / longer)), max(1, round(height * side / longer)))
    how = cv2.INTER_AREA if side < longer else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(grey, size, interpolation=how), dtype=np.uint8)
