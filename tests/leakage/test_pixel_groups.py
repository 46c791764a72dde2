from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lcbench.datasets.canonical import groups as canonical_groups
from lcbench.datasets.canonical.build import packed, table_of
from lcbench.datasets.canonical.fingerprints import fingerprints_of
from lcbench.datasets.canonical.groups import CanonicalGroups, read_canonical
from lcbench.datasets.dataset import Dataset, load_dataset
from lcbench.datasets.fewer import keep
from lcbench.datasets.labels import LabelReader
from lcbench.leakage.pixel_groups import PixelCheck, know_sources
from lcbench.taxonomy import Taxonomy

Load = Callable[[dict[str, str] | None], Dataset]
TILE, OTHER = "lung_aca-tile00", "lung_aca-tile01"


@pytest.fixture(scope="module")
def truth(small_demo: Path) -> dict[str, str]:
    """The tile that each image was drawn from."""
    table = pd.read_csv(small_demo / "groups.csv")
    return dict(zip(table["image"], table["group"], strict=True))


@pytest.fixture
def load(small_demo: Path, lung: Taxonomy, tmp_path: Path) -> Load:
    """The demonstration set with the groups of a CSV file: load({"image": "group"})."""

    def loaded(groups: dict[str, str] | None) -> Dataset:
        file = tmp_path / "given.csv"
        if groups is not None:
            table = pd.DataFrame({"image": groups.keys(), "group": groups.values()})
            table.to_csv(file, index=False)
        reader = LabelReader(lung)
        return load_dataset(str(small_demo), reader, None if groups is None else file)

    return loaded


def copies_of(truth: dict[str, str], tile: str) -> list[str]:
    return [image for image, group in truth.items() if group == tile]


def groups_of(dataset: Dataset) -> dict[str, str]:
    manifest = dataset.manifest
    return dict(zip(manifest["image"], manifest["group"], strict=True))


def checked(dataset: Dataset) -> tuple[Dataset, PixelCheck]:
    known, check = know_sources(dataset)
    assert check is not None
    return known, check


def require_same_partition(found: dict[str, str], truth: dict[str, str]) -> None:
    assert found.keys() == truth.keys()
    both = {(found[image], truth[image]) for image in truth}
    assert len(both) == len(set(found.values())) == len(set(truth.values()))


# Without given groups


def test_groups_found_from_pixels_are_the_true_ones(load: Load, truth: dict[str, str]) -> None:
    known, check = know_sources(load(None))
    assert check is None
    assert known.groups_known
    assert known.groups_source == "pixels (0 exact copies, 48 registered pairs)"
    require_same_partition(groups_of(known), truth)
    for image, group in groups_of(known).items():
        assert group == min(copies_of(truth, truth[image]))


# With canonical groups


def canonical_of(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> CanonicalGroups:
    """Make the data set known, in two groups."""
    halves = [str(row % 2) for row in range(len(dataset.manifest))]
    table = table_of(list(dataset.manifest["image"]), halves, fingerprints_of(dataset.files()))
    made = read_canonical(packed(table), "halves", 1)
    monkeypatch.setattr(canonical_groups, "lc25000_lung", lambda: made)
    return made


def test_canonical_groups_stand_for_pixels(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    canonical = canonical_of(load(None), monkeypatch)
    known, check = know_sources(load(None))
    assert check is None
    assert known.canonical is canonical
    assert known.groups_source.startswith(f"{canonical} (all 72 images are here")
    assert known.manifest["group"].nunique() == 2


def test_given_groups_win_over_canonical_ones(
    load: Load, truth: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    canonical_of(load(None), monkeypatch)
    known, check = checked(load(truth))
    assert groups_of(known) == truth
    assert known.canonical is None
    assert "pixels join 48 groups that are given as different into 2" in str(check)


def test_why_canonical_groups_are_not_used_is_said(
    load: Load, truth: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    canonical = canonical_of(load(None), monkeypatch)
    canonical.table["fingerprint"] = canonical.table["fingerprint"].to_numpy()[::-1]
    known, _ = know_sources(load(None))
    assert known.canonical is None
    assert known.groups_source.startswith(
        f"pixels (0 exact copies, 48 registered pairs); {canonical} not used: "
    )
    require_same_partition(groups_of(known), truth)


# With given groups


def test_true_groups_are_kept_and_agreed_with(load: Load, truth: dict[str, str]) -> None:
    dataset = load(truth)
    known, check = checked(dataset)
    assert known is dataset
    assert groups_of(known) == truth
    assert (check.joined, check.apart) == ((), ())
    assert str(check) == "pixels agree with the source groups given"
    require_same_partition(groups_of(check.by_pixels), truth)


def test_tiles_that_are_given_as_one_are_named(load: Load, truth: dict[str, str]) -> None:
    one, two = copies_of(truth, TILE), copies_of(truth, OTHER)
    given = {**truth, **dict.fromkeys(one + two[:2], "both")}
    known, check = checked(load(given))
    assert groups_of(known) == given
    assert check.apart == tuple(two[:2])
    assert check.joined == (("both", OTHER),)
    assert str(check) == (
        "pixels join 2 groups that are given as different into 1 "
        f"(both and {OTHER}); 2 images could not be registered with the rest of their group "
        f"(e.g. {two[0]}). 'lcbench audit --groups' shows the pairs."
    )


def test_what_a_group_is_called_says_nothing_of_its_source(
    load: Load, truth: dict[str, str]
) -> None:
    given = {image: f"alone:{group}" for image, group in truth.items()}
    dataset = load(given)
    assert dataset.unknown_source == set()
    assert dataset.groups_words == "given.csv (72 images)"
    known, check = checked(dataset)
    assert groups_of(known) == given
    assert (check.joined, check.apart) == ((), ())


def test_of_fewer_images_only_what_concerns_them_is_said(load: Load, truth: dict[str, str]) -> None:
    dataset = load(truth)
    first, second, third = sorted(set(truth.values()))[:3]
    strays = copies_of(truth, first)[0], copies_of(truth, third)[0]
    check = PixelCheck(dataset, ((first, second), (first, third), (first, second, third)), strays)
    rows = np.flatnonzero(dataset.manifest["group"].isin([first, second]))
    fewer = keep(dataset, rows, len(rows))
    found = check.keep(rows, fewer)
    assert found.joined == ((first, second), (first, second))
    assert found.apart == strays[:1]
    assert found.by_pixels.manifest.equals(fewer.manifest)


# Images that a groups file does not name


def test_an_image_that_is_not_named_joins_its_siblings(load: Load, truth: dict[str, str]) -> None:
    unnamed = copies_of(truth, TILE)[1]
    dataset = load({image: truth[image] for image in truth if image != unnamed})
    assert dataset.unknown_source == {unnamed}
    known, check = checked(dataset)
    assert known.unknown_source == check.by_pixels.unknown_source == set()
    assert groups_of(known) == truth
    assert (check.joined, check.apart) == ((), ())
    assert known.groups_source == (
        "given.csv (71 images) and, for 1 images that it does not name, from pixels"
    )


def test_images_of_which_none_is_named_are_grouped_by_pixels(
    load: Load, truth: dict[str, str]
) -> None:
    unnamed = copies_of(truth, TILE)
    known, check = checked(load({image: truth[image] for image in truth if image not in unnamed}))
    found = groups_of(known)
    assert {found[image] for image in unnamed} == {f"pixels:{unnamed[0]}"}
    require_same_partition(found, truth)
    assert (check.joined, check.apart) == ((), ())


def test_the_more_frequent_given_group_wins(load: Load, truth: dict[str, str]) -> None:
    first, second, third = copies_of(truth, TILE)
    named = {**truth, first: "z", second: "a"}
    del named[third]
    assert groups_of(checked(load(named))[0])[third] == "a"


def test_given_groups_that_only_an_unnamed_image_joins_are_named(
    load: Load, truth: dict[str, str]
) -> None:
    """Whichever of the three is not named, the other two show the same tissue."""
    for unnamed in copies_of(truth, TILE):
        one, other = (image for image in copies_of(truth, TILE) if image != unnamed)
        named = {**truth, one: "a", other: "b"}
        del named[unnamed]
        assert checked(load(named))[1].joined == (("a", "b"),), unnamed
