"""What a reader is told of external folders: contamination first, and nothing that is not known."""

from __future__ import annotations

import pytest

from lcbench.analysis.external_results import ClassGroups, ExternalResult
from lcbench.analysis.numbers import numbers_of
from lcbench.rendering.report.external import unit_words
from lcbench.rendering.report.external_contamination import contamination_words
from lcbench.rendering.report.external_details import detail_tables
from lcbench.rendering.report.external_tables import folders_table, main_table
from lcbench.rendering.report.external_words import folder_words
from lcbench.rendering.report.findings import findings
from lcbench.rendering.report.page import Picture, Pictures, report_page
from lcbench.rendering.report.tidy import tidy_rows

from .. import external, suites


def said(folder: ExternalResult) -> str:
    return "\n".join(folder_words(suites.lung(external=(folder,)), folder))


@pytest.mark.parametrize(
    "words",
    [
        "2 of 62 images to score show tissue that is among the 120 training images (1 exact copy "
        "among them), or belong to groups of which that is so: the scores are without them",
        "With the contaminated images (62 images, not external), benign / malignant: ",
        "models, the floor's included; of the way of training; by patient)",
        "The answer at benign / malignant is the largest sum of the probabilities of the classes "
        "below. It is another node than that of the most probable class for 7 of 120 answers of",
        "At the thresholds that gave it a sensitivity of 95.5 % for malignant on its own "
        "validation images (there with a specificity of 99.0 %), it has a sensitivity of 70.0 % "
        "[68.0, 72.0] and a specificity of 60.0 % [58.0, 62.0] here.",
        "By patient, from the mean probabilities of its images, benign / malignant (30 patients): ",
        "1 patient with images under labels that exclude each other",
        "6 images labelled 'granuloma': the label stands for no class of the tree, and every model "
        "answers something all the same. The mean confidence at the first level lies between "
        "80.0 % and 80.0 % over the models; at their thresholds for 1 % risk they would answer "
        "between 55.0 % and 55.0 % of them.",
        "6 images without a label: what they show is not known, and every model answers ",
        "59 patients at benign / malignant (groups from: patients of list.csv). Each row",
        "100 images, 60 of them scored, 2 with tissue of the training images, 30 set aside to "
        "calibrate on, 6 without a label that stands for a class and 2 not predicted; 1 "
        "byte-identical copy",
    ],
)
def test_a_folder_of_which_everything_is_known(words: str) -> None:
    assert words in said(external.everything())


def test_few_groups_of_a_class_are_told_and_marked() -> None:
    folder = external.everything()
    level = folder.levels[0].model_copy(
        update={
            "groups": (
                ClassGroups(node="benign", groups=5, equal=2.54),
                ClassGroups(node="malignant", groups=54, equal=50.0),
            )
        }
    )
    folder = folder.model_copy(update={"levels": (level,)})
    words = said(folder)
    assert "Evidence: 59 patients (5 benign, 54 malignant) at benign / malignant" in words
    assert "the images of benign lie in 5 patients, worth 2.5 of one size. Fewer than 4" in words
    assert "They learned from overlapping images" in words
    table = folders_table(suites.lung(external=(folder,)))
    assert table is not None
    assert "59 patients (5 benign: few groups)" in table.rows[0]


def test_a_temperature_is_told_of_the_best_model() -> None:
    folder = external.everything()
    (level,) = folder.levels
    best = max(level.scores, key=lambda one: one.accuracy.value or 0)
    own = external.calibrated().model_copy(update={"baseline": best.baseline})
    words = said(folder.model_copy(update={"calibration": (own,)}))
    assert (
        "gets a temperature of 1.75. On the rest its log loss at benign / malignant goes from "
        "0.900 to 0.500 (−0.400 [−0.410, −0.390]), its ECE from 0.900"
    ) in words
    assert "temperature" not in said(folder.model_copy(update={"calibration": ()}))


def test_contamination_is_said_before_any_score() -> None:
    folder = external.everything()
    sentences = folder_words(suites.lung(external=(folder,)), folder)
    first = next(k for k, one in enumerate(sentences) if "training images" in one)
    assert first < next(k for k, one in enumerate(sentences) if "majority rate" in one)


@pytest.mark.parametrize(("known", "words"), [(True, "nothing here is external"), (False, "again")])
def test_without_a_clean_image_nothing_is_headlined(known: bool, words: str) -> None:
    folder = external.everything()
    assert folder.counts is not None
    counts = {"scored": 0, "contaminated": 62, "contaminated_known": known}
    nothing = folder.model_copy(
        update={"levels": (), "nodes": (), "counts": folder.counts.model_copy(update=counts)}
    )
    assert words in contamination_words(nothing)
    results = suites.lung(external=(nothing,))
    told = " ".join(findings(results))
    assert "Not external, and without a score" in told
    assert "ct (62 images)" in told
    assert "majority rate" not in told
    assert main_table(results, nothing) is None
    table = folders_table(results)
    assert table is not None
    assert any("nothing here is external" in cell for cell in table.rows[0])


@pytest.mark.parametrize(
    ("name", "half"),
    [
        ("benign", "That is the specificity for malignant; its sensitivity cannot be known here"),
        ("malignant", "That is the sensitivity for malignant; its specificity cannot be known"),
    ],
)
def test_one_class_alone_is_no_accuracy(name: str, half: str) -> None:
    folder = external.everything().model_copy(
        update={"levels": (), "contaminated": (), "one_class": (external.one_class(name),)}
    )
    words = said(folder)
    assert half in words
    assert f"Reference (training: leakage-free) calls 25.0 % [23.0, 27.0] of them {name}" in words
    assert "the 2 models lie between 25.0 % and 75.0 %" in words
    assert "100 % against 100 %" not in words
    assert "all 40 images whose label says so much" in " ".join(
        findings(suites.lung(external=(folder,)))
    )


def test_each_folder_of_one_class_is_a_finding_of_its_own_at_its_coarsest_level() -> None:
    levels = (external.one_class("malignant"), external.one_class("adenocarcinoma"))
    folders = [
        external.everything(name).model_copy(
            update={"levels": (), "contaminated": (), "one_class": levels}
        )
        for name in ("clinic", "archive")
    ]
    found = findings(suites.lung(external=tuple(folders)))
    for name in ("clinic", "archive"):
        (told,) = (one for one in found if one.startswith(f"On {name} "))
        assert "are malignant" in told
        assert "adenocarcinoma" not in told


def test_what_is_said_by_image_is_not_said_again_by_patient() -> None:
    folder = external.everything()
    assert folder.units is not None
    assert folder.counts is not None
    scored = folder.counts.scored
    units = folder.units.model_copy(update={"units": scored, "images": scored})
    alone = folder.model_copy(update={"units": units})
    assert "Every patient has one image: by patient the numbers are the same." in said(alone)
    assert "By patient, from" not in said(alone)
    titles = [one.title for one in detail_tables(suites.lung(external=(alone,)), alone)]
    assert not [title for title in titles if title.startswith("By patient")]


def test_every_detail_has_a_table_and_every_number_a_row() -> None:
    folder = external.everything()
    results = suites.lung(external=(folder,))
    titles = [one.title for one in detail_tables(results, folder)]
    assert [title.split(":")[0].split(",")[0] for title in titles] == [
        "benign / malignant", "Detection of malignant",
        "Trained models of folds and seeds", "By patient", "By patient",
        "With images whose tissue was trained on", "Images labelled 'granuloma'",
        "Images without a label", "Calibrated on a part of the folder",
        "Detection at thresholds from the part that was set aside",
    ]  # fmt: skip
    sections = {row["section"] for row in tidy_rows(results)}
    assert sections >= {
        "external:ct", "external:ct:by patient", "external:ct:with contaminated",
        "external:ct:answers", "external:ct:calibrated",
    }  # fmt: skip


def test_contaminated_images_that_are_not_scored_anyway_are_no_reproach() -> None:
    folder = external.everything()
    assert folder.counts is not None
    none = folder.counts.model_copy(update={"contaminated": 0})
    words = contamination_words(folder.model_copy(update={"counts": none}))
    assert words == (
        "2 images show tissue that is among the 120 training images, and none of them is scored."
    )


def test_intervals_say_what_they_are_by() -> None:
    folder = external.everything()
    assert unit_words(folder) == "patient"
    by_pixels = folder.record.model_copy(update={"unit": ""})
    pixels = folder.model_copy(update={"record": by_pixels})
    assert unit_words(pixels) == "source group proven by pixels"
    assert "59 source groups proven by pixels at" in said(pixels)
    assert unit_words(suites.external()) == "different image"


def test_a_page_with_everything_is_whole() -> None:
    names = ("ct", "<b>|x")
    results = suites.lung(external=tuple(external.everything(name) for name in names))
    pictures = Pictures(
        Picture("figures/intervals.png", "a"), external=Picture("figures/external.png", "b")
    )
    page = report_page(results, pictures)
    section = page[page.index("## External folders") : page.index("## What was left out")]
    assert section.count("\n### ") == section.count("<details>") == len(names)
    assert "figures/external.png" in section
    assert "<b>" not in section
    rows = [line for line in section.split("\n") if line.startswith("| :---")]
    assert len(rows) == len(names) * (1 + len(list(detail_tables(results, results.external[0]))))


def test_every_number_on_a_folder_has_an_address_and_an_allowance() -> None:
    found = numbers_of(suites.lung(external=(external.everything(),)))
    ours = {place: one for place, one in found.items() if place.startswith("external/ct/")}
    temperature = "external/ct/calibration/grouped/reference/temperature"
    assert ours[temperature].allowed == pytest.approx(0.0175)
    assert {one.section for one in ours.values()} == {"external"}
    assert any("/nodes/malignant/" in place for place in ours)
    assert all(
        one.allowed > 0 for place, one in ours.items() if "alone" in place or "apart" in place
    )
