"""Thumbnails: of what was run on and nothing else, under names of ours."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from lcbench.rendering.explorer.thumbnails import SIDE, make_thumbnails
from lcbench.runs.suite_images import SuiteImages

HOSTILE = "<img src=x onerror=alert(1)>.png"


def image_table(root: Path, *names: str) -> SuiteImages:
    """The images of a folder with the hashes that they have now; empty where there is no file."""
    files = [root / name for name in names]
    hashes = [
        hashlib.sha256(one.read_bytes()).hexdigest() if one.is_file() else "" for one in files
    ]
    table = pd.DataFrame({"image": names, "label": "benign", "group": "", "sha256": hashes})
    return SuiteImages(table, ())


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Images of every kind that is decoded by more than a library's default."""
    root = tmp_path / "images"
    root.mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (300, 600, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(root / "a.jpg", comment=b"the name of a patient")
    Image.fromarray(pixels[..., 0].astype(np.uint16) * 16).save(root / "deep.png")
    Image.fromarray(pixels[:20, :20]).save(root / HOSTILE)
    return root


def test_they_are_small_and_say_nothing_of_their_file(root: Path, tmp_path: Path) -> None:
    images = image_table(root, "a.jpg", "deep.png", HOSTILE)
    made = make_thumbnails(images, np.ones(3, bool), str(root), tmp_path / "report")
    assert made.thumbnails.all()
    assert made.said == ""
    folder = tmp_path / "report" / "images"
    assert sorted(one.name for one in folder.iterdir()) == ["0.jpg", "1.jpg", "2.jpg"]
    assert b"patient" not in (folder / "0.jpg").read_bytes()
    sizes = [Image.open(folder / f"{row}.jpg").size for row in range(3)]
    assert sizes == [(SIDE, SIDE // 2), (SIDE, SIDE // 2), (20, 20)]
    assert np.asarray(Image.open(folder / "1.jpg")).std() > 5  # 16 bits are not cut to white


def test_what_changed_or_is_gone_has_none_and_one_line_says_so(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = image_table(root, "a.jpg", "deep.png", HOSTILE, "never there.png")
    (root / "a.jpg").write_bytes((root / "a.jpg").read_bytes() + b"\0")
    (root / "deep.png").unlink()
    wanted = np.array([True, True, True, True])
    made = make_thumbnails(images, wanted, str(root), tmp_path / "report")
    assert made.thumbnails.tolist() == [False, False, True, False]
    assert made.said.startswith("no picture of 3 of 4 images")
    assert capsys.readouterr().err.count("no picture of") == 1
    assert [one.name for one in (tmp_path / "report" / "images").iterdir()] == ["2.jpg"]


@pytest.mark.parametrize("place", ["", "gone"])
def test_without_the_folder_there_are_none(root: Path, tmp_path: Path, place: str) -> None:
    images = image_table(root, "a.jpg")
    where = str(tmp_path / place) if place else ""
    made = make_thumbnails(images, np.ones(1, bool), where, tmp_path / "report")
    assert not made.thumbnails.any()
    assert "no pictures of the images" in made.said
    assert ("run lcbench report where" in made.said) == bool(place)
    assert not (tmp_path / "report").exists()
