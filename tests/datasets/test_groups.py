import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lcbench.datasets.groups import assign_groups, read_groups, unnamed_words
from lcbench.errors import UserError


def manifest(*images, label="benign"):
    return pd.DataFrame({"image": list(images), "label": label})


def table(**groups):
    return pd.DataFrame({"image": list(groups), "group": list(groups.values())})


def csv(folder, text):
    path = folder / "groups.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


# reading


def test_groups_are_text_even_where_they_look_like_numbers(tmp_path):
    read = read_groups(csv(tmp_path, "group,image,note\n007,a.png,x\nNA,b.png,y\n"))
    assert dict(zip(read["image"], read["group"], strict=True)) == {"a.png": "007", "b.png": "NA"}


def test_images_without_a_group_are_passed_over(tmp_path):
    read = read_groups(csv(tmp_path, "image,group\na.png,\nb.png,1\nc.png\n"))
    assert read["image"].tolist() == ["b.png"]


def test_a_row_may_be_repeated(tmp_path):
    assert len(read_groups(csv(tmp_path, "image,group\na.png,1\na.png,1\n"))) == 1


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


# assigning


def test_whole_paths_are_compared_first():
    groups = pd.DataFrame({"image": ["a/1.png", "b/1.png"], "group": ["x", "y"]})
    column, source = assign_groups(manifest("b/1.png", "a/1.png"), groups, "groups.csv")
    assert column.tolist() == ["y", "x"]
    assert source == "groups.csv (2 images)"


@pytest.mark.parametrize(
    ("image", "named"),
    [("lung_aca/1.png", "1.png"), ("1.png", "lung_aca/1.png"), ("a/1.png", "/mnt/data/b/1.png")],
)
def test_file_names_are_compared_where_no_path_agrees(image, named):
    groups = pd.DataFrame({"image": [named], "group": ["x"]})
    column, _ = assign_groups(manifest(image), groups, "groups.csv")
    assert column.tolist() == ["x"]


@pytest.mark.parametrize(
    ("images", "named"),
    [
        (("a/1.png", "b/1.png"), ("c/1.png", "c/2.png")),
        (("a/1.png", "a/2.png"), ("c/1.png", "d/1.png")),
        (("a/1.png", "b/1.png"), ("c/1.png", "d/1.png")),
    ],
)
def test_file_names_that_stand_twice_are_not_guessed_at(images, named):
    groups = pd.DataFrame({"image": named, "group": ["x", "y"]})
    with pytest.raises(UserError, match=r"^g\.csv: none of its 2 images is in the data"):
        assign_groups(manifest(*images), groups, "g.csv")


def test_a_file_of_other_images_is_refused_with_an_example_of_each():
    with pytest.raises(UserError) as raised:
        assign_groups(manifest("a/1.png"), table(**{"b/2.png": "x"}), "groups.csv")
    assert "a/1.png" in raised.value.remedy
    assert "b/2.png" in raised.value.remedy


def test_an_empty_file_is_refused():
    with pytest.raises(UserError, match="none of its 0 images"):
        assign_groups(manifest("a/1.png"), table(), "groups.csv")


def test_images_that_the_file_does_not_name_are_groups_of_their_own_and_counted_by_class():
    data = pd.concat(
        [manifest("a/1.png", "a/2.png"), manifest("b/1.png", "b/2.png", "b/3.png", label="aca")]
    ).set_index(pd.Index([9, 8, 7, 6, 5]))
    groups = pd.DataFrame({"image": ["a/1.png", "a/2.png", "b/1.png"], "group": ["x", "x", "y"]})
    column, source = assign_groups(data, groups, "groups.csv")
    assert column.tolist()[:3] == ["x", "x", "y"]
    assert column.nunique() == 4
    assert column.index.tolist() == data.index.tolist()
    assert source == "groups.csv (3 images)"
    words = unnamed_words(data.assign(group=column))
    assert "2 images are not in that file (aca 2)" in words
    assert "leakage between them is not removed" in words
    assert unnamed_words(data.assign(group="x")) == ""


@given(st.dictionaries(st.from_regex(r"[a-c]/[0-9]\.png", fullmatch=True), st.sampled_from("xyz")))
def test_two_images_share_a_group_exactly_where_the_file_says_so(named):
    images = [f"{folder}/{number}.png" for folder in "abc" for number in range(10)]
    named["a/0.png"] = "x"
    column, _ = assign_groups(manifest(*images), table(**named), "groups.csv")
    for one, group in zip(images, column, strict=True):
        together = {other for other, theirs in zip(images, column, strict=True) if theirs == group}
        expected = {other for other in named if named[other] == named.get(one)} or {one}
        assert together == expected
