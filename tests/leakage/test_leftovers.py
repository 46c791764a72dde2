from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lcbench.leakage import leftovers
from lcbench.leakage.candidates import Candidate
from lcbench.leakage.leftovers import SHOWN, SMALL, leftover_candidates


def digests(count: int) -> list[bytes]:
    return [bytes([number * 37 % 251]) for number in range(count)]


labelled = st.lists(st.integers(0, 5), min_size=1, max_size=24).map(np.array)


@given(labelled)
def test_every_leftover_meets_every_other_group(labels: np.ndarray) -> None:
    found = leftover_candidates(labels, np.arange(len(labels)), digests(len(labels)))
    assert len(set(found)) == len(found)
    sizes = {label: int((labels == label).sum()) for label in set(labels.tolist())}
    met = set()
    for first, second, mirror in found:
        assert first < second
        assert labels[first] != labels[second]
        assert Candidate(first, second, not mirror) in found
        met |= {(first, labels[second]), (second, labels[first])}
    for image, label in enumerate(labels.tolist()):
        if sizes[label] <= SMALL:
            for other, size in sizes.items():
                if other != label:
                    stand = [
                        one for one in np.flatnonzero(labels == other) if (image, other) in met
                    ]
                    assert stand
                    pairs = [p for p in found if image in p[:2] and labels[p[0]] != labels[p[1]]]
                    with_other = {o for p in pairs for o in p[:2] if labels[o] == other}
                    assert len(with_other) == min(size, SHOWN)


def test_only_pairs_with_a_query_are_compared() -> None:
    found = leftover_candidates(np.array([0, 1, 2]), np.array([1]), digests(3))
    assert {pair[:2] for pair in found} == {(0, 1), (1, 2)}


def test_where_everything_is_a_leftover_nothing_is(monkeypatch: pytest.MonkeyPatch) -> None:
    labels = np.arange(10)
    assert len(leftover_candidates(labels, labels, digests(10))) == 90
    monkeypatch.setattr(leftovers, "MOST", 199)
    assert leftover_candidates(labels, labels, digests(10)) == []
