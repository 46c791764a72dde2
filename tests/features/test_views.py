"""Views: what is drawn depends on the image alone, and what is changed is what is said."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lcbench.features.views import View, ViewName, geometric, macenko, stain_jitter

RANDOM: tuple[ViewName, ...] = ("stain-jitter", "geometric")
NAMES: tuple[ViewName, ...] = (*RANDOM, "macenko")


def tissue(height: int = 40, width: int = 56, seed: int = 0) -> np.ndarray:
    """Haematoxylin and eosin in random amounts, (height, width, 3)."""
    random = np.random.default_rng(seed)
    stains = np.array([[0.65, 0.07], [0.70, 0.99], [0.29, 0.11]])
    amounts = random.gamma(2.0, 0.4, (height * width, 2))
    light = 240.0 * np.exp(-amounts @ stains.T)
    return light.clip(0, 255).astype(np.uint8).reshape(height, width, 3)


def image(**options: int) -> Image.Image:
    return Image.fromarray(tissue(**options))


@pytest.mark.parametrize("name", NAMES)
@given(st.text("0123456789abcdef", min_size=64, max_size=64), st.integers(0, 5))
def test_a_view_is_the_same_whenever_it_is_asked_for(
    name: ViewName, sha256: str, number: int
) -> None:
    views = [View(name, number).of(image(), sha256) for _ in range(2)]
    assert views[0] is not None
    assert np.array_equal(np.asarray(views[0]), np.asarray(views[1]))
    assert sorted(views[0].size) == sorted(image().size)


@pytest.mark.parametrize("name", RANDOM)
def test_views_of_other_images_and_numbers_are_drawn_anew(name: ViewName) -> None:
    found = [
        np.asarray(View(name, number).of(image(), sha256)).tobytes()
        for number in range(2)
        for sha256 in ("a" * 64, "b" * 64)
    ]
    assert len(set(found)) == 4


class Middle:
    """Draws the middle of every range: nothing is changed."""

    def uniform(self, low: float, high: float, size: int | None = None) -> object:
        return (low + high) / 2 if size is None else np.full(size, (low + high) / 2)

    def integers(self, _high: int) -> int:
        return 0


def test_stains_that_are_taken_apart_and_left_alone_give_the_image() -> None:
    found = stain_jitter(tissue(), Middle())  # type: ignore[arg-type]
    assert np.abs(found.astype(int) - tissue()).max() <= 2  # negative amounts are cut off


def test_an_image_that_is_not_moved_stays_as_it_is() -> None:
    assert np.array_equal(geometric(tissue(), Middle()), tissue())  # type: ignore[arg-type]


def test_more_of_a_stain_is_darker() -> None:
    class More(Middle):
        def uniform(self, low: float, high: float, size: int | None = None) -> object:
            return max(low, high) if size is None else np.full(size, high)

    assert stain_jitter(tissue(), More()).mean() < tissue().mean()  # type: ignore[arg-type]


def test_normalisation_gives_images_of_two_scanners_the_same_stains() -> None:
    light = tissue().astype(float)
    other = (240.0 * (light / 240.0) ** 0.6).astype(np.uint8)  # every stain weaker
    one, two = (macenko(pixels, np.random.default_rng(0)) for pixels in (tissue(), other))
    assert one is not None
    assert two is not None
    before = np.abs(tissue().astype(float) - other).mean()
    assert np.abs(one.astype(float) - two).mean() < before / 5


@pytest.mark.parametrize("level", [0, 128, 255])
def test_what_has_no_two_stains_is_not_normalised(level: int) -> None:
    assert View("macenko").of(Image.new("RGB", (30, 30), (level,) * 3), "0" * 64) is None


def test_normalisation_is_what_other_software_makes() -> None:
    """torchstain 1.4.1, NumpyMacenkoNormalizer().normalize(tissue()), which cuts off decimals."""
    found = macenko(tissue(), np.random.default_rng(0))
    assert found is not None
    assert np.abs(found[ORACLE_ROWS, ORACLE_COLUMNS].astype(int) - ORACLE).max() <= 1


ORACLE_ROWS, ORACLE_COLUMNS = np.array([0, 3, 11, 25, 39]), np.array([0, 50, 7, 31, 55])
ORACLE = np.array(
    [[168, 123, 158], [148, 111, 150], [214, 175, 194], [189, 134, 163], [133, 86, 127]]
)
