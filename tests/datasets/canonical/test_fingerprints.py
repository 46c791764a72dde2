from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.fft import dctn

from lcbench.datasets.canonical.fingerprints import (
    MOST_DIFFERENT,
    differing_bits,
    fingerprint,
    fingerprints_of,
)
from lcbench.datasets.images import image_now
from lcbench.errors import UserError

from ...leakage.tissue import saved, tile

SIDE = 160


def tissue(seed: int) -> Image.Image:
    return Image.fromarray(np.asarray(tile(seed, SIDE))).convert("RGB")


def distance(first: Image.Image, second: Image.Image) -> int:
    both = [np.array([fingerprint(image)]) for image in (first, second)]
    return int(differing_bits(*both)[0])


@pytest.mark.parametrize("side", [96, 150, 448, 768])
@pytest.mark.parametrize("how", [Image.Resampling.BILINEAR, Image.Resampling.LANCZOS])
def test_an_image_is_known_again_at_any_size(side: int, how: Image.Resampling) -> None:
    for seed in range(5):
        stored = io.BytesIO()
        tissue(seed).resize((side, side), how).save(stored, "JPEG", quality=80)
        assert distance(tissue(seed), Image.open(stored)) <= MOST_DIFFERENT


def test_other_images_are_told_apart() -> None:
    for seed in range(1, 20):
        assert distance(tissue(0), tissue(seed)) > MOST_DIFFERENT
    turned = tissue(0).transpose(Image.Transpose.ROTATE_90)
    assert distance(tissue(0), turned) > MOST_DIFFERENT


def test_the_signs_are_those_of_scipys_cosine_transform() -> None:
    grey = tissue(3).convert("L").convert("F").resize((32, 32), Image.Resampling.BOX)
    waves = dctn(np.asarray(grey, dtype=float), type=2)
    places = sorted(
        ((row, column) for row in range(9) for column in range(9)),
        key=lambda place: (sum(place), place[0]),
    )
    signs = "".join("1" if waves[place] > 0 else "0" for place in places[1:65])
    assert f"{int(fingerprint(tissue(3))):064b}" == signs


def test_fingerprints_are_read_from_the_cache(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    saved(tile(1, SIDE), path)
    file = image_now(path)
    found = fingerprints_of([file])
    path.unlink()
    assert fingerprints_of([file]).tolist() == found.tolist() == [int(fingerprint(tissue(1)))]
    with pytest.raises(UserError, match="changed while it was used"):
        fingerprints_of([file, file])
