"""What names of files say: patterns that are typed, and patterns that messages suggest."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lcbench.datasets.labels import LabelReader
from lcbench.datasets.patterns import image_pattern, label_pattern_for, require_found
from lcbench.errors import UserError
from lcbench.taxonomy import load_taxonomy

READ = LabelReader(load_taxonomy()).read


@pytest.mark.parametrize(
    ("text", "image", "found", "name"),
    [
        (r"(P\d+)_", "scc/P17_3.png", "P17", ""),
        (r"(?P<slide_no>[^/]+)/[^/]+$", "scc/S 1/3.png", "S 1", "slide no"),
        (r"(?:a|b)(\d)?", "a/x.png", "", ""),
        ("(x)", "y.png", "", ""),
    ],
)
def test_a_pattern_finds_what_its_one_group_holds(text, image, found, name):
    pattern = image_pattern("--group-pattern", text)
    assert (pattern.find(image), pattern.name) == (found, name)


@pytest.mark.parametrize(
    ("text", "words"), [("(", "no regular expression"), ("a", "0 groups"), ("(a)(b)", "2 groups")]
)
def test_what_is_no_pattern_of_one_group_is_refused_with_an_example(text, words):
    with pytest.raises(UserError, match=words) as raised:
        image_pattern("--group-pattern", text)
    assert f"--group-pattern '{text}'" in raised.value.message
    assert raised.value.remedy


def test_a_pattern_that_finds_nothing_is_refused_with_names_that_it_was_searched_in():
    pattern = image_pattern("--group-pattern", "(x)")
    with pytest.raises(UserError, match="finds nothing in any of 2 images") as raised:
        require_found(pattern, ["a/1.png", "a/2.png"], "Perhaps not.")
    assert "a/1.png" in raised.value.remedy
    assert raised.value.remedy.endswith("Perhaps not.")
    require_found(pattern, ["a/1.png", "x.png"])


@pytest.mark.parametrize(
    ("names", "labels"),
    [
        (["lung_aca___lungaca25_110.jpeg", "lung_n___lungn4.jpeg"], ["lung_aca", "lung_n"]),
        (["lungaca25.jpeg", "lungscc1.jpeg"], ["lungaca", "lungscc"]),
        (["P17_adeno_001.png", "P2_normal_1.png"], ["adeno", "normal"]),
        (["001_normal.png", "002_scc.png"], ["normal", "scc"]),
        (["Bengin case (1).jpg", "Malignant case (2).jpg"], ["Bengin case", "Malignant case"]),
        (["OSCC_1.png", "OSCC_2.png", "CT_1.png", "CT_2.png"], ["OSCC", "OSCC", "CT", "CT"]),
    ],
)  # fmt: skip
def test_a_pattern_is_found_that_works_on_the_names_seen(names, labels):
    text = label_pattern_for(names, READ)
    assert [image_pattern("", text).find(name) for name in names] == labels


@pytest.mark.parametrize("names", [[], ["IMG_001.png", "IMG_002.png"], ["a.png"]])
def test_where_names_say_nothing_no_pattern_is_suggested(names):
    assert label_pattern_for(names, READ) == ""


@given(
    st.sampled_from(["lung_aca", "normal", "LUAD", "scc"]),
    st.sampled_from(["___", "_", "-", " ", ""]),
    st.lists(st.integers(0, 999), min_size=1, max_size=5),
)
def test_any_known_label_before_a_number_is_found(label, between, numbers):
    names = [f"{label}{between}{number}.png" for number in numbers]
    text = label_pattern_for(names, READ)
    assert {READ(image_pattern("", text).find(name)) for name in names} == {READ(label)}
