"""Fewer images: whole source groups, every class with its share, the same at every call."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lcbench.datasets.dataset import Dataset
from lcbench.datasets.fewer import drawn_rows, keep
from lcbench.errors import UserError

SIZES = st.lists(st.integers(1, 6), min_size=1, max_size=8)


def dataset_of(base: Dataset, sizes: dict[str, list[int]], *, known: bool = True) -> Dataset:
    rows = [
        (f"{label}/{group}-{number}.png", label, f"{label}{group}" if known else "", "x")
        for label, groups in sizes.items()
        for group, size in enumerate(groups)
        for number in range(size)
    ]
    manifest = pd.DataFrame(rows, columns=["image", "label", "group", "sha256"])
    return replace(base, manifest=manifest, groups_source="a file" if known else "")


@given(sizes=st.fixed_dictionaries({"one": SIZES, "two": SIZES, "three": SIZES}), data=st.data())
def test_groups_are_whole_and_every_class_has_its_share(
    sizes: dict[str, list[int]], data: st.DataObject, demo_dataset: Dataset
) -> None:
    dataset = dataset_of(demo_dataset, sizes)
    manifest = dataset.manifest
    count = data.draw(st.integers(1, len(manifest)))
    rows = drawn_rows(dataset, count)
    kept = manifest.iloc[rows]
    assert len(kept) >= count
    for label, of_label in manifest.groupby("label"):
        share = count * len(of_label) / len(manifest)
        found = (kept["label"] == label).sum()
        assert share <= found + 1e-9
        assert found < share + max(sizes[str(label)])
    for _, group in manifest.groupby("group"):
        assert group["image"].isin(kept["image"]).mean() in (0.0, 1.0)
    np.testing.assert_array_equal(rows, drawn_rows(dataset, count))
    assert (np.diff(rows) > 0).all()


def test_all_images_are_all_images(demo_dataset: Dataset) -> None:
    count = len(demo_dataset.manifest)
    rows = drawn_rows(demo_dataset, count)
    assert len(rows) == count
    assert keep(demo_dataset, rows, count) is demo_dataset
    with pytest.raises(UserError, match=f"--images {count + 1}: .* has {count} images"):
        drawn_rows(demo_dataset, count + 1)


def test_where_groups_are_unknown_each_image_is_drawn_alone(demo_dataset: Dataset) -> None:
    dataset = dataset_of(demo_dataset, {"one": [6], "two": [6]}, known=False)
    rows = drawn_rows(dataset, 6)
    assert dataset.manifest["label"].iloc[rows].value_counts().to_dict() == {"one": 3, "two": 3}


def test_fewer_images_are_another_dataset_that_says_what_it_is_of(demo_dataset: Dataset) -> None:
    rows = drawn_rows(demo_dataset, 30)
    fewer = keep(demo_dataset, rows, 30)
    assert fewer.sha256 != demo_dataset.sha256
    assert fewer.manifest["image"].tolist() == demo_dataset.manifest["image"].iloc[rows].tolist()
    assert fewer.manifest.index.tolist() == list(range(len(rows)))
    assert str(fewer.drawn) == (
        "drawn at random from 72 in whole source groups (24), each class with its share"
    )
