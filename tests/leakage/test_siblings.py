from pathlib import Path

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from lcbench.datasets.dataset import Dataset
from lcbench.datasets.groups import ALONE, assign_groups
from lcbench.leakage.siblings import count_siblings
from lcbench.protocols import SIDES, Split

rows = st.lists(
    st.tuples(st.sampled_from(SIDES), st.sampled_from([*"abcd", "alone:1", "alone:2"])), max_size=20
)


def split_of(sides):
    images = tuple(f"{number}.png" for number in range(len(sides)))
    return Split("paper", 0, 0, np.array(sides, dtype="<U10"), images)


def dataset_of(groups, source="known"):
    manifest = pd.DataFrame({"group": pd.Series(groups, dtype=object)})
    return Dataset("data", Path(), manifest, source, (), synthetic=False, sha256="")


@given(rows)
def test_siblings_are_counted_as_one_would_by_hand(rows):
    counted = count_siblings(split_of([s for s, _ in rows]), dataset_of([g for _, g in rows]))
    train = [group for side, group in rows if side == "train"]
    tested = [group for side, group in rows if side == "test"]
    test = [group for group in tested if not group.startswith("alone:")]
    assert counted is not None
    assert counted.test_images_of_unknown_source == len(tested) - len(test)
    assert counted.test_images == len(test)
    assert counted.test_images_with_siblings == sum(group in train for group in test)
    assert counted.test_groups == len(set(test))
    assert counted.test_groups_in_train == len(set(test) & set(train))


def test_a_sibling_in_validation_is_none_in_training():
    counted = count_siblings(split_of(["validation", "test"]), dataset_of(["a", "a"]))
    assert counted is not None
    assert counted.test_images_with_siblings == counted.test_groups_in_train == 0


def test_where_groups_are_unknown_nothing_is_counted():
    assert count_siblings(split_of(["train", "test"]), dataset_of(["", ""], source="")) is None


def test_the_count_is_said_in_words():
    sides = ["train", "train", "test", "test", "test", "test"]
    words = str(count_siblings(split_of(sides), dataset_of(["a", "b", "a", "a", "c", "d"])))
    assert "1 of 3 source groups" in words
    assert "2 of 4 test images" in words
    assert "unknown" not in words


def test_images_that_a_groups_file_does_not_name_are_not_counted_as_without_siblings():
    data = pd.DataFrame({"image": [f"{number}.png" for number in range(4)], "label": "benign"})
    known = pd.DataFrame({"image": ["0.png", "1.png"], "group": ["a", "a"]})
    groups, _ = assign_groups(data, known, "groups.csv")
    counted = count_siblings(split_of(["train", "test", "test", "train"]), dataset_of(groups))
    assert counted is not None
    assert (counted.test_images, counted.test_images_with_siblings) == (1, 1)
    assert "1 of 1 test images" in str(counted)
    assert "the source of 1 more is unknown" in str(counted)


def test_images_of_unknown_source_count_neither_way():
    sides = ["train", "test", "test", "test"]
    groups = ["a", "a", ALONE + "x.png", ALONE + "y.png"]
    counted = count_siblings(split_of(sides), dataset_of(groups))
    assert counted is not None
    assert (counted.test_images, counted.test_groups) == (1, 1)
    assert counted.test_images_of_unknown_source == 2
    assert "1 of 1 source groups" in str(counted)
    assert "the source of 2 more is unknown" in str(counted)
