import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from lcbench.datasets.dataset import Dataset
from lcbench.datasets.groups import read_groups
from lcbench.errors import UserError
from lcbench.leakage.siblings import count_siblings
from lcbench.protocols import FOLDS, PROTOCOLS, SIDES, Split, coarse_labels, splits, write_split
from lcbench.tables import read_text_table
from lcbench.taxonomy import load_taxonomy

FEW = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.filter_too_much])
counts_of_classes = st.lists(st.integers(10, 80), min_size=2, max_size=5)
# For each class the sizes of its groups, which may differ much.
group_sizes = st.lists(
    st.lists(st.sampled_from([1, 1, 2, 3, 8, 25]), min_size=6, max_size=10), min_size=2, max_size=4
)


def dataset_of(labels, groups=None):
    """Return a dataset that was never decoded: protocols look at labels and groups alone."""
    manifest = pd.DataFrame({"label": list(labels)}, dtype=object)
    manifest["image"] = [f"{number:05d}.png" for number in range(len(manifest))]
    manifest["group"] = "" if groups is None else list(groups)
    source = "" if groups is None else "known"
    return Dataset("my data", Path(), manifest, source, (), synthetic=False, sha256="")


def of_counts(*counts):
    return dataset_of(np.repeat([f"class{number}" for number in range(len(counts))], counts))


def of_group_sizes(sizes):
    labels = [f"class{c}" for c, groups in enumerate(sizes) for size in groups for _ in range(size)]
    names = [
        f"{c}-{g}" for c, groups in enumerate(sizes) for g, n in enumerate(groups) for _ in range(n)
    ]
    order = np.random.default_rng(0).permutation(len(labels))
    return dataset_of(np.array(labels)[order], np.array(names)[order])


def sizes_of(split):
    return tuple(len(split.rows(side)) for side in SIDES)


def classes_of(split, data, side):
    return Counter(data.manifest["label"].iloc[split.rows(side)])


# paper


def test_fifteen_thousand_images_are_divided_as_the_paper_says():
    (split,) = splits("paper", of_counts(5000, 5000, 5000), 0)
    assert sizes_of(split) == (10_200, 2_550, 2_250)
    for side, count in zip(SIDES, (3_400, 850, 750), strict=True):
        assert set(classes_of(split, of_counts(5000, 5000, 5000), side).values()) == {count}


@FEW
@given(counts_of_classes, st.integers(0, 2**31))
def test_other_sizes_are_divided_in_the_same_shares_within_each_class(counts, seed):
    data = of_counts(*counts)
    assume(sum(counts) * 0.15 >= len(counts) + 1)
    (split,) = splits("paper", data, seed)
    size = sum(counts)
    assert sum(sizes_of(split)) == size
    for side, share in zip(SIDES, (0.68, 0.17, 0.15), strict=True):
        assert abs(len(split.rows(side)) - share * size) <= 1
        for name, count in data.manifest["label"].value_counts().items():
            assert abs(classes_of(split, data, side)[name] - share * count) <= 2


@FEW
@given(st.lists(st.integers(1, 40), min_size=1, max_size=5))
@example([24, 17, 4])  # large enough in sum, and still none of the last class is drawn for testing
def test_every_class_is_on_every_side_or_the_counts_are_named(counts):
    data = of_counts(*counts)
    try:
        (split,) = splits("paper", data, 0)
    except UserError as error:
        message = error.message
    else:
        for side in SIDES:
            assert len(classes_of(split, data, side)) == len(counts)
        return
    assert "my data: too few images for protocol 'paper'" in message
    named = re.findall(r"class(\d) (\d+)", message)
    assert named
    assert all(counts[int(number)] == int(count) for number, count in named)


# grouped


@pytest.mark.filterwarnings("ignore:The least populated class")
@FEW
@given(group_sizes, st.integers(0, 1000))
def test_no_group_is_on_two_sides_and_every_image_is_tested_once(sizes, seed):
    data = of_group_sizes(sizes)
    divided = list(splits("grouped", data, seed))
    assert [split.fold for split in divided] == list(range(FOLDS))
    tested = Counter(row for split in divided for row in split.rows("test"))
    assert tested == Counter(range(len(data.manifest)))
    for split in divided:
        sides = pd.Series(split.sides).groupby(data.manifest["group"]).nunique()
        assert (sides == 1).all()
        assert all(sizes_of(split))
        assert count_siblings(split, data).test_images_with_siblings == 0


@pytest.mark.filterwarnings("ignore:The least populated class")
@FEW
@given(group_sizes, st.integers(0, 1000))
def test_every_class_is_trained_on_and_validated_in_every_fold(sizes, seed):
    data = of_group_sizes(sizes)
    for split in splits("grouped", data, seed):
        assert len(classes_of(split, data, "train")) == len(sizes)
        assert len(classes_of(split, data, "validation")) == len(sizes)


def test_groups_of_one_size_give_equal_folds_stratified_by_class():
    data = of_group_sizes([[4] * 25] * 3)
    for split in splits("grouped", data, 0):
        assert sizes_of(split) == (192, 48, 60)
        for side, count in zip(SIDES, (64, 16, 20), strict=True):
            assert set(classes_of(split, data, side).values()) == {count}


def test_groups_are_counted_for_each_class_and_not_over_all():
    labels = ["class0"] * 30 + ["class1"] * 20
    groups = [f"g{number}" for number in range(30)] + ["g0"] * 20
    with pytest.raises(UserError, match="too few source groups for 5 folds: class1 1"):
        list(splits("grouped", dataset_of(labels, groups), 0))


@pytest.mark.parametrize("few", [1, 5])
def test_too_few_groups_are_counted_in_the_error(few):
    data = of_group_sizes([[5] * 9, [5] * few, [5] * 8])
    with pytest.raises(UserError) as raised:
        list(splits("grouped", data, 0))
    assert f"class1 {few}" in raised.value.message
    assert "class0" not in raised.value.message
    assert "at least 6" in raised.value.remedy


def test_grouped_without_groups_says_how_to_get_them():
    with pytest.raises(UserError) as raised:
        list(splits("grouped", of_counts(50, 50, 50), 0))
    assert "--groups CSV (columns image, group)" in raised.value.remedy
    assert "protocol paper" in raised.value.remedy


# any protocol


@pytest.fixture
def small():
    return of_group_sizes([[2] * 10] * 3)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_one_seed_gives_one_division_and_another_seed_another(small, protocol):
    def hashes(seed):
        return [split.sha256 for split in splits(protocol, small, seed)]

    assert hashes(3) == hashes(3)
    seen = [sha256 for seed in range(5) for sha256 in hashes(seed)]
    assert len(set(seen)) == len(seen) == 5 * PROTOCOLS[protocol].folds


def test_divisions_are_the_same_in_every_version(small):
    # "The same seed gives the same split on any machine": if a new version of scikit-learn or
    # numpy changes one of these, published results can no longer be compared with new ones.
    found = {
        f"{split.protocol} {split.name}": split.sha256
        for protocol in PROTOCOLS
        for seed in (0, 1)
        for split in splits(protocol, small, seed)
    }
    assert found == {
        "paper seed0": "9ed0baa310a4cbd9",
        "paper seed1": "8446532373e16285",
        "grouped seed0-fold0": "1a15cb18daa06bc7",
        "grouped seed0-fold1": "5782616e63852e42",
        "grouped seed0-fold2": "3dbade1f982c58d4",
        "grouped seed0-fold3": "d3d1c3281a3940e6",
        "grouped seed0-fold4": "5f77667d560eeccc",
        "grouped seed1-fold0": "61c8cf7cae964337",
        "grouped seed1-fold1": "c4c7561a7229b839",
        "grouped seed1-fold2": "274674e686e224f3",
        "grouped seed1-fold3": "b7a53774cd98a398",
        "grouped seed1-fold4": "abe9fcd024603097",
    }


def test_a_split_is_written_as_csv_with_every_image(small, tmp_path):
    for split in splits("grouped", small, 2):
        write_split(tmp_path, split)
    names = sorted(path.name for path in (tmp_path / "grouped").iterdir())
    assert names == [f"seed2-fold{fold}.csv" for fold in range(FOLDS)]
    table = pd.read_csv(tmp_path / "grouped" / "seed2-fold4.csv", dtype=str)
    assert table["image"].tolist() == small.manifest["image"].tolist()
    assert table["side"].tolist() == split.sides.tolist()
    assert next(splits("paper", small, 2)).name == "seed2"


def test_images_that_are_called_like_formulas_come_back_from_a_split(tmp_path):
    images = ("=cmd.png", "-1.png", "'=b.png", "@c.png", "-1.5")
    split = Split("paper", 0, 0, np.array(["train", "test", "test", "train", "test"]), images)
    write_split(tmp_path, split)
    path = tmp_path / "paper" / "seed0.csv"
    assert path.read_text().splitlines()[1:3] == ["'=cmd.png,train", "'-1.png,test"]
    assert tuple(read_text_table(path)["image"]) == images


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_division_neither_uses_nor_changes_the_random_numbers_of_others(small, protocol):
    before = next(splits(protocol, small, 0)).sha256
    np.random.seed(5)  # noqa: NPY002 - what other libraries do
    expected = np.random.rand()  # noqa: NPY002
    np.random.seed(5)  # noqa: NPY002
    assert next(splits(protocol, small, 0)).sha256 == before
    assert np.random.rand() == expected  # noqa: NPY002


# real data


@pytest.fixture
def lc25000(shared_data):
    """The 15,000 lung images by name alone; groups of the 5,000 benign ones are unknown."""
    known = read_groups(shared_data / "lc25000-source-groups-aca-scc.csv")
    images = [*known, *(f"lung_n/lungn{number}.jpeg" for number in range(1, 5001))]
    groups = [known.get(image, f"alone:{image}") for image in images]
    data = dataset_of([image.split("/")[0] for image in images], groups)
    return replace(data, unknown_source=frozenset(data.manifest["image"][len(known) :]))


def test_on_lc25000_a_random_split_shares_all_tiles_and_a_grouped_split_none(lc25000):
    (paper,) = splits("paper", lc25000, 0)
    assert sizes_of(paper) == (10_200, 2_550, 2_250)
    siblings = count_siblings(paper, lc25000)
    assert siblings.test_images_with_siblings == siblings.test_images == 1_500
    assert siblings.test_images_of_unknown_source == 750
    for split in splits("grouped", lc25000, 0):
        siblings = count_siblings(split, lc25000)
        assert (siblings.test_images_with_siblings, siblings.test_groups_in_train) == (0, 0)
        assert abs(len(split.rows("test")) - 3_000) < 30
        for side, share in zip(SIDES, (0.64, 0.16, 0.2), strict=True):
            for count in classes_of(split, lc25000, side).values():
                assert abs(count - 5_000 * share) < 50


# labels that are inner nodes


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_few_coarse_labels_are_drawn_with_the_most_common_class_below(protocol):
    labels = np.repeat(["benign", "adenocarcinoma", "squamous_cell_carcinoma"], (40, 60, 50))
    coarse = np.array([*labels, "malignant", "malignant"])
    data = dataset_of(coarse, [f"group{number // 2}" for number in range(len(coarse))])
    drawn_as = coarse_labels(data, load_taxonomy())
    assert drawn_as == {"malignant": "adenocarcinoma"}
    plain = dataset_of([*labels, *["adenocarcinoma"] * 2], data.manifest["group"])
    found, wanted = (
        [split.sides.tolist() for split in splits(protocol, *arguments)]
        for arguments in ((data, 0, drawn_as), (plain, 0))
    )
    assert found == wanted
