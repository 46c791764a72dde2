import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from lcbench.datasets.images import decode_rgb

from .pictures import decoded, encoded, reason

random = np.random.default_rng(0)
PIXELS = random.integers(0, 256, (5, 7, 3), dtype=np.uint8)
GREY16 = np.array([[0, 1, 255, 256, 257], [1000, 32767, 32768, 65534, 65535]], dtype=np.uint16)


def on_white(colour, alpha):
    """Return the colours as seen in front of white paper."""
    share = alpha.astype(float)[..., None] / 255
    return colour * share + 255 * (1 - share)


def png(width, height, depth, colour_type, rows=b"", **chunks):
    """Return a PNG file made by hand: what Pillow writes, Pillow may misread in the same way."""

    def chunk(name, content):
        check = struct.pack(">I", zlib.crc32(name + content))
        return struct.pack(">I", len(content)) + name + content + check

    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    parts = [chunk(b"IHDR", header)]
    parts += [chunk(name.encode(), content) for name, content in chunks.items()]
    parts += [chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def scanlines(array):
    return b"".join(b"\0" + row.tobytes() for row in array)


# modes


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP"])
def test_rgb_stays_as_it_is(kind):
    assert (decoded(encoded(Image.fromarray(PIXELS), kind)) == PIXELS).all()


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_transparency_is_laid_on_white(kind):
    rgba = random.integers(0, 256, (16, 16, 4), dtype=np.uint8)
    rgba[0, :, 3], rgba[1, :, 3] = 0, 255
    seen = decoded(encoded(Image.fromarray(rgba), kind))
    assert np.abs(seen - on_white(rgba[..., :3], rgba[..., 3])).max() <= 1
    assert (seen[0] == 255).all()
    assert (seen[1] == rgba[1, :, :3]).all()


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP"])
def test_grey_has_three_equal_channels(kind):
    seen = decoded(encoded(Image.fromarray(PIXELS[..., 0]), kind))
    assert (seen == PIXELS[..., :1]).all()


def test_four_bit_grey_fills_the_whole_range():
    values = np.arange(16)
    packed = (values[0::2] << 4 | values[1::2]).astype(np.uint8)[None]
    seen = decoded(png(16, 1, 4, 0, scanlines(packed)))
    assert (seen[0] == (values * 17)[:, None]).all()


palette = random.integers(0, 256, (4, 3), dtype=np.uint8)
indices = np.array([[0, 1, 2, 3], [3, 2, 1, 0]], dtype=np.uint8)


def test_a_palette_s_colours_are_looked_up():
    seen = decoded(png(4, 2, 8, 3, scanlines(indices), PLTE=palette.tobytes()))
    assert (seen == palette[indices]).all()


def test_a_palette_s_transparency_is_laid_on_white():
    alpha = np.array([0, 100, 200], dtype=np.uint8)  # PNG: what is not named is opaque
    data = png(4, 2, 8, 3, scanlines(indices), PLTE=palette.tobytes(), tRNS=alpha.tobytes())
    seen = decoded(data)
    whole = np.array([*alpha, 255], dtype=np.uint8)
    assert np.abs(seen - on_white(palette[indices], whole[indices])).max() <= 1


def test_a_transparent_colour_is_white():
    data = png(7, 5, 8, 2, scanlines(PIXELS), tRNS=PIXELS[2, 3].astype(">u2").tobytes())
    seen = decoded(data)
    expected = PIXELS.copy()
    expected[2, 3] = 255
    assert (seen == expected).all()


def test_a_gif_shows_its_first_frame_with_transparency_on_white():
    first = Image.fromarray(indices)
    first.putpalette(palette.tobytes())
    black = Image.new("P", first.size)
    black.putpalette([0, 0, 0])
    data = encoded(first, "GIF", save_all=True, append_images=[black], transparency=2)
    expected = palette[indices].astype(int)
    expected[indices == 2] = 255
    assert (decoded(data) == expected).all()


def test_a_tiff_of_several_pages_shows_the_first():
    pages = [Image.fromarray(PIXELS), Image.new("RGB", (3, 3))]
    data = encoded(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    assert (decoded(data) == PIXELS).all()


@pytest.mark.parametrize(
    ("inks", "light"),
    [
        ((255, 0, 0, 0), (0, 255, 255)),
        ((0, 255, 255, 0), (255, 0, 0)),
        ((0, 0, 0, 255), (0, 0, 0)),
        ((0, 0, 0, 0), (255, 255, 255)),
    ],
)
def test_inks_of_a_jpeg_become_light_and_not_its_negative(inks, light):
    seen = decoded(encoded(Image.new("CMYK", (16, 16), inks), "JPEG", quality=95))
    assert np.abs(seen - light).max() <= 3


# 16 bit


def sixteen_bit_files():
    big = GREY16.astype(">u2")
    yield "png by hand", png(5, 2, 16, 0, scanlines(big))
    yield "png", encoded(Image.fromarray(GREY16))
    yield "tiff", encoded(Image.fromarray(GREY16), "TIFF")
    yield "big-endian tiff", encoded(Image.fromarray(big), "TIFF")
    yield "32-bit tiff", encoded(Image.fromarray(GREY16.astype(np.int32)), "TIFF")


@pytest.mark.parametrize(("name", "data"), list(sixteen_bit_files()))
def test_sixteen_bit_grey_is_scaled_by_its_full_range_and_not_clipped(name, data):
    seen = decoded(data)
    assert seen.shape == (2, 5, 3), name
    assert np.abs(seen - (GREY16 / 257)[..., None]).max() <= 1
    assert seen[0, 0, 0] == 0
    assert seen[1, 4, 0] == 255


@pytest.mark.parametrize(
    ("most", "depth"), [(255, 8), (256, 12), (4095, 12), (4096, 16), (65535, 16)]
)
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bit_grey_is_scaled_by_the_depth_that_holds_it(most, depth, kind):
    values = np.array([[0, most // 2, most]], dtype=np.uint16)
    image, mode = decode_rgb(encoded(Image.fromarray(values), kind))
    assert mode == f"I;16, as {depth} bits"
    seen = np.asarray(image)[0, :, 0]
    assert list(seen) == [value >> (depth - 8) for value in values[0]]
    if depth == 12 and most == 4095:
        assert seen.max() == 255  # and not 15, which is nearly black


def test_sixteen_bit_colour_is_scaled_by_its_full_range():
    colours = random.integers(0, 65536, (3, 4, 3), dtype=np.uint16)
    seen = decoded(png(4, 3, 16, 2, scanlines(colours.astype(">u2"))))
    assert np.abs(seen - colours / 257).max() <= 1


def test_sixteen_bit_transparency_is_laid_on_white():
    la = random.integers(0, 65536, (3, 4, 2), dtype=np.uint16)
    seen = decoded(png(4, 3, 16, 4, scanlines(la.astype(">u2"))))
    grey = np.repeat(la[..., :1], 3, axis=-1) / 257
    assert np.abs(seen - on_white(grey, la[..., 1] / 257)).max() <= 2


@pytest.mark.parametrize("value", [-1, 65536, 2**31 - 1])
def test_values_beyond_sixteen_bit_are_refused_in_words(value):
    data = encoded(Image.fromarray(np.full((2, 2), value, dtype=np.int32)), "TIFF")
    assert "16 bit" in reason(data)


def test_floating_point_pixels_are_refused_in_words():
    data = encoded(Image.fromarray(np.ones((2, 2), dtype=np.float32)), "TIFF")
    assert "floating-point" in reason(data)


# orientation

UPRIGHT = {
    1: lambda a: a,
    2: np.fliplr,
    3: lambda a: np.rot90(a, 2),
    4: np.flipud,
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: np.rot90(a, 2).swapaxes(0, 1),
    8: np.rot90,
}


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_an_image_is_turned_upright(kind, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    blocks = np.kron(PIXELS[:2, :3], np.ones((16, 16, 1), dtype=np.uint8))
    options = {"JPEG": {"quality": 100, "subsampling": 0}, "WEBP": {"lossless": True}}
    data = encoded(Image.fromarray(blocks), kind, exif=exif, **options.get(kind, {}))
    expected = UPRIGHT[orientation](blocks)
    assert np.abs(decoded(data) - expected).max() <= (4 if kind == "JPEG" else 0)
