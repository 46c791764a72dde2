"""What follows from groups, copies, sides and labels, on cases counted by hand."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lcbench.audit import findings
from lcbench.audit.results import LISTED, GroupFacts, PairList
from lcbench.leakage.candidates import Candidate
from lcbench.leakage.grouping import Link
from lcbench.leakage.registration import Registration
from lcbench.leakage.sources import Copy

from .builders import collection, image, pair, sources


def link(overlap: tuple[float, float] = (1.0, 1.0)) -> Link:
    """Images 0 and 1: mirrored, turned clockwise by a quarter and enlarged by a half."""
    matrix = np.array([[0.0, -1.5, 10.0], [-1.5, 0.0, 20.0]])
    found = Registration(matrix, 12, 0.98765, *overlap, -7.128, 0.9, 0.1)
    return Link(Candidate(0, 1, True), found)


def test_pairs_say_how_images_lie() -> None:
    colours = [SimpleNamespace(colour=np.array(one)) for one in ([9.0, 9, 9], [9.0, 9, 18])]
    made = sources([0] * 3, [Copy(0, 2, "same file")], [link()], [link((0.79, 0.5))], colours)
    copy, joined, doubtful = findings.find_pairs(collection(["a", "b", ""], list("xyz")), made)
    assert copy == pair(image("0.png", label="x", side="a"), image("2.png", label="z"), "same file")
    assert (copy.correlation, copy.overlap, copy.matrix) == (1, 1, (1, 0, 0, 0, 1, 0))
    assert joined.second == image("1.png", label="y", side="b")
    assert (joined.kind, joined.joined, joined.registered) == ("near copy", True, True)
    assert (joined.mirrored, abs(joined.rotation), joined.scale, joined.stretch) == (
        True, 90, 1.5, 1,
    )  # fmt: skip
    assert (joined.correlation, joined.brightness, joined.inliers) == (0.9877, -7.13, 12)
    assert joined.matrix == (0, -1.5, 10, -1.5, 0, 20)
    assert (joined.recoloured, doubtful.recoloured) == (True, False)
    assert (doubtful.kind, doubtful.joined) == ("overlapping field", False)


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
        pair("0.png", "1.png", "near copy"),
        pair("0.png", "2.png", "overlapping field"),
        pair("1.png", "2.png", "near copy", joined=False),
        pair("1.png", "2.png", "same pixels"),
    ]
    made = collection([""] * 3, ["malignant", "malignant", "benign"], ["aca", "lung_aca", "normal"])
    assert findings.two_label_pairs(pairs, made) == [pairs[3], pairs[1]]
    assert list(findings.count_kinds(pairs).values()) == [0, 1, 1, 0, 0, 1]


def test_images_without_a_label_contradict_nobody() -> None:
    pairs = [pair("0.png", "1.png", "near copy"), pair("1.png", "2.png", "near copy")]
    made = collection([""] * 3, ["benign", "", ""])
    assert findings.two_label_pairs(pairs, made) == []
    assert findings.two_label_groups(made, np.array([0, 0, 0])) == 0
    made = collection([""] * 3, ["benign", "", "malignant"])
    assert findings.two_label_groups(made, np.array([0, 0, 0])) == 1


def found(local: float, *, turned: float = 0.0, mirrored: bool = False) -> Registration:
    """Images that lie on each other in whole, turned by some degrees."""
    angle = np.radians(turned)
    matrix = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0]])
    matrix[:, 0] *= -1 if mirrored else 1
    return Registration(matrix, 20, 0.95, 0.97, 0.99, 0.0, local, 0.0)


@pytest.mark.parametrize(
    ("registration", "colour", "kind"),
    [
        (found(0.6), 0.0, "neighbouring slice"),
        (found(0.91, turned=1.5), 0.0, "neighbouring slice"),
        (found(0.93), 0.0, "near copy or neighbouring slice"),
        (found(0.96), 0.0, "near copy"),
        (found(0.6), 30.0, "near copy"),
        (found(0.6, turned=24), 0.0, "near copy"),
        (found(0.6, mirrored=True), 0.0, "near copy"),
    ],
)
def test_grey_images_in_place_that_differ_in_detail_are_slices(
    registration: Registration, colour: float, kind: str
) -> None:
    features = [SimpleNamespace(colour=np.array([90.0, 90.0, 90.0 + colour]))] * 2
    made = sources([0, 0], links=[Link(Candidate(0, 1, False), registration)], features=features)
    (one,) = findings.find_pairs(collection(["", ""]), made)
    assert (one.kind, one.joined, one.local) == (kind, True, registration.local)


def test_doubtful_pairs_say_why() -> None:
    features = [SimpleNamespace(colour=np.zeros(3))] * 2
    weak, symmetric = found(0.4), replace(found(0.6), local_mirrored=0.58)
    links = [Link(Candidate(0, 1, False), one) for one in (weak, symmetric)]
    pairs = findings.find_pairs(
        collection(["", ""]), sources([0, 1], doubtful=links, features=features)
    )
    assert [one.doubt for one in pairs] == ["the detail differs", "fits as well turned over"]
    assert findings.count_doubts(pairs) == {pairs[0].doubt: 1, pairs[1].doubt: 1}


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
