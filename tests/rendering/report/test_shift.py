"""What is said of a folder beside the training images, and where."""

from __future__ import annotations

from pathlib import Path

import pytest

from lcbench.analysis.external_results import ExternalResult
from lcbench.rendering.plots.shift import draw_shift
from lcbench.rendering.report.findings import findings
from lcbench.rendering.report.shift import shift_words
from lcbench.rendering.report.shift_tables import shift_rows, shift_tables
from lcbench.runs.shift_records import ShiftRecord

from .. import shifts, suites


def said(folder: ExternalResult) -> str:
    return " ".join(shift_words(suites.lung(external=(folder,)), folder))


def test_ct_beside_histology_is_said_before_any_score() -> None:
    folder = shifts.folder(shifts.UNLIKE)
    words = said(folder)
    assert words.startswith("ct does not look like the training images at all")
    assert "100 % of its 60 images lie outside the training range" in words
    assert "94.2 to 98.7 % of them are farther" in words
    assert "no stain can be told in 60 of 60 images" in words
    found = findings(suites.lung(external=(folder,)))
    (first,) = (n for n, one in enumerate(found) if one.startswith("ct does not look"))
    (score,) = (n for n, one in enumerate(found) if one.startswith("On ct"))
    assert first < score


def test_spaces_of_other_images_have_their_own_numbers() -> None:
    first, second = shifts.UNLIKE.spaces
    (every, *labels) = second.outside
    more = every.model_copy(
        update={"images": 64, "outside": every.outside.model_copy(update={"value": 0.75})}
    )
    other = second.model_copy(update={"outside": (more, *labels)})
    words = said(shifts.folder(shifts.UNLIKE.model_copy(update={"spaces": (first, other)})))
    assert "100 % of its 60 images by colour histograms and 75.0 % of its 64 images by net" in words
    assert "No image that the models learned from was like most of these;" in words


@pytest.mark.parametrize(
    ("shift", "begins"),
    [
        (shifts.DIFFERENT, "ct differs from the training images ("),
        (shifts.ALIKE, "No difference between ct and the training images is shown ("),
        (
            ShiftRecord(reason="they are gone."),
            "How far these images lie from the training images is not known, in colour or in "
            "features: they are gone. ",
        ),
        (ShiftRecord(without={"": "one group"}), "Whether ct differs"),
        (None, "Reference (training: leakage-free)"),
    ],
)
def test_the_first_sentence_is_what_is_known(shift: ShiftRecord | None, begins: str) -> None:
    folder = shifts.folder(shift)
    assert said(folder).startswith(begins)
    assert not [one for one in findings(suites.lung(external=(folder,))) if "at all" in one]


def test_stains_that_turn_are_told_in_degrees() -> None:
    words = said(shifts.folder(shifts.DIFFERENT))
    assert "Mean colours are 9.7 apart" in words
    assert "haematoxylin turns by 4°; eosin turns by 0° from training" in words


def test_what_the_distances_lack_is_said() -> None:
    lacking = shifts.ALIKE.model_copy(
        update={"groups_known": "external", "without": {"big": "no memory"}}
    )
    words = said(shifts.folder(lacking))
    assert "in the features of big (no memory)." in words
    assert "The source groups of the training images are unknown" in words


def test_how_sure_the_reference_is_stands_beside_how_often_it_is_right() -> None:
    words = said(shifts.folder(shifts.ALIKE))
    assert "95.5 % on average here, against 96.6 % on its own test images" in words
    assert "right on 49.5 %" in words


def test_tables_and_rows_hold_every_number() -> None:
    folder = shifts.folder(shifts.UNLIKE)
    titles = [one.title for one in shift_tables(suites.lung(external=(folder,)), folder)]
    assert len(titles) == 4
    metrics = {row["metric"] for row in shift_rows(folder)}
    assert {"energy_distance", "outside_training_range", "colour_L", "confidence_change"} <= metrics
    older = shifts.folder(None).model_copy(update={"sureness": ()})
    assert not list(shift_tables(suites.lung(external=(older,)), older))
    assert not list(shift_rows(older))


@pytest.mark.parametrize("shift", [shifts.UNLIKE, shifts.DIFFERENT])
def test_the_picture_is_drawn_where_both_sides_were_seen(
    shift: ShiftRecord, tmp_path: Path
) -> None:
    folder = shifts.folder(shift)
    results = suites.lung(external=(folder,))
    first, again = (draw_shift(results, folder, tmp_path / name) for name in ("a.png", "b.png"))
    assert first is not None
    assert again is not None
    assert first.read_bytes() == again.read_bytes()
    unknown = shifts.folder(ShiftRecord(reason="gone"))
    assert draw_shift(results, unknown, tmp_path / "c.png") is None


def test_patients_are_no_source_groups() -> None:
    folder = shifts.folder(shifts.ALIKE)
    record = folder.record.model_copy(update={"unit": "patient"})
    own = folder.model_copy(update={"record": record})
    assert "one image a source group or patient, 40 patients here against 50 source groups" in said(
        own
    )
    tables = {one.title: one.table for one in shift_tables(suites.lung(external=(own,)), own)}
    assert "source groups, training / patients here" in (
        tables["Distance from the training images"].headers
    )
    assert "patients" in tables["Outside the training range, by label, %"].headers
