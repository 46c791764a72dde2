from pathlib import Path

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from lcbench.datasets.dataset import Dataset
from lcbench.leakage.siblings import count_siblings
from lcbench.protocols import SIDES, Split

rows = st.lists(
    st.tuples(st.sampled_from(SIDES), st.sampled_from([*"abc", "alone:1.png"]), st.booleans()),
    max_size=20,
)


def counted(rows, source="known"):
    """Count in a dataset of images that each have a side, a group, and a known source or not."""
    sides, groups, known = zip(*rows, strict=True) if rows else ((), (), ())
    images = tuple(f"{number}.png" for number in range(len(rows)))
    manifest = pd.DataFrame({"image": images, "group": pd.Series(groups, dtype=object)})
    unknown = frozenset(image for image, one in zip(images, known, strict=True) if not one)
    dataset = Dataset(
        "data", Path(), manifest, source, (), synthetic=False, sha256="", unknown_source=unknown
    )
    return count_siblings(Split("paper", 0, 0, np.array(sides, dtype="<U10"), images), dataset)


@given(rows)
def test_siblings_are_counted_as_one_would_by_hand(rows):
    """Whatever groups are called: the name of one says nothing of what is known."""
    found = counted(rows)
    train = [group for side, group, _ in rows if side == "train"]
    test = [group for side, group, known in rows if side == "test" and known]
    assert found.test_images_of_unknown_source == sum(r[0] == "test" for r in rows) - len(test)
    assert found.test_images == len(test)
    assert found.test_images_with_siblings == sum(group in train for group in test)
    assert found.test_groups == len(set(test))
    assert found.test_groups_in_train == len(set(test) & set(train))


def test_a_sibling_in_validation_is_none_in_training():
    found = counted([("validation", "a", True), ("test", "a", True)])
    assert found.test_images_with_siblings == found.test_groups_in_train == 0


def test_where_groups_are_unknown_nothing_is_counted():
    assert counted([("train", "", True), ("test", "", True)], source="") is None


def test_the_count_is_said_in_words():
    rows = [("train", "a", True), *(("test", group, True) for group in "aacd")]
    assert "1 of 3 source groups" in str(counted(rows))
    assert "2 of 4 test images" in str(counted(rows))
    assert "unknown" not in str(counted(rows))
    assert "the source of 1 more is unknown" in str(counted([*rows, ("test", "x", False)]))
