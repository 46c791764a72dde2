"""What the terminal and the Markdown page of a comparison both say."""

from __future__ import annotations

import math
from collections.abc import Sequence

from lcbench.analysis.compare_results import (
    ComparisonResults,
    DifferenceRow,
    EffectRow,
    MetricRow,
    TestRow,
)
from lcbench.analysis.measures import Estimate
from lcbench.rendering import formats as wording
from lcbench.statistics.events import Event
from lcbench.statistics.intervals import DESCRIPTIONS

SHARES = {
    "accuracy", "balanced_accuracy", "macro_f1", "sensitivity", "specificity", "subtype_accuracy",
    "subtype_confusion_rate", "precision", "recall", "f1", "auroc", "average_precision",
    "macro_auroc", "macro_average_precision",
}  # fmt: skip
SCREENING = {"sensitivity", "specificity"}
IDENTITIES = {"sha256": "sha256", "image": "image name", "base name": "last part of the image name"}


def metric_names(results: ComparisonResults) -> list[str]:
    """Return the names of the metrics, each once."""
    return list(dict.fromkeys(row.name for row in results.metrics))


def metric_words(row: MetricRow | None) -> str:
    """Return a metric with its interval: shares in per cent, others as they are."""
    if row is None:
        return wording.NONE
    estimate = as_estimate(row)
    if is_share(row.name):
        return wording.share_interval(estimate)
    return wording.value_interval(estimate)


def difference_words(row: DifferenceRow) -> str:
    """Return a difference of metrics with its interval: shares in points, others as they are."""
    estimate = as_estimate(row)
    if is_share(row.name):
        return wording.points_interval(estimate)
    return wording.value_interval(estimate, signed=True)


def is_share(name: str) -> bool:
    """Tell whether a metric is written in per cent."""
    return name.split(":")[0] in SHARES


def title(results: ComparisonResults, name: str, *, points: bool = False) -> str:
    """Return a metric's name in words, with its unit: per cent, or points for a difference."""
    metric, _, leaf = name.partition(":")
    words = metric.replace("_", " ")
    words = words.replace("f1", "F1").replace("auroc", "AUROC").replace("cohen", "Cohen's")
    words = words.replace("matthews", "Matthews").replace("brier", "Brier")
    if metric in SCREENING and results.negative is not None:
        words = f"{_plain(results.negative)} {words}"
    of_leaf = f" of {_plain(leaf)}" if leaf else ""
    unit = "points" if points else "%"
    return f"{words}{of_leaf}" + (f", {unit}" if is_share(name) else "")


def event_words(results: ComparisonResults, event: Event) -> str:
    """Return what goes wrong, in words."""
    if event is Event.any_error:
        return "Errors of any kind"
    if event is Event.subtype_confusion:
        return "Subtype confusions: one subtype taken for another"
    return f"Errors between {_plain(results.negative or '')} and the rest"


def as_estimate(row: MetricRow | DifferenceRow) -> Estimate:
    """Return a row's numbers as the report's tables take them: no limit is infinity."""
    low, high = row.low, row.high
    if row.value is not None:
        low, high = -math.inf if low is None else low, math.inf if high is None else high
    return Estimate(value=row.value, low=low, high=high, n=row.n, groups=row.groups, method="")


def effect_headers(results: ComparisonResults) -> list[str]:
    """Return the headers over `effect_cells`."""
    return [
        "only first", "only second", "difference, points", "relative reduction, %", "odds ratio",
        *test_headers(results), "could show, points",
    ]  # fmt: skip


def test_headers(results: ComparisonResults) -> tuple[str, str]:
    """Return the headers over the p-value to read and over the adjusted one."""
    return f"{results.default_test.value} p", f"{results.adjustment.author} p"


def effect_cells(results: ComparisonResults, effect: EffectRow) -> list[str]:
    """Return discordant counts, sizes and tests of a difference, one text a header."""
    test = results.test(effect, results.default_test)
    return [
        wording.integer(test.only_a),
        wording.integer(test.only_b),
        wording.points_interval(effect.difference),
        wording.reduction_interval(effect.relative_reduction),
        wording.ratio_interval(effect.odds_ratio),
        wording.p_value(test.p),
        wording.p_value(test.p_adjusted),
        wording.points(effect.detectable).removesuffix(" points"),
    ]


def basis(results: ComparisonResults) -> list[str]:
    """Return what the numbers rest on, in sentences."""
    images = wording.plural(results.images, "image")
    if len(results.models) > 1:
        images += f" that all models have, matched by {IDENTITIES[results.matched_by]}"
    predictions = f"{wording.plural(results.predictions, 'prediction')} of each model"
    if results.seeds > 1:
        predictions += f", over {wording.plural(results.seeds, 'seed')}"
    return [
        f"{images}; {predictions}.",
        f"{groups(results)}, resampled {wording.integer(results.resamples)} times"
        f"{_unknown(results)}.",
        f"Intervals are 95 %: {DESCRIPTIONS[results.interval]}.",
    ]


def groups(results: ComparisonResults, test: TestRow | None = None) -> str:
    """Return how many groups, or images, were resampled, or entered a test."""
    count = results.groups if test is None else test.groups
    units = results.units.removesuffix("s") if count == 1 else results.units
    return f"{wording.integer(count)} {units}"


def unmatched(results: ComparisonResults) -> list[str]:
    """Return what did not match, a sentence a model."""
    return [
        f"{wording.plural(one.images, 'image')} of {one.model} without a partner, left out: "
        f"{_some(one.examples, one.images)}."
        for one in results.unmatched
    ]


def reading(results: ComparisonResults) -> str:
    """Return how the tables of paired comparisons are read."""
    return (
        "Each row reads the second model against the first: a negative difference, a positive "
        "relative reduction and an odds ratio above 1 favour the second. The test to read is "
        f"{results.default_test.value}, exact over {results.units}. {_family(results)} The last "
        "column is the smallest difference that it could have shown with a chance of 80 %."
    )


def omnibus(results: ComparisonResults, event: Event) -> list[str]:
    """Return Cochran's Q of an event in words; empty with two models."""
    return [
        f"Cochran's Q over all {len(results.models)} models: {wording.number(one.statistic)}, "
        f"{wording.p_equals(one.p)} from permuting the models within {results.units}."
        for one in results.omnibus
        if one.event == event
    ]


def _family(results: ComparisonResults) -> str:
    name = results.adjustment.author
    if len(results.pairs) == 1:
        return f"The {name} p adjusts for the number of pairs, which is 1."
    return (
        f"The {name} p adjusts for the {len(results.pairs)} pairs of models, for each event and "
        "each test by itself."
    )


def _unknown(results: ComparisonResults) -> str:
    if results.groups_known:
        return ""
    lacking = wording.plural(results.images_without_group, "image")
    whose = "source groups" if results.units == "images" else f"the source groups of {lacking}"
    return f"; {whose} are unknown, so intervals may be too narrow and p-values too small"


def _plain(name: str) -> str:
    return name.replace("_", " ")


def _some(examples: Sequence[str], count: int) -> str:
    more = f", and {wording.integer(count - len(examples))} more" if count > len(examples) else ""
    return ", ".join(examples) + more
