"""What the terminal and the Markdown page of a comparison both say."""

from __future__ import annotations

from collections.abc import Sequence

from lcbench.analysis.results import ComparisonResults
from lcbench.analysis.scores import EventComparison, EventKind, MetricInfo, PairResult, Score
from lcbench.rendering import formats
from lcbench.rendering.words import (
    ONE_GROUP,
    EffectCells,
    author,
    coarse_words,
    excludes_zero,
    metric_title,
    options_words,
    units,
)
from lcbench.statistics.interval_model import DESCRIPTIONS, NO_COVERAGE, Interval
from lcbench.statistics.registry import METRICS

_IDENTITIES = {
    "sha256": "sha256", "image": "image name", "base name": "last part of the image name"
}  # fmt: skip
Key = tuple[str, str]
"""A metric, and the class, node or decision that it speaks of."""


def every_key(results: ComparisonResults) -> tuple[Key, ...]:
    """Return every metric that some model has, in the order of the results."""
    models = results.comparison.models
    return tuple(dict.fromkeys((one.metric, one.of) for model in models for one in model.scores))


def is_read_first(key: Key) -> bool:
    """Tell whether a metric is one to read, rather than one to look up."""
    return key[0] in METRICS and METRICS[key[0]].shown in ("main", "further")


def metric_row(results: ComparisonResults, key: Key, models: Sequence[str]) -> list[str]:
    """Return a metric's name, and what each of these models reached, with its interval."""
    info = _info(results, key)
    decimals = _share_decimals(results)
    found = estimates(results, key, models)
    cells = (formats.metric_interval(one, info.unit, decimals) for one in found)
    return [metric_title(results.tree, info, key[1]), *cells]


def estimates(results: ComparisonResults, key: Key, models: Sequence[str]) -> list[Interval | None]:
    """Return a metric of these models; None for one that lacks it."""
    found = (results.comparison.scores(model) for model in models)
    return [None if one is None else one.get(*key) for one in found]


def difference_row(results: ComparisonResults, pair: PairResult, score: Score) -> list[str]:
    """Return the pair, the metric, the difference, and whom it favours where 0 is excluded."""
    info, estimate = _info(results, (score.metric, score.of)), score.estimate
    return [
        pair.a,
        pair.b,
        metric_title(results.tree, info, score.of, share="points"),
        formats.difference_interval(estimate, info.unit, points_decimals(results)),
        _favoured(pair, estimate, higher_is_better=info.higher_is_better),
    ]


def _share_decimals(results: ComparisonResults) -> int:
    """Return the decimals of all shares of the table, which stand in one column a model."""
    shares = {info.metric for info in results.metrics if info.unit == "share"}
    scores = [score for model in results.comparison.models for score in model.scores]
    return formats.share_decimals(one.estimate.value for one in scores if one.metric in shares)


def points_decimals(results: ComparisonResults) -> int:
    """Return the decimals of all differences in points."""
    shares = {info.metric for info in results.metrics if info.unit == "share"}
    pairs = results.comparison.pairs
    metrics = [one for pair in pairs for one in pair.differences if one.metric in shares]
    events = [event for pair in pairs for event in pair.events]
    values = [one.estimate.value for one in metrics]
    values += [value for one in events for value in (one.difference.value, one.detectable)]
    return formats.points_decimals(values)


def _info(results: ComparisonResults, key: Key) -> MetricInfo:
    return next(info for info in results.metrics if info.metric == key[0])


def _favoured(pair: PairResult, estimate: Interval, *, higher_is_better: bool | None) -> str:
    if higher_is_better is None or not excludes_zero(estimate):
        return formats.NONE
    above = estimate.low is not None and estimate.low > 0
    return pair.b if above == higher_is_better else pair.a


def event_title(results: ComparisonResults, kind: EventKind, node: str) -> str:
    """Return what goes wrong, in words."""
    if kind == "any_error":
        return "Errors of any kind"
    return f"Confusions: {options_words(results.tree, node)}"


def effects_on(
    results: ComparisonResults, kind: EventKind, node: str
) -> list[tuple[PairResult, EventComparison]]:
    """Return each pair with its comparison on an event."""
    found = ((pair, pair.on(kind, node)) for pair in results.comparison.pairs)
    return [(pair, effect) for pair, effect in found if effect is not None]


def effect_headers(results: ComparisonResults) -> EffectCells:
    """Return the headers over `effect_cells`."""
    test, adjusted = test_headers(results)
    return EffectCells(
        "only first", "only second", "difference, points", "relative reduction, %", "odds ratio",
        test, adjusted, "way of training: difference, points", f"way of training: {adjusted}",
        "could show, points",
    )  # fmt: skip


def test_headers(results: ComparisonResults) -> tuple[str, str]:
    """Return the headers over the p-value to read and over the adjusted one."""
    return f"{results.settings.default_test.value} p", f"{author(results.settings)} p"


def basis(results: ComparisonResults) -> list[str]:
    """Return what the numbers rest on, in sentences."""
    return [
        *evidence(results),
        f"Intervals are 95 %: {DESCRIPTIONS[results.settings.interval]}; of these networks as they "
        f"are trained, on new images of the same numbers in each class. {ONE_GROUP}",
        *_without_interval(results),
    ]


def evidence(results: ComparisonResults) -> list[str]:
    """Return how many images, predictions and independent units the numbers rest on."""
    found = results.comparison
    images = formats.plural(found.images, "image")
    if len(found.models) > 1:
        images += f" that all models have, matched by {_IDENTITIES[results.matched_by]}"
    predictions = f"{formats.plural(found.predictions, 'prediction')} of each model"
    if len(found.seeds) > 1:
        predictions += f", over {formats.plural(len(found.seeds), results.repeats)}"
    drawn = ""
    if results.settings.interval != "score":
        drawn = f", resampled {formats.integer(results.settings.resamples)} times"
    return [
        f"{images}; {predictions}.",
        *coarse_words(found),
        f"{counted_units(results, found.groups)}{drawn}{_unknown(results)}.",
    ]


def _without_interval(results: ComparisonResults) -> list[str]:
    """Return which metrics are numbers without an interval, in a sentence."""
    scores = (one for model in results.comparison.models for one in model.scores)
    titles = dict.fromkeys(
        _info(results, (one.metric, one.of)).title
        for one in scores
        if one.estimate.method == NO_COVERAGE
    )
    if not titles:
        return []
    return [f"{formats.listing(list(titles))}: a number alone has no interval that would cover."]


def _unknown(results: ComparisonResults) -> str:
    found = results.comparison
    if found.groups_known:
        return ""
    whose = "source groups"
    if found.images_without_group < found.images:
        whose = f"the source groups of {formats.plural(found.images_without_group, 'image')}"
    return f"; {whose} are unknown, so intervals may be too narrow and p-values too small"


def counted_units(results: ComparisonResults, count: int) -> str:
    """Return how many groups, or images, were taken as independent, or entered a test."""
    words = units(results.comparison)
    return f"{formats.integer(count)} {words.removesuffix('s') if count == 1 else words}"


def notes(results: ComparisonResults) -> tuple[str, ...]:
    """Return what was noted when the files were read and when they were put side by side."""
    return (*results.notes, *results.comparison.notes)


def reading(results: ComparisonResults) -> str:
    """Return how the tables of paired comparisons are read."""
    return (
        "Each row reads the second model against the first: a negative difference, a positive "
        "relative reduction and an odds ratio above 1 favour the second. The test to read is "
        f"{results.settings.default_test.value}, which the interval of the difference makes: p and "
        f"interval agree. {_family(results)} The last column is the smallest difference that it "
        f"could have shown with a chance of 80 % at the first step of {author(results.settings)}. "
        "Relative reduction: a dash where the first makes no such error, "
        "or a limit passes ten times as many."
    )


def _family(results: ComparisonResults) -> str:
    name, pairs = author(results.settings), len(results.comparison.pairs)
    if pairs == 1:
        return f"The {name} p adjusts for the number of pairs, which is 1."
    return (
        f"The {name} p adjusts for the {pairs} pairs of models, for each event and each test by "
        "itself."
    )


def omnibus(results: ComparisonResults, kind: EventKind, node: str) -> list[str]:
    """Return Cochran's Q of an event in words; empty with two models."""
    return [
        f"Cochran's Q over all {len(results.comparison.models)} models: "
        f"{formats.number(one.statistic)}, {formats.p_equals(one.p)} from permuting the models "
        f"within {units(results.comparison)}."
        for one in results.comparison.omnibus
        if (one.event, one.node) == (kind, node)
    ]
