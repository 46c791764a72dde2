"""How many decimals the columns have that stand in the report's templates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from lcbench.analysis.results import Results
from lcbench.rendering.formats import points_decimals, share_decimals
from lcbench.rendering.report.external import LevelBest
from lcbench.rendering.report.leakage import sibling_share


class Digits(NamedTuple):
    """The decimals of each such column: as many as its finest cell needs."""

    siblings: int
    """Test images with tissue in training."""
    seeds: int
    """Accuracy of each seed, and over seeds."""
    accuracy: int
    """Accuracy on external folders, and the majority rate beside it."""
    difference: int
    """Difference from the majority rate."""
    classes: dict[str, int]
    """The metrics of single classes."""


def of_page(results: Results, best: Sequence[LevelBest]) -> Digits:
    """Return the decimals of the columns of a report, whose rows for external folders are given."""
    models = results.strictest.comparison.models
    seeds = [value for one in models for value in (one.accuracy.value, *one.seeds.values())]
    rates = [rate for one in best for rate in (one.score.accuracy.value, one.level.majority_rate)]
    of_classes: dict[str, list[float | None]] = {}
    for score in (
        score for model in models for score in model.scores if score.of in results.leaves
    ):
        of_classes.setdefault(score.metric, []).append(score.estimate.value)
    return Digits(
        siblings=share_decimals(
            share for one in results.protocols if (share := sibling_share(one)) not in (0, 1)
        ),
        seeds=share_decimals(seeds),
        accuracy=share_decimals(rates),
        difference=points_decimals(one.score.difference.value for one in best),
        classes={metric: share_decimals(values) for metric, values in of_classes.items()},
    )
