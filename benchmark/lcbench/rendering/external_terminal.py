"""What the terminal says of an external folder: before anything is predicted, and after."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

from lcbench.console import err, escape, out, warn
from lcbench.rendering.formats import integer, listing, plural
from lcbench.rendering.report.external import overlap_words, read_as
from lcbench.rendering.terminal import show_left_out

if TYPE_CHECKING:
    import pandas as pd

    from lcbench.runs.evaluate import Evaluation
    from lcbench.runs.external_images import ExternalImages
    from lcbench.runs.external_records import ExternalRecord

_NAMED = 3


def show_images(record: ExternalRecord, images: ExternalImages) -> None:
    """Print what an external folder holds, before anything is predicted.

    What makes its scores no external ones comes first.
    """
    if record.overlap is not None:
        say = warn if record.overlap.contaminated else _say
        say(contamination_words(record))
    _say(groups_words(record, images.unit))
    if images.check is not None and images.check.joined:
        warn(joined_words(images.check.joined, record.unit))
    _say(unknown_words(record))
    _say(calibration_words(record))
    if record.copies:
        _say(f"{record.copies} images are byte for byte a copy of another one")
    for line in record.contradictions:
        warn(f"one image under two labels: {line}")


def show_labels(record: ExternalRecord) -> None:
    """Print how the labels of an external folder were read."""
    table = Table("label", "read as", "images", title=escape(record.name))
    for label in record.labels:
        table.add_row(escape(label.label or "(none)"), read_as(label), f"{label.images:,}")
    out.print(table)


def show_evaluation(evaluation: Evaluation) -> None:
    """Print which runs predicted an external folder, and where that is stored."""
    record = evaluation.record
    show_left_out(record.left_out)
    for one in record.runs_left_out:
        err.print(
            f"[yellow]left out[/yellow] {escape(one.run)}: {escape(one.reason.strip())}",
            soft_wrap=True,
        )
    if not evaluation.runs:
        _say(f"No run could predict {record.name}: nothing was stored.")
        return
    answered = record.scored if record.answered is None else record.answered
    if record.tiling:
        _say(f"Each image is answered by the mean over {record.tiling}.")
    _say(f"{evaluation.runs} runs predicted {answered:,} images: {evaluation.folder}")


def contamination_words(record: ExternalRecord) -> str:
    """Return whether the models were trained on tissue of these images, and what follows."""
    overlap = record.overlap
    assert overlap is not None  # noqa: S101 - asked for where the two were compared
    if overlap.reason or not overlap.contaminated:
        return overlap_words(overlap)
    words = (
        f"{integer(overlap.with_sibling)} of {integer(overlap.images)} images show tissue that is "
        f"among the {integer(overlap.training_images)} training images, {integer(overlap.exact)} "
        "of them as exact copies."
    )
    if overlap.contaminated == overlap.images:
        return (
            f"{words} All images belong to groups of which that is so: nothing here is external, "
            "and no score on this folder says how the models do on other people's images."
        )
    return (
        f"{words} They and the rest of their groups, {integer(overlap.contaminated)} images, are "
        "marked: the scores that count are without them."
    )


def groups_words(record: ExternalRecord, unit: pd.Series) -> str:
    """Return how many independent units the images are, and who says so.

    `unit`: (images,) the patient or slide of each, empty where the user names none.
    """
    images = plural(len(unit), "image")
    if not record.unit:
        return (
            f"{images} of {plural(record.groups or 0, 'source group')}, as "
            f"{record.groups_source} tell. Patients are not known: say which image is whose with "
            "--groups CSV or --group-pattern REGEX."
        )
    named = unit[unit != ""]
    units = plural(named.nunique(), record.unit)
    if len(named) < len(unit):
        others = (record.groups or 0) - named.nunique()
        return (
            f"{images}: {integer(len(named))} of {units}, and {integer(len(unit) - len(named))} "
            f"of {plural(others, 'more group')} ({record.groups_source})."
        )
    alone = (
        f" One {record.unit} alone shows no variation: is that what was meant?"
        if named.nunique() == 1
        else ""
    )
    return f"{images} of {units} ({record.groups_source}).{alone}"


def calibration_words(record: ExternalRecord) -> str:
    """Return how much was set aside to calibrate on; empty where nothing was."""
    if not record.calibration:
        return ""
    return (
        f"{plural(record.calibration, 'image')} set aside to calibrate on, in whole groups: "
        f"{integer(record.scored)} are left to score."
    )


def joined_words(joined: tuple[tuple[str, ...], ...], unit: str) -> str:
    """Return which patients or slides share tissue, by pixels."""
    sets = sorted(set(joined))
    examples = "; ".join(" and ".join(names) for names in sets[:_NAMED])
    more = "; ..." if len(sets) > _NAMED else ""
    return (
        f"Pixels prove the same tissue in images of different {unit}s: {examples}{more}. They are "
        "kept apart as they were given; 'lcbench audit' shows the pairs."
    )


def unknown_words(record: ExternalRecord) -> str:
    """Return which labels stand for nothing, what became of their images, and what to do."""
    unknown = [label for label in record.labels if label.fate == "unknown"]
    if not unknown:
        return ""
    names = listing([f"{label.label or '(no label)'} ({label.images:,})" for label in unknown])
    count = plural(sum(label.images for label in unknown), "image")
    name = next((label.label for label in unknown if label.label), "")
    remedy = name and (
        f' Say what they are with --labels MAP.toml: "{name}" = a class of the tree, "leave-out", '
        'or "out-of-distribution".'
    )
    return (
        f"{count} of {integer(record.images)} carry a label that stands for no class of the tree: "
        f"{names}. They are predicted as out of distribution and scored nowhere.{remedy}"
    )


def _say(words: str) -> None:
    if words:
        err.print(escape(words), soft_wrap=True)
