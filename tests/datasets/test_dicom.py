"""DICOM slices: what a radiologist's window shows, by a rule that the manifest tells."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lcbench.datasets import images
from lcbench.datasets.images import UnreadableImageError, decode_rgb
from lcbench.datasets.labels import LabelReader
from lcbench.datasets.listing import decode_all, list_images
from lcbench.taxonomy import Taxonomy

from .pictures import decoded, reason
from .slices import LEFT_OUT, dicom

pydicom = pytest.importorskip("pydicom")
from pydicom.pixels import apply_windowing  # noqa: E402
from pydicom.uid import (  # noqa: E402
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

random = np.random.default_rng(0)
STORED = random.integers(0, 4096, (6, 5)).astype(np.uint16)
HOUNSFIELD = {"RescaleSlope": 1, "RescaleIntercept": -1024}
LUNG = {**HOUNSFIELD, "WindowCenter": -600, "WindowWidth": 1500}


def grey(data: bytes) -> np.ndarray:
    pixels = decoded(data)
    assert (pixels == pixels[..., :1]).all()
    return pixels[..., 0]


def rule(data: bytes) -> str:
    return decode_rgb(data)[1]


@given(
    centre=st.integers(-1000, 1000),
    width=st.integers(2, 4000),
    slope=st.sampled_from([1, 2, 0.5]),
    function=st.sampled_from(["LINEAR", "LINEAR_EXACT", "SIGMOID"]),
    signed=st.booleans(),
)
def test_the_window_is_what_pydicom_makes_of_it(
    centre: int, width: int, slope: float, function: str, signed: bool
) -> None:
    stored = STORED.astype(np.int16) - 2000 if signed else STORED
    rescale = {"RescaleSlope": slope, "RescaleIntercept": -1024}
    window = {"WindowCenter": centre, "WindowWidth": width, "VOILUTFunction": function}
    data = dicom(stored, **rescale, **window)
    file = pydicom.dcmread(io.BytesIO(data))
    wanted = apply_windowing(stored * slope - 1024.0, file)
    # Its range of output is that of all values that could be stored.
    low, high = (limit * slope - 1024 for limit in ((-32768, 32767) if signed else (0, 65535)))
    wanted = (wanted - low) / (high - low) * 255
    assert np.abs(grey(data) - wanted).max() <= 0.51
    told = f"{centre}/{width}" + ("" if function == "LINEAR" else f" ({function})")
    assert rule(data) == f"DICOM CT, window {told} of the file"


def test_ct_without_a_window_is_seen_as_lungs_are() -> None:
    stored = np.array([[0, 224, 424, 424 + 750, 3000]], dtype=np.uint16)
    data = dicom(stored.repeat(2, axis=0), **HOUNSFIELD)
    np.testing.assert_allclose(grey(data)[0], [55.5, 93.6, 127.6, 255, 255], atol=1)
    assert rule(data) == "DICOM CT, window -600/1500 by default"
    assert (grey(data) == grey(dicom(stored.repeat(2, axis=0), **LUNG))).all()


def test_of_several_windows_the_first_counts() -> None:
    several = {**HOUNSFIELD, "WindowCenter": [-600, 40], "WindowWidth": [1500, 400]}
    assert (grey(dicom(STORED, **several)) == grey(dicom(STORED, **LUNG))).all()


def test_monochrome1_is_inverted() -> None:
    other = dicom(STORED, PhotometricInterpretation="MONOCHROME1", **LUNG)
    assert (grey(other) == 255 - grey(dicom(STORED, **LUNG))).all()
    assert rule(other).endswith("of the file, inverted")


def test_other_modalities_without_a_window_are_scaled_by_their_depth() -> None:
    data = dicom(STORED, Modality="MR")
    assert (grey(data) == STORED >> 4).all()
    assert rule(data) == "DICOM MR, as 12 bits"
    eight = (STORED >> 4).astype(np.uint8)
    assert (grey(dicom(eight, Modality="OT")) == eight).all()


def test_colour_stays_as_it_is() -> None:
    colours = random.integers(0, 256, (4, 6, 3), dtype=np.uint8)
    data = dicom(colours, Modality="SM")
    assert (decoded(data) == colours).all()
    assert rule(data) == "DICOM, colour"


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian])
def test_every_plain_encoding_gives_the_same(syntax: str) -> None:
    stored = STORED.astype(">u2") if syntax == ExplicitVRBigEndian else STORED
    assert (grey(dicom(stored, syntax, **LUNG)) == grey(dicom(STORED, **LUNG))).all()


def compressed() -> Any:
    file = pydicom.dcmread(io.BytesIO(dicom(STORED, **LUNG)))
    file.compress(RLELossless, STORED)
    return file


def saved(file: Any) -> bytes:
    buffer = io.BytesIO()
    file.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def test_run_lengths_are_unpacked() -> None:
    assert (grey(saved(compressed())) == grey(dicom(STORED, **LUNG))).all()


@pytest.mark.parametrize(
    ("syntax", "name"), [(JPEGLSLossless, "JPEG-LS"), ("1.2.840.10008.1.2.4.100", "MPEG2")]
)
def test_compression_that_needs_a_plugin_is_refused_with_its_name(
    syntax: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pydicom.pixels.decoders.base.Decoder.is_available", False)
    file = compressed()
    file.file_meta.TransferSyntaxUID = syntax
    said = reason(saved(file))
    assert f"compressed as {name}" in said
    assert "pip install pylibjpeg" in said


def test_a_stream_that_is_none_is_refused_in_words() -> None:
    file = compressed()
    file.file_meta.TransferSyntaxUID = JPEG2000Lossless
    said = reason(saved(file))
    assert said.startswith("compressed as JPEG 2000")
    assert "pip install pylibjpeg" in said
    assert "\n" not in said


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("SC_rgb_small_odd_jpeg.dcm", "DICOM, colour"),  # JPEG
        ("examples_jpeg2k.dcm", "DICOM, colour"),
        ("MR_small_jp2klossless.dcm", "DICOM MR, window 600/1600 of the file"),
    ],
)
def test_jpeg_and_jpeg_2000_are_unpacked_without_a_plugin(name: str, told: str) -> None:
    path = Path(pydicom.data.__file__).parent / "test_files" / name
    if not path.exists():
        pytest.skip(f"this pydicom has no {name}")
    data = path.read_bytes()
    pixels = decoded(data)
    assert pixels.std() > 1
    assert rule(data) == told
    if name.startswith("MR"):  # lossless: the same slice, stored plainly
        plain = pydicom.data.get_testdata_file("MR_small.dcm", read=False)
        assert (pixels == decoded(Path(plain).read_bytes())).all()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"PixelData": LEFT_OUT}, "DICOM without an image"),
        ({"NumberOfFrames": 3}, "3 frames in one file; save each as a file of its own"),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, "a palette"),
        ({"PhotometricInterpretation": LEFT_OUT}, "without PhotometricInterpretation"),
        ({"Rows": LEFT_OUT}, "DICOM without Rows"),
        ({"BitsAllocated": 32}, "32 bits a value"),
        ({"WindowCenter": 0, "WindowWidth": 0}, "a window that is none: 0/0"),
        ({"WindowCenter": 0, "WindowWidth": 9, "VOILUTFunction": "CUBIC"}, "none: 0/9 .CUBIC"),
        ({"RescaleSlope": "1e400", "WindowCenter": 0, "WindowWidth": 9}, "rescaled by 1e400, -10"),
        ({"Rows": 60_000, "Columns": 60_000}, "too large: 60000 x 60000; the limit is 100,000,000"),
        ({"Rows": 60_000}, "too narrow"),
        ({"Rows": 7}, "The number of bytes of pixel data is less than expected"),
    ],
)
def test_what_is_no_single_image_is_refused_with_the_reason(
    changes: dict[str, Any], said: str
) -> None:
    import re

    assert re.search(said, reason(dicom(STORED, **{**HOUNSFIELD, **changes})))


def test_a_deflated_file_is_refused_before_it_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    file = pydicom.dcmread(io.BytesIO(dicom(STORED, **LUNG)))
    file.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    data = saved(file)
    monkeypatch.setattr("pydicom.dcmread", lambda *_: pytest.fail("it was read"))
    assert "deflated" in reason(data)


def test_compressed_pixels_are_bounded_before_they_are_unpacked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = saved(compressed())
    monkeypatch.setattr("lcbench.datasets.dicom._MOST_COMPRESSED", 29)
    assert "too large: 30 compressed pixels" in reason(data)
    monkeypatch.undo()
    file = compressed()
    file.PixelData = file.PixelData + b"\0" * 20_000
    assert "more compressed bytes than pixels" in reason(saved(file))


@pytest.mark.filterwarnings("ignore")
@given(st.integers(0, 900), st.binary(min_size=1, max_size=4))
def test_damaged_bytes_give_an_image_or_words_but_never_another_error(
    place: int, patch: bytes
) -> None:
    data = bytearray(dicom(STORED, **LUNG))
    start = 128 + place % (len(data) - 128)
    data[start : start + len(patch)] = patch
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(images, "MAX_PIXELS", 100_000)
        try:
            said = decode_rgb(bytes(data))[1]
        except UnreadableImageError as error:
            said = str(error)
    assert said


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8, 0.99])
def test_a_truncated_file_is_refused(share: float) -> None:
    data = dicom(STORED, **LUNG)
    reason(data[: int(len(data) * share)])


def test_without_pydicom_the_message_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    data = dicom(STORED, **LUNG)
    monkeypatch.setitem(__import__("sys").modules, "pydicom", None)
    assert reason(data) == "reading DICOM needs pydicom: pip install pydicom"


def test_a_folder_of_slices_tells_by_which_rules_they_are_read(
    tmp_path: Path, lung: Taxonomy, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "normal").mkdir()
    for number in range(3):
        (tmp_path / "normal" / f"{number}.dcm").write_bytes(dicom(STORED + number, **LUNG))
    mediastinum = {**LUNG, "WindowCenter": 40, "WindowWidth": 400}
    (tmp_path / "normal" / "3.DCM").write_bytes(dicom(STORED, **mediastinum))
    (tmp_path / "normal" / "4.dcm").write_bytes(b"cut")
    manifest = decode_all(list_images(tmp_path, LabelReader(lung)))
    modes = manifest["mode"].value_counts().to_dict()
    assert modes["DICOM CT, window -600/1500 of the file"] == 3
    assert list(manifest["problem"] != "") == [False] * 4 + [True]
    assert manifest["width"].iloc[0] == 5
    said = " ".join(capsys.readouterr().err.split())
    assert "grey values become 8 bits by 2 rules" in said
    assert "window 40/400 of the file: 1 images" in said
