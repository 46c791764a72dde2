"""Sides from a CSV file: how its paths are matched, and what it may not say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lcbench.audit.collection import Collection, collect
from lcbench.audit.splits import SIDE_NAMES, divide
from lcbench.datasets.labels import LabelReader
from lcbench.errors import UserError
from lcbench.taxonomy import Taxonomy

Write = Callable[..., None]


@pytest.fixture
def one(tmp_path: Path, write_images: Write, lung: Taxonomy) -> Collection:
    """A folder called data, with images of equal names in two subfolders."""
    write_images(tmp_path / "data", {"normal": 2, "lung_aca": 2})
    return collect([tmp_path / "data"], LabelReader(lung))


@pytest.fixture
def two(tmp_path: Path, write_images: Write, lung: Taxonomy) -> Collection:
    """Two folders that hold images of the same names."""
    write_images(tmp_path / "a", {"normal": 2})
    write_images(tmp_path / "b", {"normal": 2})
    return collect([tmp_path / "a", tmp_path / "b"], LabelReader(lung))


@pytest.fixture
def split(tmp_path: Path) -> Callable[..., Path]:
    """Write a CSV file: split("normal/000.png,train", ..., columns="image,side")."""

    def write(*lines: str, columns: str = "image,side") -> Path:
        file = tmp_path / "split.csv"
        file.write_text("\n".join([columns, *lines]) + "\n")
        return file

    return write


def sides(collection: Collection) -> dict[str, str]:
    images = collection.images
    return dict(zip(images["name"], images["side"], strict=True))


@pytest.mark.parametrize("column", SIDE_NAMES)
def test_any_usual_name_of_the_column_will_do(
    column: str, one: Collection, split: Callable[..., Path]
) -> None:
    file = split("7,normal/000.png,train", "7,normal/001.png,test", columns=f"n,image,{column}")
    divided = divide(one, file)
    assert sides(divided) == {
        "lung_aca/000.png": "",
        "lung_aca/001.png": "",
        "normal/000.png": "train",
        "normal/001.png": "test",
    }
    assert divided.divided_by == "the split split.csv"


def test_the_word_side_goes_before_the_others(one: Collection, split: Callable[..., Path]) -> None:
    file = split("1,normal/000.png,train", columns="fold,image,side")
    assert sides(divide(one, file))["normal/000.png"] == "train"


def test_paths_may_have_the_folders_name_in_front(
    two: Collection, split: Callable[..., Path]
) -> None:
    divided = divide(two, split("a/normal/000.png,train", "b/normal/000.png,test"))
    assert sides(divided) == {
        "a/normal/000.png": "train",
        "a/normal/001.png": "",
        "b/normal/000.png": "test",
        "b/normal/001.png": "",
    }


def test_the_name_of_a_single_folder_may_stand_in_front_too(
    one: Collection, split: Callable[..., Path]
) -> None:
    divided = divide(one, split("data/normal/000.png,train", "data/lung_aca/000.png,test"))
    assert sides(divided)["normal/000.png"] == "train"
    assert sides(divided)["lung_aca/000.png"] == "test"


def test_a_split_replaces_the_sides_that_folders_are(
    two: Collection, split: Callable[..., Path]
) -> None:
    """A path that is relative to its folder stands for the image of either folder."""
    divided = divide(two, split("normal/000.png,train", "b/normal/001.png,test"))
    assert sides(divided) == {
        "a/normal/000.png": "train",
        "a/normal/001.png": "",
        "b/normal/000.png": "train",
        "b/normal/001.png": "test",
    }


def test_paths_are_compared_without_dots(one: Collection, split: Callable[..., Path]) -> None:
    divided = divide(one, split("./normal//000.png,train"))
    assert sides(divided)["normal/000.png"] == "train"


def test_file_names_are_enough_where_they_are_unique(
    tmp_path: Path, write_images: Write, lung: Taxonomy, split: Callable[..., Path]
) -> None:
    write_images(tmp_path / "data", {"normal": 2})
    found = collect([tmp_path / "data"], LabelReader(lung))
    divided = divide(found, split("000.png,train", "elsewhere/001.png,test"))
    assert list(sides(divided).values()) == ["train", "test"]
    with pytest.raises(UserError, match="none of its 2 images"):
        divide(found, split("x/000.png,train", "y/000.png,test"))


def test_file_names_that_stand_twice_in_the_folder_match_nothing(
    one: Collection, split: Callable[..., Path]
) -> None:
    with pytest.raises(UserError, match="none of its 1 images is in the folders") as caught:
        divide(one, split("000.png,train"))
    assert "000.png" in caught.value.remedy
    assert "lung_aca/000.png" in caught.value.remedy


def test_an_image_on_two_sides_is_refused(one: Collection, split: Callable[..., Path]) -> None:
    again = split("normal/000.png,train", "normal/000.png,train")
    assert sides(divide(one, again))["normal/000.png"] == "train"
    with pytest.raises(UserError, match=r"normal/000\.png stands on two sides"):
        divide(one, split("normal/000.png,train", "normal/000.png,test"))


def test_an_image_on_two_sides_is_refused_in_two_spellings_too(
    one: Collection, split: Callable[..., Path]
) -> None:
    with pytest.raises(UserError, match=r"normal/000\.png stands on two sides"):
        divide(one, split("normal/000.png,train", "./normal/000.png,test"))


@pytest.mark.parametrize(
    "text", ["", "image\nx.png\n", "side\ntrain\n", "name,side\nx.png,train\n", 'image,side\n"x']
)
def test_a_file_that_is_no_split_is_refused_by_name(
    text: str, one: Collection, tmp_path: Path
) -> None:
    file = tmp_path / "odd.csv"
    file.write_text(text)
    with pytest.raises(UserError, match=r"odd\.csv: (needs the columns|not a readable)"):
        divide(one, file)


def test_a_file_that_is_no_text_is_refused_by_name(one: Collection, tmp_path: Path) -> None:
    file = tmp_path / "odd.csv"
    file.write_bytes(b"image,side\n\xff\xfe\xff,train\n")
    with pytest.raises(UserError, match=r"odd\.csv: not a readable CSV"):
        divide(one, file)


def test_a_file_without_lines_names_nothing(one: Collection, split: Callable[..., Path]) -> None:
    with pytest.raises(UserError, match="none of its 0 images"):
        divide(one, split())
