"""The sections on external folders: how far above the majority rate the models are, in words."""

from __future__ import annotations

from lcbench.analysis.results import ExternalLevel, ExternalResult, ExternalScore, Results
from lcbench.rendering import formats as wording
from lcbench.rendering import markdown as md
from lcbench.rendering.findings import GROUPS_UNKNOWN, MAJORITY, excludes_zero
from lcbench.rendering.parts import cell, label
from lcbench.runs.overlap import overlap_words


def external_section(results: Results) -> str:
    """Return one part for each external folder."""
    title = "## External folders"
    if not results.external:
        hint = "None was evaluated. `lcbench evaluate DIR` tries every finished run on a folder."
        return md.paragraphs(title, hint)
    return md.paragraphs(title, *(_folder(results, one) for one in results.external))


def _folder(results: Results, result: ExternalResult) -> str:
    record = result.record
    sentences = [md.escape(level_words(record.name, level)) for level in result.levels]
    images = md.escape(
        f"{wording.plural(record.images, 'image')}, of which {wording.integer(record.scored)} are "
        f"scored; {wording.plural(record.copies, 'byte-identical copy', 'byte-identical copies')}, "
        f"resampled with the original; {wording.plural(len(record.unreadable), 'unreadable file')}."
    )
    return md.paragraphs(
        f"### {md.escape(record.name)}",
        md.bullets(sentences) or "No finished run has predictions on this folder.",
        images,
        md.escape(overlap_words(record.overlap)) if record.overlap else "",
        _table(results, result) if result.levels else "",
        _basis(result) if result.levels else "",
        _details(result),
    )


def level_words(name: str, level: ExternalLevel) -> str:
    """Return how the models stand to the majority rate at one level, as plain text.

    The majority baseline itself is left out where there are others.
    """
    models = [score for score in level.scores if score.baseline != MAJORITY] or list(level.scores)
    best = max(models, key=lambda score: score.accuracy.value or 0.0)
    place = f"On {name}, {task_words(level)} ({wording.plural(level.images, 'image')})"
    who = f"{best.baseline} trained under {best.protocol}"
    if len(models) > 1:
        who = f"the best of {len(models)} models, {who} (chosen afterwards),"
    against = (
        f"{wording.share(best.accuracy.value)} against {wording.share(level.majority_rate)} for "
        f"always answering {level.majority_class.replace('_', ' ')}"
    )
    sentence = f"{place}: {who} {_standing(best)}: {against}."
    return f"{sentence} {_tally(models)}" if len(models) > 1 else sentence


def task_words(level: ExternalLevel) -> str:
    """Return the classes of a level with slashes between them."""
    return " / ".join(node.replace("_", " ") for node in level.classes)


def _standing(score: ExternalScore) -> str:
    written = wording.points_interval(score.difference)
    if not excludes_zero(score.difference):
        return f"is not shown to be above the majority rate, {written} points"
    side = "above" if (score.difference.value or 0.0) > 0 else "below"
    bounds = written[written.index("[") :]
    return f"is {wording.points(score.difference.value)} {side} the majority rate {bounds}"


def _tally(models: list[ExternalScore]) -> str:
    clear = [score for score in models if excludes_zero(score.difference)]
    above = sum((score.difference.value or 0.0) > 0 for score in clear)
    return (
        f"Shown to be above the majority rate: {above} of the {len(models)} models; below it: "
        f"{len(clear) - above}."
    )


def _table(results: Results, result: ExternalResult) -> str:
    headers = ["baseline", "trained under", "runs"]
    for level in result.levels:
        task = md.escape_cell(task_words(level))
        headers += [f"{task}: accuracy, %", "minus majority rate, points"]
    rows = []
    for number, first in enumerate(result.levels[0].scores):
        row = [label(results, first.baseline), md.escape_cell(first.protocol), str(first.runs)]
        for level in result.levels:
            score = level.scores[number]
            row.append(cell(wording.share_interval(score.accuracy)))
            row.append(cell(wording.points_interval(score.difference)))
        rows.append(row)
    return md.table(headers, rows, "llr")


def _basis(result: ExternalResult) -> str:
    units = "source groups" if result.groups_known else f"images; **{GROUPS_UNKNOWN}**"
    levels = "; ".join(
        f"{md.escape(task_words(level))}: {wording.plural(level.images, 'image')} whose label "
        f"fixes this level, majority rate {wording.share(level.majority_rate)} "
        f"({md.escape(level.majority_class.replace('_', ' '))})"
        for level in result.levels
    )
    counts = sorted({score.accuracy.groups for level in result.levels for score in level.scores})
    return (
        f"n: {levels}. Each image is predicted by every run; in brackets: 95 % score interval, "
        f"resampling {wording.listing([wording.integer(count) for count in counts])} {units}."
    )


def _details(result: ExternalResult) -> str:
    record = result.record
    rows = [
        [
            md.code_cell(one.label),
            md.escape_cell(one.node.replace("_", " ")) if one.node else "left out: unknown",
            wording.integer(one.images),
        ]
        for one in record.labels
    ]
    lists = {
        "Baselines left out": [f"{one.baseline}: {one.reason}" for one in record.left_out],
        "Unreadable files": record.unreadable,
        "Copies with different labels": record.contradictions,
        "Tissue of the training data": record.overlap.pairs if record.overlap else (),
    }
    parts = [f"{title}:\n\n{md.long_list(items)}" for title, items in lists.items() if items]
    command = md.code_block([record.command], "sh") if record.command else ""
    return md.details(
        "How the labels were read, and what was left out",
        md.paragraphs(md.table(["label", "read as", "images"], rows, "llr"), *parts, command),
    )
