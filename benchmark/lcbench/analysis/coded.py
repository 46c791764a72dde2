"""Aligned predictions as codes: what every measure and test of the analysis starts from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lcbench.errors import UserError
from lcbench.predictions.alignment import Aligned
from lcbench.statistics.bootstrap import Design
from lcbench.statistics.groups import ClusterCodes
from lcbench.statistics.panel import Panel
from lcbench.statistics.registry import MetricKey
from lcbench.statistics.standard import accuracy_panel, standard_panel
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

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seeds, ascending."""
        return tuple(int(seed) for seed in np.unique(self.seed))

    def panel(self, model: str) -> Panel[MetricKey]:
        """Return every metric of a model; without probabilities, what needs them is left out."""
        return standard_panel(
            self.true,
            self.aligned.predicted[model],
            self.aligned.probabilities[model],
            self.clusters.codes,
            Design(self.clusters.count),
            self.tree,
        )

    def accuracy_panel(self, model: str, units: Codes, design: Design) -> Panel[MetricKey]:
        """Return the accuracy of a model, whose rows belong to (rows,) units of a design."""
        rows = self.has_leaf
        return accuracy_panel(
            self.true[rows],
            self.aligned.predicted[model][rows],
            units[rows],
            design,
            len(self.tree.leaves),
        )
