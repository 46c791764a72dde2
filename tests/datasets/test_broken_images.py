"""Files that are broken, hostile or not what they seem."""

import os
import struct
import subprocess
import sys
import threading
import warnings
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import EpsImagePlugin, Image

from lcbench.datasets import images
from lcbench.datasets.images import (
    ImageFile,
    UnreadableImageError,
    decode_rgb,
    image_now,
    open_again,
    open_rgb,
)
from lcbench.datasets.listing import decode_listed
from lcbench.errors import UserError
from lcbench.features.decoding import decode_batch

from .pictures import decoded, encoded, reason

FORMATS = ["PNG", "JPEG", "TIFF", "BMP", "WEBP", "GIF", "JPEG2000"]
NOISE = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
IMAGE = Image.fromarray(NOISE)


def test_the_content_counts_and_not_the_suffix(tmp_path):
    (tmp_path / "a.png").write_bytes(encoded(Image.new("RGB", (16, 16), (200, 30, 90)), "JPEG"))
    seen = np.asarray(open_rgb(tmp_path / "a.png")).astype(int)
    assert np.abs(seen - (200, 30, 90)).max() <= 3


@pytest.mark.parametrize(
    "data", [b"hello, this is text", b"<html>404</html>", b"\0" * 100, b"%PDF-"]
)
def test_a_file_that_is_no_image_is_refused_in_words_that_do_not_change(data):
    assert reason(data) == reason(data)
    assert "0x" not in reason(data)


def test_postscript_is_not_handed_to_its_interpreter(monkeypatch):
    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", lambda *_, **__: pytest.fail("was run"))
    text = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n"
    assert "not an image" in reason(text)


# broken and hostile bytes


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_truncated_file_is_refused(kind, share):
    data = encoded(IMAGE, kind)
    assert decoded(data).shape == (64, 64, 3)
    reason(data[: int(len(data) * share)])


def test_a_stereo_photograph_shows_its_first_picture():
    pages = [Image.fromarray(NOISE), Image.new("RGB", (8, 8))]
    data = encoded(pages[0], "MPO", save_all=True, append_images=pages[1:], quality=95)
    assert decode_rgb(data)[0].size == (64, 64)


@pytest.mark.filterwarnings("ignore")
@settings(deadline=None, max_examples=150)
@given(
    kind=st.sampled_from(FORMATS),
    changes=st.lists(
        st.tuples(st.integers(0), st.binary(min_size=1, max_size=4)), min_size=1, max_size=3
    ),
)
def test_damaged_bytes_give_an_image_or_words_but_never_another_error(kind, changes):
    data = bytearray(encoded(Image.fromarray(NOISE[:12, :10]), kind))
    for position, patch in changes:
        start = position % len(data)
        data[start : start + len(patch)] = patch
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(images, "MAX_PIXELS", 100_000)
        try:
            image, _ = decode_rgb(bytes(data))
        except UnreadableImageError as error:
            message = str(error)
        else:
            assert image.mode == "RGB"
            return
    assert message
    assert " at 0x" not in message


# images that claim to be huge


def png_claiming(width, height):
    check = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    header = b"IHDR" + check
    png = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", len(check)) + header
    png += struct.pack(">I", zlib.crc32(header))
    return png + struct.pack(">I", 1) + b"IDAT" + b"x" + struct.pack(">I", zlib.crc32(b"IDATx"))


def huge_files():
    """Return small files whose headers claim billions of pixels."""
    side = 60_000
    png = png_claiming(side, side)
    gif = b"GIF89a" + struct.pack("<HHBBB", side, side, 0x80, 0, 0) + b"\0" * 6
    gif += b"," + struct.pack("<HHHHB", 0, 0, side, side, 0) + b"\2\2\x4c\1\0;"
    bmp = bytearray(encoded(IMAGE, "BMP"))
    bmp[18:26] = struct.pack("<ii", side, side)
    jpeg = bytearray(encoded(IMAGE, "JPEG"))
    frame = jpeg.index(b"\xff\xc0")
    jpeg[frame + 5 : frame + 9] = struct.pack(">HH", side, side)
    tiff = bytearray(encoded(IMAGE, "TIFF"))
    for tag in (256, 257):
        entry = tiff.index(struct.pack("<HHI", tag, 4, 1)) + 8
        tiff[entry : entry + 4] = struct.pack("<I", side)
    return {"PNG": png, "GIF": gif, "BMP": bytes(bmp), "JPEG": bytes(jpeg), "TIFF": bytes(tiff)}


HUGE = huge_files()


@pytest.fixture
def no_decoding(monkeypatch):
    """Let no pixel be decoded; the reason that a test looks for would be another one."""

    def fail(*_args, **_options):
        raise AssertionError("was decoded")

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", fail)
    monkeypatch.setattr("PIL.Image.core.new", fail)
    monkeypatch.setattr("PIL.Image.core.fill", fail)


@pytest.mark.parametrize("pillow_s_own_limit", [True, False])
@pytest.mark.parametrize(("kind", "data"), HUGE.items())
@pytest.mark.usefixtures("no_decoding")
def test_a_huge_claim_is_refused_before_decoding(kind, data, pillow_s_own_limit, monkeypatch):
    if not pillow_s_own_limit:
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)  # as some libraries do
    assert len(data) < 20_000, kind
    words = reason(data)
    assert "limit" in words
    assert "3600000000" in words or "60000 x 60000" in words


def test_the_limit_is_the_number_of_pixels(monkeypatch):
    monkeypatch.setattr(images, "MAX_PIXELS", 12)
    assert decoded(encoded(Image.new("L", (4, 3)), "PNG")).shape == (3, 4, 3)
    assert "13 x 1" in reason(encoded(Image.new("L", (13, 1)), "PNG"))


def test_a_line_of_pixels_is_refused_because_resizing_makes_it_huge():
    assert decoded(encoded(Image.new("L", (100, 1)), "PNG")).shape == (1, 100, 3)
    for size in ((101, 1), (1, 101), (1000, 2)):
        assert f"too narrow: {size[0]} x {size[1]}" in reason(encoded(Image.new("L", size), "PNG"))


@pytest.mark.usefixtures("no_decoding")
def test_a_line_of_a_hundred_million_pixels_is_refused_before_decoding():
    words = reason(png_claiming(99_999_999, 1))
    assert "99999999 x 1" in words


# files that are none


@pytest.fixture
def traps(tmp_path):
    """Files that never end, or would fill the memory, named like images."""
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "zero.png").symlink_to("/dev/zero")
    with (tmp_path / "sparse.png").open("wb") as file:
        file.truncate(30 * 10**9)
    (tmp_path / "line.png").write_bytes(png_claiming(99_999_999, 1))
    (tmp_path / "folder.png").mkdir()
    return tmp_path


TRAPS = {
    "pipe.png": "not a regular file",
    "zero.png": "not a regular file",
    "sparse.png": "too large: 30,000,000,000 bytes",
    "line.png": "too narrow: 99999999 x 1",
    "folder.png": "",
}


@pytest.mark.parametrize("name", TRAPS)
def test_what_is_no_regular_file_or_too_large_is_not_read(name, traps, monkeypatch):
    monkeypatch.setattr(images, "MAX_BYTES", 1_000_000)  # whoever reads on reads this much
    table = decode_listed(traps, [name])
    assert TRAPS[name] in table["problem"][0]
    assert table["problem"][0]
    if name != "line.png":
        assert table["sha256"][0] == ""
    with pytest.raises((UnreadableImageError, OSError)):
        open_rgb(traps / name)
    with pytest.raises(UserError, match=name) as caught:
        open_again(ImageFile(traps / name, "0" * 64))
    assert "Run the command again" in caught.value.remedy
    with pytest.raises(UserError, match=name):
        decode_batch([ImageFile(traps / name, table["sha256"][0])], np.asarray)


def test_an_image_is_decoded_again_from_the_same_bytes_only(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(encoded(IMAGE, "PNG"))
    file = image_now(path)
    np.testing.assert_array_equal(np.asarray(open_again(file)), NOISE)
    for data in (encoded(Image.fromarray(NOISE[::-1]), "PNG"), path.read_bytes()[:-30], b""):
        path.write_bytes(data)
        with pytest.raises(UserError, match=r"a\.png: the image changed while it was used"):
            open_again(file)
    path.unlink()
    with pytest.raises(UserError, match=r"a\.png: the image changed .*No such file"):
        open_again(file)


def test_too_little_memory_is_said_in_words(monkeypatch):
    def too_little(*_):
        raise MemoryError

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", too_little)
    assert reason(encoded(IMAGE, "PNG")) == "not enough memory to decode it"


# what libraries say


NOISY = """
import logging, sys, warnings
from lcbench.datasets.images import UnreadableImageError, open_rgb
from pathlib import Path
for path in map(Path, sys.argv[1:]):
    try:
        open_rgb(path)
    except UnreadableImageError:
        print("refused")
logging.getLogger("PIL.TiffImagePlugin").warning("what Pillow logs")
warnings.warn_explicit("what Pillow warns of", UserWarning, "x.py", 1, module="PIL.TiffImagePlugin")
"""


def test_what_libraries_say_of_broken_images_does_not_reach_the_user(tmp_path):
    data = encoded(IMAGE, "TIFF", compression="tiff_lzw")
    for number, place in enumerate(range(8, len(data), len(data) // 12)):
        broken = bytearray(data)
        broken[place : place + 40] = b"\xff" * 40
        (tmp_path / f"{number}.tif").write_bytes(broken)
    (tmp_path / "cut.tif").write_bytes(data[: len(data) // 2])
    done = subprocess.run(
        [sys.executable, "-c", NOISY, *sorted(tmp_path.iterdir())],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.count("refused") > 2
    assert done.stderr == ""


def test_decoding_in_threads_leaves_the_warning_filters_alone(monkeypatch):
    """Two threads inside at once: the second to come must not restore what the first had set."""
    first_in, second_in, first_out = (threading.Event() for _ in range(3))
    genuine = Image.open

    def open_in_step(file, *args, **options):
        if threading.current_thread().name == "first":
            first_in.set()
            assert second_in.wait(10)
        else:
            second_in.set()
            assert first_out.wait(10)
        return genuine(file, *args, **options)

    def first():
        decode_rgb(data)
        first_out.set()

    def second():
        assert first_in.wait(10)
        decode_rgb(data)

    data = encoded(IMAGE, "PNG")
    monkeypatch.setattr(Image, "open", open_in_step)
    before = list(warnings.filters)
    threads = [threading.Thread(target=first, name="first"), threading.Thread(target=second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert warnings.filters == before
