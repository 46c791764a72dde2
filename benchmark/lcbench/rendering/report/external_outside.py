"""Folded tables on images that are scored nowhere: outside the class tree, or set aside."""

from __future__ import annotations

from collections.abc import Iterator

from lcbench.analysis.external_results import ExternalResult
from lcbench.analysis.results import Results
from lcbench.analysis.scores import find_score
from lcbench.rendering import formats
from lcbench.rendering.markdown import Table
from lcbench.rendering.report.external import classes_words, plural_of, unit_words
from lcbench.rendering.report.external_columns import Titled, operating_cells, shares
from lcbench.rendering.words import label, node_words, protocol_short


def without_truth_tables(results: Results, folder: ExternalResult) -> Iterator[Titled]:
    """Yield what the models answer to images whose labels stand for no class of the tree."""
    for found in folder.answers:
        title = f"labelled {found.label!r}" if found.label else "without a label"
        for place, level in enumerate(found.models[0].levels if found.models else ()):
            targets = [one.target for one in level.sure]
            nodes = [one.node for one in level.answers]
            rows = []
            for model in found.models:
                at = model.levels[place]
                sure = {one.target: one.share for one in at.sure}
                rows.append(
                    [
                        label(results, model.baseline),
                        protocol_short(model.protocol),
                        *shares(*(one.share for one in at.answers)),
                        *shares(at.confidence),
                        *shares(*(sure.get(target) for target in targets)),
                        formats.integer(at.confidence.n),
                    ]
                )
            headers = ["baseline", "training", *(f"{node_words(node)}, %" for node in nodes)]
            headers.append("mean confidence, %")
            headers += [f"sure at {formats.share(one)} risk, %" for one in targets]
            whose = "whose label stands for no class of the tree" if found.label else title
            yield Titled(
                f"Images {title}: {classes_words(nodes)}",
                Table([*headers, "n"], rows, "llr"),
                f"{formats.plural(found.images, 'image')} {whose}: what the models answer, how "
                "sure they are, and what they would answer at the thresholds that their own "
                "validation images gave.",
            )


def calibrated_tables(results: Results, folder: ExternalResult) -> Iterator[Titled]:
    """Yield the scores before and after a temperature, and detection at new thresholds."""
    rows, detection = [], []
    for one in folder.calibration:
        name = [label(results, one.baseline), protocol_short(one.protocol)]
        for level in one.levels:
            values = []
            for metric in ("log_loss", "brier_score", "calibration_error"):
                before, after = (find_score(of, metric) for of in (level.before, level.after))
                values += [formats.value_interval(before), formats.value_interval(after)]
            gain = find_score(level.difference, "log_loss")
            values.append(formats.value_interval(gain, signed=True))
            rows.append([*name, str(level.level), formats.number(one.temperature, 2), *values])
        detection += [
            [node_words(node.node), *name, *operating_cells(node.point)] for node in one.nodes
        ]
    if rows:
        first = folder.calibration[0]
        unit = unit_words(folder)
        headers = ["baseline", "training", "level", "temperature"]
        for title in ("log loss", "Brier score", "ECE"):
            headers += [f"{title} before", "after"]
        yield Titled(
            "Calibrated on a part of the folder",
            Table([*headers, "log loss, after minus before"], rows, "llr"),
            f"One temperature a model, fitted on {formats.plural(first.images, 'image')} of "
            f"{formats.plural(first.groups, unit, plural_of(unit))} that were set aside and are "
            "scored nowhere; everything here is of the other images.",
        )
    if detection:
        headers = ["node", "baseline", "training", "set aside: sensitivity, %", "specificity, %"]
        yield Titled(
            "Detection at thresholds from the part that was set aside",
            Table([*headers, "the rest: sensitivity, %", "specificity, %"], detection, "lllr"),
            "Each trained model calls a node from the probability on that found 95 % of it among "
            "the images that were set aside.",
        )
