"""Decode any image file to 8-bit RGB, or say why not."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

MAX_PIXELS = 100_000_000
"""Larger images are refused before decoding: a small file can claim any size."""

SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".tif", ".tiff", ".bmp", ".webp", ".gif", ".jp2"}
)

_FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "WEBP", "GIF", "JPEG2000")
"""Nothing else is opened, whatever a file is called: Pillow hands PostScript to Ghostscript."""

# Here and not around each image: threads that change the filters in turn leave them changed.
warnings.filterwarnings("ignore", module=r"PIL\.")


class UnreadableImageError(Exception):
    """An image file that cannot become RGB pixels; the text says why."""


def open_rgb(path: Path) -> Image.Image:
    """Decode an image file completely.

    Returns
    -------
    PIL.Image.Image
        Mode RGB, turned upright by its EXIF orientation; transparency is laid on white, as
        slides are; 16-bit grey is scaled by its full range; of several frames the first.

    Raises
    ------
    UnreadableImageError
        If the file is empty, truncated, larger than `MAX_PIXELS`, or no image.
    """
    return decode_rgb(path.read_bytes())[0]


def decode_rgb(data: bytes) -> tuple[Image.Image, str]:
    """Decode the bytes of an image file; return the RGB image and the mode it was stored in."""
    if not data:
        raise UnreadableImageError("empty file")
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            width, height = image.size
            if width * height > MAX_PIXELS:
                raise UnreadableImageError(
                    f"too large: {width} x {height}; the limit is {MAX_PIXELS:,} pixels"
                )
            mode = image.mode
            image.load()
            return _to_rgb(ImageOps.exif_transpose(image)), mode
    except UnreadableImageError:
        raise
    except UnidentifiedImageError as error:  # its own words name an address in memory
        raise UnreadableImageError("not an image of a known format") from error
    except Exception as error:  # Pillow raises anything on broken bytes
        raise UnreadableImageError(f"{type(error).__name__}: {error}") from error


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode == "RGB" and not image.has_transparency_data:
        return image
    if image.mode == "F":
        raise UnreadableImageError("floating-point pixels have no fixed range; save as 8 or 16 bit")
    if image.mode.startswith("I"):
        return _sixteen_bit_to_rgb(image)
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        white = Image.new("RGBA", layer.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, layer).convert("RGB")
    return image.convert("RGB")


def _sixteen_bit_to_rgb(image: Image.Image) -> Image.Image:
    values = np.asarray(image).astype(np.int64)
    if values.size and (values.min() < 0 or values.max() > 0xFFFF):
        raise UnreadableImageError("grey values outside 16 bit; save as 8 or 16 bit")
    return Image.fromarray((values >> 8).astype(np.uint8)).convert("RGB")
