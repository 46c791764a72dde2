"""Aligned predictions as codes: what every measure and test of the analysis starts from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lcbench.errors import UserError
from lcbench.predictions.alignment import Aligned
from lcbench.statistics.answers import Answers
from lcbench.statistics.design import Design
from lcbench.statistics.groups import ClusterCodes, class_strata
from lcbench.statistics.interval_model import Interval
from lcbench.statistics.paired_groups import RowGroups
from lcbench.statistics.panel import Panel
from lcbench.statistics.rates import GroupedRate
from lcbench.statistics.registry import MetricKey
from lcbench.statistics.reliability import reliability_curve
from lcbench.statistics.standard import (
    accuracy_panel,
    answers_panel,
    confidences,
    confusion_panel,
)
from lcbench.statistics.tree import ClassTree
from lcbench.taxonomy import Taxonomy

Codes = NDArray[np.int64]


@dataclass(frozen=True)
class CodedPredictions:
    """Aligned predictions as codes of the class tree and of source groups.

    Parameters
    ----------
    aligned
        What the models say of the same images.
    tree
        The class tree as indices.
    """

    aligned: Aligned
    tree: ClassTree

    @classmethod
    def of(cls, aligned: Aligned, taxonomy: Taxonomy) -> CodedPredictions:
        """Return the codes of aligned predictions.

        Raises
        ------
        UserError
            If no image has a label that models can answer.
        """
        coded = cls(aligned, ClassTree.of(taxonomy))
        if not coded.has_leaf.any():
            labels = ", ".join(sorted(set(aligned.rows["true"])))
            raise UserError(
                "no image that the models share has a true class that they can answer: "
                f"all are labelled {labels}",
                f"Label some by a leaf of the class tree: {', '.join(taxonomy.leaves)}.",
            )
        return coded

    @cached_property
    def true(self) -> Codes:
        """(rows,) code of the true node; leaves come first."""
        return self.tree.codes(list(self.aligned.rows["true"]))

    @cached_property
    def has_leaf(self) -> NDArray[np.bool_]:
        """(rows,) whether the label is a leaf."""
        return self.true < len(self.tree.leaves)

    @cached_property
    def clusters(self) -> ClusterCodes:
        """Source group of each row."""
        return self.aligned.clusters

    @cached_property
    def seed(self) -> Codes:
        """(rows,) seed."""
        return self.aligned.rows["seed"].to_numpy(np.int64)

    @cached_property
    def models(self) -> Codes:
        """(rows,) code of the trained model that answered: its seed and fold."""
        cells = self.aligned.rows.groupby(["seed", "fold"])
        return np.asarray(cells.ngroup(), np.int64)

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seeds, ascending."""
        return tuple(int(seed) for seed in np.unique(self.seed))

    @cached_property
    def seed_code(self) -> Codes:
        """(rows,) place of the seed among the seeds."""
        return np.searchsorted(self.seeds, self.seed).astype(np.int64)

    @cached_property
    def strata(self) -> Codes:
        """(groups,) stratum of each source group: its class."""
        found = class_strata(self.true, self.clusters.codes, self.clusters.count)
        return np.array(found, np.int64)

    def row_groups(self, rows: NDArray[np.bool_]) -> RowGroups:
        """Return group and seed of some of the rows, for what is counted in pairs of models."""
        return RowGroups.of(self.clusters.codes[rows], self.seed_code[rows], self.strata)

    @cached_property
    def units(self) -> Codes:
        """(rows,) unit of each row, see `Design`."""
        return self.clusters.codes * len(self.seeds) + self.seed_code

    @cached_property
    def design(self) -> Design:
        """Source groups within classes, crossed with seeds."""
        return Design(
            self.clusters.count,
            len(self.seeds),
            tuple(self.strata.tolist()),
            tuple(
                np.bincount(self.units, minlength=self.clusters.count * len(self.seeds)).tolist()
            ),
        )

    @cached_property
    def answers(self) -> dict[str, Answers]:
        """What each model answers wherever it is asked."""
        aligned = self.aligned
        return {
            name: Answers(
                self.tree, self.true, aligned.predicted[name], aligned.probabilities[name]
            )
            for name in aligned.names
        }

    def panel(self, model: str, *, brief: bool = False) -> Panel[MetricKey]:
        """Return every metric of a model; without probabilities, what needs them is left out.

        `brief`: only those of the predicted leaves.
        """
        answers = self.answers[model]
        if brief:
            return confusion_panel(self.true, answers.predicted, self.units, self.design, self.tree)
        return answers_panel(answers, self.units, self.models, self.design)

    def reliability(self, model: str) -> tuple[tuple[float, Interval], ...]:
        """Return the reliability curve of a model; nothing without probabilities."""
        probabilities, rows = self.aligned.probabilities[model], self.has_leaf
        if probabilities is None:
            return ()
        groups = self.clusters.codes[rows]
        design = Design(self.clusters.count)
        return reliability_curve(confidences(self.true[rows], probabilities[rows], groups, design))

    def accuracy_panel(self, model: str, groups: Codes, count: int) -> Panel[MetricKey]:
        """Return the accuracy of a model over (rows,) groups of another numbering."""
        rows = self.has_leaf
        design = Design(
            count,
            strata=class_strata(self.true[rows], groups[rows], count),
            images=tuple(np.bincount(groups[rows], minlength=count).tolist()),
        )
        return accuracy_panel(
            self.true[rows],
            self.aligned.predicted[model][rows],
            groups[rows],
            design,
            len(self.tree.leaves),
        )

    def is_constant(self, model: str) -> bool:
        """Tell whether each trained model gives the same answer to images of any class."""
        if len(np.unique(self.true)) < 2:
            return False
        predicted, chances = self.aligned.predicted[model], self.aligned.probabilities[model]
        return same_for_all(self.models, predicted, chances)

    def accuracy_rate(self, model: str, seed: int | None = None) -> GroupedRate:
        """Return the accuracy of a model counted in each source group, of one seed or of all."""
        rows = self.has_leaf if seed is None else self.has_leaf & (self.seed == seed)
        right = rows & (self.aligned.predicted[model] == self.true)
        codes, count = self.clusters.codes, self.clusters.count
        size = np.bincount(codes[rows], minlength=count)
        events = np.bincount(codes[right], minlength=count).astype(np.float64)
        design = Design(count, strata=tuple(self.strata.tolist()), images=tuple(size.tolist()))
        return GroupedRate(events, size.astype(np.float64), design)


def same_for_all(
    models: Codes, predicted: Codes, probabilities: NDArray[np.float64] | None
) -> bool:
    """Tell whether each trained model gives the same answer to every image.

    Parameters
    ----------
    models
        (N,) code of the trained model that answered each row.
    predicted, probabilities
        (N,) answers, and (N, L) what they rest on, or None.
    """
    answers = pd.DataFrame({"by": models, "answer": predicted})
    if probabilities is not None:
        columns = pd.DataFrame(probabilities).add_prefix("p")
        answers = pd.concat([answers, columns], axis=1)
    return bool((answers.groupby("by").nunique() <= 1).all(axis=None))
