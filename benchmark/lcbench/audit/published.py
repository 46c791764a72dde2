"""Groups found from pixels beside the groups of a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.cluster.hierarchy import DisjointSet

from lcbench.audit.results import Merge, Pair, Published, SplitGroup


def compare_with(
    file: str,
    names: pd.Series,
    published: pd.Series,
    found: NDArray[np.intp],
    pairs: Iterable[Pair],
) -> Published:
    """Compare two partitions of the images.

    Parameters
    ----------
    file
        Name of the file that one of them is from.
    names, published
        Of the images, and their groups in the file; missing where it does not name one.
    found
        (images,) each image's group from pixels.
    pairs
        Those of which each joins two found groups.
    """
    from sklearn.metrics import adjusted_rand_score

    named = published.notna().to_numpy()
    theirs, ours = published[named].to_numpy(dtype=str), found[named]
    merges = _merges(dict(zip(names[named], theirs.tolist(), strict=True)), pairs)
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
        merges=tuple(merges),
        splits=tuple(_splits(theirs, ours, names[named])),
    )


def _merges(published: Mapping[str, str], pairs: Iterable[Pair]) -> list[Merge]:
    """Return the pairs between two published groups, the largest overlap first."""
    found = []
    for pair in pairs:
        first, second = published.get(pair.first.name), published.get(pair.second.name)
        if first is not None and second is not None and first != second:
            found.append(Merge(first_group=first, second_group=second, pair=pair))
    return sorted(found, key=lambda merge: -merge.pair.overlap)


def _merged(groups: NDArray[np.str_], merges: Sequence[Merge]) -> NDArray[np.str_]:
    """Return the published groups, those that a registered pair joins under one name."""
    sets = DisjointSet(set(groups.tolist()))
    for merge in merges:
        sets.merge(merge.first_group, merge.second_group)
    return np.array([sets[group] for group in groups.tolist()])


def _splits(
    theirs: NDArray[np.str_], ours: NDArray[np.intp], names: pd.Series
) -> Iterator[SplitGroup]:
    for group, members in names.groupby(theirs):
        parts = Counter(ours[theirs == group].tolist()).most_common()
        if len(parts) > 1:
            apart = members[ours[theirs == group] != parts[0][0]]
            sizes = tuple(count for _, count in parts)
            yield SplitGroup(group=str(group), sizes=sizes, apart=tuple(apart))


def _same_pairs(sizes: NDArray[np.int64]) -> int:
    return int((sizes * (sizes - 1) // 2).sum())
