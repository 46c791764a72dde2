"""What was left out or is missing, and why."""

from __future__ import annotations

from collections.abc import Iterator

from lcbench.analysis.claim_results import UnreadableClaims
from lcbench.analysis.external_results import ExternalResult
from lcbench.analysis.given_results import GivenModel
from lcbench.analysis.results import Incomplete, ProtocolResult, Results
from lcbench.rendering.formats import integer, listing, plural
from lcbench.rendering.report.external import read_as
from lcbench.rendering.report.given_models import left_out_words, unmatched_given_words
from lcbench.rendering.words import capital, coarse_words, protocol_short, unmatched_words

_FEW = 5
Missing = tuple[str, list[str]]
"""A title, and what is missing: a line each."""


def missing_parts(results: Results) -> list[Missing]:
    """Return everything that is not in the tables, by kind; kinds without any are left out."""
    parts = [
        ("Baselines", [f"{one.baseline}: {one.reason}" for one in results.left_out]),
        (
            "Runs without usable predictions",
            [incomplete_words(one) for one in results.incomplete],
        ),
        ("Protocols", [line for one in results.protocols for line in _protocol(one)]),
        ("Images", list(results.dataset.skipped)),
        (
            "Claims of papers that could not be read",
            [_unreadable(one) for one in results.claims_unreadable],
        ),
        ("Models from prediction files", [line for one in results.given for line in _given(one)]),
        ("External folders", [line for one in results.external for line in _folder(one)]),
    ]
    return [(title, lines) for title, lines in parts if lines]


def incomplete_words(one: Incomplete) -> str:
    """Return what was planned or begun, and what became of it."""
    if one.missing:
        became = "not finished yet" if one.kind == "in progress" else "never started"
        which = f" ({listing(one.missing)})" if len(one.missing) <= _FEW else ""
        return f"{one.run}: {plural(len(one.missing), 'run')} planned and {became}{which}"
    words = {
        "duplicate": "the same run as",
        "older": "left out:",
        "outdated": "left out:",
        "retired": "left out:",
        "in progress": "being written now",
    }
    return f"{one.run}: {words.get(one.kind, f'{one.kind}:')} {one.detail}".rstrip(" :")


def _unreadable(one: UnreadableClaims) -> str:
    return one.reason if one.key in one.reason else f"{one.key}: {one.reason}"


def _protocol(result: ProtocolResult) -> Iterator[str]:
    name, part = capital(protocol_short(result.protocol)), result.comparison
    if result.tested < result.planned:
        yield (
            f"{name}: {integer(result.tested)} of {integer(result.planned)} images were tested in "
            "the seed with the fewest, because not every fold is here."
        )
    for run in result.missing:
        yield (
            f"{name}, seed {run.seed}, fold {run.fold}: left out for every baseline, because "
            f"{listing(run.models)} did not finish it."
        )
    if result.not_compared:
        yield (
            f"{name}: {listing(result.not_compared)} finished no seed and fold that the others "
            "finished too, and has no scores."
        )
    if part.groups_known is False and part.images_without_group < part.images:
        yield (
            f"{name}: the source group of {plural(part.images_without_group, 'image')} is unknown."
        )
    for one in result.ensembles_left_out:
        yield f"{name}: no ensemble {one.ensemble}: {one.reason}."
    for words in (*unmatched_words(part), *coarse_words(part), *part.notes):
        yield f"{name}: {words}"


def _given(given: GivenModel) -> Iterator[str]:
    yield from (f"{given.model}: {words[:1].lower()}{words[1:]}" for words in left_out_words(given))
    for found in given.comparisons:
        for words in unmatched_given_words(given, found.comparison):
            yield f"{given.model}, {protocol_short(found.protocol)}: {words}"


def _folder(result: ExternalResult) -> Iterator[str]:
    record = result.record
    for label in record.labels:
        if not label.node:
            images = plural(label.images, "image")
            labelled = f" labelled {label.label!r}" if label.label else ""
            yield f"{record.name}: {images}{labelled}, {read_as(label)}."
    yield from (f"{record.name}: {one.baseline}: {one.reason}" for one in record.left_out)
    yield from (f"{record.name}: {one.run}: {one.reason}" for one in record.runs_left_out)
    yield from (f"{record.name}: {file}" for file in record.unreadable)
    yield from (
        f"{record.name}: copies with different labels: {one}" for one in record.contradictions
    )
