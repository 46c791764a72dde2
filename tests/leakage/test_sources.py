from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score

from lcbench.leakage import grouping, proofs, sources
from lcbench.leakage.keypoints import ImageFeatures
from lcbench.leakage.registration import Registration
from lcbench.leakage.sources import Copy, Sources, find_sources

from .tissue import Change, Pixels, copied, files, saved, slide, tile

CHANGES = (
    Change(scale=0.5),
    Change(angle=65, scale=0.6, crop=0.9),
    Change(angle=200, mirror=True, scale=0.5, quality=40, gain=(1.05, 0.95, 1.0)),
)
TILES = 5
SOURCE = np.repeat(np.arange(TILES), len(CHANGES))


def found_in(paths: Sequence[Path], queries: Sequence[int] | None = None) -> Sources:
    wanted = None if queries is None else np.isin(np.arange(len(paths)), queries)
    return find_sources([files(paths)], wanted)


def written(folder: Path, images: Sequence[Pixels], suffix: str = "png") -> list[Path]:
    return [
        saved(pixels, folder / f"{number:02d}.{suffix}") for number, pixels in enumerate(images)
    ]


@pytest.fixture(scope="module")
def copies(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Some tiles in three copies each, side by side."""
    images = [copied(seed, change)[0] for seed in range(TILES) for change in CHANGES]
    return written(tmp_path_factory.mktemp("copies"), images)


def require_equal(found: Sources, expected: Sources) -> None:
    for name in ("groups", "incomparable", "rejected", "originals"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
    assert found.copies == expected.copies
    assert found.tried == expected.tried
    for name in ("links", "doubtful"):
        links = zip(getattr(found, name), getattr(expected, name), strict=True)
        for one, other in links:
            assert one.candidate == other.candidate
            np.testing.assert_array_equal(one.registration.matrix, other.registration.matrix)
            assert one.registration.correlation == other.registration.correlation


def require_partition(found: Sources, truth: Sequence[object]) -> None:
    """The groups are the true ones, each called by its lowest image, and proven by links."""
    first = {source: number for number, source in reversed(list(enumerate(truth)))}
    assert found.groups.tolist() == [first[source] for source in truth]
    distinct = len(truth) - len(found.copies)
    assert len(found.links) == distinct - len(first)
    for link in found.links:
        assert truth[link.candidate.first] == truth[link.candidate.second]


def raise_error(*_args: object, **_options: object) -> NoReturn:
    raise AssertionError("computed again")


# What is found


def test_the_demonstration_set_is_grouped_by_its_tiles(small_demo: Path) -> None:
    truth = pd.read_csv(small_demo / "groups.csv")
    found = found_in([small_demo / image for image in truth["image"]])
    assert adjusted_rand_score(truth["group"], found.groups) == 1
    require_partition(found, truth["group"].tolist())
    assert found.copies == found.doubtful == ()
    assert len(found.incomparable) == 0
    assert len(found.links) <= found.tried < 72 * 20
    assert len(found.rejected) <= found.tried - len(found.links)


def test_copies_are_grouped_in_any_order_of_the_files(copies: list[Path]) -> None:
    require_partition(found_in(copies), SOURCE.tolist())
    order = np.random.default_rng(0).permutation(len(copies))
    require_partition(found_in([copies[number] for number in order]), SOURCE[order].tolist())


def test_tiles_of_one_slide_side_by_side_and_of_others_like_it_are_not_merged(
    tmp_path: Path,
) -> None:
    starts = range(0, 432, 144)
    parts = [slide(60)[y : y + 144, x : x + 144] for y in starts for x in starts]
    found = found_in(written(tmp_path, [*parts, *(tile(seed, 144) for seed in range(61, 67))]))
    assert found.groups.tolist() == list(range(15))
    assert found.links == found.doubtful == ()
    assert found.tried > 15


def test_images_are_numbered_through_all_folders_and_names_do_not_matter(
    copies: list[Path], tmp_path: Path
) -> None:
    names = [tmp_path / f"{'zyx'[number % 3]}-{97 * number % 31}.png" for number in range(15)]
    moved = [shutil.copy(path, name) for path, name in zip(copies, names, strict=True)]
    require_equal(find_sources([files(copies[:4]), files(moved[4:])]), found_in(copies))
    again = shutil.copy(copies[1], tmp_path / "again.png")
    found = find_sources([files(copies[:3]), files([]), files([again, *copies[3:]])])
    assert found.copies == (Copy(1, 3, "same file"),)
    require_partition(found, [*SOURCE[:3], SOURCE[1], *SOURCE[3:]])
    assert len(found.features) == 16
    assert found.features[3].digest == found.features[1].digest


# Exact copies and images without structure


def test_exact_copies_are_found_as_files_and_as_pixels(copies: list[Path], tmp_path: Path) -> None:
    a, b = tile(0, 160), tile(1, 160)
    paths = [
        saved(b, tmp_path / "b.bmp"),
        saved(a, tmp_path / "a.png"),
        saved(a, tmp_path / "a.bmp"),
        shutil.copy(tmp_path / "a.png", tmp_path / "a again.png"),
        shutil.copy(tmp_path / "a.bmp", tmp_path / "a again.bmp"),
        copies[0],
    ]
    found = found_in(paths)
    pixels, file, other = (
        Copy(1, 2, "same pixels"),
        Copy(1, 3, "same file"),
        Copy(2, 4, "same file"),
    )
    assert found.copies == (pixels, file, other)
    assert found.originals.tolist() == [0, 1, 1, 1, 1, 5]
    require_partition(found, [1, 0, 0, 0, 0, 0])
    assert [link.candidate[:2] for link in found.links] == [(1, 5)]


def test_blank_images_are_incomparable_and_found_as_exact_copies_only(tmp_path: Path) -> None:
    white, grey = (np.full((40, 60, 3), value, dtype=np.uint8) for value in (255, 128))
    images = [white, tile(0, 160), grey, white, white[:, :50], tile(1, 160), white[:1, :1]]
    paths = written(tmp_path, images)
    paths.append(saved(grey, tmp_path / "grey.bmp"))
    found = found_in(paths)
    assert found.groups.tolist() == [0, 1, 2, 0, 4, 5, 6, 2]
    assert found.copies == (Copy(0, 3, "same file"), Copy(2, 7, "same pixels"))
    assert found.incomparable.tolist() == [0, 2, 3, 4, 6, 7]
    assert found.links == found.doubtful == ()


@pytest.mark.parametrize(("tiles", "blanks"), [(0, 0), (0, 3), (1, 0), (1, 1)])
def test_there_may_be_hardly_anything_to_compare(tmp_path: Path, tiles: int, blanks: int) -> None:
    blank = [np.full((size, 8, 3), 240, dtype=np.uint8) for size in range(1, 1 + blanks)]
    found = found_in(written(tmp_path, [*blank, *(tile(seed, 96) for seed in range(tiles))]))
    assert found.groups.tolist() == list(range(blanks + tiles))
    assert found.incomparable.tolist() == list(range(blanks))
    assert found.links == found.copies == ()
    assert found.tried == 0


# Queries


@pytest.mark.usefixtures("empty_cache")
@pytest.mark.parametrize("queries", [[], [4], [1, 12, 14]])
def test_only_pairs_with_a_query_are_registered(
    queries: list[int], copies: list[Path], registered: list[tuple[bytes, bytes]]
) -> None:
    found = found_in(copies, queries)
    wanted = {found.features[query].digest for query in queries}
    assert len(registered) == found.tried
    assert all(wanted & set(pair) for pair in registered)
    asked = {SOURCE[query] for query in queries}
    own = [source if source in asked else f"image {n}" for n, source in enumerate(SOURCE)]
    require_partition(found, own)


@pytest.mark.usefixtures("empty_cache")
def test_an_image_is_a_query_if_a_copy_of_it_is(copies: list[Path], tmp_path: Path) -> None:
    again = [shutil.copy(copies[n], tmp_path / f"{n}.png") for n in (0, 6)]
    found = found_in([*copies, *again], queries=[15, 16])
    expected = np.arange(17)
    expected[[0, 1, 2, 15]], expected[[6, 7, 8, 16]] = 0, 6
    np.testing.assert_array_equal(found.groups, expected)


# What is kept


def test_what_was_found_is_read_from_the_cache(
    copies: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = found_in(copies)
    monkeypatch.setattr(sources, "embed", raise_error)
    monkeypatch.setattr(proofs, "register", raise_error)
    require_equal(found_in(copies), first)
    with pytest.raises(AssertionError, match="computed again"):
        found_in(copies[1:])
    with pytest.raises(AssertionError, match="computed again"):
        found_in(copies, queries=[0, 1])


@pytest.mark.parametrize("after", [0, 9])
def test_an_interrupted_run_goes_on_where_it_was_and_finds_the_same(
    copies: list[Path],
    after: int,
    empty_cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    registered: list[tuple[bytes, bytes]],
) -> None:
    monkeypatch.setattr(grouping, "_BATCH", 4)
    monkeypatch.setenv("LCBENCH_CACHE", str(empty_cache / "uninterrupted"))
    whole = found_in(copies)
    registered.clear()
    monkeypatch.setenv("LCBENCH_CACHE", str(empty_cache))
    counted = proofs.register

    def interrupt(
        first: ImageFeatures, second: ImageFeatures, *, mirror: bool
    ) -> Registration | None:
        if len(registered) >= after:
            raise KeyboardInterrupt
        return counted(first, second, mirror=mirror)

    with monkeypatch.context() as patch:
        patch.setattr(proofs, "register", interrupt)
        with pytest.raises(KeyboardInterrupt):
            found_in(copies)
    done = len(registered)
    assert done >= after
    registered.clear()
    require_equal(found_in(copies), whole)
    # At most the batch that was interrupted is registered again.
    assert whole.tried - done <= len(registered) < whole.tried - done + 4
