import os
import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from lcbench.datasets import listing
from lcbench.datasets.labels import LEAVE_OUT, LabelReader
from lcbench.datasets.listing import (
    COLUMNS,
    decode_all,
    list_images,
    manifest_hash,
    require_known_labels,
)
from lcbench.datasets.patterns import image_pattern
from lcbench.errors import UserError
from lcbench.taxonomy import load_taxonomy

READER = LabelReader(load_taxonomy(), {"sheep": LEAVE_OUT})


def touch(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def reverse_the_disk(monkeypatch):
    """Let folders and files come in the reverse of the alphabet."""
    genuine = os.walk

    def reversed_walk(*args, **options):
        for folder, subfolders, files in genuine(*args, **options):
            subfolders.sort(reverse=True)
            yield folder, subfolders, sorted(files, reverse=True)

    monkeypatch.setattr(listing.os, "walk", reversed_walk)


def found(source):
    rows = list_images(source, READER).rows
    return dict(zip(rows["image"], rows["label"], strict=True))


def hash_of(source):
    return manifest_hash(decode_all(list_images(source, READER)))


# folders


def test_images_are_found_in_nested_folders_and_named_by_the_nearest_class(tmp_path):
    touch(tmp_path, "train/lung_n/1.png", "test/lung_n/1.png", "malignant/LUAD/patient 1/2.JPEG")
    assert found(tmp_path) == {
        "malignant/LUAD/patient 1/2.JPEG": "adenocarcinoma",
        "test/lung_n/1.png": "benign",
        "train/lung_n/1.png": "benign",
    }


def test_hidden_things_archives_leftovers_and_other_files_are_passed_over(tmp_path):
    touch(
        tmp_path,
        "normal/.hidden.png",
        "normal/._1.png",
        "normal/.cache/1.png",
        ".git/normal/1.png",
        "__MACOSX/normal/1.png",
        "normal/notes.txt",
        "normal/Thumbs.db",
        "normal/png",
        "normal/1.png.bak",
        "groups.csv",
        "normal/1.PNG",
        "normal/folder.png/2.tiff",
    )
    assert list(found(tmp_path)) == ["normal/1.PNG", "normal/folder.png/2.tiff"]


def test_a_file_name_that_is_no_text_is_refused_by_name(tmp_path):
    touch(tmp_path, "normal/1.png")
    try:
        (tmp_path / "normal" / os.fsdecode(b"gr\xfcn.png")).touch()
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    with pytest.raises(UserError, match=r"gr.+n\.png: the name is not valid UTF-8"):
        list_images(tmp_path, READER)


@pytest.mark.parametrize("reverse", [False, True])
def test_linked_folders_are_followed_once_and_loops_end(tmp_path, monkeypatch, reverse):
    if reverse:
        reverse_the_disk(monkeypatch)
    data, elsewhere = tmp_path / "data", tmp_path / "elsewhere"
    touch(elsewhere, "1.png", "deep/2.png")
    touch(data, "aca/3.png")
    (data / "lung_n").symlink_to(elsewhere)
    (data / "scc").symlink_to(elsewhere)
    (data / "aca" / "up").symlink_to(data)
    (elsewhere / "deep" / "up").symlink_to(elsewhere)
    assert found(data) == {
        "aca/3.png": "adenocarcinoma",
        "lung_n/1.png": "benign",
        "lung_n/deep/2.png": "benign",
    }


def test_linked_files_are_images_and_a_broken_link_is_a_problem(tmp_path, write_images):
    write_images(tmp_path / "elsewhere", {"x": 1})
    (tmp_path / "data" / "aca").mkdir(parents=True)
    (tmp_path / "data" / "aca" / "a.png").symlink_to(tmp_path / "elsewhere" / "x" / "000.png")
    (tmp_path / "data" / "aca" / "b.png").symlink_to(tmp_path / "nothing.png")
    problems = decode_all(list_images(tmp_path / "data", READER))["problem"].tolist()
    assert problems[0] == ""
    assert "No such file" in problems[1]


def test_the_order_is_that_of_names_and_not_of_the_disk(tmp_path, write_images, monkeypatch):
    write_images(tmp_path, {"scc": 3, "aca": 3, "normal": 12})
    before = list_images(tmp_path, READER).rows
    sha256 = hash_of(tmp_path)
    reverse_the_disk(monkeypatch)
    pd.testing.assert_frame_equal(list_images(tmp_path, READER).rows, before)
    assert before["image"].tolist() == sorted(before["image"])
    assert hash_of(tmp_path) == sha256


def test_labels_are_found_in_names_where_a_pattern_says_how(tmp_path):
    touch(tmp_path, "lung_aca___1.png", "normal/lung_scc___2.png", "3.png")
    listing = list_images(tmp_path, READER, image_pattern("--label-pattern", "([^/]+?)___"))
    assert listing.rows["label"].tolist() == ["adenocarcinoma", "squamous_cell_carcinoma"]
    assert listing.unknown == {"": 1}
    with pytest.raises(UserError, match="finds nothing in any of 3 images") as raised:
        list_images(tmp_path, READER, image_pattern("--label-pattern", "(q)"))
    assert "Perhaps: --label-pattern '" in raised.value.remedy


def test_without_labels_every_image_is_of_none(tmp_path):
    touch(tmp_path, "normal/1.png", "0.png")
    listing = list_images(tmp_path, READER, unlabelled=True)
    assert listing.rows.empty
    assert listing.unknown_rows.to_dict("list") == {
        "image": ["0.png", "normal/1.png"], "given": ["", ""], "label": ["", ""], "group": ["", ""],
    }  # fmt: skip
    (tmp_path / "list.csv").write_text("image\n0.png\n")
    assert list_images(tmp_path / "list.csv", READER, unlabelled=True).unknown == {"": 1}


def test_unknown_names_are_counted_and_those_left_out_too(tmp_path):
    touch(tmp_path, "normal/1.png", "colon_n/1.png", "colon_n/2.png", "sheep/1.png", "0.png")
    listing = list_images(tmp_path, READER)
    assert listing.unknown == {"colon_n": 2, "": 1}
    assert listing.left_out == {"sheep": 1}
    assert listing.rows["image"].tolist() == ["normal/1.png"]
    with pytest.raises(UserError) as raised:
        require_known_labels(tmp_path, listing, READER)
    text = str(raised.value)
    assert str(tmp_path) in text
    assert "colon_n: 2 images" in text
    assert "(directly in the folder): 1 images" in text
    assert "squamous_cell_carcinoma" in text
    assert "--labels" in text
    assert "[labels]" in text


def refused(source):
    with pytest.raises(UserError) as raised:
        list_images(source, READER)
    assert str(source) in raised.value.message
    return raised.value


def test_sources_that_hold_no_image_are_refused_in_words(tmp_path):
    assert "no images found" in refused(tmp_path).message
    touch(tmp_path, "normal/notes.txt", "list.txt")
    assert "no images found" in refused(tmp_path).message
    assert "neither a folder nor a .csv" in refused(tmp_path / "list.txt").message
    assert "no such file or folder" in refused(tmp_path / "absent").message
    assert "no such file or folder" in refused(tmp_path / "absent.csv").message


def test_a_folder_that_may_not_be_entered_is_an_error_that_names_it(tmp_path, monkeypatch):
    touch(tmp_path, "normal/1.png", "aca/1.png")
    genuine = os.scandir

    def scandir(path):
        if os.fspath(path).endswith("normal"):
            raise PermissionError(13, "Permission denied", os.fspath(path))
        return genuine(path)

    monkeypatch.setattr(os, "scandir", scandir)
    error = refused(tmp_path)
    assert str(tmp_path / "normal") in error.message
    assert "permission" in error.remedy


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_a_problem_and_a_folder_an_error(tmp_path, write_images):
    write_images(tmp_path, {"normal": 2})
    (tmp_path / "normal" / "000.png").chmod(0)
    problems = decode_all(list_images(tmp_path, READER))["problem"].tolist()
    assert problems == ["Permission denied", ""]
    (tmp_path / "normal").chmod(0)
    try:
        refused(tmp_path)
    finally:
        (tmp_path / "normal").chmod(0o755)


# decoding and the hash


def test_a_manifest_tells_what_each_file_holds(tmp_path):
    touch(tmp_path, "scc/empty.png", "normal/text.jpg")
    (tmp_path / "normal" / "text.jpg").write_text("no image")
    (tmp_path / "aca").mkdir()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("L", (5, 3)).save(tmp_path / "aca" / "turned.png", exif=exif)
    Image.new("RGBA", (2, 4)).save(tmp_path / "aca" / "clear.png")
    advanced = []
    made = decode_all(list_images(tmp_path, READER), advanced.append)
    assert tuple(made.columns) == COLUMNS
    assert sum(advanced) == len(made) == 4
    facts = made.set_index("image")[["width", "height", "mode"]].T.to_dict("list")
    assert facts["aca/turned.png"] == [3, 5, "L"]  # as it is seen, turned upright
    assert facts["aca/clear.png"] == [2, 4, "RGBA"]
    problems = made.set_index("image")["problem"]
    assert problems["aca/clear.png"] == ""
    assert problems["scc/empty.png"] == "empty file"
    assert problems["normal/text.jpg"] == "not an image of a known format"


def test_the_hash_is_that_of_contents_names_and_labels(tmp_path, write_images):
    one, two = tmp_path / "one", tmp_path / "two"
    write_images(one, {"normal": 3, "aca": 3})
    write_images(two, {"aca": 3, "normal": 3})  # the random pixels differ
    assert hash_of(one) != hash_of(two)
    shutil.rmtree(two)
    shutil.copytree(one, two)
    assert hash_of(one) == hash_of(two)

    pixels = np.asarray(Image.open(one / "aca" / "001.png")).copy()
    pixels[0, 0, 0] ^= 1
    Image.fromarray(pixels).save(two / "aca" / "001.png")
    one_pixel = hash_of(two)
    (two / "aca" / "001.png").rename(two / "aca" / "9.png")
    renamed = hash_of(two)
    (two / "aca").rename(two / "LUAD")
    folder_renamed = hash_of(two)
    (two / "LUAD" / "9.png").unlink()
    removed = hash_of(two)
    assert len({hash_of(one), one_pixel, renamed, folder_renamed, removed}) == 5
