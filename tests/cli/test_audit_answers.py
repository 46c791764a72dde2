"""`lcbench audit` as it is typed: what it ends with, refuses and survives."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ..leakage.tissue import saved
from .audits import PARSER, SIDE, Write, draw, found, group_column, page, sentences, written
from .commands import Lcbench, require_one_message


@pytest.fixture
def two_folders(tmp_path: Path) -> None:
    """train and test share a copy, a turned image under another label, and not the rest."""
    draw(0, tmp_path / "train/lung_aca/a.png")
    draw(1, tmp_path / "train/lung_aca/b.png")
    draw(1, tmp_path / "train/lung_aca/b turned.png", turns=1)
    draw(2, tmp_path / "test/lung_n/own.png")
    draw(0, tmp_path / "test/lung_n/turned.png", turns=1)
    draw(1, tmp_path / "test/adenocarcinoma/copy.png")


# Leaks and exit codes


def test_folders_that_share_nothing_do_not_leak(lcbench: Lcbench) -> None:
    for seed, path in enumerate(["a/normal/1.png", "a/normal/2.png", "b/normal/1.png"]):
        draw(seed, path)
    draw(0, "a/normal/1 turned.png", turns=2)
    result = lcbench("audit", "a", "b", "--fail-on-leak", "--no-pictures")
    assert result.exit_code == 0, result.stderr
    assert "b: 0 of 1 source group" in result.stdout
    assert "share theirs" in sentences(result)[0]


def test_folders_that_share_a_copy_leak(lcbench: Lcbench, write_images: Write) -> None:
    write_images(Path("a"), {"normal": 3})
    shutil.copytree("a", "b")
    for number in range(2):
        Path(f"b/normal/00{number}.png").unlink()
    result = lcbench("audit", "a", "b", "--fail-on-leak")
    assert result.exit_code == 1
    assert "Leak: --fail-on-leak ends with exit code 1." in result.stderr
    assert lcbench("audit", "a", "b").exit_code == 0
    assert written("audit")[0] == "README.md"


@pytest.mark.parametrize(("copies", "code"), [(1, 1), (0, 0)])
def test_one_folder_leaks_where_an_image_stands_twice(
    copies: int, code: int, lcbench: Lcbench, write_images: Write
) -> None:
    write_images(Path("a"), {"normal": 3})
    for number in range(copies):
        shutil.copy("a/normal/000.png", f"a/normal/copy {number}.png")
    assert lcbench("audit", "a", "--fail-on-leak").exit_code == code
    assert lcbench("audit", "a").exit_code == 0


def test_copies_on_one_side_of_a_split_are_no_leak(lcbench: Lcbench, write_images: Write) -> None:
    write_images(Path("a"), {"normal": 2})
    shutil.copy("a/normal/000.png", "a/normal/copy.png")
    Path("s.csv").write_text("image,fold\nnormal/000.png,1\nnormal/copy.png,1\nnormal/001.png,2\n")
    words = ("audit", "a", "--split", "s.csv", "--fail-on-leak")
    assert lcbench(*words).exit_code == 0
    Path("s.csv").write_text("image,fold\nnormal/000.png,1\nnormal/copy.png,2\nnormal/001.png,2\n")
    assert lcbench(*words).exit_code == 1


def test_files_that_cannot_be_read_are_named(lcbench: Lcbench, write_images: Write) -> None:
    write_images(Path("a"), {"normal": 3})
    Path("a/normal/broken.png").write_bytes(b"no image")
    result = lcbench("audit", "a", "--fail-on-leak")
    assert result.exit_code == 3
    assert sentences(result)[-1] == "1 file left out: not readable as images."
    assert found()["unreadable"] == ["normal/broken.png: not an image of a known format"]
    assert "- normal/broken.png: not an image of a known format" in page()
    assert "normal/broken.png" not in group_column()


def test_a_leak_weighs_more_than_an_unreadable_file(lcbench: Lcbench, write_images: Write) -> None:
    write_images(Path("a"), {"normal": 1})
    shutil.copy("a/normal/000.png", "a/normal/copy.png")
    Path("a/normal/broken.png").write_bytes(b"")
    assert lcbench("audit", "a", "--fail-on-leak").exit_code == 1
    assert lcbench("audit", "a").exit_code == 3


def test_a_single_image_is_audited(lcbench: Lcbench) -> None:
    draw(0, "a/normal/only.png")
    result = lcbench("audit", "a", "--fail-on-leak")
    assert result.exit_code == 0, result.stderr
    assert sentences(result)[1:] == [
        "No image is an exact copy of another one.",
        "No image is a near copy of another one, and no fields of view overlap.",
        "All images carry one label.",
    ]
    assert group_column() == {"normal/only.png": "g00001"}


def test_images_of_too_little_structure_are_named(lcbench: Lcbench, write_images: Write) -> None:
    write_images(Path("a"), {"normal": 1})
    saved(np.full((SIDE, SIDE, 3), 200, np.uint8), Path("a/normal/empty.png"))
    result = lcbench("audit", "a")
    assert "normal/empty.png" in found()["incomparable"]
    assert any("too little structure" in line for line in sentences(result))
    assert "- normal/empty.png" in page().split("## Images of too little structure")[1]


# What cannot be audited


@pytest.mark.parametrize("out", ["a", "a/audit", "a/normal", "a/../a/x"])
def test_nothing_is_written_into_an_audited_folder(
    out: str, lcbench: Lcbench, write_images: Write
) -> None:
    write_images(Path("b"), {"normal": 1})
    write_images(Path("a"), {"normal": 1})
    before = written(".")
    require_one_message(
        lcbench("audit", "b", "a", "--out", out), f"--out {out}: inside the audited folder a",
        code=2,
    )  # fmt: skip
    assert written(".") == before


def test_an_existing_file_is_no_place_to_write(lcbench: Lcbench, write_images: Write) -> None:
    write_images(Path("a"), {"normal": 1})
    Path("file").touch()
    require_one_message(
        lcbench("audit", "a", "--out", "file"), "--out file: a file, not a folder", code=1
    )
    require_one_message(lcbench("audit", "a", "--out", "file/x"), "--out file/x", code=1)


@pytest.mark.parametrize(
    ("words", "said", "code"),
    [
        (("none",), "none: no such folder", 1),
        (("file",), "file: not a folder", 1),
        (("empty",), "empty: no images found", 1),
        (("a", "a/normal"), "one is in the other", 2),
        (("a", "--split", "none.csv"), "none.csv", 1),
        (("a", "--split", "odd.csv"), "odd.csv: needs the columns image and side", 1),
        (("a", "--groups", "none.csv"), "none.csv", 1),
        (("a", "--groups", "odd.csv"), "odd.csv: missing columns: group", 1),
        (("a", "--groups", "other.csv"), "none of its 1 images is in the data", 1),
        (("a", "--labels", "none.toml"), "none.toml", 1),
        ((), "Missing argument", 2),
    ],
)
def test_what_cannot_be_used_is_one_message_and_nothing_is_written(
    words: tuple[str, ...], said: str, code: int, lcbench: Lcbench, write_images: Write
) -> None:
    write_images(Path("a"), {"normal": 2})
    Path("file").touch()
    Path("empty").mkdir()
    Path("odd.csv").write_text("image,what\nx,y\n")
    Path("other.csv").write_text("image,group\nx.png,y\n")
    require_one_message(lcbench("audit", *words), said, code=code)
    assert not Path("audit").exists()


# Names from outside


HOSTILE = ["[red]a|b", "<b>bold", "`c` *d* _e_", "![x](y)", "$f$ $\\g"]


@pytest.fixture
def hostile(tmp_path: Path) -> list[str]:
    """Images, their copies and turned copies, named in Markdown, HTML and rich's mark-up."""
    names = []
    for seed, name in enumerate(HOSTILE):
        three = [f"{folder}/{name}.png" for folder in ("lung_n", "[bold]|<i>", "[red]|`")]
        for turns, one in enumerate(three):
            draw(seed, tmp_path / "data" / one, turns=turns // 2)
        names += three
    return names


def test_names_from_outside_stay_text(lcbench: Lcbench, hostile: list[str]) -> None:
    result = lcbench("audit", "data")
    assert result.exit_code == 0, result.stderr
    assert sorted(group_column()) == sorted(hostile)
    assert "[bold]|<i>" in result.stdout
    assert len(pd.read_csv("audit/pairs.csv")) == 2 * len(HOSTILE)
    html = PARSER.render(page())
    for mark in ("<b>", "<i>", "<em>", "<strong>", "<del>"):
        assert mark not in html
    assert set(re.findall(r'src="([^"]*)"', html)) <= set(written("audit"))
    assert set(re.findall(r'href="([^"]*)"', html)) <= set(written("audit"))
    text = re.sub(r"<[^>]*>", "", html)
    for name in HOSTILE:
        escaped = name.replace("<", "&lt;").replace(">", "&gt;")
        copy = f"[bold]|&lt;i&gt;/{escaped}.png and lung_n/{escaped}.png (same file)"
        assert copy in text, name


@pytest.mark.usefixtures("hostile")
def test_every_row_of_a_table_has_its_cells(lcbench: Lcbench) -> None:
    assert lcbench("audit", "data", "--no-pictures").exit_code == 0
    blocks = re.findall(r"(?:^\|.*\n)+", page(), re.MULTILINE)
    assert len(blocks) == 4
    for block in blocks:
        counts = {len(re.split(r"(?<!\\)\|", line)) for line in block.splitlines()}
        assert len(counts) == 1, block


def test_a_name_of_two_lines_does_not_break_a_sentence(
    lcbench: Lcbench, write_images: Write
) -> None:
    write_images(Path("a"), {"normal": 1})
    shutil.copy("a/normal/000.png", "a/normal/new\nline.png")
    result = lcbench("audit", "a")
    assert result.exit_code == 0
    assert group_column() == {"normal/000.png": "g00001", "normal/new\nline.png": "g00001"}
    assert "line.png)." not in result.stdout.splitlines()


# Real data


def test_copies_in_the_chest_ct_data_are_found(lcbench: Lcbench, shared_data: Path) -> None:
    folder = shared_data / "external" / "chest-ct"
    if not folder.is_dir():
        pytest.skip(f"real data not present at {folder}")
    result = lcbench("audit", folder, "--no-pictures")
    assert result.exit_code == 0, result.stderr
    said = sentences(result)
    assert sum(line.startswith("11 files are byte by byte a copy of another") for line in said) == 1
    assert said.count("No image stands under two labels, as itself or as a copy.") == 1
    pairs = pd.read_csv("audit/pairs.csv")
    copies = pairs[pairs["kind"] == "same file"]
    assert len(copies) == 11
    assert copies["second"].str.endswith(" - Copy (2).png").any()
    groups = group_column()
    assert all(groups[pair.first] == groups[pair.second] for pair in copies.itertuples())
