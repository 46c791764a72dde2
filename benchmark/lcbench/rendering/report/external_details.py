"""The folded tables on an external folder: everything that its main table leaves out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lcbench.analysis.external_detail_results import ExternalNode, OneClassLevel
from lcbench.analysis.external_results import (
    ExternalComparison,
    ExternalLevel,
    ExternalResult,
    UnitResult,
)
from lcbench.analysis.results import Results
from lcbench.analysis.scores import EventKind, PairResult
from lcbench.rendering import formats
from lcbench.rendering.markdown import Table
from lcbench.rendering.report.external import best_at, classes_words, key_of
from lcbench.rendering.report.external_columns import (
    Column,
    Find,
    ModelRow,
    Titled,
    accuracy_cells,
    count_cells,
    metric_of,
    models_table,
    number_cells,
    operating_cells,
    point_cells,
    share_cells,
    shares,
    slope_of,
)
from lcbench.rendering.report.external_outside import calibrated_tables, without_truth_tables
from lcbench.rendering.report.external_words import is_by_image
from lcbench.rendering.words import (
    author,
    effect_cells,
    event_words,
    label,
    node_words,
    protocol_short,
    verdict_words,
)
from lcbench.statistics.hierarchy import down_to_level


def detail_tables(results: Results, folder: ExternalResult) -> Iterator[Titled]:
    """Yield everything else that is told of a folder, each table where it has something to say."""
    for level in folder.levels:
        yield from _of_level(results, level)
    yield from _detection(results, folder.nodes)
    yield from _each_alone(results, folder)
    if folder.units is not None and not is_by_image(folder):
        yield from _by_unit(results, folder.units)
    for level in folder.contaminated:
        yield Titled(
            f"With images whose tissue was trained on: {classes_words(level.classes)}",
            _brief(results, level),
            "Not external.",
        )
    yield from _single(results, folder.one_class)
    yield from without_truth_tables(results, folder)
    yield from calibrated_tables(results, folder)


def _by_unit(results: Results, units: UnitResult) -> Iterator[Titled]:
    by = f"By {units.unit}: "
    for level in units.levels:
        yield Titled(
            f"{by}{classes_words(level.classes)}",
            _brief(results, level),
            f"One answer a {units.unit}, from the mean probabilities of its images, and one for "
            "each trained model.",
        )
    for one in (*_detection(results, units.nodes), *_single(results, units.one_class)):
        yield one._replace(title=f"{by}{one.title[:1].lower()}{one.title[1:]}")


def _of_level(results: Results, level: ExternalLevel) -> Iterator[Titled]:
    models = {
        (one.protocol, model.model): model
        for one in level.comparisons
        for model in one.comparison.models
    }
    rows = [ModelRow(one, models.get(key_of(one)), None) for one in level.scores]
    columns = [
        Column("accuracy, %", accuracy_cells(lambda row: row.score.accuracy)),
        Column("minus the majority rate, points", point_cells(lambda row: row.score.difference)),
        *(
            Column(title, kind(find))
            for title, find, kind in (
                ("balanced accuracy, %", _of("balanced_accuracy"), share_cells),
                ("macro F1, %", _of("macro_f1"), share_cells),
                ("macro AUROC, %", _of("macro_auroc"), share_cells),
                ("macro average precision, %", _of("macro_average_precision"), share_cells),
                ("ECE", _of("calibration_error"), number_cells),
                ("calibration slope", slope_of, number_cells),
                ("log loss", _of("log_loss"), number_cells),
                ("Brier score", _of("brier_score"), number_cells),
            )
        ),
        Column("n", count_cells(lambda row: row.score.accuracy)),
    ]
    classes = classes_words(level.classes)
    yield Titled(
        f"{classes}: every model",
        models_table(results, columns, rows),
        f"{formats.plural(level.images, 'image')}; always answering "
        f"{node_words(level.majority_class)} reaches {formats.share(level.majority_rate)}. Minus "
        "the majority rate: with limits for the way of training, of each model by itself. ECE has "
        "no interval, for none would cover.",
    )
    tests = [row for one in level.comparisons for row in _tests(results, level, one)]
    if tests:
        adjusted = f"p ({author(results.settings)})"
        headers = ["what goes wrong", "baseline", "training", "difference, points"]
        headers += ["p", adjusted, "verdict", f"way of training: {adjusted}"]
        yield Titled(
            f"{classes}: against {results.reference}, on the same images",
            Table([*headers, "smallest difference, points"], tests, "lllr"),
            "Below 0 a baseline errs less often. p is adjusted for the baselines of a training, on "
            "one event. A dash: the numbers of each class fix the difference, and nothing is left "
            "to test.",
        )
    yield from _confusions(results, level)


def _of(metric: str) -> Find:
    return lambda row: metric_of(row, metric)


def _tests(results: Results, level: ExternalLevel, one: ExternalComparison) -> Iterator[list[str]]:
    tree = down_to_level(results.tree, level.level)
    for kind, node in one.comparison.events:
        for pair in one.comparison.pairs:
            if kind == "confusion" and pair.b in results.roles.floor:
                continue
            yield from _test(results, pair, one.protocol, event_words(tree, kind, node), kind, node)


def _test(
    results: Results, pair: PairResult, protocol: str, what: str, kind: EventKind, node: str
) -> Iterator[list[str]]:
    event = pair.on(kind, node)
    if event is not None:
        cells = effect_cells(event, results.settings)
        yield [
            what, label(results, pair.b), protocol_short(protocol), cells.difference, cells.p,
            cells.p_adjusted, verdict_words(event, results.settings), cells.training_p,
            cells.detectable,
        ]  # fmt: skip


def _confusions(results: Results, level: ExternalLevel) -> Iterator[Titled]:
    """Yield the answers of the best model and of the reference to the images of each class."""
    best = best_at(level, results.roles.floor).score
    wanted = {key_of(best)} | {(one.protocol, results.reference) for one in level.comparisons}
    rows = []
    for one in level.comparisons:
        for model in one.comparison.models:
            if (one.protocol, model.model) not in wanted or not model.confusion:
                continue
            for true, counts in zip(level.classes, model.confusion, strict=True):
                name = [label(results, model.model), protocol_short(one.protocol)]
                rows.append([*name, node_words(true), *(formats.number(n) for n in counts)])
    if rows:
        headers = ["baseline", "training", "label", *(node_words(name) for name in level.classes)]
        yield Titled(
            f"{classes_words(level.classes)}: what is answered to each class",
            Table(headers, rows, "lllr"),
            "Mean counts over the trained models, of the best model and of the reference; all "
            "models are in results.csv.",
        )


def _detection(results: Results, nodes: Sequence[ExternalNode]) -> Iterator[Titled]:
    for node in nodes:
        chosen = any(one.point for one in node.scores)
        rows = [
            [
                label(results, one.baseline),
                protocol_short(one.protocol),
                *shares(one.sensitivity, one.specificity, one.auroc, one.average_precision),
                *(operating_cells(one.point) if chosen else ()),
            ]
            for one in node.scores
        ]
        headers = ["baseline", "training", "sensitivity, %", "specificity, %", "AUROC, %"]
        headers.append("average precision, %")
        note = (
            f"{formats.integer(node.positives)} of it, {formats.integer(node.negatives)} outside "
            "it. By the answer at its level; AUROC and average precision: of the summed "
            "probability, within trained models. A dash: not defined without both sides."
        )
        if chosen:
            headers += ["chosen on validation images: sensitivity, %", "specificity, %"]
            headers += ["here: sensitivity, %", "specificity, %"]
            note += (
                " The last four: each trained model calls it from the probability on that found "
                "95 % of it among the model's own validation images."
            )
        yield Titled(f"Detection of {node_words(node.node)}", Table(headers, rows, "llr"), note)


def _each_alone(results: Results, folder: ExternalResult) -> Iterator[Titled]:
    rows = []
    for level in folder.levels:
        for one in level.scores:
            values = [run.accuracy for run in one.alone]
            if values:
                rows.append(
                    [
                        classes_words(level.classes),
                        label(results, one.baseline),
                        protocol_short(one.protocol),
                        formats.integer(len(values)),
                        formats.share_interval(one.accuracy),
                        formats.share(min(values), unit=False),
                        formats.share(max(values), unit=False),
                        formats.share_interval(one.average),
                    ]
                )
    if rows:
        headers = ["classes", "baseline", "training", "trained models", "pooled, %"]
        headers += ["the worst alone, %", "the best alone, %", "their average, %"]
        yield Titled(
            "Trained models of folds and seeds: pooled, each alone, and as an ensemble",
            Table(headers, rows, "lllr"),
            "Accuracy. Pooled: every answer of every trained model. The best and the worst alone "
            "were chosen by these very answers. Average: the probabilities of all trained models "
            "averaged, one answer an image.",
        )


def _brief(results: Results, level: ExternalLevel) -> Table:
    rows = [ModelRow(one, None, None) for one in level.scores]
    columns = [
        Column("accuracy, %", accuracy_cells(lambda row: row.score.accuracy)),
        Column("minus the majority rate, points", point_cells(lambda row: row.score.difference)),
        Column("average of its models, %", share_cells(lambda row: row.score.average)),
        Column("n", count_cells(lambda row: row.score.accuracy)),
    ]
    return models_table(results, columns, rows)


def _single(results: Results, levels: Sequence[OneClassLevel]) -> Iterator[Titled]:
    for level in levels:
        yield Titled(
            f"All are {node_words(level.node)}",
            Table(
                ["baseline", "training", f"called {node_words(level.node)}, %", "n"],
                [
                    [
                        label(results, one.baseline), protocol_short(one.protocol),
                        formats.share_interval(one.called), formats.integer(one.called.n),
                    ]
                    for one in level.scores
                ],
                "llr",
            ),
            "Read no ranking into it: whoever always answers so is right every time.",
        )  # fmt: skip
