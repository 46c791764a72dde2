"""A repaired split keeps groups whole, moves little, and keeps sizes and class shares."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lcbench.audit.repair import repair
from lcbench.errors import UserError

from .builders import collection

SIDES = ["train", "validation", "test"]
ROWS = st.lists(
    st.tuples(st.sampled_from(["", *SIDES]), st.sampled_from("ab"), st.integers(0, 6)),
    min_size=1,
    max_size=30,
)


def groups_of(numbers: list[int]) -> np.ndarray:
    return np.array([numbers.index(number) for number in numbers], dtype=np.intp)


@given(ROWS)
def test_no_group_stands_on_two_sides_and_counts_are_right(
    rows: list[tuple[str, str, int]],
) -> None:
    sides, labels = [row[0] for row in rows], [row[1] for row in rows]
    groups = groups_of([row[2] for row in rows])
    if not any(sides):
        with pytest.raises(UserError, match="no image has a side"):
            repair(collection(sides, labels), groups)
        return
    found = repair(collection(sides, labels), groups)
    new = dict(zip(found.table["image"], found.table["side"], strict=True))
    assert list(new) == [f"{n}.png" for n, side in enumerate(sides) if side]
    assert set(new.values()) <= set(sides)
    held = {(groups[int(image[:-4])], side) for image, side in new.items()}
    assert len(held) == len({group for group, _ in held})
    moved = sum(side != sides[int(image[:-4])] for image, side in new.items())
    assert (found.facts.images, found.facts.moved) == (len(new), moved)
    for one in found.facts.sides:
        after = [labels[int(i[:-4])] for i, side in new.items() if side == one.side]
        before = [label for label, side in zip(labels, sides, strict=True) if side == one.side]
        assert (one.before, one.after) == (dict(Counter(before)), dict(Counter(after)))


@given(ROWS)
def test_a_split_by_groups_is_left_as_it_is(rows: list[tuple[str, str, int]]) -> None:
    numbers = [row[2] for row in rows]
    sides = [SIDES[number % 3] for number in numbers]
    found = repair(collection(sides, [row[1] for row in rows]), groups_of(numbers))
    assert found.table["side"].tolist() == sides
    assert (found.facts.moved, found.facts.divided) == (0, 0)


def test_a_stray_image_joins_its_group_and_another_group_takes_its_place() -> None:
    #         group 0: four in train, one in test; groups 5, 6: one image each
    sides = ["train"] * 4 + ["test"] + ["train"] + ["test"]
    found = repair(collection(sides, ["a"] * 7), np.array([0, 0, 0, 0, 0, 5, 6]))
    assert found.table["side"].tolist() == ["train"] * 5 + ["test"] * 2
    assert (found.facts.moved, found.facts.divided) == (2, 1)


def test_class_shares_are_kept_too() -> None:
    # A stray image of class b goes to train: the lone b of train goes to test, and no lone a.
    sides = ["train", "train", "test", "train", "train", "test"]
    found = repair(collection(sides, ["b", "b", "b", "a", "b", "a"]), np.array([0, 0, 0, 3, 4, 5]))
    assert found.table["side"].tolist() == ["train"] * 4 + ["test"] * 2


def test_a_random_split_of_large_groups_keeps_its_sizes() -> None:
    random = np.random.default_rng(0)
    groups = np.repeat(np.arange(0, 1500, 15), 15)
    sides = random.choice(SIDES, 1500, p=[0.68, 0.17, 0.15]).tolist()
    labels = np.where(groups % 2, "a", "b").tolist()
    found = repair(collection(sides, labels), groups)
    for one in found.facts.sides:
        for label in "ab":
            assert abs(one.before[label] - one.after[label]) <= 15
