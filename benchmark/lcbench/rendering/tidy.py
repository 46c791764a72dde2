"""The results as one tidy table: a row a number."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from lcbench.analysis.measures import BaselineScores, Estimate, ProtocolResult
from lcbench.analysis.results import Results

COLUMNS = (
    "section", "protocol", "baseline", "metric", "value", "low", "high", "n", "count", "groups",
    "method", "extra",
)  # fmt: skip
Row = dict[str, object]


def write_tidy(results: Results, path: Path) -> Path:
    """Write results.csv."""
    rows = [_flagged(row, results) for row in tidy_rows(results)]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    for column in ("n", "count", "groups"):
        table[column] = table[column].astype("Int64")
    table.to_csv(path, index=False, lineterminator="\n")
    return path


def tidy_rows(results: Results) -> Iterator[Row]:
    """Yield every number of the results as a row with the keys of `COLUMNS`."""
    for result in results.protocols:
        yield from _scores(result)
        yield from _comparisons(result)
    for drop in results.drops:
        yield _row("drop", "", drop.baseline, "accuracy_drop", drop.drop)
    yield from _efficiency(results)
    for claim in results.claims:
        extra = f"{claim.claim}: {claim.verdict}; {claim.position}"
        yield _row("claims", claim.protocol, results.reference, claim.unit, claim.measured, extra)
    yield from _external(results)


def _flagged(row: Row, results: Results) -> Row:
    """Say so in every row of a baseline whose weights are random."""
    baseline = results.baseline(str(row["baseline"]))
    if baseline is None or not baseline.random_weights:
        return row
    return {**row, "extra": f"random weights; {row['extra']}".removesuffix("; ")}


def _scores(result: ProtocolResult) -> Iterator[Row]:
    for scores in result.baselines:
        for metric in type(scores.metrics).model_fields:
            estimate: Estimate | None = getattr(scores.metrics, metric)
            if estimate is not None:
                yield _row("scores", result.protocol, scores.baseline, metric, estimate)
        for one in scores.classes:
            for metric in ("precision", "recall", "f1", "auroc", "average_precision"):
                estimate = getattr(one, metric)
                yield _row("classes", result.protocol, scores.baseline, metric, estimate, one.leaf)
        for metric, estimate in scores.against_reference.items():
            yield _row("against_reference", result.protocol, scores.baseline, metric, estimate)
        yield from _worth(result.protocol, scores)


def _worth(protocol: str, scores: BaselineScores) -> Iterator[Row]:
    place = ("scores", protocol, scores.baseline)
    if scores.effective is not None:
        for metric, value in scores.effective.model_dump().items():
            name = {"n": "effective_sample_size"}.get(metric, metric)
            yield {**_row(*place, name, None, "accuracy"), "value": value}
    if scores.seeds is not None:
        yield _row(*place, "accuracy_over_groups_and_seeds", scores.seeds.two_way)
        for seed, value in scores.seeds.accuracies.items():
            yield {**_row(*place, "accuracy_of_seed", None, f"seed={seed}"), "value": value}


def _comparisons(result: ProtocolResult) -> Iterator[Row]:
    for one in result.comparisons:
        place = ("comparison", result.protocol, one.baseline)
        for metric in ("difference", "odds_ratio", "relative_reduction"):
            yield _row(*place, metric, getattr(one, metric), one.event)
        row = _row(*place, "detectable_difference", None, one.event)
        yield {**row, "value": one.detectable, "groups": one.groups}
        for test in one.tests:
            extra = (
                f"{one.event} statistic={test.statistic!r} p_adjusted={test.p_adjusted!r} "
                f"only_reference={test.only_reference} only_baseline={test.only_baseline}"
            )
            row = _row(*place, f"p:{test.name}", None, extra)
            yield {**row, "value": test.p, "n": test.n, "groups": one.groups}
    for omnibus in result.omnibus:
        extra = f"{omnibus.event} Q={omnibus.statistic!r} p_independent={omnibus.p_independent!r}"
        row = _row("comparison", result.protocol, "", "p:cochran-q", None, extra)
        yield {**row, "value": omnibus.p, "n": omnibus.n, "groups": omnibus.groups}


def _efficiency(results: Results) -> Iterator[Row]:
    for one in results.efficiency:
        extra = f"{one.device}, {one.precision}"
        values = {
            "parameters": one.parameters,
            "learned_parameters": one.learned,
            "gmacs": one.gmacs,
            "images_per_second": one.images_per_second,
            "train_seconds": one.train_seconds,
            "peak_memory_mb": one.peak_memory_mb,
        }
        for metric, value in values.items():
            row = _row("efficiency", "", one.baseline, metric, None, extra)
            yield {**row, "value": value, "n": one.runs, "method": "over runs"}


def _external(results: Results) -> Iterator[Row]:
    for folder in results.external:
        for level in folder.levels:
            extra = f"level {level.level}: {'/'.join(level.classes)}"
            section = f"external:{folder.record.name}"
            row = _row(section, "", "", "majority_rate", None, extra)
            yield {**row, "value": level.majority_rate, "n": level.images}
            for score in level.scores:
                place = (section, score.protocol, score.baseline)
                yield _row(*place, "accuracy", score.accuracy, extra)
                yield _row(*place, "accuracy_minus_majority", score.difference, extra)


def _row(
    section: str,
    protocol: str,
    baseline: str,
    metric: str,
    estimate: Estimate | None,
    extra: str = "",
) -> Row:
    numbers = estimate.model_dump() if estimate is not None else {}
    return {
        "section": section,
        "protocol": protocol,
        "baseline": baseline,
        "metric": metric,
        "value": None,
        "low": None,
        "high": None,
        "n": None,
        "count": None,
        "groups": None,
        "method": "",
        **numbers,
        "extra": extra,
    }
