"""How many decimals the columns have that stand in the report's templates."""

from __future__ import annotations

from typing import NamedTuple

from lcbench.analysis.results import Results
from lcbench.rendering.formats import share_decimals
from lcbench.rendering.report.leakage import sibling_share


class Digits(NamedTuple):
    """The decimals of each such column: as many as its finest cell needs."""

    siblings: int
    """Test images with tissue in training."""
    seeds: int
    """Accuracy of each seed, and over seeds."""
    classes: dict[str, int]
    """The metrics of single classes."""


def of_page(results: Results) -> Digits:
    """Return the decimals of the columns of a report."""
    models = results.strictest.comparison.models
    seeds = [value for one in models for value in (one.accuracy.value, *one.seeds.values())]
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
        classes={metric: share_decimals(values) for metric, values in of_classes.items()},
    )
