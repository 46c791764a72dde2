"""Write PNG files whose bytes do not depend on the machine.

Compressed bytes differ between zlib, zlib-ng and their versions, though the pixels are the same.
The images are noisy and hardly compress, so they are stored uncompressed.
"""

import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
#: Most bytes a stored block of the deflate format (RFC 1951) can hold.
_BLOCK = 65535


def write_png(path: Path, pixels: NDArray[np.uint8]) -> None:
    """Write an image as an uncompressed PNG.

    Parameters
    ----------
    path : pathlib.Path
    pixels : ndarray of uint8, shape (height, width, 3)
        Red, green, blue.
    """
    height, width, _ = pixels.shape
    # 8 bits a channel, colour type 2 (RGB), the only compression and filter method, no interlacing.
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    # Each row is preceded by its filter type; 0 is none.
    rows = np.pad(pixels.reshape(height, 3 * width), ((0, 0), (1, 0)))
    chunks = (b"IHDR", header), (b"IDAT", _stored(rows.tobytes())), (b"IEND", b"")
    path.write_bytes(_SIGNATURE + b"".join(_chunk(kind, data) for kind, data in chunks))


def _chunk(kind: bytes, data: bytes) -> bytes:
    """Frame a chunk: length, kind, data, checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _stored(data: bytes) -> bytes:
    """Wrap data as a zlib stream (RFC 1950) of stored blocks."""
    blocks = []
    for start in range(0, len(data), _BLOCK):
        block = data[start : start + _BLOCK]
        last = start + _BLOCK >= len(data)
        blocks.append(struct.pack("<BHH", last, len(block), len(block) ^ 0xFFFF) + block)
    return b"\x78\x01" + b"".join(blocks) + struct.pack(">I", zlib.adler32(data))
