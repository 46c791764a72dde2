"""Tiles: no pixel twice, none moved, background left out, one answer an image."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lcbench.datasets.dataset import Dataset, load_dataset
from lcbench.datasets.images import image_now, open_rgb
from lcbench.datasets.labels import LabelReader
from lcbench.datasets.tiles import (
    boxes,
    cut_into_tiles,
    is_background,
    require_tile_size,
    tiles_of,
)
from lcbench.errors import ExitCode, UserError
from lcbench.taxonomy import Taxonomy

random = np.random.default_rng(0)


def picture(height: int, width: int) -> np.ndarray:
    return random.integers(40, 200, (height, width, 3), dtype=np.uint8)


@pytest.fixture
def large(tmp_path: Path, lung: Taxonomy) -> Dataset:
    """Four images: 3 x 2 tiles, of which one is white; 2 x 1; smaller than a tile; all white."""
    first = picture(70, 100)
    first[3:35, 2:34] = 255
    images = {
        "normal/a.png": first,
        "aca/b.png": picture(32, 64),
        "scc/c.png": picture(20, 30),
        "normal/d.png": np.full((40, 40, 3), 240, dtype=np.uint8),
    }
    for name, pixels in images.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(pixels).save(tmp_path / name)
    return load_dataset(str(tmp_path), LabelReader(lung))


@given(st.integers(1, 300), st.integers(1, 300), st.integers(32, 120))
def test_tiles_lie_beside_each_other_in_the_middle(height: int, width: int, size: int) -> None:
    seen = np.zeros((height, width), int)
    names = set()
    for name, (down, across) in boxes(height, width, size):
        names.add(name)
        assert seen[down, across].shape == (min(height, size), min(width, size))
        seen[down, across] += 1
    assert len(names) == max(1, height // size) * max(1, width // size)
    assert seen.max() == 1
    looked_at = seen.any(axis=1)
    before, after = looked_at.argmax(), looked_at[::-1].argmax()
    assert 0 <= after - before <= 1
    assert before + after < size


def test_tiles_hold_the_pixels_of_their_image(large: Dataset) -> None:
    tiles = cut_into_tiles(large, 32)
    manifest = tiles.dataset.manifest
    whole = [np.asarray(open_rgb(large.path(image))) for image in large.manifest["image"]]
    for row, image in zip(tiles.image_of, manifest["image"], strict=True):
        found = re.search(r"r(\d+)-c(\d+)\.png$", image)
        assert found is not None
        name = found[0].removesuffix(".png")
        box = dict(boxes(*whole[row].shape[:2], 32))[name]
        pixels = np.asarray(open_rgb(tiles.dataset.path(image)))
        assert (pixels == whole[row][box]).all()
    assert [image_now(file.path) for file in tiles.dataset.files()] == tiles.dataset.files()


def test_background_is_left_out_but_no_image_is(large: Dataset) -> None:
    tiles = cut_into_tiles(large, 32)
    counts = pd.Series(large.manifest["image"].to_numpy()[tiles.image_of]).value_counts()
    assert counts.to_dict() == {
        "normal/a.png": 5,
        "aca/b.png": 2,
        "scc/c.png": 1,
        "normal/d.png": 1,
    }
    told = "9 from 4 images, 1 of them no larger than a tile; 1 of background left out"
    assert told in tiles.words
    assert tiles.dataset.tiling == tiles.words
    assert tiles.dataset.sha256 != large.sha256
    assert cut_into_tiles(large, 64).dataset.sha256 != tiles.dataset.sha256


def test_tiles_have_the_label_and_the_group_of_their_image(large: Dataset) -> None:
    alone = cut_into_tiles(large, 32)
    images = large.manifest["image"].to_numpy()[alone.image_of]
    assert list(alone.dataset.manifest["group"]) == list(images)
    assert list(alone.dataset.manifest["label"]) == list(
        large.manifest["label"].to_numpy()[alone.image_of]
    )
    groups = replace(
        large, manifest=large.manifest.assign(group=["p", "q", "p", "r"]), groups_source="a file"
    )
    tiles = cut_into_tiles(groups, 32).dataset
    assert tiles.groups_source == "a file"
    assert set(tiles.manifest["group"]) == {"p", "q", "r"}


def test_a_changed_image_is_cut_again(large: Dataset, lung: Taxonomy) -> None:
    before = cut_into_tiles(large, 32)
    Image.fromarray(picture(32, 64)).save(large.root / "aca/b.png")
    with pytest.raises(UserError, match="changed while it was used"):
        cut_into_tiles(large, 33)
    now = cut_into_tiles(load_dataset(str(large.root), LabelReader(lung)), 32)
    assert now.dataset.root != before.dataset.root


def test_answers_of_an_image_are_the_mean_of_its_tiles(large: Dataset) -> None:
    tiles = cut_into_tiles(large, 32)
    values = random.dirichlet(np.ones(3), len(tiles.image_of))
    means = tiles.mean_by_image(values)
    for row in range(len(large.manifest)):
        np.testing.assert_allclose(means[row], values[tiles.image_of == row].mean(axis=0))
    np.testing.assert_allclose(means.sum(axis=1), 1)


@pytest.mark.parametrize(
    ("light", "share", "empty"),
    [(255, 0.96, True), (220, 0.96, True), (219, 1.0, False), (255, 0.94, False), (0, 1.0, True),
     (10, 0.96, True), (11, 1.0, False)],
)  # fmt: skip
def test_background_is_white_or_black(light: int, share: float, *, empty: bool) -> None:
    tile = np.full((100, 10, 3), 120, dtype=np.uint8)
    tile[: round(100 * share)] = light
    assert is_background(tile) is empty


@pytest.mark.parametrize("size", [0, 31, 10_001])
def test_sides_that_no_tile_can_have_are_refused(size: int) -> None:
    require_tile_size(None)
    with pytest.raises(UserError, match=f"--tile {size}: not a side") as caught:
        require_tile_size(size)
    assert caught.value.code == ExitCode.WRONG_USAGE


def test_nothing_is_cut_where_no_image_is_larger(
    large: Dataset, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tiles_of(large, None) is None
    assert capsys.readouterr().err == ""
    assert tiles_of(large, 4_000) is None
    assert "--tile 4000: none of the 4 images is larger" in capsys.readouterr().err
    assert tiles_of(large, 64) is not None
