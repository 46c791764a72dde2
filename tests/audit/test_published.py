"""Two partitions beside each other; scikit-learn counts the pairs again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score
from sklearn.metrics.cluster import pair_confusion_matrix

from lcbench.audit.published import compare_with
from lcbench.audit.results import Pair, Published

from .builders import pair


def compared(
    theirs: Sequence[str | None], ours: Sequence[int], pairs: Sequence[Pair] = ()
) -> Published:
    names = pd.Series([f"{number}.png" for number in range(len(ours))])
    published = pd.Series(theirs, dtype=object)
    return compare_with("groups.csv", names, published, np.array(ours), pairs)


def linked(first: int, second: int, **changes: float) -> Pair:
    return pair(f"{first}.png", f"{second}.png", "near copy", **{"correlation": 0.99} | changes)


def test_what_agrees_and_what_does_not_is_counted() -> None:
    """Published: {0 1 2} {3 4}; found: {0 1} {2 3 4}: 2 of 4 pairs are in both."""
    found = compared(["a", "a", "a", "b", "b"], [0, 0, 2, 2, 2], [linked(2, 3)])
    assert (found.images, found.not_named) == (5, 0)
    assert (found.published_groups, found.found_groups) == (2, 2)
    assert (found.same_group_pairs, found.together) == (4, 2)
    assert found.recall == 2 / 4
    assert found.precision == 2 / 4
    assert found.ari == pytest.approx(adjusted_rand_score([0, 0, 0, 1, 1], [0, 0, 1, 1, 1]))


@given(
    st.lists(
        st.tuples(st.sampled_from([None, "a", "b", "c"]), st.integers(0, 3)), min_size=2
    ).filter(lambda rows: any(theirs is not None for theirs, _ in rows))
)
def test_shares_are_those_of_scikit_learn(rows: list[tuple[str | None, int]]) -> None:
    found = compared([theirs for theirs, _ in rows], [ours for _, ours in rows])
    named = [(theirs, ours) for theirs, ours in rows if theirs is not None]
    theirs, ours = zip(*named, strict=True)
    (_, only_ours), (only_theirs, both) = (pair_confusion_matrix(theirs, ours) // 2).tolist()
    assert (found.images, found.not_named) == (len(named), len(rows) - len(named))
    assert (found.published_groups, found.found_groups) == (len(set(theirs)), len(set(ours)))
    assert found.together == both
    assert found.same_group_pairs == both + only_theirs
    assert found.recall == (both / (both + only_theirs) if both + only_theirs else 1)
    assert found.precision == (both / (both + only_ours) if both + only_ours else 1)
    assert found.ari == found.ari_after_merges == pytest.approx(adjusted_rand_score(theirs, ours))


def test_proven_merges_explain_a_difference() -> None:
    theirs, ours = ["a", "a", "b", "b", "c", "d"], [0, 0, 0, 0, 0, 5]
    found = compared(theirs, ours, [linked(0, 2), linked(3, 4), linked(0, 1)])
    assert found.ari < 0.5
    assert found.ari_after_merges == 1
    assert [(one.first_group, one.second_group) for one in found.merges] == [("a", "b"), ("b", "c")]


def test_merges_are_listed_with_the_largest_overlap_first() -> None:
    pairs = [linked(0, 1, overlap=0.2), linked(1, 2, overlap=0.9)]
    found = compared(["a", "b", "c"], [0, 0, 0], pairs)
    assert [merge.pair.overlap for merge in found.merges] == [0.9, 0.2]
    assert [merge.pair.first.name for merge in found.merges] == ["1.png", "0.png"]


def test_images_without_a_published_group_merge_and_split_nothing() -> None:
    assert compared(["a", None, "b"], [0, 0, 0], [linked(0, 1), linked(1, 2)]).merges == ()
    assert compared(["a", None, "a", None], [0, 1, 0, 1]).splits == ()
    (split,) = compared([None, "a", "a"], [0, 1, 2]).splits
    assert split.apart == ("2.png",)


def test_published_groups_in_parts_are_listed_with_the_images_apart() -> None:
    theirs = ["b", "b", "b", "a", "a", "a", "a", "a", "c"]
    found = compared(theirs, [0, 0, 2, 3, 4, 3, 3, 4, 8])
    assert [(split.group, split.sizes, split.apart) for split in found.splits] == [
        ("a", (3, 2), ("4.png", "7.png")),
        ("b", (2, 1), ("2.png",)),
    ]
