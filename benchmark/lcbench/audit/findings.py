"""From proven pairs and groups to what an audit says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import permutations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lcbench.audit.collection import Collection
from lcbench.audit.results import (
    Crossing,
    FolderFacts,
    GroupFacts,
    Kind,
    LabelGroups,
    Pair,
)
from lcbench.leakage.sources import Sources

KINDS: tuple[Kind, ...] = ("same file", "same pixels", "near copy", "overlapping field")


def folder_facts(collection: Collection) -> tuple[FolderFacts, ...]:
    """Return the folders with their images and labels."""
    found = []
    for position, folder in enumerate(collection.folders):
        own = collection.images[collection.images["folder"] == position]
        labels = Counter(own["given"].tolist())
        found.append(FolderFacts(name=folder.name, images=len(own), labels=dict(labels)))
    return tuple(found)


def count_kinds(pairs: list[Pair]) -> dict[Kind, int]:
    """Return how many joined pairs there are of each kind."""
    counts = Counter(pair.kind for pair in pairs if pair.joined)
    return {kind: counts[kind] for kind in KINDS}


def group_facts(groups: NDArray[np.intp]) -> GroupFacts:
    """Return how many groups there are, and of what size."""
    sizes = np.unique(groups, return_counts=True)[1]
    return GroupFacts(
        groups=len(sizes),
        single=int((sizes == 1).sum()),
        median=float(np.median(sizes)),
        largest=int(sizes.max()),
    )


def label_groups(collection: Collection, groups: NDArray[np.intp]) -> tuple[LabelGroups, ...]:
    """Return the groups of each label."""
    given = collection.images["given"].to_numpy()
    return tuple(
        LabelGroups(
            label=label,
            images=int((given == label).sum()),
            facts=group_facts(groups[given == label]),
        )
        for label in sorted(set(given.tolist()))
    )


def crossings(collection: Collection, sources: Sources) -> tuple[Crossing, ...]:
    """Return, for each two sides, what of one has a sibling on the other."""
    images = collection.images.assign(group=sources.groups)
    images = images[images["side"] != ""]
    copies = sources.originals[images.index]
    return tuple(
        _cross(images, copies, side, other)
        for side, other in permutations(sorted(set(images["side"])), 2)
    )


def _cross(images: pd.DataFrame, copies: NDArray[np.intp], side: str, other: str) -> Crossing:
    here, there = images["side"] == side, images["side"] == other
    shared = images.loc[here, "group"].isin(set(images.loc[there, "group"]))
    exact = np.isin(copies[here.to_numpy()], copies[there.to_numpy()])
    return Crossing(
        side=side,
        other=other,
        images=int(here.sum()),
        with_sibling=int(shared.sum()),
        groups=images.loc[here, "group"].nunique(),
        groups_shared=images.loc[here, "group"][shared].nunique(),
        exact=int(exact.sum()),
    )


def exact_copies(pairs: list[Pair]) -> list[Pair]:
    """Return the exact copies, same files first."""
    return _clearest(pair for pair in pairs if pair.inliers is None)


def crossing_pairs(pairs: list[Pair]) -> list[Pair]:
    """Return the pairs whose images stand on two sides, the clearest first.

    Each group that stands on two sides has one, unless an image without a side is between them.
    """
    found = [p for p in pairs if p.joined and p.first.side and p.second.side]
    return _clearest(p for p in found if p.first.side != p.second.side)


def two_label_pairs(pairs: list[Pair], labels: dict[str, str]) -> list[Pair]:
    """Return the pairs whose images carry two labels, the clearest first.

    Parameters
    ----------
    pairs
        Every pair.
    labels
        What the label of each image stands for, by the image's name: two spellings are one.
    """
    return _clearest(p for p in pairs if p.joined and labels[p.first.name] != labels[p.second.name])


def two_label_groups(collection: Collection, groups: NDArray[np.intp]) -> int:
    """Return how many source groups carry more than one label."""
    labels = collection.images["label"].groupby(groups).nunique()
    return int((labels > 1).sum())


def _clearest(pairs: Iterator[Pair]) -> list[Pair]:
    """Return pairs by kind, and the larger overlap and correlation first."""
    return sorted(pairs, key=lambda p: (KINDS.index(p.kind), -p.overlap, -p.correlation))
