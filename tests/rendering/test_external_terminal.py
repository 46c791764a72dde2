"""What the terminal says of an external folder before anything is predicted."""

from __future__ import annotations

import pandas as pd
import pytest

from lcbench.rendering.external_terminal import (
    calibration_words,
    contamination_words,
    groups_words,
    joined_words,
    unknown_words,
)
from lcbench.runs.external_records import ExternalRecord, LabelCount, OverlapRecord


def record(**changes: object) -> ExternalRecord:
    base = {
        "name": "ct", "command": "", "created": "", "labels": (), "images": 4, "scored": 4,
        "copies": 0, "contradictions": (), "unreadable": (), "left_out": (), "groups": 3,
        "groups_source": "pixels (1 exact copy, 0 registered pairs)",
    }  # fmt: skip
    return ExternalRecord.model_validate(base | changes)


@pytest.mark.parametrize(
    ("contaminated", "said"),
    [
        (
            3,
            "2 of 4 images show tissue that is among the 90 training images, 1 of them as exact "
            "copies. They and the rest of their groups, 3 images, are marked: the scores that "
            "count are without them.",
        ),
        (
            4,
            "2 of 4 images show tissue that is among the 90 training images, 1 of them as exact "
            "copies. All images belong to groups of which that is so: nothing here is external, "
            "and no score on this folder says how the models do on other people's images.",
        ),
    ],
)
def test_training_tissue_is_said_plainly(contaminated: int, said: str) -> None:
    overlap = OverlapRecord(
        training_images=90, images=4, with_sibling=2, exact=1, contaminated=contaminated
    )
    assert contamination_words(record(overlap=overlap)) == said


def test_where_no_tissue_is_shared_or_nothing_was_compared_that_is_said() -> None:
    clean = OverlapRecord(training_images=90, images=4, contaminated=0)
    assert contamination_words(record(overlap=clean)).startswith("None of the 4 images is proven")
    unknown = OverlapRecord(reason="the images are gone")
    assert "Not compared" in contamination_words(record(overlap=unknown))


@pytest.mark.parametrize(
    ("units", "unit", "said"),
    [
        (
            ["", "", "", ""],
            "",
            "4 images of 3 source groups, as pixels (1 exact copy, 0 registered pairs) tell. "
            "Patients are not known: say which image is whose with --groups CSV or "
            "--group-pattern REGEX.",
        ),
        (["p1", "p1", "p2", "p3"], "patient", "4 images of 3 patients (from somewhere)."),
        (
            ["p1", "p1", "", ""],
            "patient",
            "4 images: 2 of 1 patient, and 2 of 2 more groups (from somewhere).",
        ),
        (
            ["s", "s", "s", "s"],
            "slide",
            "4 images of 1 slide (from somewhere). One slide alone shows no variation: is that "
            "what was meant?",
        ),
    ],
)
def test_how_many_independent_units_there_are_is_said_with_their_origin(
    units: list[str], unit: str, said: str
) -> None:
    changes = {"unit": unit, "groups_source": "from somewhere"} if unit else {}
    assert groups_words(record(**changes), pd.Series(units)) == said


def test_patients_that_share_tissue_are_named_once() -> None:
    words = joined_words((("a", "b"), ("a", "b"), ("c", "d")), "patient")
    assert "images of different patients: a and b; c and d. They" in words


def test_unknown_labels_are_named_with_the_remedy() -> None:
    labels = (
        LabelCount(label="normal", node="benign", images=2, fate="scored"),
        LabelCount(label="OSCC", node="", images=2, fate="unknown"),
        LabelCount(label="", node="", images=1, fate="unknown"),
    )
    assert unknown_words(record(labels=labels)) == (
        "3 images of 4 carry a label that stands for no class of the tree: OSCC (2) and "
        "(no label) (1). They are predicted as out of distribution and scored nowhere. Say what "
        'they are with --labels MAP.toml: "OSCC" = a class of the tree, "leave-out", or '
        '"out-of-distribution".'
    )
    assert unknown_words(record(labels=labels[:1])) == ""


def test_what_was_set_aside_is_counted() -> None:
    assert calibration_words(record()) == ""
    assert calibration_words(record(calibration=1, scored=3)) == (
        "1 image set aside to calibrate on, in whole groups: 3 are left to score."
    )
