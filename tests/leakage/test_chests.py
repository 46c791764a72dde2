"""Bodies are alike: what is joined must be the same one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lcbench.leakage.grouping import is_proof
from lcbench.leakage.registration import register
from lcbench.leakage.sources import find_sources
from lcbench.leakage.unrelated import MAX_RATE

from .chests import chest, mirrored
from .tissue import Pixels, described, files, saved

SLICES = (0.0, 3.0, 6.0)
PATIENTS = 8


def written(folder: Path, images: list[Pixels]) -> list[Path]:
    return [saved(image, folder / f"{number:03}.png") for number, image in enumerate(images)]


@pytest.mark.parametrize("first", [100])
def test_slices_of_one_chest_are_joined_and_those_of_two_never(first: int, tmp_path: Path) -> None:
    patients = np.repeat(np.arange(first, first + PATIENTS), len(SLICES))
    images = [chest(patient, along) for patient in patients[:: len(SLICES)] for along in SLICES]
    # Another patient's chest the other way round is still another patient's.
    turned = [mirrored(chest(first + PATIENTS + number)) for number in range(4)]
    found = find_sources([files(written(tmp_path, [*images, *turned]))])
    assert found.groups[: len(images)].tolist() == (
        np.repeat(np.arange(0, len(images), len(SLICES)), len(SLICES)).tolist()
    )
    assert found.groups[len(images) :].tolist() == list(range(len(images), len(found.groups)))
    # Bodies are alike as a whole, which is why the detail is asked.
    assert found.unrelated.high > 0.3
    rates = found.false_discovery_rates
    assert rates is not None
    assert rates.max() <= MAX_RATE
    assert min(link.registration.local for link in found.links) > found.unrelated.high


@given(st.integers(0, 10_000), st.integers(0, 10_000), st.booleans())
@settings(max_examples=15)
def test_two_chests_lie_on_each_other_and_are_told_apart(
    one: int, other: int, mirror: bool
) -> None:
    if one == other:
        other += 1
    found = register(described(chest(one)), described(chest(other)), mirror=mirror)
    # Either way round, two bodies agree about as well; one body with itself, only one way.
    if found is not None and found.correlation > 0:
        assert found.local < 0.8
    near = register(described(chest(one)), described(chest(one, 2.0)), mirror=False)
    assert near is not None
    assert is_proof(near)
