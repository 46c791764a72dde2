"""Data inside HTML: JSON that no text can leave, and arrays as compressed bytes."""

from __future__ import annotations

import base64
import gzip
import json
import math
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from pydantic import JsonValue

from lcbench.rendering.markdown import visible

_ESCAPED = str.maketrans(
    {
        "<": "\\u003c",
        ">": "\\u003e",
        "&": "\\u0026",
        "\N{LINE SEPARATOR}": "\\u2028",
        "\N{PARAGRAPH SEPARATOR}": "\\u2029",
    }
)


def json_text(data: JsonValue) -> str:
    """Return JSON that can stand inside a `<script>` element.

    The characters that HTML reads are escaped as JSON allows, so that no name can end the element
    or begin another. Control characters and invisible ones, such as those that reverse the
    direction of writing, become U+FFFD, as in Markdown.

    Raises
    ------
    ValueError
        If a number is not finite: JSON has none of these; see `number`.
    """
    text = json.dumps(_visible(data), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.translate(_ESCAPED)


def number(value: float | None, digits: int = 6) -> JsonValue:
    """Return a number for JSON: rounded, and infinity as the text that JavaScript's `Number` reads.

    Six digits after the point are far below what any interval tells.
    """
    if value is None or math.isnan(value):
        return None
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return round(value, digits)


def _visible(data: JsonValue) -> JsonValue:
    if isinstance(data, str):
        return visible(data)
    if isinstance(data, dict):
        return {visible(key): _visible(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_visible(one) for one in data]
    return data


@dataclass(frozen=True)
class Embedded:
    """An array as text.

    `dtype`: of NumPy, without its byte order, which is little-endian. `shape`: its lengths, joined
    by commas. `text`: base64 of gzip of its bytes in C order.
    """

    dtype: str
    shape: str
    text: Markup


def embed(array: np.ndarray) -> Embedded:
    """Return an array as text: the same array gives the same text.

    Raises
    ------
    ValueError
        If JavaScript has no array of its type.
    """
    name = array.dtype.name
    if name not in ("uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64"):
        raise ValueError(f"no array of {name} can be read by a page")
    raw = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).tobytes()
    packed = gzip.compress(raw, compresslevel=9, mtime=0)
    shape = ",".join(str(length) for length in array.shape)
    text = Markup(base64.b64encode(packed).decode("ascii"))  # noqa: S704 - letters and digits
    return Embedded(name, shape, text)
