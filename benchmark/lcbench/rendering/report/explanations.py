"""Why the models answer as they do, and whether to believe it: tables and sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from lcbench.analysis.explanation_results import ExplanationResult
from lcbench.analysis.results import Results
from lcbench.rendering import formats
from lcbench.rendering import markdown as md
from lcbench.rendering.explanation_answer import answer
from lcbench.rendering.explanation_words import sentences, verdict_line
from lcbench.rendering.plots.explanations import (
    draw_perturbation,
    draw_randomisation,
    draw_tissue,
)
from lcbench.rendering.words import baseline_title, node_words, protocol_title


class Explained(NamedTuple):
    """One baseline at one decision."""

    title: str
    """Which."""
    answer: tuple[str, ...]
    """What the methods say together."""
    sentences: tuple[str, ...]
    """What was explained, and from what."""
    table: md.Table
    """A row a method."""
    checks: tuple[tuple[str, tuple[str, ...]], ...]
    """Of each method, its name and what its checks found."""
    pictures: tuple[tuple[str, str], ...]
    """File and text of each plot."""


def draw_explanations(results: Results, place: Path) -> dict[int, tuple[tuple[Path, str], ...]]:
    """Draw the checks of each baseline and decision; return files and what they show by number."""
    found = {}
    for number, methods in enumerate(_together(results), start=1):
        checks = [one.record.checks for one in methods]
        data = f"{results.dataset.name}, {_title(results, methods[0])}"
        drawn = (
            (draw_randomisation, "randomisation", "Likeness of maps while a network forgets"),
            (draw_perturbation, "perturbation", "Score while the image is taken apart"),
            (draw_tissue, "tissue", "Shares of attribution and of area by compartment"),
        )
        pictures = [
            (path, f"{text}: {_title(results, methods[0])}")
            for draw, name, text in drawn
            if (path := draw(checks, data, place / f"explained-{number}-{name}.png")) is not None
        ]
        found[number] = tuple(pictures)
    return found


def explanation_parts(
    results: Results, pictures: Mapping[int, Sequence[tuple[str, str]]]
) -> list[Explained]:
    """Return what the report says of each baseline and decision that was explained."""
    return [
        Explained(
            _title(results, methods[0]),
            tuple(answer([one.record.checks for one in methods])),
            tuple(_about(methods)),
            _table(methods),
            tuple((one.record.title, tuple(sentences(one.record.checks)[1:])) for one in methods),
            tuple(pictures.get(number, ())),
        )
        for number, methods in enumerate(_together(results), start=1)
    ]


def _together(results: Results) -> list[list[ExplanationResult]]:
    """Return the methods of each baseline and decision."""
    about: dict[object, list[ExplanationResult]] = {}
    for one in results.explanations or ():
        about.setdefault(one.record.about, []).append(one)
    return list(about.values())


def _title(results: Results, one: ExplanationResult) -> str:
    between = " or ".join(node_words(child) for child in one.record.children)
    baseline = baseline_title(results, one.record.baseline)
    return f"{baseline}, {protocol_title(one.record.protocol)}: {between}"


def _about(methods: Sequence[ExplanationResult]) -> list[str]:
    record = methods[0].record
    right = record.cases - record.confused
    groups = formats.plural(record.source_groups, "source group")
    versions = ", ".join(f"{name} {version}" for name, version in record.versions.items())
    found = [
        f"{formats.plural(record.confused, 'image')} confused in one seed or more, and "
        f"{formats.plural(right, 'image')} that every seed answers rightly, of {groups}; each "
        "explained by the first seed that confuses it, for the answer of that seed.",
        f"The networks that are explained gave what the runs had predicted for "
        f"{formats.plural(record.held, 'image')}: the largest difference of a probability is "
        f"{record.difference:.2g}; at most {record.tolerance:.2g} is allowed. In 32 bits, in which "
        f"they are explained, {record.other_answers:,} of them are answered otherwise.",
        f"Made by {record.command or 'lcbench explain'} on {record.device} with {versions}, stored "
        f"{record.created}.",
    ]
    if not record.groups_known:
        found.insert(1, "Source groups are unknown: every interval takes each image for one.")
    return found


def _table(methods: Sequence[ExplanationResult]) -> md.Table:
    headers = ["method", "explained", "checked on", "its checks", "worst likeness randomised"]
    headers += ["insertion gain", "deletion gain", "seeds agree", "turns agree", "copies agree"]
    return md.Table(headers, [_row(one) for one in methods], "lrrlrrrrrr")


def _row(one: ExplanationResult) -> list[str]:
    record, checks = one.record, one.record.checks
    stages = checks.randomisation.stages if checks.randomisation else ()
    ranks = [stage.likeness["rank"] for stage in stages]
    worst = max(ranks, key=lambda rank: rank.value or -1.0, default=None)
    perturbation = checks.perturbation
    agree = {check.between: check.likeness for check in checks.agreements}
    agreements = (agree.get("seeds"), agree.get("turns"), agree.get("copies"))
    gains = (
        (None, None)
        if perturbation is None
        else (perturbation.insertion_gain, perturbation.deletion_gain)
    )
    return [
        record.title,
        formats.integer(record.explained),
        formats.integer(record.checked),
        verdict_line(checks),
        *(formats.value_interval(one) for one in (worst, *gains, *agreements)),
    ]
