"""What scores and comparisons speak of: baselines, protocols, and the images that were tested."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from pydantic import JsonValue

from lcbench.analysis.results import Results
from lcbench.analysis.scores import ModelComparison
from lcbench.rendering import words
from lcbench.rendering.explorer.embedding import number
from lcbench.rendering.formats import of_training
from lcbench.rendering.series import series
from lcbench.statistics.interval_model import Interval

OWN = "test"
"""Key of the suite's own test images."""


class Place(NamedTuple):
    """Models side by side on the same images."""

    key: str
    """Of the images."""
    protocol: str
    """Protocol under which the models were trained."""
    comparison: ModelComparison
    """Their scores, and pairs of them."""


def places(results: Results) -> Iterator[Place]:
    """Yield all models that stand side by side: the strictest protocol first, then the others."""
    strict = results.strictest
    own = (strict, *(one for one in results.protocols if one is not strict))
    for result in own:
        yield Place(OWN, result.protocol, result.comparison)
    order = [one.protocol for one in own]
    for folder in results.external:
        for level in folder.levels:
            key = external_key(folder.record.name, level.level)
            for one in sorted(level.comparisons, key=lambda it: _place(order, it.protocol)):
                yield Place(key, one.protocol, one.comparison)
    for given in results.given:
        for found in given.comparisons:
            yield Place(_given_key(given.model), found.protocol, found.comparison)


def external_key(folder: str, level: int) -> str:
    """Return the key of an external folder at one level of the class tree."""
    return f"{folder}, level {level}"


def metric_key(metric: str, of: str) -> str:
    """Return the key of a metric and of what it speaks of."""
    return f"{metric} {of}".strip()


def shared_names(results: Results) -> JsonValue:
    """Return how baselines, protocols and images are called, for the filters of tables."""
    strict = results.strictest.protocol
    names = [one.protocol for one in results.protocols]
    trained = {one.protocol for one in places(results)}
    return {
        "baselines": [
            {
                "key": one.baseline,
                "title": words.baseline_title(results, one.baseline),
                "reference": one.baseline == results.reference,
                "floor": one.baseline in results.roles.floor,
            }
            for one in results.baselines
        ],
        "protocols": [
            {
                "key": name,
                "title": words.protocol_title(name),
                "short": words.protocol_short(name),
                "series": series(results, name),
            }
            for name in sorted(names, key=lambda name: name != strict)
            if name in trained
        ],
        "places": [
            {"key": OWN, "title": "test images"},
            *_external_titles(results),
            *_given_titles(results),
        ],
    }


def numbers(estimate: Interval | None) -> list[JsonValue]:
    """Return value, low and high, and the limits for the way of training; null where none is.

    One source group gives no interval.
    """
    if estimate is None or estimate.value is None:
        return [None] * 5
    trained = of_training(estimate)
    limits = (estimate.low, estimate.high) if estimate.groups != 1 else (None, None)
    return [
        number(one)
        for one in (
            estimate.value,
            *limits,
            trained.low if trained else None,
            trained.high if trained else None,
        )
    ]


def _external_titles(results: Results) -> Iterator[JsonValue]:
    for folder in results.external:
        for level in folder.levels:
            name = folder.record.name
            options = " / ".join(words.node_words(one) for one in level.classes)
            yield {"key": external_key(name, level.level), "title": f"{name}: {options}"}


def _given_titles(results: Results) -> Iterator[JsonValue]:
    for one in results.given:
        yield {"key": _given_key(one.model), "title": f"test images that {one.model} answers"}


def _given_key(model: str) -> str:
    return f"with {model}"


def _place(order: list[str], protocol: str) -> int:
    return order.index(protocol) if protocol in order else len(order)
