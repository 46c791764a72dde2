"""What is declared of a metric."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from lcbench.statistics.answers import Asked, Question
from lcbench.statistics.kinds import MeanOfImages, OfConfidence, OfCounts, OfRanks
from lcbench.statistics.limits import Scale
from lcbench.statistics.panel import SHARE
from lcbench.statistics.tree import ClassTree


class MetricKey(NamedTuple):
    """A metric, and the leaf, node or decision that it speaks of; nothing for the whole model."""

    metric: str
    of: str = ""


@dataclass(frozen=True)
class Metric:
    """What is known of a metric.

    Parameters
    ----------
    key, title
        Its name in files, and in tables.
    what
        What it is, in one sentence.
    statistic
        How it is computed.
    unit
        How to write it: a share in percent, or a plain number.
    bounds, scale
        Smallest and largest possible value; shape of its interval.
    higher_is_better
        Direction; None where the best value lies in between, as `what` then says.
    level
        What it speaks of: the model, each leaf, each node that can be looked for, each decision,
        each level above the leaves, each gate: an inner node below the root and the choice behind.
    answers
        Which answers it looks at, see `lcbench.statistics.answers`: the predicted leaf; the node of
        the level that it speaks of, or that decides what it speaks of; those behind a gate.
    shown
        Where people see it: "main", the scores of reports and comparisons; "further", comparisons;
        "class" and "file", only the files of all results, which hold every metric.
    needs_depth
        Whether it is left out where the tree has one level, as it would say nothing new there.
    needs_costs
        Whether it is left out where the tree states no costs.
    """

    key: str
    title: str
    what: str
    statistic: OfCounts | MeanOfImages | OfConfidence | OfRanks
    unit: Literal["share", "number"] = "share"
    bounds: tuple[float, float] = SHARE
    scale: Scale = Scale.bounded
    higher_is_better: bool | None = True
    level: Literal["model", "leaf", "node", "decision", "level", "gate"] = "model"
    answers: Asked = "leaf"
    shown: Literal["main", "further", "class", "file"] = "file"
    needs_depth: bool = False
    needs_costs: bool = False

    def speaks_of(self, tree: ClassTree) -> dict[str, Any]:
        """Return what the metric speaks of in a tree by name, see `OfCounts`; perhaps nothing.

        A share of something that cannot happen in the tree is left out.
        """
        if self.needs_depth and tree.taxonomy.height < 2:
            return {}
        if self.needs_costs and not tree.taxonomy.costs:
            return {}
        return {name: of for name, of in self._places(tree).items() if self._can_be(tree, of)}

    def question(self, tree: ClassTree, of: Any) -> Question:  # noqa: ANN401 - see `OfCounts`
        """Return what a model is asked for the metric, of what it speaks of in a tree."""
        if self.answers == "level":
            return Question("level", tree.level_of(of))
        return Question(self.answers, of.node if "gate" in self.answers else 0)

    def _places(self, tree: ClassTree) -> dict[str, Any]:
        decisions = {
            "node": tree.detections,
            "decision": tree.decisions,
            "level": tree.levels,
            "gate": tree.gates,
        }
        if self.level in decisions:
            return {one.node: one for one in decisions[self.level]}
        if self.level == "leaf":
            return {leaf: code for code, leaf in enumerate(tree.leaves)}
        return {"": None}

    def _can_be(self, tree: ClassTree, of: Any) -> bool:  # noqa: ANN401 - see `OfCounts`
        if not isinstance(self.statistic, OfCounts) or self.statistic.rate is None:
            return True
        return bool(self.statistic.rate(tree, of)[0].any())
