"""Groups found from pixels beside the groups of a file."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.cluster.hierarchy import DisjointSet

from lcbench.audit.results import Merge, Pair, Published, SplitGroup
from lcbench.leakage.grouping import CERTAIN


def compare_with(
    file: str,
    published: Sequence[str | None],
    found: NDArray[np.intp],
    pairs: Iterable[tuple[int, int, Pair]],
    names: Sequence[str],
) -> Published:
    """Compare two partitions of the images.

    Parameters
    ----------
    file
        Name of the file, for the words.
    published
        Each image's group in the file; None where it names none.
    found
        Each image's group from pixels.
    pairs
        Positions and row of each pair that joins two groups.
    names
        Of the images.
    """
    from sklearn.metrics import adjusted_rand_score

    named = np.array([group is not None for group in published])
    theirs = np.array([group for group in published if group is not None])
    ours = found[named]
    merges = _merges(published, pairs)
    together = _same_pairs(pd.crosstab(theirs, ours).to_numpy().ravel())
    same_published = _same_pairs(np.unique(theirs, return_counts=True)[1])
    same_found = _same_pairs(np.unique(ours, return_counts=True)[1])
    return Published(
        file=file,
        images=int(named.sum()),
        not_named=int((~named).sum()),
        published_groups=len(set(theirs)),
        found_groups=len(set(ours.tolist())),
        same_group_pairs=same_published,
        together=together,
        recall=together / same_published if same_published else 1.0,
        precision=together / same_found if same_found else 1.0,
        ari=float(adjusted_rand_score(theirs, ours)),
        ari_after_merges=float(adjusted_rand_score(_merged(theirs, merges), ours)),
        certain=CERTAIN,
        merges=tuple(merges),
        splits=tuple(_splits(theirs, ours, np.array(names)[named])),
    )


def _merges(published: Sequence[str | None], pairs: Iterable[tuple[int, int, Pair]]) -> list[Merge]:
    """Return the pairs between two published groups, the largest overlap first."""
    found = []
    for first, second, pair in pairs:
        a, b = published[first], published[second]
        if a is not None and b is not None and a != b:
            found.append(Merge(first_group=a, second_group=b, pair=pair))
    return sorted(found, key=lambda merge: -merge.pair.overlap)


def _merged(groups: NDArray[np.str_], merges: Sequence[Merge]) -> NDArray[np.str_]:
    """Return the published groups, those that a certain pair joins under one name."""
    sets = DisjointSet(set(groups.tolist()))
    for merge in merges:
        if merge.pair.correlation >= CERTAIN:
            sets.merge(merge.first_group, merge.second_group)
    return np.array([sets[group] for group in groups.tolist()])


def _splits(
    theirs: NDArray[np.str_], ours: NDArray[np.intp], names: NDArray[np.str_]
) -> list[SplitGroup]:
    parts: dict[str, Counter[int]] = defaultdict(Counter)
    for group, part in zip(theirs.tolist(), ours.tolist(), strict=True):
        parts[group][part] += 1
    found = []
    for group, counts in parts.items():
        if len(counts) > 1:
            main = counts.most_common(1)[0][0]
            apart = names[(theirs == group) & (ours != main)]
            sizes = tuple(count for _, count in counts.most_common())
            found.append(SplitGroup(group=group, sizes=sizes, apart=tuple(apart.tolist())))
    return sorted(found, key=lambda split: split.group)


def _same_pairs(sizes: NDArray[np.int64]) -> int:
    return int((sizes * (sizes - 1) // 2).sum())
