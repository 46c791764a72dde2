"""Attributions as pictures: colours over the image, what they mean, and what the checks say.

Each picture is scaled by its own largest values: colours compare places of one image, never two
images.
"""

from __future__ import annotations

import io
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

SIDE = 224
_STRIP, _LINE = 58, 13
_QUALITY = 80
_OPAQUE = 0.75
_HIGHEST = 99.0
"""Per cent of the places that are below full colour."""
_GOOD, _BAD = "#333333", "#a40000"
Pixels = NDArray[np.uint8]


def explained_picture(
    image: Pixels,
    attribution: NDArray[np.floating[Any]],
    *,
    signed: bool,
    legend: str,
    verdict: str,
) -> bytes:
    """Return a JPEG file of an image under its attribution.

    Parameters
    ----------
    image
        (H, W, 3) RGB as the network was shown it.
    attribution
        (h, w), at any resolution.
    signed
        Whether it says what speaks against the answer; then blue does, and red for it. Else the
        brighter, the more.
    legend
        What the colours speak of, in few words.
    verdict
        What came of the method's checks; it stands in red where it fails.
    """
    picture = Image.new("RGB", (SIDE, SIDE + _STRIP), "white")
    picture.paste(_overlaid(image, attribution, signed=signed), (0, 0))
    draw = ImageDraw.Draw(picture)
    picture.paste(_scale(signed=signed), (4, SIDE + 3))
    ends = "against to for" if signed else "less to more"
    draw.text((70, SIDE + 1), ends, _GOOD, _font())
    draw.text((4, SIDE + 1 + _LINE), _lines(legend)[0], _GOOD, _font())
    colour = _BAD if "fail" in verdict else _GOOD
    for number, line in enumerate(_lines(verdict), start=2):
        draw.text((4, SIDE + 1 + number * _LINE), line, colour, _font())
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=_QUALITY)
    return buffer.getvalue()


def _overlaid(
    image: Pixels, attribution: NDArray[np.floating[Any]], *, signed: bool
) -> Image.Image:
    grey = np.asarray(Image.fromarray(image).convert("L").resize((SIDE, SIDE)), np.float32)
    values = np.asarray(
        Image.fromarray(attribution.astype(np.float32)).resize(
            (SIDE, SIDE), Image.Resampling.BICUBIC
        )
    )
    highest = float(np.percentile(np.abs(attribution), _HIGHEST)) or 1.0
    strength = np.clip(values / highest, -1.0 if signed else 0.0, 1.0)
    colours = _colours(signed=signed)
    places = ((strength + 1) / 2 if signed else strength) * 255
    opaque = (_OPAQUE * np.abs(strength))[..., None]
    mixed = grey[..., None] * (1 - opaque) + colours[places.round().astype(np.uint8)] * opaque
    return Image.fromarray(mixed.round().astype(np.uint8))


def _scale(*, signed: bool) -> Image.Image:
    row = _colours(signed=signed)[np.linspace(0, 255, 60).astype(np.uint8)]
    return Image.fromarray(np.repeat(row[None], 9, axis=0))


@cache
def _colours(*, signed: bool) -> NDArray[np.uint8]:
    """Return (256, 3): from blue over white to red, or from dark to bright."""
    import matplotlib as mpl

    found = mpl.colormaps["RdBu_r" if signed else "inferno"](np.arange(256))[:, :3] * 255
    return np.asarray(found.round().astype(np.uint8))


@cache
def _font() -> Any:  # noqa: ANN401 - of either of Pillow's kinds
    return ImageFont.load_default(10)


def _lines(text: str) -> list[str]:
    """Return text in two lines that fit, cut off where they do not."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if _font().getlength(longer) <= SIDE - 8:
            lines[-1] = longer
        elif len(lines) == 2:
            lines[-1] = f"{lines[-1]} ..."
            break
        else:
            lines.append(word)
    return lines
