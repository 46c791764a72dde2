"""The tables of scores and comparisons, as Markdown sections."""

from __future__ import annotations

from collections.abc import Sequence

from lcbench.reporting import markdown as md
from lcbench.reporting import wording
from lcbench.reporting.findings import (
    GROUPS_UNKNOWN,
    leakage_statement,
    sibling_share,
    subtype_words,
)
from lcbench.reporting.measures import Comparison, Estimate, Metrics, ProtocolResult
from lcbench.reporting.results import Results

_MEANINGS = {
    "paper": "The published recipe: images are divided at random, whatever tissue they show.",
    "grouped": "No source group stands on two sides of a split; every image is tested once a seed.",
}


def label(results: Results, name: str) -> str:
    """Return a baseline's name for a table: the reference bold, random weights flagged."""
    text = md.escape_cell(results.title(name))
    return f"**{text}**" if name == results.reference else text


def cell(text: str) -> str:
    """Return a number with its interval for a table: the line breaks before the interval only."""
    return text.replace(", ", ",\N{NO-BREAK SPACE}")


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
        basis(results, result),
        md.bullets(md.escape(note) for note in result.notes),
    )


def basis(results: Results, result: ProtocolResult) -> str:
    """Return what the numbers of a protocol rest on: n, units, method."""
    units = "source groups" if result.groups_known else "images"
    where = "" if result.groups_known else f"; **{GROUPS_UNKNOWN}**"
    seeds = wording.plural(len(result.seeds), "seed")
    text = (
        f"n: {wording.plural(result.images, 'distinct test image')}, "
        f"{wording.plural(result.predictions, 'prediction')} a baseline over {seeds}, "
        f"{wording.plural(result.groups, 'source group' if result.groups_known else 'image')} "
        f"resampled. In brackets: 95 % interval, {wording.integer(results.resamples)} bootstrap "
        f"resamples of {units} with all their predictions{where}. A share without errors gets "
        f"Wilson's interval on {units}."
    )
    if results.taxonomy.subtypes_of is not None:
        text += " Confusions are the mean count of one seed."
    return text


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
    return f"In the {result.protocol} protocol no {images} has an image of its source in training."


def comparison_section(results: Results) -> str:
    """Return the paired tests on subtype confusions."""
    task = subtype_words(results)
    title = f"## Subtype confusions against {md.escape(results.reference)}"
    with_tests = [result for result in results.protocols if result.comparisons]
    if not with_tests:
        return md.paragraphs(title, _why_no_comparison(results))
    return md.paragraphs(
        title,
        f"Does a baseline confuse {md.escape(task)} more or less often than the reference, on the "
        "same images? Every comparison is two-sided. A negative difference means fewer confusions "
        "than the reference. Read it beside the subtype accuracy: who never answers a subtype "
        "confuses none.",
        *(_comparison_tables(results, result) for result in with_tests),
    )


def _why_no_comparison(results: Results) -> str:
    if results.taxonomy.subtypes_of is None:
        return "The class tree names no subtypes, so there are no confusions to compare."
    if results.baseline(results.reference) is None:
        return (
            f"The reference, {md.escape(results.reference)}, has no finished run, so no baseline "
            "is compared with it."
        )
    return "No other baseline has test images in common with the reference."


def _comparison_tables(results: Results, result: ProtocolResult) -> str:
    family = wording.listing([one.baseline for one in result.comparisons])
    size = wording.plural(len(result.comparisons), "comparison")
    unknown = "" if result.groups_known else f" ({GROUPS_UNKNOWN})"
    first = result.comparisons[0].first_seed
    whole = result.comparisons[0].difference
    units = "source groups" if result.groups_known else "images"
    reading = (
        "source groups as the unit: the one to read when groups are known"
        if result.groups_known
        else "images as the unit, for want of source groups: p-values too small"
    )
    return md.paragraphs(
        f"### Under the {md.escape(result.protocol)} protocol{unknown}",
        f"Family of tests for Holm's adjustment: {size} ({md.escape(family)}).",
        f"**All seeds, {reading}.** "
        f"n: {wording.integer(whole.n)} predictions for images of a subtype in "
        f"{wording.integer(whole.groups)} {units}; exact sign-flip test over {units}.",
        _all_seeds_table(results, result),
        f"**Seed {first.seed} alone, McNemar's exact test: assumes independent images.** "
        f"n: {wording.integer(first.n)} images of a subtype, each once. b: confused by the "
        "reference only; c: by the baseline only; an odds ratio b/c above 1 favours the baseline.",
        _mcnemar_table(results, result),
    )


def _all_seeds_table(results: Results, result: ProtocolResult) -> str:
    rates = {scores.baseline: scores.metrics.subtype_confusion_rate for scores in result.baselines}
    rows = [
        [
            label(results, one.baseline),
            _rate(rates.get(one.baseline)),
            _rate(rates.get(results.reference)),
            cell(wording.points_interval(one.difference)),
            wording.points(one.smallest_visible).removesuffix(" points"),
            wording.p_value(one.p),
            wording.p_value(one.p_holm),
        ]
        for one in result.comparisons
    ]
    headers = [
        "baseline", "confusion rate, %", "reference, %", "difference, points",
        "smallest difference it could show, points", "sign-flip p", "Holm p",
    ]  # fmt: skip
    return md.table(headers, rows, "lr")


def _mcnemar_table(results: Results, result: ProtocolResult) -> str:
    return md.table(
        ["baseline", "b", "c", "odds ratio b/c", "exact p", "Holm p"],
        [_mcnemar_row(results, one) for one in result.comparisons],
        "lr",
    )


def _mcnemar_row(results: Results, one: Comparison) -> list[str]:
    test = one.first_seed
    return [
        label(results, one.baseline),
        wording.integer(test.b),
        wording.integer(test.c),
        cell(wording.ratio_interval(test.odds_ratio, test.odds_low, test.odds_high)),
        wording.p_value(test.p),
        wording.p_value(test.p_holm),
    ]


def class_section(results: Results) -> str:
    """Return precision, recall and F1 of each class, folded."""
    parts = [
        md.details(
            f"Precision, recall and F1 of each class, {result.protocol} protocol",
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
            wording.integer(one.images),
        ]
        for scores in result.baselines
        for one in scores.classes
    ]
    headers = ["baseline", "class", "precision, %", "recall, %", "F1, %", "n (predictions)"]
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
