"""Views: the same image stained, turned or normalised otherwise, always in the same way.

What is random in a view is drawn from the hash of the image's own bytes and the number of the view,
so that it depends on no other image, on no order, and on no seed of a run.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lcbench.features.stains import LIGHT, Pixels, optical_density, stain_vectors

AugmentationName = Literal["stain-jitter", "geometric"]
NormalisationName = Literal["macenko"]
ViewName = Literal[AugmentationName, NormalisationName]

Change = Callable[[Pixels, np.random.Generator], "Pixels | None"]

_FACTOR = 0.2
_OFFSET = 0.1
"""Of a stain, in optical density: natural logarithms of the light that was let in over let out."""
_ZOOM = 0.1
_SHIFT = 0.05

_STAINS = np.array([[0.5626, 0.2159], [0.7201, 0.8012], [0.4062, 0.5581]])
_STRONGEST = np.array([1.9705, 1.0308])
"""Haematoxylin and eosin of the authors' reference image, and their 99th percentiles."""


class View(NamedTuple):
    """One view of every image.

    Parameters
    ----------
    name
        What is changed.
    number
        Views of one name that differ by what was drawn.
    """

    name: ViewName
    number: int = 0

    def __str__(self) -> str:
        return f"{self.name} {self.number + 1}" if _KINDS[self.name].random else self.name

    @property
    def key(self) -> tuple[str, ...]:
        """What the pixels depend on beside the image."""
        kind = _KINDS[self.name]
        return (self.name, str(self.number), f"version {kind.version}", *kind.packages)

    def of(self, image: Image.Image, sha256: str) -> Image.Image | None:
        """Return the view of an image, or None where it has none.

        Parameters
        ----------
        image
            RGB.
        sha256
            Hash of the image's bytes.
        """
        seed = hashlib.sha256(f"{sha256} {self.name} {self.number}".encode()).digest()
        random = np.random.default_rng(int.from_bytes(seed, "big"))
        changed = _KINDS[self.name].change(np.asarray(image), random)
        return None if changed is None else Image.fromarray(changed)


def stain_jitter(image: Pixels, random: np.random.Generator) -> Pixels:
    """Change how much of each stain there is.

    Haematoxylin, eosin and DAB are separated (Ruifrok & Johnston 2001), each is multiplied by a
    factor from 0.8 to 1.2 and gets -0.1 to 0.1 of optical density more, and they are put together
    again: Tellez et al., "Whole-slide mitosis detection in H&E breast histology using PHH3 as a
    reference to train distilled stain-invariant convolutional networks", IEEE TMI 37 (2018), and
    "Quantifying the effects of data augmentation and stain color normalization in convolutional
    neural networks for computational pathology", Medical Image Analysis 58 (2019). Their offsets
    are in the units of the library of their day, so that the numbers here are not theirs.
    """
    from skimage.color import hed2rgb, rgb2hed

    factor = random.uniform(1.0 - _FACTOR, 1.0 + _FACTOR, 3)
    # scikit-image divides optical densities by the one of its darkest pixel, 1e-6.
    offset = random.uniform(-_OFFSET, _OFFSET, 3) / -np.log(1e-6)
    return _as_bytes(hed2rgb(rgb2hed(image) * factor + offset) * 255.0)


def geometric(image: Pixels, random: np.random.Generator) -> Pixels:
    """Turn by quarters, mirror, zoom by 0.9 to 1.1 and shift by up to 5 % of each side.

    What comes into sight at a border is the image reflected there.
    """
    import cv2

    turned = np.rot90(image, int(random.integers(4)))
    mirrored = turned[:, ::-1] if random.integers(2) else turned
    height, width = mirrored.shape[:2]
    zoom = random.uniform(1.0 - _ZOOM, 1.0 + _ZOOM)
    shift = random.uniform(-_SHIFT, _SHIFT, 2) * (width, height)
    centre = np.array([(width - 1) / 2.0, (height - 1) / 2.0])
    move = np.column_stack([zoom * np.eye(2), centre + shift - zoom * centre])
    moved = cv2.warpAffine(
        np.ascontiguousarray(mirrored),
        move,
        (width, height),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REFLECT_101,
    )
    return np.asarray(moved, dtype=np.uint8)


def macenko(image: Pixels, random: np.random.Generator) -> Pixels | None:  # noqa: ARG001
    """Give tissue the stains of the authors' reference image.

    Macenko et al., "A method for normalizing histology slides for quantitative analysis", ISBI
    2009. For the stains of an image, see `lcbench.features.stains.stain_vectors`.

    Returns
    -------
    array or None
        None where less than 1 % of the pixels show tissue, or the stains cannot be told apart.
    """
    stains = stain_vectors(image)
    if stains is None:
        return None
    density = optical_density(image)
    amounts = np.linalg.lstsq(stains, density.T, rcond=None)[0]
    strongest = np.percentile(amounts, 99, axis=1)
    if (strongest < 1e-3).any():
        return None
    amounts *= (_STRONGEST / strongest)[:, None]
    return _as_bytes((LIGHT * np.exp(-_STAINS @ amounts)).T.reshape(image.shape))


def _as_bytes(values: NDArray[np.floating]) -> Pixels:
    return np.asarray(values.clip(0, 255).round().astype(np.uint8))


@dataclass(frozen=True)
class _Kind:
    change: Change
    version: int
    """Counts up whenever its pixels change, so that caches are computed anew."""
    random: bool
    libraries: tuple[str, ...]

    @property
    def packages(self) -> tuple[str, ...]:
        """The libraries that decide its pixels, with their versions."""
        import importlib.metadata

        return tuple(f"{name} {importlib.metadata.version(name)}" for name in self.libraries)


_KINDS: Mapping[ViewName, _Kind] = {
    "stain-jitter": _Kind(stain_jitter, 1, random=True, libraries=("scikit-image",)),
    "geometric": _Kind(geometric, 1, random=True, libraries=("opencv-python-headless",)),
    "macenko": _Kind(macenko, 1, random=False, libraries=("numpy",)),
}
