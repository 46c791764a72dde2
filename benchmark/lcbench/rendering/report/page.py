"""The page of a report: what `templates/report.md.j2` is filled with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import NamedTuple

from lcbench.analysis.results import Results
from lcbench.rendering import formats, words
from lcbench.rendering import markdown as md
from lcbench.rendering.pages import render_page
from lcbench.rendering.report import claims, digits, events, tables, tree
from lcbench.rendering.report.explanations import explanation_parts
from lcbench.rendering.report.external_columns import Titled
from lcbench.rendering.report.external_details import detail_tables
from lcbench.rendering.report.external_tables import folders_table, main_table
from lcbench.rendering.report.external_words import folder_words
from lcbench.rendering.report.given_models import given_sections
from lcbench.rendering.report.hypothesis import asked_words, hypothesis_parts
from lcbench.rendering.report.leakage import (
    leakage_statement,
    leaks,
    sibling_share,
    training_sizes,
)
from lcbench.rendering.report.missing import missing_parts
from lcbench.rendering.report.provenance import commands, provenance_rows
from lcbench.rendering.report.selective import selective_parts
from lcbench.rendering.report.shift_tables import shift_tables
from lcbench.rendering.report.training import most_epochs, training_table
from lcbench.statistics.limits import t_quantile
from lcbench.statistics.rates import ENOUGH


class Picture(NamedTuple):
    """A picture of the report."""

    file: str
    """Its path, relative to the page."""
    text: str
    """What it shows, for those who cannot see it."""


class Pictures(NamedTuple):
    """The pictures of a report."""

    intervals: Picture
    """Accuracy of each baseline."""
    differences: Picture | None = None
    """Differences from the reference; None where there is none to show."""
    others: tuple[Picture, ...] = ()
    """Everything else, in the order of the page."""
    risk_coverage: Picture | None = None
    """Risk by coverage; None where there are no curves."""
    external: Picture | None = None
    """Accuracy on external folders; None where nothing is scored there."""
    reliability: Mapping[str, Picture] = {}
    """Reliability on external folders, by their names."""
    shifts: Mapping[str, Picture] = MappingProxyType({})
    """External folders beside the training images, by name."""
    explanations: Mapping[int, Sequence[tuple[str, str]]] = MappingProxyType({})
    """File and text of the plots of explanations, by their number."""


class Folder(NamedTuple):
    """What is told of an external folder."""

    name: str
    """Its name."""
    sentences: tuple[str, ...]
    """What a reader should know."""
    main: md.Table | None
    """Every model at the level that most labels fix."""
    details: tuple[Titled, ...]
    """Everything else."""
    reliability: Picture | None
    """Reliability at the level of the main table; None where it is not drawn."""
    shift: Picture | None = None
    """The folder beside the training images."""


def report_page(results: Results, pictures: Pictures) -> str:
    """Return the report as Markdown."""
    strict, floor = results.strictest, results.roles.floor
    compared = events.compared(results)
    return render_page(
        "report.md.j2",
        results=results,
        settings=results.settings,
        pictures=pictures,
        classes=classes_words(results),
        groups=groups_words(results),
        label=partial(words.label, results),
        reference=words.called(results, results.reference),
        headline=words.headline(results),
        strict=strict,
        drawn=words.units(strict.comparison),
        groups_unknown=words.GROUPS_UNKNOWN,
        main=tables.main_table(results),
        timed=tables.is_timed(results),
        external=folders_table(results),
        digits=digits.of_page(results),
        unknown_folders=[one.record.name for one in results.external if not one.groups_known],
        sibling_share=sibling_share,
        one_group=words.ONE_GROUP,
        sizes=training_sizes(results),
        leaky=[words.protocol_short(one.protocol) for one in results.protocols if leaks(one)],
        leakage=[leakage_statement(one) for one in results.protocols if one != results.flattering],
        scores=tables.scores_table(results),
        ensembles=tables.ensembles_table(results),
        training=training_table(results),
        most_epochs=most_epochs(results),
        events=tables.events_table(results),
        tree=tree.tree_tables(results) if results.tree.height > 1 else None,
        level_answers=tree.answers_words(results),
        null_hypotheses=words.null_hypotheses(words.units(strict.comparison)),
        seed_quantile=t_quantile(0.025, len(strict.comparison.seeds) - 1.0),
        few_groups=any(
            event.few_groups
            for pair in strict.comparison.pairs
            for event in pair.events
            if pair.b not in floor
        ),
        few_failures=sum(
            one.estimate.few_groups
            for result in results.protocols
            for model in result.comparison.models
            if model.model not in floor
            for one in model.scores
            if one.estimate.value is not None
        ),
        enough=ENOUGH,
        floor_left_out=events.floor_without_confusions(results),
        hypothesis=hypothesis_parts(results),
        asked=asked_words(results),
        families=[events.families_words(results, one) for one in compared],
        same_answers=events.same_answers_words(results),
        selective=selective_parts(results),
        given=given_sections(results),
        claims_table=claims.claims_table,
        error_words=claims.error_words,
        claim_verdicts=claims.judged_words,
        folders=[
            Folder(
                one.record.name,
                folder_words(results, one),
                main_table(results, one),
                (*detail_tables(results, one), *shift_tables(results, one)),
                pictures.reliability.get(one.record.name),
                pictures.shifts.get(one.record.name),
            )
            for one in results.external
        ],
        explained=explanation_parts(results, pictures.explanations),
        missing=missing_parts(results),
        provenance=provenance_rows(results),
        commands=md.code_block(commands(results), "sh"),
    )


def classes_words(results: Results) -> str:
    """Return how many images there are of each class."""
    counts = results.dataset.images_by_class
    return formats.listing(
        [
            f"{formats.integer(counts[name])} {words.node_words(name)}"
            for name in results.tree.nodes
            if name in counts
        ]
    )


def groups_words(results: Results) -> str:
    """Return how many source groups there are, and who says so."""
    dataset = results.dataset
    if dataset.source_groups is None:
        return "source groups unknown"
    source = f", from {dataset.groups_source}" if dataset.groups_source else ""
    return f"{formats.plural(dataset.source_groups, 'source group')}{source}"
