"""The canvas: how much of each stain the tissue holds at each pixel."""

from dataclasses import dataclass, field

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

from lcbench.datasets.demo.fields import SIZE, Field, grid, smooth_noise

_SUPERSAMPLING = 2


def _blank() -> Field:
    return np.zeros((SIZE, SIZE))


@dataclass
class Canvas:
    """Stain amounts, each an array of shape (SIZE, SIZE); 1 is a well stained structure.

    Attributes
    ----------
    haematoxylin : ndarray of float
        Nuclei, mucin.
    eosin : ndarray of float
        Cytoplasm, collagen, keratin.
    blood : ndarray of float
        Haemoglobin, which takes eosin so strongly that it has a colour of its own.
    pigment : ndarray of float
        Brown: carbon and iron in macrophages.
    """

    haematoxylin: Field = field(default_factory=_blank)
    eosin: Field = field(default_factory=_blank)
    blood: Field = field(default_factory=_blank)
    pigment: Field = field(default_factory=_blank)

    def cover(
        self,
        mask: Field,
        *,
        haematoxylin: Field | float = 0.0,
        eosin: Field | float = 0.0,
        blood: Field | float = 0.0,
        pigment: Field | float = 0.0,
    ) -> None:
        """Replace what lies under `mask` (in [0, 1], shape (SIZE, SIZE)) by new amounts."""
        rest = 1 - mask
        self.haematoxylin = self.haematoxylin * rest + mask * haematoxylin
        self.eosin = self.eosin * rest + mask * eosin
        self.blood = self.blood * rest + mask * blood
        self.pigment = self.pigment * rest + mask * pigment

    def distorted(self, rng: np.random.Generator, amplitude: float, scale: float) -> "Canvas":
        """Return the canvas pulled about, as sectioning does to tissue.

        Parameters
        ----------
        rng : numpy.random.Generator
        amplitude, scale : float
            Displacement and its wavelength, px.
        """
        x, y = grid()
        where = np.stack(
            [y + amplitude * smooth_noise(rng, scale), x + amplitude * smooth_noise(rng, scale)]
        )

        def pulled(plane: Field) -> Field:
            if not plane.any():
                return plane
            return np.asarray(ndimage.map_coordinates(plane, where, order=1, mode="reflect"))

        return Canvas(
            pulled(self.haematoxylin), pulled(self.eosin), pulled(self.blood), pulled(self.pigment)
        )


class Stencil:
    """An antialiased drawing of polygons, each filled with one level in [0, 1]."""

    def __init__(self) -> None:
        side = SIZE * _SUPERSAMPLING
        self._image = Image.new("L", (side, side))
        self._pen = ImageDraw.Draw(self._image)

    def polygons(self, corners: Field, levels: Field | float) -> None:
        """Fill polygons, later over earlier.

        Parameters
        ----------
        corners : ndarray of float, shape (n, k, 2)
            Corners as (x, y), px of the canvas.
        levels : float or ndarray of float, shape (n,)
            In [0, 1].
        """
        # Whole coordinates: Pillow would truncate, and rounding is the same everywhere.
        points = np.rint((corners + 0.5) * _SUPERSAMPLING - 0.5).astype(np.int64)
        each = np.broadcast_to(levels, (len(corners),))
        shades = np.rint(np.clip(each, 0, 1) * 255).astype(np.int64)
        outlines = points.reshape(len(points), 2 * points.shape[1]).tolist()
        for outline, shade in zip(outlines, shades.tolist(), strict=True):
            self._pen.polygon(outline, fill=shade)

    def levels(self) -> Field:
        """Return the drawing at canvas resolution, in [0, 1], shape (SIZE, SIZE)."""
        return np.asarray(self._image.reduce(_SUPERSAMPLING), dtype=np.float64) / 255
