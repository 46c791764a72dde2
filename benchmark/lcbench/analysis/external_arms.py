"""The pooled answers of one baseline to an external folder, and which of its images count where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lcbench.analysis.coded import same_for_all
from lcbench.analysis.ensembles import average_external
from lcbench.analysis.scores import AnalysisSettings
from lcbench.analysis.thresholds import Cell
from lcbench.predictions.table import Predictions
from lcbench.runs.external_table import CALIBRATION, YES
from lcbench.runs.finished import ExternalFolder, FinishedSuite
from lcbench.statistics.answers import Answers
from lcbench.statistics.decision_rules import LIKELIEST, DecisionRule, decide
from lcbench.statistics.design import Design
from lcbench.statistics.groups import ClusterCodes, class_strata, cluster_codes
from lcbench.statistics.interval_model import Interval
from lcbench.statistics.intervals import intervals
from lcbench.statistics.metrics import Values
from lcbench.statistics.paired_groups import RowGroups
from lcbench.statistics.panel import Panel, column_share, count_panel
from lcbench.statistics.tree import ClassTree, Codes
from lcbench.taxonomy import ROOT

Flags = NDArray[np.bool_]
IT = "it"
"""The one measure of a panel of a share or a mean."""
_FACTS = ("given", "group", "unit", "contaminated", "role")
"""What the table of the images says of each of them."""


@dataclass(frozen=True, eq=False)
class Arm:
    """The pooled answers of one baseline trained under one protocol.

    Parameters
    ----------
    protocol, baseline
        Their names.
    tree
        The class tree.
    table
        (N,) rows with image, sha256, true, predicted, and what is known of the images.
    probabilities
        (N, L) leaf probabilities.
    run
        (N,) which of the trained models answered each row.
    cells
        Seed and fold of each trained model.
    decision
        How leaves follow from probabilities.
    """

    protocol: str
    baseline: str
    tree: ClassTree
    table: pd.DataFrame
    probabilities: Values
    run: NDArray[np.int64]
    cells: tuple[Cell, ...]
    decision: DecisionRule

    @property
    def key(self) -> tuple[str, str]:
        """Protocol and baseline."""
        return self.protocol, self.baseline

    @property
    def runs(self) -> int:
        """Number of trained models."""
        return len(self.cells)

    @cached_property
    def true(self) -> Codes:
        """(N,) codes of the labels, see `ClassTree.codes`; all must lie below the root."""
        return self.tree.codes(list(self.table["true"]))

    @cached_property
    def answers(self) -> Answers:
        """What the models say, whatever the labels are."""
        nothing = np.zeros(len(self.table), np.int64)
        return Answers(self.tree, nothing, self.predicted, self.probabilities)

    def by_image(self, values: Codes) -> dict[str, int]:
        """Return (N,) facts of the images by their names; every trained model answered them all."""
        once = self.run == 0
        return dict(zip(self.table["image"][once], values[once].tolist(), strict=True))

    @cached_property
    def clusters(self) -> ClusterCodes:
        """Source group of each row; where it is unknown, copies of a file are kept together."""
        return cluster_codes(list(self.table["group"]), list(self.table["sha256"]))

    @cached_property
    def is_constant(self) -> bool:
        """Whether each trained model answers every image the same, of whatever class."""
        one_class = self.table["true"].nunique() < 2
        return not one_class and same_for_all(self.run, self.predicted, self.probabilities)

    @cached_property
    def has_label(self) -> Flags:
        """(N,) whether the label lies in the class tree."""
        return np.asarray(self.table["true"] != ROOT)

    @cached_property
    def is_contaminated(self) -> Flags:
        """(N,) whether tissue of the image's group is among the training images."""
        return np.asarray(self.table["contaminated"] == YES)

    @cached_property
    def is_set_aside(self) -> Flags:
        """(N,) whether the image was set aside to calibrate on."""
        return np.asarray(self.table["role"] == CALIBRATION)

    def at_level(self, level: int) -> Codes:
        """Return the (N,) answers at a level, see `Answers.at_level`.

        A model that decides by a rule of its own does so for every part of the images.
        """
        if self.decision != LIKELIEST:
            return self.predicted
        return self.answers.at_level(level)

    def keep(self, rows: Flags) -> Arm:
        """Return some of the rows, (N,) True for those to keep."""
        table = self.table[rows].reset_index(drop=True)
        return replace(
            self, table=table, probabilities=self.probabilities[rows], run=self.run[rows]
        )

    def with_table(self, table: pd.DataFrame) -> Arm:
        """Return the same answers with other facts of their images."""
        return replace(self, table=table)

    def averaged(self, by: str, *, runs: bool = False) -> Arm:
        """Return the mean probabilities of the rows that share a value, and one answer to each.

        Parameters
        ----------
        by
            Column of the table; the first of its rows stands for all of them.
        runs
            Whether to average over the trained models as well: one of them is left.
        """
        run = np.zeros_like(self.run) if runs else self.run
        keys = [run, self.table[by].to_numpy()]
        means = pd.DataFrame(self.probabilities).groupby(keys).mean()
        first = self.table.groupby(keys).head(1)
        order = pd.MultiIndex.from_arrays([run[first.index], first[by]])
        chances = means.loc[order].to_numpy(np.float64)
        chances = chances / chances.sum(axis=1, keepdims=True)
        return self._answering(first.reset_index(drop=True), chances, run[first.index], runs=runs)

    def _answering(
        self, table: pd.DataFrame, chances: Values, run: NDArray[np.int64], *, runs: bool
    ) -> Arm:
        leaves = np.asarray(self.tree.leaves, dtype=object)
        answers = leaves[decide(self.decision, chances, self.tree.taxonomy)]
        return replace(
            self,
            table=table.assign(predicted=answers),
            probabilities=chances,
            run=run,
            cells=self.cells[:1] if runs else self.cells,
        )

    @cached_property
    def likeliest(self) -> Codes:
        """(N,) the most probable leaf, whatever the model answers."""
        return np.asarray(self.probabilities.argmax(axis=1))

    @cached_property
    def of_all_runs(self) -> Arm:
        """The mean of all trained models: one answer an image."""
        return self.averaged("image", runs=True)

    @cached_property
    def predicted(self) -> NDArray[np.int64]:
        """(N,) codes of the predicted leaves."""
        return self.tree.codes(list(self.table["predicted"]))


def arms_of(folder: ExternalFolder, suite: FinishedSuite) -> list[Arm]:
    """Return the arms in the order of the plan, ensembles last, with every predicted image."""
    protocols, baselines = suite.plan.protocols, suite.plan.baselines
    by_arm: dict[tuple[str, str], list[Predictions]] = {}
    for run in folder.runs:
        by_arm.setdefault((run.protocol, run.baseline), []).append(run.predictions)

    def rank(arm: tuple[str, str]) -> tuple[int, int, tuple[str, str]]:
        return _place(protocols, arm[0]), _place(baselines, arm[1]), arm

    tree = ClassTree.of(suite.taxonomy)
    arms = [_pool(*arm, by_arm[arm], tree, folder.images) for arm in sorted(by_arm, key=rank)]
    for protocol in dict.fromkeys(arm.protocol for arm in arms):
        own = {name: runs for (under, name), runs in by_arm.items() if under == protocol}
        for record in suite.plan.ensembles:
            runs = average_external(record, own)
            if runs:
                arms.append(_pool(protocol, record.name, runs, tree, folder.images))
    return arms


def _place(order: Sequence[str], name: str) -> int:
    return order.index(name) if name in order else len(order)


def _pool(
    protocol: str,
    baseline: str,
    runs: Sequence[Predictions],
    tree: ClassTree,
    images: pd.DataFrame | None,
) -> Arm:
    table = pd.concat([run.table for run in runs], ignore_index=True)
    chances = [run.probabilities for run in runs if run.probabilities is not None]
    return Arm(
        protocol=protocol,
        baseline=baseline,
        tree=tree,
        table=_with_facts(table, images),
        probabilities=np.concatenate(chances),
        run=np.repeat(np.arange(len(runs)), [len(run.table) for run in runs]),
        cells=tuple((int(run.table["seed"][0]), int(run.table["fold"][0])) for run in runs),
        decision=runs[0].decision,
    )


def _with_facts(table: pd.DataFrame, images: pd.DataFrame | None) -> pd.DataFrame:
    """Return predictions with what is known of their images; empty where an older version ran."""
    kept = table[["image", "sha256", "group", "true", "predicted"]]
    if images is None:
        return kept.assign(**{fact: "" for fact in _FACTS if fact != "group"})
    known = images.set_index("image")[list(_FACTS)]
    of_rows = known.reindex(kept["image"]).fillna("").reset_index(drop=True)
    return pd.concat([kept.drop(columns="group"), of_rows], axis=1)


@dataclass(frozen=True, eq=False)
class Crossed:
    """Rows as source groups within classes, crossed with the trained models that answered them.

    Parameters
    ----------
    units
        (N,) unit of each row, see `Design`.
    design
        Groups, trained models in place of seeds, strata and sizes.
    """

    units: Codes
    design: Design

    @classmethod
    def of(cls, arm: Arm, rows: Flags, classes: Codes) -> Crossed:
        """Return some rows of an arm, (N,) True for them, with a class for each of those."""
        groups = np.unique(arm.clusters.codes[rows], return_inverse=True)[1]
        strata = np.array(class_strata(classes, groups, int(groups.max()) + 1), np.int64)
        found = RowGroups.of(groups, arm.run[rows], strata)
        sizes = tuple(found.size.ravel().tolist())
        return cls(found.units, Design(*found.shape, found.strata, sizes))

    def share(
        self, happens: Flags, settings: AnalysisSettings, confidence: float = 0.95
    ) -> Interval:
        """Return the share of the rows on which something happens."""
        return _only(self.share_panel(happens), settings, confidence)

    def share_panel(self, happens: Flags) -> Panel[str]:
        """Return the panel of that share, called `IT`."""
        return count_panel(
            self._sums(happens.astype(np.int64)),
            {IT: column_share(0, 1, proportion=True)},
            self.design,
        )

    def mean(self, values: Values, settings: AnalysisSettings) -> Interval:
        """Return the mean of values from 0 to 1."""
        panel = count_panel(self._sums(values), {IT: column_share(0, 1)}, self.design)
        return _only(panel, settings, 0.95)

    def _sums(self, values: NDArray[np.generic]) -> Values:
        size = self.design.units
        sums = np.bincount(self.units, weights=values, minlength=size)
        return np.stack([sums, np.bincount(self.units, minlength=size)], axis=1)


def _only(panel: Panel[str], settings: AnalysisSettings, confidence: float) -> Interval:
    found = intervals(
        panel, method=settings.interval, confidence=confidence, resamples=settings.resamples
    )
    return found[IT]
