"""Images of one folder or of several: names, sides, labels, and what cannot be used."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lcbench.audit.collection import collect
from lcbench.datasets.labels import LabelReader
from lcbench.errors import ExitCode, UserError
from lcbench.storage import file_sha256
from lcbench.taxonomy import Taxonomy

Write = Callable[..., None]


@pytest.fixture
def reader(lung: Taxonomy) -> LabelReader:
    return LabelReader(lung)


def test_one_folder_has_no_sides_and_short_names(
    tmp_path: Path, write_images: Write, reader: LabelReader
) -> None:
    write_images(tmp_path / "data", {"normal": 2, "lung_aca": 1})
    found = collect([tmp_path / "data"], reader)
    assert found.images["name"].tolist() == ["lung_aca/000.png", "normal/000.png", "normal/001.png"]
    assert set(found.images["side"]) == {""}
    assert found.divided_by == ""
    assert [folder.name for folder in found.folders] == ["data"]
    assert found.unreadable == ()


def test_several_folders_are_sides_and_prefix_the_names(
    tmp_path: Path, write_images: Write, reader: LabelReader
) -> None:
    write_images(tmp_path / "train", {"normal": 2})
    write_images(tmp_path / "test", {"normal": 1})
    found = collect([tmp_path / "train", tmp_path / "test"], reader)
    assert found.images["name"].tolist() == [
        "train/normal/000.png",
        "train/normal/001.png",
        "test/normal/000.png",
    ]
    assert found.images["side"].tolist() == ["train", "train", "test"]
    assert found.images["folder"].tolist() == [0, 0, 1]
    assert found.divided_by == "folders"


def test_images_know_their_files_and_hashes(
    tmp_path: Path, write_images: Write, reader: LabelReader
) -> None:
    write_images(tmp_path / "a", {"normal": 2})
    write_images(tmp_path / "b", {"x/lung_n": 1})
    found = collect([tmp_path / "a", tmp_path / "b"], reader)
    paths = [tmp_path / "a/normal/000.png", tmp_path / "a/normal/001.png"]
    other = tmp_path / "b/x/lung_n/000.png"
    assert [found.path(row) for row in range(3)] == [*paths, other]
    files = found.files()
    assert [one.paths for one in files] == [tuple(paths), (other,)]
    assert [one.sha256s for one in files] == [
        tuple(map(file_sha256, paths)),
        (file_sha256(other),),
    ]


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


def test_a_path_with_dots_is_called_by_the_folder_it_leads_to(
    tmp_path: Path, write_images: Write, reader: LabelReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_images(tmp_path / "data", {"normal": 1})
    monkeypatch.chdir(tmp_path / "data")
    (folder,) = collect([Path()], reader).folders
    assert (folder.name, folder.path) == ("data", Path())


def test_two_spellings_of_a_class_are_one_label_and_both_are_kept(
    tmp_path: Path, write_images: Write, reader: LabelReader
) -> None:
    write_images(tmp_path, {"lung_aca": 1, "adenocarcinoma": 1, "lung_n": 1})
    images = collect([tmp_path], reader).images
    assert images["given"].tolist() == ["adenocarcinoma", "lung_aca", "lung_n"]
    assert images["label"].nunique() == 2
    assert images["label"][0] == images["label"][1] == "adenocarcinoma"


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


def test_names_that_no_class_has_are_labels_too(
    tmp_path: Path, write_images: Write, reader: LabelReader
) -> None:
    write_images(tmp_path, {"Some_Thing": 1, "b/some thing": 1, "": 1})
    images = collect([tmp_path], reader).images
    assert images["given"].tolist() == ["", "Some_Thing", "some thing"]
    assert images["label"][1] == images["label"][2] != images["label"][0]


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
    assert found.path(2) == tmp_path / "test/normal/001.png"


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


@pytest.mark.parametrize(
    ("name", "said"), [("none", "no such folder"), ("empty", "no images"), ("file", "not a folder")]
)
def test_what_is_no_folder_of_images_is_named(
    name: str, said: str, tmp_path: Path, write_images: Write, reader: LabelReader
) -> None:
    write_images(tmp_path / "good", {"normal": 1})
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty/notes.txt").write_text("no image")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UserError, match=said) as caught:
        collect([tmp_path / "good", tmp_path / name], reader)
    assert str(tmp_path / name) in caught.value.message
    assert caught.value.code == ExitCode.FAILED


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


def test_folders_whose_names_begin_alike_are_beside_each_other(
    tmp_path: Path, write_images: Write, reader: LabelReader
) -> None:
    for name in ("data", "data2"):
        write_images(tmp_path / name, {"normal": 1})
    assert len(collect([tmp_path / "data", tmp_path / "data2"], reader).images) == 2
