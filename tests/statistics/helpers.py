"""What several tests of the statistics compute in the same way."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from lcbench.statistics import metrics
from lcbench.statistics.choices import Method
from lcbench.statistics.effects import Effects, effects_panel, read_effects
from lcbench.statistics.intervals import intervals
from lcbench.statistics.paired_groups import PairedGroups
from lcbench.statistics.panel import Count, Panel, count_panel
from lcbench.statistics.tree import ClassTree
from lcbench.taxonomy import Taxonomy

from .. import trees as taxonomies


def effects(
    pairs: PairedGroups, *, method: Method = "score", resamples: int = 1000, seed: int = 0
) -> Effects:
    """Return the sizes of the difference of one pair."""
    panel = effects_panel(pairs)
    return read_effects(intervals(panel, method=method, resamples=resamples, seed=seed))


def slopes(panel: Panel[Any], step: float = 1e-3) -> NDArray[np.float64]:
    """Return the (U, S) derivatives by the weight of each unit, from differences of weights."""
    units = step * np.eye(panel.design.units)
    up, down = (panel.evaluate(1.0 + sign * units) for sign in (1, -1))
    return (up - down) / (2.0 * step)


PANEL = {
    "accuracy": Count(metrics.accuracy, proportion=True),
    "macro F1": Count(metrics.macro_f1),
    "recall": Count(
        lambda counts: metrics.recall(counts)[..., 1],
        lambda counts: metrics.true_support(counts)[..., 1],
    ),
    "precision": Count(
        lambda counts: metrics.precision(counts)[..., 1],
        lambda counts: metrics.predicted_support(counts)[..., 1],
    ),
}
tables = hnp.arrays(
    np.int64, st.tuples(st.integers(1, 9), st.just(3), st.just(3)), elements=st.integers(0, 4)
)


def correct_panel(correct: Any, sizes: Any, **options: Any) -> Panel[str]:
    """Return the panel of the accuracy with so many correct images in each group."""
    counts = np.stack([correct, np.asarray(sizes)], axis=1)
    share = Count(
        lambda sums: np.divide(
            sums[..., 0], sums[..., 1], out=np.zeros(sums.shape[:-1]), where=sums[..., 1] > 0
        ),
        lambda sums: sums[..., 1],
        **options,
    )
    return count_panel(counts, {"accuracy": share})


def tree_of(
    parents: dict[str, str],
    negative: tuple[str, ...] = (),
    subtypes_of: str | None = None,
    costs: dict[str, dict[str, float]] | None = None,
) -> ClassTree:
    """Return a class tree from the parent of each node."""
    return ClassTree.of(Taxonomy("t", parents, {}, negative, subtypes_of, costs or {}))


def trees(least_height: int = 1) -> st.SearchStrategy[ClassTree]:
    """Random class trees of at least some height."""
    high = taxonomies.trees().filter(lambda tree: tree.height >= least_height)
    return high.map(ClassTree.of)
