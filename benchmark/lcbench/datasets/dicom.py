"""DICOM files of one grey or colour image, as 8-bit pixels."""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lcbench.datasets.depths import Window, scaled_by_depth, windowed

if TYPE_CHECKING:
    from pydicom import Dataset

LUNG_WINDOW = Window(-600.0, 1500.0)
"""Centre and width in Hounsfield units, for CT that states no window."""

_PREAMBLE = 128
_MAGIC = b"DICM"
_SYNTAX = (0x0002, 0x0010)
_LONG = (b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV")
"""Value representations with a length of four bytes after two that are empty (PS3.5, 7.1.2)."""
_DEFLATED = "1.2.840.10008.1.2.1.99"
_MOST_COMPRESSED = 25_000_000
_PLUGINS = "pip install pylibjpeg pylibjpeg-libjpeg pylibjpeg-openjpeg"

warnings.filterwarnings("ignore", module=r"pydicom\.")  # of odd values; what matters is said by us
logging.getLogger("pydicom").addHandler(logging.NullHandler())


class NoDicomImageError(Exception):
    """A DICOM file that cannot become pixels; the text says why."""


def is_dicom(data: bytes) -> bool:
    """Tell whether the bytes of a file are DICOM's file format (PS3.10)."""
    return data[_PREAMBLE : _PREAMBLE + len(_MAGIC)] == _MAGIC


def decode_dicom(
    data: bytes, require_size: Callable[[int, int], None]
) -> tuple[NDArray[np.uint8], str]:
    """Decode the image of a DICOM file.

    Grey values are rescaled by the file's slope and intercept, or its table, and seen through its
    first window; without one, CT is seen through `LUNG_WINDOW`, anything else scaled by its depth.
    MONOCHROME1 is inverted, so that more is brighter.

    Parameters
    ----------
    data
        The file's bytes.
    require_size
        Is given the width and height that the file states, before anything is decoded.

    Returns
    -------
    pixels, rule
        (height, width), or (height, width, 3) of a colour image; how they came about.

    Raises
    ------
    NoDicomImageError
        If the file holds no single image, or one that cannot be decoded here.
    """
    try:
        import pydicom
    except ImportError as error:
        raise NoDicomImageError("reading DICOM needs pydicom: pip install pydicom") from error

    if _transfer_syntax(data) == _DEFLATED:  # unpacked before its size is known
        raise NoDicomImageError("a deflated DICOM file; save it without that compression")
    dataset = pydicom.dcmread(io.BytesIO(data))
    _require_one_image(dataset)
    require_size(int(dataset.Columns), int(dataset.Rows))
    _require_decoder(dataset)
    values = _values(dataset)
    if values.shape[:2] != (dataset.Rows, dataset.Columns):
        raise NoDicomImageError(f"{values.shape} pixels, not {dataset.Rows} x {dataset.Columns}")
    if values.ndim == 3:
        return _colours(values), "DICOM, colour"
    pixels, rule = _greys(dataset, values)
    if dataset.PhotometricInterpretation == "MONOCHROME1":
        return 255 - pixels, f"{rule}, inverted"
    return pixels, rule


def _transfer_syntax(data: bytes) -> str:
    """Return how the rest of the file is encoded, from its meta information (PS3.10, 7.1)."""
    place = _PREAMBLE + len(_MAGIC)
    while data[place : place + 2] == b"\x02\x00":
        tag = (0x0002, int.from_bytes(data[place + 2 : place + 4], "little"))
        long = data[place + 4 : place + 6] in _LONG
        start, size = (8, 4) if long else (6, 2)
        length = int.from_bytes(data[place + start : place + start + size], "little")
        value = place + start + size
        if tag == _SYNTAX:
            return data[value : value + length].rstrip(b"\0 ").decode(errors="replace")
        place = value + length
    return ""


def _require_one_image(dataset: Dataset) -> None:
    if "PixelData" not in dataset:
        floats = "FloatPixelData" in dataset or "DoubleFloatPixelData" in dataset
        raise NoDicomImageError("floating-point pixels" if floats else "DICOM without an image")
    needed = ("Rows", "Columns", "BitsAllocated", "PhotometricInterpretation")
    missing = [name for name in needed if dataset.get(name) in (None, "")]
    if missing:
        raise NoDicomImageError(f"DICOM without {', '.join(missing)}")
    frames = int(dataset.get("NumberOfFrames") or 1)
    if frames != 1:
        raise NoDicomImageError(f"{frames} frames in one file; save each as a file of its own")
    colours = dataset.PhotometricInterpretation
    if colours == "PALETTE COLOR":
        raise NoDicomImageError("colours by a palette; save it as grey or RGB")
    if dataset.BitsAllocated > 16:
        raise NoDicomImageError(f"{dataset.BitsAllocated} bits a value; save as 8 or 16 bit")


def _require_decoder(dataset: Dataset) -> None:
    """Refuse compressed pixels that cannot be unpacked here, or more of them than is safe."""
    from pydicom.pixels import get_decoder

    syntax = dataset.file_meta.get("TransferSyntaxUID")
    if syntax is None:
        raise NoDicomImageError("DICOM without TransferSyntaxUID")
    if not syntax.is_compressed:
        return
    pixels = dataset.Rows * dataset.Columns
    if pixels > _MOST_COMPRESSED:  # run lengths unpack to 64 times their size, unchecked
        raise NoDicomImageError(
            f"too large: {pixels:,} compressed pixels; the limit is {_MOST_COMPRESSED:,}"
        )
    raw = pixels * int(dataset.get("SamplesPerPixel") or 1) * (dataset.BitsAllocated // 8)
    if len(dataset.PixelData) > 2 * raw + 10_000:
        raise NoDicomImageError("more compressed bytes than pixels")
    try:
        available = get_decoder(syntax).is_available
    except NotImplementedError:
        available = False
    if not available:
        raise NoDicomImageError(
            f"compressed as {syntax.name}, for which pydicom needs a plugin ({_PLUGINS}); or save "
            "it uncompressed"
        )


def _values(dataset: Dataset) -> NDArray[Any]:
    """Return the stored values, unpacked."""
    syntax = dataset.file_meta.TransferSyntaxUID
    try:
        values: NDArray[Any] = dataset.pixel_array
    except RuntimeError as error:  # of the plugins, one line each
        if not syntax.is_compressed:
            raise
        reasons = "; ".join(line.strip() for line in str(error).splitlines()[1:])
        raise NoDicomImageError(
            f"compressed as {syntax.name}, and not unpacked ({reasons or error}). If the file is "
            f"sound, another plugin may do it ({_PLUGINS}); or save it uncompressed"
        ) from error
    return values


def _colours(values: NDArray[Any]) -> NDArray[np.uint8]:
    if values.dtype != np.uint8 or values.shape[2] != 3:
        raise NoDicomImageError(f"colours of {values.dtype}, {values.shape[2]} channels")
    return values


def _greys(dataset: Dataset, values: NDArray[Any]) -> tuple[NDArray[np.uint8], str]:
    from pydicom.pixels import apply_modality_lut

    modality = str(dataset.get("Modality") or "of unknown kind")
    stated = _window(dataset)
    if stated is None and modality != "CT":
        pixels, rule = scaled_by_depth(values)
        return pixels, f"DICOM {modality}, {rule}"
    window, whose = (stated, "of the file") if stated else (LUNG_WINDOW, "by default")
    rescaled = np.asarray(apply_modality_lut(values, dataset), dtype=np.float64)
    if not np.isfinite(rescaled).all():
        slope, intercept = dataset.get("RescaleSlope"), dataset.get("RescaleIntercept")
        raise NoDicomImageError(f"values that are not finite: rescaled by {slope}, {intercept}")
    return windowed(rescaled, window), f"DICOM {modality}, window {window} {whose}"


def _window(dataset: Dataset) -> Window | None:
    """Return the first window that the file states."""
    centre, width = (_first(dataset.get(name)) for name in ("WindowCenter", "WindowWidth"))
    if centre is None or width is None:
        return None
    function = str(dataset.get("VOILUTFunction") or "LINEAR")
    return Window(float(str(centre)), float(str(width)), function)


def _first(value: object) -> object:
    """Return a number, or the first of several; None where there is none."""
    several = isinstance(value, Sequence) and not isinstance(value, str)
    values = value if several and isinstance(value, Sequence) else [value]
    return next((one for one in values if one not in (None, "")), None)
