"""Decode any image file to 8-bit RGB, or say why not."""

from __future__ import annotations

import ctypes
import hashlib
import io
import logging
import os
import stat
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError
from PIL import _imaging as _pillow

from lcbench.datasets.depths import NoGreysError, scaled_by_depth
from lcbench.datasets.dicom import NoDicomImageError, decode_dicom, is_dicom
from lcbench.errors import UserError, at_places

MAX_PIXELS = 100_000_000
"""Larger images are refused before decoding: a small file can claim any size."""

MAX_PROPORTION = 100
"""So many times longer than the other may a side be: resized by its shorter side, a line of pixels
would become an image of any size. With `MAX_PIXELS`, no side is longer than 100,000."""

MAX_BYTES = 8 * MAX_PIXELS
"""Larger files are refused before they are read: four channels of 16 bits need no more."""

SUFFIXES = frozenset(
    {
        ".png",
        ".jpg",
        ".jpeg",
        ".jpe",
        ".jfif",
        ".tif",
        ".tiff",
        ".bmp",
        ".webp",
        ".gif",
        ".jp2",
        ".dcm",
        ".dicom",
    }
)

_FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "WEBP", "GIF", "JPEG2000")
"""Nothing else is opened, whatever a file is called: Pillow hands PostScript to Ghostscript."""

# Here and not around each image: threads that change the filters in turn leave them changed.
warnings.filterwarnings("ignore", module=r"PIL\.")
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
logging.getLogger("PIL").addHandler(logging.NullHandler())  # what is wrong is said by us


def _silence_libtiff() -> None:
    """Keep libtiff from writing to standard error: what it says arrives as an exception too."""
    try:
        library = ctypes.CDLL(_pillow.__file__)  # finds what Pillow is linked with
        library.TIFFSetErrorHandler(None)
        library.TIFFSetWarningHandler(None)
    except (OSError, AttributeError):  # where a library does not show what it is linked with
        return


_silence_libtiff()


class UnreadableImageError(Exception):
    """An image file that cannot become RGB pixels; the text says why."""


class ImageFile(NamedTuple):
    """A file whose image decoded when its folder was read.

    Parameters
    ----------
    path
        Where it lies.
    sha256
        Hash of the bytes that were decoded.
    """

    path: Path
    sha256: str


def image_now(path: Path) -> ImageFile:
    """Return a file with the hash of what it holds now.

    Raises
    ------
    UserError
        If it cannot be read.
    """
    with at_places(path):
        try:
            return ImageFile(path, hashlib.sha256(read_image(path)).hexdigest())
        except UnreadableImageError as error:
            raise UserError(f"{path}: {error}", "Mend or remove it.") from error


def open_again(file: ImageFile) -> Image.Image:
    """Decode an image that was read before: from the same bytes, or not at all.

    Whatever is computed is stored under the hash of the bytes, so it must come from them.
    Hashing adds less than a twentieth to decoding, and 1 % for files of 10 kB.

    Raises
    ------
    UserError
        If the file is gone, or does not hold those bytes any more.
    """
    try:
        data = read_image(file.path)
    except (OSError, UnreadableImageError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise _changed(file.path, reason) from error
    if hashlib.sha256(data).hexdigest() != file.sha256:
        raise _changed(file.path, "other bytes")
    try:
        return decode_rgb(data)[0]
    except UnreadableImageError as error:  # of memory, not of the bytes
        raise UserError(f"{file.path}: {error}") from error


def _changed(path: Path, reason: str) -> UserError:
    return UserError(
        f"{path}: the image changed while it was used ({reason})", "Run the command again."
    )


def open_rgb(path: Path) -> Image.Image:
    """Decode an image file completely.

    Returns
    -------
    PIL.Image.Image
        Mode RGB, turned upright by its EXIF orientation; transparency is laid on white, as
        slides are; 16-bit grey is scaled by its depth, and DICOM seen through its window, see
        `lcbench.datasets.depths` and `lcbench.datasets.dicom`; of several frames the first.

    Raises
    ------
    UnreadableImageError
        If the file is none, empty, truncated, larger than the limits, or no image.
    """
    return decode_rgb(read_image(path))[0]


def read_image(path: Path) -> bytes:
    """Return the bytes of an image file.

    Raises
    ------
    UnreadableImageError
        If it is no regular file (a pipe never ends), or larger than `MAX_BYTES`.
    """
    # Opening a pipe waits for whoever writes to it, unless told not to.
    with open(path, "rb", opener=_open_without_waiting) as file:
        facts = os.fstat(file.fileno())
        if not stat.S_ISREG(facts.st_mode):
            raise UnreadableImageError("not a regular file")
        if facts.st_size > MAX_BYTES:
            raise UnreadableImageError(
                f"too large: {facts.st_size:,} bytes; the limit is {MAX_BYTES:,}"
            )
        return file.read(MAX_BYTES)


def _open_without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def decode_rgb(data: bytes) -> tuple[Image.Image, str]:
    """Decode the bytes of an image file; return the RGB image and the mode it was stored in.

    The mode says by which rule values became 8 bits, where that is a choice.
    """
    if not data:
        raise UnreadableImageError("empty file")
    try:
        if is_dicom(data):
            pixels, rule = decode_dicom(data, _require_size)
            return Image.fromarray(pixels).convert("RGB"), rule
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            width, height = image.size
            _require_size(width, height)
            mode = image.mode
            image.load()
            upright = ImageOps.exif_transpose(image)
            if mode.startswith("I"):
                greys, rule = scaled_by_depth(np.asarray(upright))
                return Image.fromarray(greys).convert("RGB"), f"{mode}, {rule}"
            return _to_rgb(upright), mode
    except UnreadableImageError:
        raise
    except (NoGreysError, NoDicomImageError) as error:
        raise UnreadableImageError(str(error)) from error
    except UnidentifiedImageError as error:  # its own words name an address in memory
        raise UnreadableImageError("not an image of a known format") from error
    except MemoryError as error:
        raise UnreadableImageError("not enough memory to decode it") from error
    except Exception as error:  # Pillow raises anything on broken bytes
        raise UnreadableImageError(f"{type(error).__name__}: {error}") from error


def _require_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise UnreadableImageError(
            f"too large: {width} x {height}; the limit is {MAX_PIXELS:,} pixels"
        )
    if max(width, height) > MAX_PROPORTION * min(width, height):
        raise UnreadableImageError(
            f"too narrow: {width} x {height}; the limit is {MAX_PROPORTION} times as long as wide"
        )


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode == "RGB" and not image.has_transparency_data:
        return image
    if image.mode == "F":
        raise UnreadableImageError("floating-point pixels have no fixed range; save as 8 or 16 bit")
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        white = Image.new("RGBA", layer.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, layer).convert("RGB")
    return image.convert("RGB")
