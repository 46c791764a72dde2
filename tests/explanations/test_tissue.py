"""Nuclei, other tissue and background: on slides whose stains are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lcbench.datasets.demo.lung import draw_benign
from lcbench.datasets.demo.stain import photograph
from lcbench.explanations.judging import describe_tissue
from lcbench.explanations.tissue import TissueShares, compartments, is_stained, shares_of

from .known import alone

NUCLEUS, STROMA, GLASS = (90, 60, 140), (225, 160, 200), (228, 226, 230)


def slide(seed: int = 0, side: int = 64) -> tuple[np.ndarray, np.ndarray]:
    """A slide and the (3, side, side) truth: a quarter of glass, and nuclei in half of the rest."""
    random = np.random.default_rng(seed)
    glass = np.zeros((side, side), bool)
    glass[: side // 2, : side // 2] = True
    nuclei = ~glass & (np.arange(side) % 8 < 4)[:, None]
    truth = np.stack([nuclei, ~glass & ~nuclei, glass])
    colours = np.tensordot(truth, np.array([NUCLEUS, STROMA, GLASS], float), axes=(0, 0))
    return np.clip(colours + random.normal(0, 3, (side, side, 3)), 0, 255).astype(np.uint8), truth


def test_the_compartments_of_a_slide_are_found() -> None:
    image, truth = slide()
    found = compartments(image)
    assert found is not None
    assert (found == truth).mean() > 0.99


def test_nuclei_of_a_demonstration_tile_are_where_they_were_drawn() -> None:
    random = np.random.default_rng(4)
    tissue = draw_benign(random)
    found = compartments(photograph(tissue, random))
    assert found is not None
    assert (found.sum(axis=0) == 1).all()
    drawn = tissue.haematoxylin > 0.5
    nuclei = found[0]
    assert (nuclei & drawn).sum() / (nuclei | drawn).sum() > 0.6
    empty = tissue.haematoxylin + tissue.eosin < 0.05
    assert found[2][empty].mean() > 0.9


@pytest.mark.parametrize("noise", [0, 5])
def test_a_grey_image_has_no_stain_whatever_its_compression_adds(noise: int) -> None:
    random = np.random.default_rng(0)
    grey = random.integers(0, 200, (64, 64, 1)) + random.integers(-noise, noise + 1, (64, 64, 3))
    image = np.clip(grey, 0, 255).astype(np.uint8)
    assert not is_stained(image)
    found = shares_of([compartments(image)], np.ones((1, 64, 64)))
    assert np.isnan(found.areas).all()
    check = describe_tissue(found, {"all": np.ones(1, bool)}, alone(1))
    assert (check.looks, check.unstained) == ((), 1)


@pytest.mark.parametrize(
    "colour", [GLASS, (0, 0, 0), (255, 255, 255), (200, 120, 30), (40, 160, 60), (150, 110, 60)]
)
def test_glass_and_what_is_orange_green_or_brown_is_not_in_haematoxylin_and_eosin(
    colour: tuple[int, int, int],
) -> None:
    assert compartments(np.full((32, 32, 3), colour, np.uint8)) is None


def test_tissue_in_eosin_alone_has_no_nuclei() -> None:
    found = compartments(np.full((32, 32, 3), STROMA, np.uint8))
    assert found is not None
    assert found.mean(axis=(1, 2)).tolist() == [0, 1, 0]


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 99), st.integers(0, 7))
def test_shares_sum_to_one_and_do_not_know_how_the_pixels_lie(seed: int, turn: int) -> None:
    image, _ = slide(seed)
    one = np.random.default_rng(seed).normal(size=(64, 64))
    found = shares_of([compartments(image)], one[None])
    assert found.areas.sum() == pytest.approx(1.0)
    assert found.shares.sum() == pytest.approx(1.0)

    def turned(array: np.ndarray) -> np.ndarray:
        return np.rot90(array[:, ::-1] if turn >= 4 else array, turn % 4)

    again = shares_of([compartments(turned(image))], -2.0 * turned(one)[None])
    assert again.areas == pytest.approx(found.areas)
    assert again.shares == pytest.approx(found.shares)


def test_who_looks_at_glass_is_found_to_and_who_looks_everywhere_has_the_areas() -> None:
    image, truth = slide()
    even, glass, nothing = np.ones((64, 64)), truth[2].astype(float), np.zeros((64, 64))
    found = shares_of([compartments(image)] * 3, np.stack([even, glass, nothing]))
    assert found.shares[0] == pytest.approx(found.areas[0])
    assert found.shares[1] == pytest.approx([0, 0, 1], abs=0.01)
    assert np.isnan(found.shares[2]).all()


def test_right_answers_and_confusions_are_told_apart() -> None:
    random = np.random.default_rng(0)
    areas = random.dirichlet([3, 5, 2], 40)
    shares = areas.copy()
    shares[20:, 0] += 0.1  # confusions look at nuclei more than their area takes
    shares /= shares.sum(axis=1, keepdims=True)
    right = np.arange(40) < 20
    images = {"right answers": right, "confusions": ~right, "none": np.zeros(40, bool)}
    check = describe_tissue(TissueShares(areas, shares), images, alone(40))
    first, second = check.looks
    for look in check.looks:
        assert sum(part.area.value or 0 for part in look.parts) == pytest.approx(1.0)
        assert sum(part.share.value or 0 for part in look.parts) == pytest.approx(1.0)
    assert first.parts[0].ratio.value == pytest.approx(1.0)
    assert first.parts[0].than_first is None
    nuclei = second.parts[0]
    assert nuclei.than_first is not None
    assert (nuclei.than_first.low or 0) > 0
    assert nuclei.than_first.value == pytest.approx(nuclei.surplus.value or 0)
    assert (nuclei.ratio.low or 0) > 1
    assert nuclei.ratio.groups == 20
