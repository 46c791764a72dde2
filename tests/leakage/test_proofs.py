from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lcbench.leakage import proofs
from lcbench.leakage.candidates import Candidate
from lcbench.leakage.keypoints import ImageFeatures
from lcbench.leakage.proofs import Proofs
from lcbench.leakage.registration import Registration, register

from .tissue import Change, copied, described, features

PAIRS = [
    Candidate(0, 1, False),
    Candidate(0, 2, True),
    Candidate(0, 3, False),
    Candidate(1, 2, True),
    Candidate(2, 3, False),
]
Tried = list[tuple[bytes, bytes, bool]]


@pytest.fixture(scope="module")
def images() -> list[ImageFeatures]:
    """A tile, a copy, a mirrored copy, another tile."""
    changes = Change(angle=12, crop=0.8), Change(angle=100, mirror=True, quality=40)
    copies = [described(copied(0, change)[0]) for change in changes]
    return [features(0), *copies, features(1)]


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> Tried:
    """What is registered from now on."""
    calls: Tried = []

    def count(first: ImageFeatures, second: ImageFeatures, *, mirror: bool) -> Registration | None:
        calls.append((first.digest, second.digest, mirror))
        return register(first, second, mirror=mirror)

    monkeypatch.setattr(proofs, "register", count)
    return calls


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "not yet" / "journal.jsonl"


def require_equal(found: list[Registration | None], expected: list[Registration | None]) -> None:
    for one, other in zip(found, expected, strict=True):
        if one is None or other is None:
            assert one is other
            continue
        assert one.matrix.dtype == other.matrix.dtype
        np.testing.assert_array_equal(one.matrix, other.matrix)
        assert vars(one) | {"matrix": 0} == vars(other) | {"matrix": 0}
        assert one.overlap == other.overlap


def test_each_candidate_gets_its_own_registration(
    images: list[ImageFeatures], tried: Tried
) -> None:
    expected = [register(images[a], images[b], mirror=mirror) for a, b, mirror in PAIRS]
    assert [found is not None for found in expected] == [True, True, False, True, False]
    own = Proofs(images)
    assert len(own) == 0
    require_equal(own.registrations(PAIRS), expected)
    require_equal(own.registrations(PAIRS[::-1]), expected[::-1])
    assert len(own) == len(tried) == len(PAIRS)
    assert own.registrations([]) == []


def test_what_is_known_is_not_registered_again(images: list[ImageFeatures], tried: Tried) -> None:
    own = Proofs(images)
    own.registrations(PAIRS[:3])
    assert len(tried) == 3
    assert [pair in own for pair in PAIRS] == [True, True, True, False, False]
    own.registrations(PAIRS)
    assert len(tried) == 5
    assert Candidate(0, 1, True) not in own


def test_the_journal_says_bit_for_bit_what_came_out(
    images: list[ImageFeatures], journal: Path, tried: Tried
) -> None:
    expected = Proofs(images, journal).registrations(PAIRS)
    again = Proofs(images, journal)
    assert len(again) == len(PAIRS)
    assert all(pair in again for pair in PAIRS)
    require_equal(again.registrations(PAIRS), expected)
    assert len(tried) == len(PAIRS)


def test_the_journal_is_continued(images: list[ImageFeatures], journal: Path, tried: Tried) -> None:
    first = Proofs(images, journal).registrations(PAIRS[:2])
    before = journal.read_text()
    rest = Proofs(images, journal).registrations(PAIRS[2:])
    assert journal.read_text().startswith(before)
    require_equal(Proofs(images, journal).registrations(PAIRS), first + rest)
    assert len(tried) == len(PAIRS)


@pytest.mark.parametrize("kept", [2, 12, 40, -1])
@pytest.mark.parametrize("whole", [0, 3])
def test_a_line_that_was_cut_off_is_dropped_and_done_again(
    images: list[ImageFeatures], journal: Path, whole: int, kept: int, tried: Tried
) -> None:
    expected = Proofs(images, journal).registrations(PAIRS)
    lines = journal.read_text().splitlines(keepends=True)
    journal.write_text("".join(lines[:whole]) + lines[whole][:kept])
    tried.clear()
    again = Proofs(images, journal)
    assert len(again) == whole
    require_equal(again.registrations(PAIRS), expected)
    assert len(tried) == len(PAIRS) - whole
    assert journal.read_text().splitlines(keepends=True) == lines
    require_equal(Proofs(images, journal).registrations(PAIRS), expected)
    assert len(tried) == len(PAIRS) - whole


def test_a_first_line_of_which_one_character_was_written_is_dropped(
    images: list[ImageFeatures], tmp_path: Path
) -> None:
    journal = tmp_path / "journal.jsonl"
    journal.write_text("[")
    expected = Proofs(images, journal).registrations(PAIRS[:1])
    require_equal(Proofs(images, journal).registrations(PAIRS[:1]), expected)


def test_an_empty_journal_knows_nothing(images: list[ImageFeatures], tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert len(Proofs(images, tmp_path / "empty")) == 0


def test_without_a_journal_nothing_is_written(images: list[ImageFeatures], tmp_path: Path) -> None:
    Proofs(images).registrations(PAIRS[:1])
    assert not list(tmp_path.iterdir())
