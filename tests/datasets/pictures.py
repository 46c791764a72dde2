"""Image files in memory, and what becomes of them."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from lcbench.datasets.images import UnreadableImageError, decode_rgb


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def decoded(data: bytes) -> NDArray[np.int64]:
    image, _ = decode_rgb(data)
    assert image.mode == "RGB"
    return np.asarray(image).astype(np.int64)


def reason(data: bytes) -> str:
    """Why an image is refused."""
    with pytest.raises(UnreadableImageError) as raised:
        decode_rgb(data)
    assert str(raised.value)
    return str(raised.value)
