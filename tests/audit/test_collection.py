"""Images of one folder or of several: names, labels, the sides of folders and of split files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lcbench.audit.collection import SIDE_NAMES, Collection, collect, divide
from lcbench.datasets.images import ImageFile
from lcbench.datasets.labels import LabelReader
from lcbench.errors import ExitCode, UserError
from lcbench.storage.hashes import file_sha256
from lcbench.taxonomy import Taxonomy

Write = Callable[..., None]
Split = Callable[..., Path]
A0, A1, B0, B1 = (f"{folder}/normal/00{number}.png" for folder in "ab" for number in "01")


@pytest.fixture
def reader(lung: Taxonomy) -> LabelReader:
    return LabelReader(lung)


def test_one_folder_has_no_sides_and_short_names(
    tmp_path: Path, write_images: Write, reader: LabelReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_images(tmp_path / "data", {"normal": 2, "lung_aca": 1})
    monkeypatch.chdir(tmp_path / "data")
    for path in (tmp_path / "data", Path()):
        found = collect([path], reader)
        assert found.images["name"].tolist() == [
            "lung_aca/000.png", "normal/000.png", "normal/001.png",
        ]  # fmt: skip
        assert set(found.images["side"]) == {""}
        assert [(folder.name, folder.path) for folder in found.folders] == [("data", path)]
        assert found.unreadable == ()


def test_several_folders_are_sides_whose_images_know_their_files(
    tmp_path: Path, write_images: Write, reader: LabelReader
) -> None:
    write_images(tmp_path / "a", {"normal": 2})
    write_images(tmp_path / "b", {"x/lung_n": 1})
    found = collect([tmp_path / "a", tmp_path / "b"], reader)
    assert found.images["name"].tolist() == [A0, A1, "b/x/lung_n/000.png"]
    assert found.images["side"].tolist() == ["a", "a", "b"]
    assert found.images["folder"].tolist() == [0, 0, 1]
    paths = [tmp_path / "a/normal/000.png", tmp_path / "a/normal/001.png"]
    other = tmp_path / "b/x/lung_n/000.png"
    one, two, three = (ImageFile(path, file_sha256(path)) for path in (*paths, other))
    assert found.files() == [[one, two], [three]]
    assert found.by_name() == {A0: one, A1: two, "b/x/lung_n/000.png": three}


def test_folders_of_one_name_get_longer_names(
    tmp_path: Path, write_images: Write, reader: LabelReader
) -> None:
    folders = [tmp_path / "one/data/train", tmp_path / "two/data/train", tmp_path / "other"]
    for folder in folders:
        write_images(folder, {"normal": 1})
    found = collect(folders, reader)
    names = [folder.name for folder in found.folders]
    assert names[:2] == ["one/data/train", "two/data/train"]
    assert names[2].endswith("other")
    assert found.images["side"].tolist() == names
    assert found.images["name"].tolist() == [f"{name}/normal/000.png" for name in names]


@pytest.mark.parametrize(
    ("folders", "given", "labels"),
    [
        (
            ["adenocarcinoma", "lung_aca", "lung_n"],
            ["adenocarcinoma", "lung_aca", "lung_n"],
            ["adenocarcinoma", "adenocarcinoma", "benign"],
        ),
        (["", "Some_Thing", "b/some thing"], ["", "Some_Thing", "some thing"], ["", "x", "x"]),
    ],
)
def test_two_spellings_are_one_label_whether_a_class_has_the_name_or_not(
    folders: list[str], given: list[str], labels: list[str], tmp_path: Path, write_images: Write,
    reader: LabelReader,
) -> None:  # fmt: skip
    write_images(tmp_path, dict.fromkeys(folders, 1))
    images = collect([tmp_path], reader).images
    assert images["given"].tolist() == given
    found = images["label"].tolist()
    assert [found.index(one) for one in found] == [labels.index(one) for one in labels]


def test_the_nearest_known_folder_labels_an_image(
    tmp_path: Path, write_images: Write, reader: LabelReader
) -> None:
    write_images(tmp_path, {"train/lung_scc/patient 7/slide 2": 1, "normal/lung_aca": 1})
    images = collect([tmp_path], reader).images
    assert images["image"].tolist() == [
        "normal/lung_aca/000.png",
        "train/lung_scc/patient 7/slide 2/000.png",
    ]
    assert images["given"].tolist() == ["lung_aca", "lung_scc"]


def test_unreadable_files_are_named_and_left_out(
    tmp_path: Path, write_images: Write, reader: LabelReader
) -> None:
    for name in ("train", "test"):
        write_images(tmp_path / name, {"normal": 2})
    (tmp_path / "test/normal/000.png").write_bytes(b"")
    (tmp_path / "test/normal/broken.jpg").write_bytes(b"no image")
    found = collect([tmp_path / "train", tmp_path / "test"], reader)
    assert found.unreadable == (
        "test/normal/000.png: empty file",
        "test/normal/broken.jpg: not an image of a known format",
    )
    assert len(found.images) == 3
    assert found.images.index.tolist() == [0, 1, 2]
    assert found.files()[1][0].path == tmp_path / "test/normal/001.png"


def test_a_folder_without_any_readable_image_is_refused(
    tmp_path: Path, write_images: Write, reader: LabelReader
) -> None:
    write_images(tmp_path / "train", {"normal": 1})
    (tmp_path / "test").mkdir()
    for name in "ab":
        (tmp_path / "test" / f"{name}.png").write_bytes(b"")
    with pytest.raises(UserError, match="none of its 2 images can be read") as caught:
        collect([tmp_path / "train", tmp_path / "test"], reader)
    assert str(tmp_path / "test") in caught.value.message


@pytest.mark.parametrize("inner", [".", "normal", "x/../normal", "link"])
@pytest.mark.parametrize("turned", [False, True])
def test_a_folder_inside_another_is_wrong_usage(
    inner: str, turned: bool, tmp_path: Path, write_images: Write, reader: LabelReader
) -> None:
    write_images(tmp_path, {"normal": 1, "x": 1})
    (tmp_path / "link").symlink_to(tmp_path / "normal")
    folders = [tmp_path, tmp_path / inner]
    with pytest.raises(UserError, match="one is in the other") as caught:
        collect(folders[::-1] if turned else folders, reader)
    assert caught.value.code == ExitCode.WRONG_USAGE
    assert str(tmp_path / inner) in caught.value.message
    beside = tmp_path.with_name(f"{tmp_path.name}2")  # begins alike and is no part
    write_images(beside, {"normal": 1})
    assert len(collect([tmp_path / "normal", beside], reader).images) == 2


# Sides from a CSV file


@pytest.fixture
def one(tmp_path: Path, write_images: Write, reader: LabelReader) -> Collection:
    """A folder called data, with images of equal names in two subfolders."""
    write_images(tmp_path / "data", {"normal": 2, "lung_aca": 2})
    return collect([tmp_path / "data"], reader)


@pytest.fixture
def two(tmp_path: Path, write_images: Write, reader: LabelReader) -> Collection:
    """Two folders that hold images of the same names."""
    write_images(tmp_path / "a", {"normal": 2})
    write_images(tmp_path / "b", {"normal": 2})
    return collect([tmp_path / "a", tmp_path / "b"], reader)


@pytest.fixture
def split(tmp_path: Path) -> Split:
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
def test_any_usual_name_of_the_column_will_do(column: str, one: Collection, split: Split) -> None:
    lines = "7,normal/000.png,train", "7,data/normal/001.png,test"
    file = split(*lines, columns=f"n,image,{column}")
    divided = divide(one, file)
    assert sides(divided) == {
        "lung_aca/000.png": "",
        "lung_aca/001.png": "",
        "normal/000.png": "train",
        "normal/001.png": "test",
    }
    assert divided.split == "split.csv"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([f"{A0},train", f"{B0},test"], {A0: "train", A1: "", B0: "test", B1: ""}),
        (
            ["normal/000.png,train", f"{B1},test"],  # relative: the image of either folder
            {A0: "train", A1: "", B0: "train", B1: "test"},
        ),
        (["./a//normal/000.png,train"], {A0: "train", A1: "", B0: "", B1: ""}),
    ],
)
def test_paths_begin_with_the_folder_or_in_it(
    lines: list[str], expected: dict[str, str], two: Collection, split: Split
) -> None:
    assert sides(divide(two, split(*lines))) == expected


def test_file_names_are_enough_where_they_are_unique(
    tmp_path: Path, write_images: Write, reader: LabelReader, split: Split
) -> None:
    write_images(tmp_path / "data", {"normal": 2})
    found = collect([tmp_path / "data"], reader)
    divided = divide(found, split("000.png,train", "elsewhere/001.png,test"))
    assert list(sides(divided).values()) == ["train", "test"]
    with pytest.raises(UserError, match="none of its 2 images is in the data") as caught:
        divide(found, split("x/000.png,train", "y/000.png,test"))
    assert "x/000.png" in caught.value.remedy
    assert "normal/000.png" in caught.value.remedy


def test_an_image_on_two_sides_is_refused(one: Collection, split: Split) -> None:
    again = split("normal/000.png,train", "normal/000.png,train")
    assert sides(divide(one, again))["normal/000.png"] == "train"
    for spelling in ("", "./"):
        with pytest.raises(UserError, match=r"normal/000\.png stands on two sides"):
            divide(one, split("normal/000.png,train", f"{spelling}normal/000.png,test"))


@pytest.mark.parametrize(
    "text",
    [b"", b"image\nx.png\n", b"side\ntrain\n", b"name,side\nx.png,train\n", b'image,side\n"x',
     b"image,side\n\xff\xfe\xff,train\n"],
)  # fmt: skip
def test_a_file_that_is_no_split_is_refused_by_name(
    text: bytes, one: Collection, tmp_path: Path
) -> None:
    file = tmp_path / "odd.csv"
    file.write_bytes(text)
    with pytest.raises(UserError, match=r"odd\.csv: (needs the columns|not a readable)"):
        divide(one, file)
