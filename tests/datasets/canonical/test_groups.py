"""Canonical groups are used for the images that they are of, in any layout, and for no other."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from lcbench.datasets.canonical import groups as canonical_groups
from lcbench.datasets.canonical.build import canonical_table, main, packed
from lcbench.datasets.canonical.groups import (
    CanonicalGroups,
    Recognition,
    lc25000_lung,
    read_canonical,
    recognise,
)
from lcbench.datasets.groups import read_groups
from lcbench.datasets.images import image_now
from lcbench.errors import UserError

from ...audit.builders import draw

GROUPS = {f"a/a{n}.png": f"g{n // 2}" for n in range(6)}


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Six images of three groups."""
    for number, image in enumerate(GROUPS):
        draw(number, tmp_path / "set" / image)
    return tmp_path / "set"


@pytest.fixture
def canonical(images: Path, monkeypatch: pytest.MonkeyPatch) -> CanonicalGroups:
    made = read_canonical(packed(canonical_table(images, GROUPS)), "drawn groups", 3)
    monkeypatch.setattr(canonical_groups, "lc25000_lung", lambda: made)
    return made


def look(folder: Path) -> Recognition | None:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    names = [path.relative_to(folder).as_posix() for path in paths]
    return recognise(names, [image_now(path) for path in paths])


def test_the_same_images_get_the_groups_of_the_file(
    images: Path, canonical: CanonicalGroups
) -> None:
    found = look(images)
    assert found is not None
    assert found.groups == ("a/a0.png", "a/a0.png", "a/a2.png", "a/a2.png", "a/a4.png", "a/a4.png")
    assert found.words == (
        f"drawn groups v3, sha256 {canonical.sha256[:16]} (all 6 images are here, recognised by "
        "name and content)"
    )


def test_layout_suffix_and_size_do_not_count(
    images: Path, canonical: CanonicalGroups, tmp_path: Path
) -> None:
    flat = tmp_path / "flat"
    flat.mkdir()
    for path in images.rglob("*.png"):
        Image.open(path).resize((90, 90)).save(flat / f"{path.stem.upper()}.JPG", quality=80)
    found = look(flat)
    assert found is not None
    assert found.groups == (look(images) or found).groups
    assert len(set(found.groups or ())) == 3
    assert found.canonical is canonical


@pytest.mark.usefixtures("canonical")
def test_a_part_keeps_its_groups_and_says_so(images: Path) -> None:
    (images / "a/a0.png").unlink()
    found = look(images)
    assert found is not None
    assert found.groups == ("a/a0.png", "a/a2.png", "a/a2.png", "a/a4.png", "a/a4.png")
    assert "(5 of its 6 images are here, recognised by name and content)" in found.words


def swap(folder: Path) -> None:
    shutil.move(folder / "a0.png", folder / "x.png")
    shutil.move(folder / "a3.png", folder / "a0.png")
    shutil.move(folder / "x.png", folder / "a3.png")


def edit(folder: Path) -> None:
    image = Image.open(folder / "a5.png")
    image.paste((255, 255, 255), (0, 0, image.width, image.height // 2))
    image.save(folder / "a5.png")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (swap, "2 of 6 images show something else than its images of that name (e.g. a/a0.png): "
               "renamed, swapped or edited"),
        (edit, "1 of 6 images show something else than its images of that name (e.g. a/a5.png)"),
        (lambda folder: draw(9, folder / "new.png"),
         "1 of 7 images are none of its images (e.g. a/new.png)"),
        (lambda folder: shutil.move(folder / "a2.png", folder / "b2.png"),
         "1 of 6 images are none of its images (e.g. a/b2.png)"),
    ],
)  # fmt: skip
def test_changed_images_are_told_apart(
    change: Callable[[Path], None], words: str, images: Path, canonical: CanonicalGroups
) -> None:
    change(images / "a")
    found = look(images)
    assert found is not None
    assert found.groups is None
    assert found.words.startswith(f"{canonical} not used: {words}")


@pytest.mark.usefixtures("canonical")
def test_images_that_are_called_otherwise_are_not_read(tmp_path: Path) -> None:
    draw(0, tmp_path / "other" / "image.png")
    file = image_now(tmp_path / "other" / "image.png")
    file.path.unlink()
    assert recognise(["image.png"], [file]) is None


def test_the_file_is_the_same_at_every_making(images: Path, tmp_path: Path) -> None:
    listed = tmp_path / "groups.csv"
    pd.Series(GROUPS, name="group").rename_axis("image").to_csv(listed)
    for name in ("one", "two"):
        main([str(images), str(listed), "--out", str(tmp_path / name)])
    content = (tmp_path / "one").read_bytes()
    assert content == (tmp_path / "two").read_bytes()
    assert content == packed(canonical_table(images, read_groups(listed)))
    assert read_canonical(content, "", 1).table["group"].nunique() == 3


def test_what_makes_no_file_is_said(images: Path) -> None:
    with pytest.raises(UserError, match=r"1 images have no group, e.g. a/a5.png"):
        canonical_table(images, {image: "g" for image in GROUPS if image != "a/a5.png"})
    draw(0, images / "b/a0.png")
    with pytest.raises(UserError, match="two images have one name"):
        canonical_table(images, {**GROUPS, "b/a0.png": "g"})


# The file of the package


def test_the_file_of_lc25000_is_whole() -> None:
    table = lc25000_lung().table
    folders = table["image"].str.split("/").str[0]
    assert folders.value_counts().to_dict() == {"lung_aca": 5000, "lung_n": 5000, "lung_scc": 5000}
    assert table["image"].is_monotonic_increasing
    assert (table["group"] == table.groupby("group")["image"].transform("min")).all()
    assert table["group"].nunique() == 701
    assert canonical_groups._FILE.stat().st_size < 200_000


def test_images_of_lc25000_are_recognised(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "lc25000-lung-224"
    if not folder.is_dir():
        pytest.skip(f"real data not present at {folder}")
    for number in range(1, 5000, 250):
        for kind in ("aca", "n", "scc"):
            path = folder / f"lung_{kind}" / f"lung{kind}{number}.jpeg"
            Image.open(path).resize((150, 150)).save(tmp_path / f"{path.stem}.jpg", quality=80)
    found = look(tmp_path)
    assert found is not None
    assert found.groups is not None
    assert "(60 of its 15,000 images are here" in found.words
