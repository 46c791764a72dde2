"""The tables of scores, classes and costs, as Markdown sections."""

from __future__ import annotations

from collections.abc import Sequence

from lcbench.analysis.measures import Estimate, Metrics, ProtocolResult
from lcbench.analysis.results import Results
from lcbench.rendering import formats as wording
from lcbench.rendering import markdown as md
from lcbench.rendering.findings import (
    GROUPS_UNKNOWN,
    leakage_statement,
    proven_words,
    sibling_share,
    subtype_words,
)
from lcbench.rendering.metric_details import metric_details
from lcbench.rendering.parts import basis, cell, counted, label

_MEANINGS = {
    "paper": "The published recipe: images are divided at random, whatever tissue they show.",
    "grouped": "No source group stands on two sides of a split; every image is tested once a seed.",
}


def protocol_section(results: Results, result: ProtocolResult) -> str:
    """Return the main table of one protocol."""
    unknown = "" if result.groups_known else f" ({GROUPS_UNKNOWN})"
    columns = _columns(results)
    rows = [
        [label(results, scores.baseline), *(_metric(scores.metrics, key) for key, _ in columns)]
        for scores in result.baselines
    ]
    return md.paragraphs(
        f"## Scores under the {md.escape(result.protocol)} protocol{unknown}",
        _MEANINGS.get(result.protocol, ""),
        md.table(["baseline", *(header for _, header in columns)], rows, "lr"),
        f"{basis(results, result)}{_confusions_words(results)}",
        md.bullets(md.escape(note) for note in result.notes),
        *metric_details(results, result),
    )


def _confusions_words(results: Results) -> str:
    if results.taxonomy.subtypes_of is None:
        return ""
    return " Confusions are the mean count of one seed."


def drop_section(results: Results) -> str:
    """Return the paper-protocol score beside the grouped one."""
    title = "## Paper score beside grouped score"
    if not results.drops:
        had = wording.listing([result.protocol for result in results.protocols])
        need = "This needs a baseline with runs under both paper and grouped."
        return md.paragraphs(title, f"{need} There are runs under {md.escape(had)}.")
    rows = [
        [
            label(results, drop.baseline),
            cell(wording.share_interval(drop.paper)),
            cell(wording.share_interval(drop.grouped)),
            cell(wording.points_interval(drop.drop)),
        ]
        for drop in results.drops
    ]
    known = all(result.groups_known for result in results.protocols)
    units = "source groups" if known else f"images ({GROUPS_UNKNOWN})"
    groups = wording.integer(results.drops[0].drop.groups)
    n = wording.integer(results.drops[0].drop.n)
    return md.paragraphs(
        title,
        md.table(
            ["baseline", "accuracy, paper, %", "accuracy, grouped, %", "drop, points"], rows, "lr"
        ),
        f"Drop: paper minus grouped; positive means that the random split flatters. Its interval "
        f"resamples the {groups} {units}, each with its predictions under both protocols "
        f"(n: {n} predictions a baseline).",
        md.bullets(md.escape(_siblings(result)) for result in results.protocols),
    )


def _siblings(result: ProtocolResult) -> str:
    percentage = sibling_share(result)
    if percentage is None or percentage > 0:
        return leakage_statement(result)
    partly = any(split.record.test_of_unknown_source for split in result.splits)
    images = "test image of known source" if partly else "test image"
    return (
        f"In the {result.protocol} protocol no {images} has an image of its source in training."
        f"{proven_words(result)}"
    )


def class_section(results: Results) -> str:
    """Return precision, recall, F1 and ranking of each class, folded."""
    parts = [
        md.details(
            f"Precision, recall, F1 and ranking of each class, {result.protocol} protocol",
            _class_table(results, result),
        )
        for result in results.protocols
    ]
    return md.paragraphs("## Each class", *parts)


def _class_table(results: Results, result: ProtocolResult) -> str:
    rows = [
        [
            label(results, scores.baseline),
            md.escape_cell(one.leaf.replace("_", " ")),
            cell(wording.share_interval(one.precision)),
            cell(wording.share_interval(one.recall)),
            cell(wording.share_interval(one.f1)),
            cell(wording.share_interval(one.auroc)),
            cell(wording.share_interval(one.average_precision)),
            counted(one.recall),
        ]
        for scores in result.baselines
        for one in scores.classes
    ]
    headers = [
        "baseline", "class", "precision, %", "recall, %", "F1, %", "AUROC, %",
        "average precision, %", "found / images",
    ]  # fmt: skip
    return md.paragraphs(md.table(headers, rows, "llr"), basis(results, result))


def efficiency_section(results: Results) -> str:
    """Return what the baselines cost."""
    rows = [
        [
            label(results, one.baseline),
            wording.integer(one.parameters),
            wording.integer(one.learned),
            wording.NONE if one.gmacs is None else wording.number(one.gmacs, 2),
            wording.NONE
            if one.images_per_second is None
            else wording.integer(one.images_per_second),
            wording.number(one.train_seconds),
            wording.integer(one.peak_memory_mb),
            md.escape_cell(f"{one.device}, {one.precision}"),
            wording.integer(one.runs),
        ]
        for one in results.efficiency
    ]
    headers = [
        "baseline", "parameters", "of them learned", "GMACs an image", "images/s", "training, s",
        "peak memory, MB", "device", "runs",
    ]  # fmt: skip
    return md.paragraphs(
        "## Efficiency",
        md.table(headers, rows, "lr"),
        "Medians over the finished runs; peak memory is the largest. Images per second: from image "
        "file to prediction. Training: one run, embedding excluded. A dash: nothing to measure.",
    )


def _columns(results: Results) -> Sequence[tuple[str, str]]:
    columns = [("accuracy", "accuracy, %"), ("macro_f1", "macro F1, %")]
    negative = results.taxonomy.negative
    if negative is not None:
        name = md.escape_cell(negative.replace("_", " "))
        columns.append(("sensitivity", f"{name} sensitivity, %"))
        columns.append(("specificity", f"{name} specificity, %"))
    if results.taxonomy.subtypes_of is not None:
        task = md.escape_cell(subtype_words(results))
        parent = md.escape_cell(results.taxonomy.subtypes_of.replace("_", " "))
        columns.append(("subtype_accuracy", "subtype accuracy, %"))
        columns.append(("subtype_confusions", f"{task} confusions a seed"))
        columns.append(("subtype_confusion_rate", f"the same, % of {parent}"))
    return columns


def _metric(scores: Metrics, key: str) -> str:
    estimate: Estimate | None = getattr(scores, key)
    if key == "subtype_confusions":
        return cell(wording.count_interval(estimate))
    return _rate(estimate)


def _rate(estimate: Estimate | None) -> str:
    return cell(wording.share_interval(estimate))
