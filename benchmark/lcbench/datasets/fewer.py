"""Fewer images of a dataset, in whole source groups."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lcbench.datasets.dataset import Dataset, Drawn
from lcbench.datasets.listing import manifest_hash
from lcbench.errors import wrong_usage

_SEED = 0


def drawn_rows(dataset: Dataset, count: int) -> NDArray[np.intp]:
    """Return the rows of at least `count` images, the same at every call.

    Of each label, source groups are drawn at random until it has its share of `count`, as it has
    of all images. A group of several labels counts for its most frequent one. Where groups are
    unknown, each image is one.

    Raises
    ------
    UserError
        If there are fewer images.
    """
    manifest = dataset.manifest
    if count > len(manifest):
        raise wrong_usage(f"--images {count}: {dataset.name} has {len(manifest):,} images")
    groups = manifest["group"] if dataset.groups_known else manifest["image"]
    label_of = manifest["label"].groupby(groups).agg(lambda labels: labels.mode().iloc[0])
    sizes = groups.value_counts()
    random = np.random.default_rng(_SEED)
    chosen: list[str] = []
    for label in sorted(set(label_of)):
        of_label = np.sort(label_of.index[label_of == label].to_numpy(dtype=str))
        share = count * sizes[of_label].sum() / len(manifest)
        chosen.extend(_until(random.permutation(of_label), sizes, share))
    return np.flatnonzero(groups.isin(chosen))


def keep(dataset: Dataset, rows: NDArray[np.intp], asked: int) -> Dataset:
    """Return a dataset of some images of another, which says so; of all, the same one.

    Parameters
    ----------
    dataset
        Of all images.
    rows
        Of its manifest, in order.
    asked
        The number of images that was asked for.
    """
    if len(rows) == len(dataset.manifest):
        return dataset
    manifest = dataset.manifest.iloc[rows].reset_index(drop=True)
    groups = dataset.manifest["group"].nunique() if dataset.groups_known else None
    return replace(
        dataset,
        manifest=manifest,
        sha256=manifest_hash(manifest),
        drawn=Drawn(asked=asked, images=len(dataset.manifest), source_groups=groups),
    )


def _until(groups: NDArray[np.str_], sizes: pd.Series, share: float) -> list[str]:
    """Return the first groups that have `share` images together."""
    before = np.cumsum([0, *sizes.reindex(groups)])[:-1]
    return [str(group) for group in groups[before < share]]
