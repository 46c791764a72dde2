"""Grey values of more than 8 bits as 8 bits, by a rule that is told."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

_Values = NDArray[np.float64]

DEPTHS = (8, 12, 16)
"""Bits that grey values in files of 16 bits can have: of scanners and cameras, most have 12."""


class NoGreysError(Exception):
    """Values that cannot become 8-bit grey; the text says why."""


def scaled_by_depth(values: NDArray[Any]) -> tuple[NDArray[np.uint8], str]:
    """Return grey values in 8 bits, and the rule: the smallest of `DEPTHS` that holds them all.

    A file of 16 bits does not say how many of them its values use; by all 16, those of 12 would be
    nearly black.

    Raises
    ------
    NoGreysError
        If a value is negative, or needs more than 16 bits.
    """
    whole = values.astype(np.int64)
    least, most = (int(whole.min()), int(whole.max())) if whole.size else (0, 0)
    if least < 0 or most >= 2 ** DEPTHS[-1]:
        raise NoGreysError("grey values outside 16 bit; save as 8 or 16 bit")
    depth = next(bits for bits in DEPTHS if most < 2**bits)
    return (whole >> (depth - 8)).astype(np.uint8), f"as {depth} bits"


class Window(NamedTuple):
    """What of the grey values is seen: centre and width, and how grey rises between.

    `function`: DICOM's VOI LUT function, "LINEAR", "LINEAR_EXACT" or "SIGMOID".
    """

    centre: float
    width: float
    function: str = "LINEAR"

    def __str__(self) -> str:
        usual = self.function == "LINEAR"
        return f"{self.centre:g}/{self.width:g}" + ("" if usual else f" ({self.function})")


def windowed(values: NDArray[np.floating], window: Window) -> NDArray[np.uint8]:
    """Return grey values in 8 bits, seen through a window.

    References
    ----------
    DICOM PS3.3, C.11.2.1.2 and C.11.2.1.3.

    Raises
    ------
    NoGreysError
        If the window is none.
    """
    centre, width, function = window
    least = 1.0 if function == "LINEAR" else 1e-9
    if function not in _FUNCTIONS or not np.isfinite([centre, width]).all() or width < least:
        raise NoGreysError(f"a window that is none: {window}")
    shares = _FUNCTIONS[function](values.astype(np.float64), centre, width)
    greys: NDArray[np.uint8] = np.rint(np.clip(shares, 0.0, 1.0) * 255).astype(np.uint8)
    return greys


def _linear(x: _Values, centre: float, width: float) -> _Values:
    if width == 1.0:
        return (x > centre - 0.5).astype(np.float64)
    return (x - (centre - 0.5)) / (width - 1) + 0.5


def _linear_exact(x: _Values, centre: float, width: float) -> _Values:
    return (x - centre) / width + 0.5


def _sigmoid(x: _Values, centre: float, width: float) -> _Values:
    from scipy.special import expit

    return np.asarray(expit(4 * (x - centre) / width), np.float64)


_FUNCTIONS = {"LINEAR": _linear, "LINEAR_EXACT": _linear_exact, "SIGMOID": _sigmoid}
