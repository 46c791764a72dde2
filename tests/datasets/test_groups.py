import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lcbench.datasets.groups import match_images, read_groups, read_units, unnamed_words
from lcbench.errors import UserError


def matched(images, groups, file="groups.csv"):
    return match_images([pd.Series(images)], groups, file)


def csv(folder, text):
    path = folder / "groups.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


# reading


def test_groups_are_text_even_where_they_look_like_numbers(tmp_path):
    read = read_groups(csv(tmp_path, "group,image,note\n007,a.png,x\nNA,b.png,y\n"))
    assert read == {"a.png": "007", "b.png": "NA"}


def test_images_without_a_group_are_passed_over(tmp_path):
    read = read_groups(csv(tmp_path, "image,group\na.png,\nb.png,1\nc.png\n"))
    assert read == {"b.png": "1"}


def test_a_row_may_be_repeated(tmp_path):
    assert read_groups(csv(tmp_path, "image,group\na.png,1\na.png,1\n")) == {"a.png": "1"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("image,group\na.png,1\nb.png,1\na.png,2\n", "a.png stands in two groups"),
        ("image\na.png\n", "missing columns: group"),
        ("file,tile\na.png,1\n", "missing columns: group, image"),
        ("", "not a readable CSV"),
        (b"image,group\n\xff\xfe,1\n", "not a readable CSV"),
        ('image,group\n"a.png,1\n', "not a readable CSV"),
    ],
)
def test_a_file_that_says_no_groups_is_refused_by_name_and_reason(tmp_path, text, words):
    path = csv(tmp_path, text)
    with pytest.raises(UserError) as raised:
        read_groups(path)
    assert str(path) in raised.value.message
    assert words in raised.value.message


@pytest.mark.parametrize(
    ("header", "column", "word"),
    [
        ("image,patient", "patient", "patient"),
        ("image,group,PatientID", "PatientID", "patient"),
        ("slide_id,image,note", "slide_id", "slide"),
        ("image,slide,Case No.", "Case No.", "case"),
        ("image,group", "group", "group"),
    ],
)
def test_the_coarsest_column_that_names_units_counts(tmp_path, header, column, word):
    columns = header.split(",")
    row = ",".join("./a//1.png" if name == "image" else f"{name} 1" for name in columns)
    units = read_units(csv(tmp_path, f"{header}\n{row}\n"))
    assert (units.column, units.word) == (column, word)
    assert units.of_images == {"a/1.png": f"{column} 1"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("image,tile\na.png,1\n", "needs the column image and one of patient"),
        ("patient\n1\n", "needs the column image"),
        ("image,patient\na.png,\n", "names no patient"),
        ("image,slide\na.png,1\na.png,2\n", "a.png stands in two slides"),
        ("image,slide\na.png,1\nb.png,NA\nc.png,NA\n", "b.png has the slide 'NA' .2 rows"),
    ],
)
def test_a_file_that_names_no_units_is_refused(tmp_path, text, words):
    with pytest.raises(UserError, match=words):
        read_units(csv(tmp_path, text))


# matching


def test_whole_paths_are_compared_first():
    groups = {"a/1.png": "x", "b/1.png": "y"}
    assert matched(["b/1.png", "a/1.png"], groups).tolist() == ["y", "x"]


@pytest.mark.parametrize(
    ("image", "named"),
    [("lung_aca/1.png", "1.png"), ("1.png", "lung_aca/1.png"), ("a/1.png", "/mnt/data/b/1.png")],
)
def test_file_names_are_compared_where_no_path_agrees(image, named):
    assert matched([image], {named: "x"}).tolist() == ["x"]


@pytest.mark.parametrize(
    ("images", "named"),
    [
        (("a/1.png", "b/1.png"), ("c/1.png", "c/2.png")),
        (("a/1.png", "a/2.png"), ("c/1.png", "d/1.png")),
        (("a/1.png", "b/1.png"), ("c/1.png", "d/1.png")),
    ],
)
def test_file_names_that_stand_twice_are_not_guessed_at(images, named):
    with pytest.raises(UserError, match=r"^g\.csv: none of its 2 images is in the data"):
        matched(images, dict.fromkeys(named, "x"), "g.csv")


def test_a_file_of_other_images_is_refused_with_an_example_of_each():
    with pytest.raises(UserError) as raised:
        matched(["a/1.png"], {"b/2.png": "x"})
    assert "a/1.png" in raised.value.remedy
    assert "b/2.png" in raised.value.remedy


def test_an_empty_file_is_refused():
    with pytest.raises(UserError, match="none of its 0 images"):
        matched(["a/1.png"], {})


@given(st.dictionaries(st.from_regex(r"[a-c]/[0-9]\.png", fullmatch=True), st.sampled_from("xyz")))
def test_each_image_has_the_group_that_the_file_says_and_the_others_none(named):
    images = [f"{folder}/{number}.png" for folder in "abc" for number in range(10)]
    named["a/0.png"] = "x"
    found = matched(images, named)
    assert found.set_axis(images).dropna().to_dict() == named


def test_images_that_the_file_does_not_name_are_counted_by_class():
    words = unnamed_words(pd.Series(["aca", "benign", "aca"]))
    assert "3 images are not in that file (aca 2, benign 1)" in words
    assert "leakage between them is not removed" in words
    assert unnamed_words(pd.Series([], dtype=object)) == ""
