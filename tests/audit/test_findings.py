"""What follows from groups, copies, sides and labels, on cases counted by hand."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lcbench.audit import findings
from lcbench.audit.results import LISTED, Crossing, GroupFacts, PairList
from lcbench.leakage.sources import Copy

from .builders import collection, image, pair, sources

#             0        1        2        3        4       5       6       7
SIDES = ["train", "train", "train", "train", "test", "test", "test", ""]
GROUPS = [0, 0, 2, 3, 0, 2, 6, 3]
COPIES = (Copy(0, 4, "same pixels"),)


def crossing(side: str, other: str, **counts: int) -> Crossing:
    return Crossing(side=side, other=other, **counts)


def test_what_crosses_is_counted_in_both_directions() -> None:
    test, train = findings.crossings(collection(SIDES), sources(GROUPS, COPIES))
    assert test == crossing(
        "test", "train", images=3, with_sibling=2, groups=3, groups_shared=2, exact=1
    )
    assert train == crossing(
        "train", "test", images=4, with_sibling=3, groups=3, groups_shared=2, exact=1
    )


def test_each_two_of_three_sides_are_compared() -> None:
    found = findings.crossings(collection(["a", "b", "c"]), sources([0, 1, 0]))
    assert [(one.side, one.other) for one in found] == list(permutations("abc", 2))
    assert [one.with_sibling for one in found] == [0, 1, 0, 0, 1, 0]


def test_copies_of_one_image_on_two_sides_are_exact_copies_of_each_other() -> None:
    """The pairs name the first image only, which may stand on a third side."""
    copies = (Copy(0, 1, "same file"), Copy(0, 2, "same pixels"))
    found = findings.crossings(collection(["", "a", "b"]), sources([0, 0, 0], copies))
    assert [(one.side, one.exact, one.with_sibling) for one in found] == [("a", 1, 1), ("b", 1, 1)]


@given(
    st.lists(
        st.tuples(st.sampled_from(["", "a", "b", "c"]), st.integers(0, 4), st.booleans()),
        min_size=1,
        max_size=12,
    )
)
def test_counts_are_those_of_a_look_at_every_pair(rows: list[tuple[str, int, bool]]) -> None:
    sides = [side for side, _, _ in rows]
    kinds = [kind for _, kind, _ in rows]
    groups = [kinds.index(kind) for kind in kinds]
    copied = [copy and groups[i] != i for i, (_, _, copy) in enumerate(rows)]
    original = [groups[i] if copied[i] else i for i in range(len(rows))]
    copies = [Copy(groups[i], i, "same pixels") for i in range(len(rows)) if copied[i]]
    found = findings.crossings(collection(sides), sources(groups, copies))
    assert [(one.side, one.other) for one in found] == list(
        permutations(sorted(set(sides) - {""}), 2)
    )
    for one in found:
        here = [i for i, side in enumerate(sides) if side == one.side]
        there = [i for i, side in enumerate(sides) if side == one.other]
        shared = [i for i in here if any(groups[i] == groups[j] for j in there)]
        assert one.images == len(here)
        assert one.with_sibling == len(shared)
        assert one.groups == len({groups[i] for i in here})
        assert one.groups_shared == len({groups[i] for i in shared})
        assert one.exact == sum(any(original[i] == original[j] for j in there) for i in here)


@pytest.mark.parametrize(
    ("groups", "facts"),
    [
        ([0, 0, 2, 3, 0, 2, 6, 3], (4, 1, 2.0, 3)),
        ([0, 1, 2], (3, 3, 1.0, 1)),
        ([0, 0, 0, 0, 4], (2, 1, 2.5, 4)),
    ],
)
def test_sizes_of_groups(groups: list[int], facts: tuple[int, int, float, int]) -> None:
    count, single, median, largest = facts
    expected = GroupFacts(groups=count, single=single, median=median, largest=largest)
    assert findings.group_facts(np.array(groups)) == expected


def test_groups_of_a_label_count_its_own_images_only() -> None:
    labels = ["a", "a", "a", "b", "b"]
    found = findings.label_groups(collection([""] * 5, labels), np.array([0, 0, 2, 0, 4]))
    assert [(one.label, one.images, one.facts.groups, one.facts.single) for one in found] == [
        ("a", 3, 2, 1),
        ("b", 2, 2, 2),
    ]


def test_a_group_stands_under_two_labels_where_they_mean_two_things() -> None:
    labels = ["adenocarcinoma", "adenocarcinoma", "benign", "adenocarcinoma", "benign", "benign"]
    spelled = ["lung_aca", "adenocarcinoma", "lung_n", "lung_aca", "normal", "lung_n"]
    one = collection([""] * 6, labels, spelled)
    assert findings.two_label_groups(one, np.array([0, 0, 2, 3, 2, 3])) == 1


def test_two_label_pairs_go_by_what_labels_mean() -> None:
    pairs = [
        pair(image("a", label="lung_aca"), image("b", label="aca"), "near copy"),
        pair(image("a", label="lung_aca"), image("c", label="normal"), "overlapping field"),
        pair("b", "c", "near copy", joined=False),
        pair("b", "c", "same pixels"),
    ]
    found = findings.two_label_pairs(pairs, {"a": "x", "b": "x", "c": "y"})
    assert found == [pairs[3], pairs[1]]


def test_crossing_pairs_have_two_sides_and_are_joined() -> None:
    a, b = image("a", side="train"), image("b", side="test")
    nowhere, near = image("c"), image("d", side="train")
    crosses = pair(a, b, "near copy", overlap=0.9)
    pairs = [
        crosses,
        pair(a, near, "near copy"),
        pair(a, nowhere, "near copy"),
        pair(a, b, "near copy", joined=False),
    ]
    assert findings.crossing_pairs(pairs) == [crosses]


def test_the_clearest_pairs_come_first() -> None:
    a, b = image("a", side="train"), image("b", side="test")
    order = [
        pair(a, b, "same file"),
        pair(a, b, "same pixels"),
        pair(a, b, "near copy", overlap=0.95, correlation=0.91),
        pair(a, b, "near copy", overlap=0.85, correlation=0.99),
        pair(a, b, "near copy", overlap=0.85, correlation=0.95),
        pair(a, b, "overlapping field", overlap=0.5),
    ]
    assert findings.crossing_pairs(order[::-1]) == order
    assert findings.exact_copies(order[::-1]) == order[:2]


def test_only_joined_pairs_count() -> None:
    pairs = [pair("a", "b", "near copy"), pair("a", "c", "near copy", joined=False)]
    assert findings.count_kinds([*pairs, pair("a", "d", "same file")]) == {
        "same file": 1,
        "same pixels": 0,
        "near copy": 1,
        "overlapping field": 0,
    }


def test_a_folder_is_described_by_the_labels_as_given() -> None:
    made = collection(["", ""], ["adenocarcinoma"] * 2, ["lung_aca", "aca"])
    (folder,) = findings.folder_facts(made)
    assert (folder.name, folder.images) == ("data", 2)
    assert folder.labels == {"lung_aca": 1, "aca": 1}
    empty = replace(made, images=made.images.assign(folder=1))
    assert findings.folder_facts(empty)[0].images == 0


def test_a_long_list_of_pairs_says_how_many_are_left_out() -> None:
    pairs = [pair("a", f"{number}", "near copy") for number in range(LISTED)]
    listed = PairList.of([*pairs, pair("a", "z", "overlapping field")])
    assert (listed.total, listed.copies, listed.more) == (LISTED + 1, LISTED, 1)
    assert listed.shown == tuple(pairs)
    assert PairList.of(pairs).more == 0
