"""The folded tables below the scores of a protocol: further metrics, raw counts, seeds."""

from __future__ import annotations

from lcbench.analysis.measures import BaselineScores, Estimate, ProtocolResult
from lcbench.analysis.results import Results
from lcbench.rendering import formats as wording
from lcbench.rendering import markdown as md
from lcbench.rendering.parts import cell, counted, label, units

_SHARES = {
    "balanced_accuracy": "balanced accuracy, %",
    "macro_auroc": "macro AUROC, %",
    "macro_average_precision": "macro average precision, %",
}
_NUMBERS = {
    "cohen_kappa": "Cohen's kappa",
    "matthews_correlation": "Matthews correlation",
    "log_loss": "log loss",
    "brier_score": "Brier score",
    "calibration_error": "ECE, equal width",
    "calibration_error_equal_mass": "ECE, equal mass",
}
_SAME_BASIS = "n and intervals: as below the scores of this protocol."
_ENOUGH_SEEDS = 10
_COMPARED = ("accuracy", "balanced_accuracy", "macro_f1", "macro_auroc", "macro_average_precision")
_HEADERS = {"accuracy": "accuracy, points", "macro_f1": "macro F1, points"}


def metric_details(results: Results, result: ProtocolResult) -> tuple[str, ...]:
    """Return the folded tables of one protocol."""
    name = md.escape(result.protocol)
    parts = [
        md.details(f"Further metrics, {name} protocol", _further(results, result)),
        md.details(
            f"Raw counts and effective sample size, {name} protocol", _counts(results, result)
        ),
    ]
    if any(scores.against_reference for scores in result.baselines):
        title = f"Metrics minus the reference's, {name} protocol"
        parts.append(md.details(title, _differences(results, result)))
    if any(scores.seeds for scores in result.baselines):
        parts.append(md.details(f"Seeds, {name} protocol", _seeds(results, result)))
    return tuple(parts)


def _further(results: Results, result: ProtocolResult) -> str:
    rows = []
    for scores in result.baselines:
        row = [label(results, scores.baseline)]
        row += [cell(wording.share_interval(getattr(scores.metrics, key))) for key in _SHARES]
        row += [cell(wording.value_interval(getattr(scores.metrics, key))) for key in _NUMBERS]
        rows.append(row)
    return md.paragraphs(
        md.table(["baseline", *_SHARES.values(), *_NUMBERS.values()], rows, "lr"),
        "One-vs-rest AUROC and average precision, averaged over the classes. Kappa and Matthews "
        "correlation: 0 is chance, 1 is perfect. Log loss, Brier score (0 to 2) and expected "
        "calibration error (ECE, top class, 15 bins): lower is better. A dash: not defined, such "
        f"as a correlation with an answer that never changes. {_SAME_BASIS}",
    )


def _counts(results: Results, result: ProtocolResult) -> str:
    shares = ["accuracy", "sensitivity", "specificity", "subtype_accuracy"]
    shares += ["subtype_confusion_rate"]
    names = [
        name for name in shares if any(getattr(scores.metrics, name) for scores in result.baselines)
    ]
    rows = [
        [
            label(results, scores.baseline),
            *(counted(getattr(scores.metrics, name)) for name in names),
            *_worth(scores),
        ]
        for scores in result.baselines
    ]
    negative = (results.taxonomy.negative or "").replace("_", " ")
    headers = {
        "accuracy": "right",
        "sensitivity": md.escape_cell(f"{negative} sensitivity"),
        "specificity": md.escape_cell(f"{negative} specificity"),
        "subtype_confusion_rate": "subtype confusions",
    }
    titles = [headers.get(name, name.replace("_", " ")) for name in names]
    return md.paragraphs(
        md.table(["baseline", *titles, "effective sample size", "design effect"], rows, "lr"),
        f"Predictions of {wording.plural(len(result.seeds), 'seed')} together. Effective sample "
        "size: as many independent predictions would give the same standard error of the accuracy; "
        f"design effect: predictions divided by it. Both from resampling {units(result)}.",
    )


def _worth(scores: BaselineScores) -> list[str]:
    if scores.effective is None:
        return [wording.NONE, wording.NONE]
    worth = scores.effective
    return [wording.integer(worth.n), wording.number(worth.design_effect)]


def _differences(results: Results, result: ProtocolResult) -> str:
    rows = []
    for scores in result.baselines:
        found = scores.against_reference
        if not found:
            continue
        row = [label(results, scores.baseline)]
        row += [cell(wording.points_interval(found[key])) for key in _COMPARED]
        row += [cell(wording.value_interval(found[key], signed=True)) for key in _NUMBERS]
        rows.append(row)
    shares = [_HEADERS.get(key) or _SHARES[key].replace(", %", ", points") for key in _COMPARED]
    return md.paragraphs(
        md.table(["baseline", *shares, *_NUMBERS.values()], rows, "lr"),
        f"Baseline minus {md.escape(results.reference)}, both on the same resampled "
        f"{units(result)}; intervals of single differences, not adjusted for their number. "
        "Differences of the other metrics, and of each class, are in results.csv.",
    )


def _seeds(results: Results, result: ProtocolResult) -> str:
    rows = []
    for scores in result.baselines:
        spread = scores.seeds
        if spread is None:
            continue
        rows.append(
            [
                label(results, scores.baseline),
                *(wording.share(spread.accuracies.get(seed), unit=False) for seed in result.seeds),
                cell(wording.share_interval(scores.metrics.accuracy)),
                cell(wording.share_interval(_same_value(spread.two_way, scores))),
            ]
        )
    seeds = [f"seed {seed}, %" for seed in result.seeds]
    kinds = [f"over {units(result)}, %", f"over {units(result)} and seeds, %"]
    return md.paragraphs(
        md.table(["baseline", *seeds, *kinds], rows, "lr"),
        f"Accuracy. The last column draws {units(result)} and seeds independently (two-way "
        f"bootstrap): it speaks of a new seed as well.{_few(result)} "
        f"{_SAME_BASIS}",
    )


def _few(result: ProtocolResult) -> str:
    seeds = len(result.seeds)
    return f" {seeds} seeds are few for that." if seeds < _ENOUGH_SEEDS else ""


def _same_value(estimate: Estimate, scores: BaselineScores) -> Estimate:
    """Return the estimate with the decimals of the one beside it."""
    return estimate.model_copy(update={"value": scores.metrics.accuracy.value})
