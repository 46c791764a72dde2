"""Models from prediction files in a report: each in a part of its own, with where it comes from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from lcbench.analysis.given_results import GivenComparison, GivenModel
from lcbench.analysis.results import ComparisonResults, Results
from lcbench.analysis.scores import ModelComparison
from lcbench.rendering import markdown as md
from lcbench.rendering.comparison import words as compared
from lcbench.rendering.comparison.page import effects_table, metrics_table
from lcbench.rendering.formats import listing, p_equals, plural, points_interval, share_interval
from lcbench.rendering.report.events import shown_words
from lcbench.rendering.report.external_columns import Titled
from lcbench.rendering.words import (
    author,
    capital,
    protocol_short,
    protocol_title,
    unmatched_words,
)


class GivenPart(NamedTuple):
    """A given model beside the baselines of one protocol."""

    title: str
    """The protocol."""
    told: tuple[str, ...]
    """What the numbers rest on."""
    reading: str
    """How the tables of pairs are read."""
    errors: md.Table
    """Errors of any kind, against each baseline."""
    more: tuple[Titled, ...]
    """Confusions, against each baseline; and what the model and the reference reach."""


class GivenSection(NamedTuple):
    """What is told of a given model."""

    name: str
    """What it is called."""
    sentences: tuple[str, ...]
    """Where it comes from, and what it reaches."""
    parts: tuple[GivenPart, ...]
    """One for each protocol under which it was compared."""


def given_sections(results: Results) -> list[GivenSection]:
    """Return what is told of each given model."""
    return [
        GivenSection(
            one.model,
            (*_provenance(one), *given_words(results, one), *left_out_words(one)),
            tuple(_part(results, one, found) for found in one.comparisons),
        )
        for one in results.given
    ]


def given_words(results: Results, given: GivenModel) -> Iterator[str]:
    """Yield what a given model reaches beside the reference, under each protocol."""
    for found in given.comparisons:
        yield _standing(results, given, found)


def given_finding(results: Results, given: GivenModel) -> str:
    """Return the same under the strictest protocol that it was compared under; maybe nothing."""
    strict = results.strictest.protocol
    first = sorted(given.comparisons, key=lambda found: found.protocol != strict)[:1]
    return " ".join(_standing(results, given, found) for found in first)


def screen_words(results: Results) -> Iterator[str]:
    """Yield what the terminal says of given models: one number, and what had no partner."""
    for given in results.given:
        yield given_finding(results, given)
        yield from left_out_words(given)
        if given.is_partial:
            found = [one for part in given.comparisons for one in part.comparison.unmatched]
            fewest = min(one.images for one in found if one.model == given.model)
            yield (
                f"{given.file}: at least {plural(fewest, 'image')} that no baseline has predicted, "
                "left out."
            )


def _standing(results: Results, given: GivenModel, found: GivenComparison) -> str:
    part = found.comparison
    scores = part.scores(given.model)
    reached = share_interval(scores.accuracy if scores else None, unit=True)
    return (
        f"{given.model}, from a prediction file, is right on {reached} of the "
        f"{plural(part.images, 'image')} that it shares with the baselines "
        f"({protocol_short(found.protocol)}){_against_reference(results, part)}."
    )


def _against_reference(results: Results, part: ModelComparison) -> str:
    """Return the difference from the reference, as the end of a sentence."""
    pair = next((one for one in part.pairs if one.a == results.reference), None)
    errors = pair.on("any_error") if pair else None
    difference = pair.get("accuracy") if pair else None
    if errors is None or difference is None:
        return ""
    adjusted = f"{author(results.settings)} {p_equals(errors.test().p_adjusted)}"
    words = shown_words(results, errors)
    return f"; {words} ({points_interval(difference, unit=True)}, {adjusted})"


def _provenance(given: GivenModel) -> Iterator[str]:
    which = plural(len(given.seeds), "seed")
    yield (
        f"From {given.file}, sha256 {given.sha256}: {plural(given.images, 'image')}, "
        f"{plural(given.predictions, 'prediction')} of {which} "
        f"({listing([str(seed) for seed in given.seeds])})."
    )
    yield from (f"{capital(note)}." for note in given.notes)


def left_out_words(given: GivenModel) -> Iterator[str]:
    """Yield under which protocols a given model is compared with nothing, and why."""
    for one in given.left_out:
        yield f"Not compared, {protocol_short(one.protocol)}: {one.reason}."


def unmatched_given_words(given: GivenModel, part: ModelComparison) -> list[str]:
    """Return the images without a partner: of the file, and of the first baseline for them all."""
    own = [one for one in part.unmatched if one.model == given.model]
    others = [one for one in part.unmatched if one.model != given.model]
    alike = "" if len(others) < 2 else ", and of each other baseline,"
    told = [*own, *(one.model_copy(update={"model": one.model + alike}) for one in others[:1])]
    return unmatched_words(part.model_copy(update={"unmatched": tuple(told)}))


def _part(results: Results, given: GivenModel, found: GivenComparison) -> GivenPart:
    view = as_comparison(results, found)
    part = found.comparison
    first, *more = part.events
    models = [given.model]
    if part.scores(results.reference) is not None:
        models.insert(0, results.reference)
    keys = [key for key in compared.every_key(view) if compared.is_read_first(key)]
    notes = (f"{capital(note)}." for note in part.notes)
    return GivenPart(
        title=capital(protocol_title(found.protocol)),
        told=(*compared.evidence(view), *unmatched_given_words(given, part), *notes),
        reading=compared.reading(view),
        errors=effects_table(view, *first),
        more=(
            *(
                Titled(compared.event_title(view, *event), effects_table(view, *event))
                for event in more
            ),
            Titled("Metrics, with 95 % intervals", metrics_table(view, keys, models)),
        ),
    )


def as_comparison(results: Results, found: GivenComparison) -> ComparisonResults:
    """Return a part of a report as what `lcbench compare` finds: both are written the same way."""
    return ComparisonResults(
        lcbench_version=results.lcbench_version,
        command=results.report_command,
        settings=results.settings,
        taxonomy=results.taxonomy,
        leaves=results.leaves,
        metrics=results.metrics,
        matched_by=found.matched_by,
        notes=(),
        comparison=found.comparison,
    )
