from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lcbench.leakage.candidates import Candidate
from lcbench.leakage.keypoints import ImageFeatures
from lcbench.leakage.proofs import Proofs
from lcbench.leakage.registration import Registration, register

from ..damage import EVERY_DAMAGE, Damage, named
from .tissue import Change, copied, described, features

PAIRS = [
    Candidate(0, 1, False),
    Candidate(0, 2, True),
    Candidate(0, 3, False),
    Candidate(1, 2, True),
    Candidate(2, 3, False),
]
Registered = list[tuple[bytes, bytes]]


@pytest.fixture(scope="module")
def images() -> list[ImageFeatures]:
    """A tile, a copy, a mirrored copy, another tile."""
    changes = Change(angle=12, crop=0.8), Change(angle=100, mirror=True, quality=40)
    copies = [described(copied(0, change)[0]) for change in changes]
    return [features(0), *copies, features(1)]


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
    images: list[ImageFeatures], journal: Path, registered: Registered
) -> None:
    expected = [register(images[a], images[b], mirror=mirror) for a, b, mirror in PAIRS]
    assert [found is not None for found in expected] == [True, True, False, True, False]
    own = Proofs(images, journal, "key")
    require_equal(own.registrations(PAIRS), expected)
    require_equal(own.registrations(PAIRS[::-1]), expected[::-1])
    assert len(registered) == len(PAIRS)
    assert own.registrations([]) == []


def test_the_journal_says_bit_for_bit_what_came_out_and_is_continued(
    images: list[ImageFeatures], journal: Path, registered: Registered
) -> None:
    first = Proofs(images, journal, "key").registrations(PAIRS[:2])
    before = journal.read_text()
    rest = Proofs(images, journal, "key").registrations(PAIRS[2:])
    assert journal.read_text().startswith(before)
    require_equal(Proofs(images, journal, "key").registrations(PAIRS), first + rest)
    assert len(registered) == len(PAIRS)


@pytest.mark.parametrize("damage", EVERY_DAMAGE, ids=named)
def test_broken_lines_and_those_of_others_are_named_and_done_again(
    images: list[ImageFeatures], journal: Path, damage: Damage, registered: Registered,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    expected = Proofs(images, journal, "key").registrations(PAIRS)
    lines = journal.read_text().splitlines()
    sibling = journal.with_name("sibling.jsonl")
    Proofs([images[3], *images[:3]], sibling, "another key").registrations(PAIRS)
    registered.clear()
    damage(journal, sibling)
    left = journal.read_text().splitlines() if journal.exists() else []
    whole = len(set(left) & set(lines))
    again = Proofs(images, journal, "key")
    require_equal(again.registrations(PAIRS), expected)
    assert len(registered) == len(PAIRS) - whole
    assert sorted(journal.read_text().splitlines()) == sorted(lines)
    named = str(journal) in capsys.readouterr().err
    assert named or whole == len(left) or damage.__name__ == "truncated"


def test_numbers_changed_in_a_line_are_not_believed(
    images: list[ImageFeatures], journal: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = Proofs(images, journal, "key").registrations(PAIRS)
    text = journal.read_text()
    journal.write_text(text.replace("[0, 1, false,", "[0, 3, false,"))
    assert journal.read_text() != text
    require_equal(Proofs(images, journal, "key").registrations(PAIRS), expected)
    assert "damaged (1 lines)" in capsys.readouterr().err


@pytest.mark.parametrize("kept", [0, 1, 40, -1])
@pytest.mark.parametrize("whole", [0, 3])
def test_a_line_that_was_cut_off_is_dropped_and_done_again(
    images: list[ImageFeatures], journal: Path, whole: int, kept: int, registered: Registered
) -> None:
    expected = Proofs(images, journal, "key").registrations(PAIRS)
    lines = journal.read_text().splitlines(keepends=True)
    journal.write_text("".join(lines[:whole]) + lines[whole][:kept])
    registered.clear()
    again = Proofs(images, journal, "key")
    require_equal(again.registrations(PAIRS), expected)
    assert len(registered) == len(PAIRS) - whole
    assert journal.read_text().splitlines(keepends=True) == lines
    require_equal(Proofs(images, journal, "key").registrations(PAIRS), expected)
    assert len(registered) == len(PAIRS) - whole
