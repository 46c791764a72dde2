"""Each finding, for each outcome that the data can have."""

from __future__ import annotations

from typing import Any

import pytest

from lcbench.analysis.results import Results
from lcbench.analysis.scores import EventComparison, PairResult
from lcbench.rendering.report.external import (
    best_at,
    evidence_words,
    level_words,
    overlap_words,
    read_as,
)
from lcbench.rendering.report.external_words import folder_words
from lcbench.rendering.report.findings import findings
from lcbench.rendering.report.leakage import training_sizes
from lcbench.rendering.words import excludes_zero
from lcbench.runs.external_records import LabelCount, OverlapRecord

from .. import suites
from ..suites import ACCURACIES, FLAT, LUNG, event, interval, suite

SUBTYPES = "adenocarcinoma / squamous cell carcinoma"


def said(results: Results) -> str:
    return "\n".join(findings(results))


def accurate(**accuracies: float) -> Results:
    """A suite under the leakage-free protocol alone."""
    return suite(LUNG, {"grouped": accuracies})


def both(random: dict[str, float], grouped: dict[str, float]) -> Results:
    """A suite under both protocols."""
    return suite(LUNG, {"paper": random, "grouped": grouped})


def changed_splits(**changes: Any) -> Results:
    """Replace parts of the records of the random splits."""
    results = suites.lung()
    paper, *others = results.protocols
    splits = tuple(
        one.model_copy(update={"record": one.record.model_copy(update=changes)})
        for one in paper.splits
    )
    changed = (paper.model_copy(update={"splits": splits}), *others)
    return results.model_copy(update={"protocols": changed})


def with_event(one: EventComparison, *, gain: float = 0.0, floor: tuple[str, ...] = ()) -> Results:
    """Give a hierarchical baseline this comparison with the reference."""
    results = suite(LUNG, {"grouped": {"reference": 0.9, "tree": 0.91}}, floor=floor)
    (result,) = results.protocols
    differences = suites.pair("reference", "tree", gain, results.tree).differences
    pair = PairResult(a="reference", b="tree", differences=differences, events=(one,))
    comparison = result.comparison.model_copy(update={"pairs": (pair,)})
    protocol = result.model_copy(update={"comparison": comparison})
    settings = results.settings.model_copy(update={"margin": 0.015})
    return results.model_copy(update={"protocols": (protocol,), "settings": settings})


def test_a_lead_whose_limit_rounds_to_nothing_says_so() -> None:
    results = accurate(reference=0.9, knn=0.95)
    (protocol,) = results.protocols
    best = protocol.comparison.best
    assert best is not None
    (rival,) = best.rivals
    barely = rival.difference.model_copy(update={"low": 1e-6})
    best = best.model_copy(update={"rivals": (rival.model_copy(update={"difference": barely}),)})
    comparison = protocol.comparison.model_copy(update={"best": best})
    changed = protocol.model_copy(update={"comparison": comparison})
    words = findings(results.model_copy(update={"protocols": (changed,)}))[0]
    assert words.endswith("shown to be best, though barely: a limit rounds to 0 points.")


@pytest.mark.parametrize(
    ("accuracies", "words"),
    [
        (
            {"reference": 0.9, "knn": 0.95},
            "Leakage-free (by source group): knn scores highest in accuracy, with 95.0 % [93.0, "
            "97.0]; +5.0 points [+3.0, +7.0] against the reference, the next (intervals for all "
            "pairs at once); of these 2 it is shown to be best.",
        ),
        (
            {"reference": 0.96, "knn": 0.95},
            "the reference scores highest in accuracy, with 96.0 % [94.0, 98.0]; +1.0 points "
            "[−1.0, +3.0] against knn, the next (intervals for all pairs at once); no baseline is "
            "shown to be best: knn is not shown to be worse.",
        ),
        (
            {"reference": 0.9, "knn": 0.96, "stain": 0.95, "tree": 0.95},
            "+1.0 points [−1.0, +3.0] against stain, the next, and +6.0 points [+4.0, +8.0] "
            "against the reference (intervals for all pairs at once); no baseline is shown to be "
            "best: 2 others are not shown to be worse.",
        ),
        ({"reference": 0.96}, "; there is no other baseline to set beside."),
        ({"knn": 0.96}, "set beside; the reference has no finished run."),
        ({"knn": 0.96, "stain": 0.9}, "shown to be best; the reference has no finished run."),
    ],
)
def test_the_best_baseline(accuracies: dict[str, float], words: str) -> None:
    assert words in findings(accurate(**accuracies))[0]


def test_a_reference_of_another_name_is_pointed_out() -> None:
    results = suite(LUNG, {"grouped": {"knn": 0.9, "stain": 0.5}}, reference="knn")
    assert "the reference (knn) scores highest" in said(results)


@pytest.mark.parametrize(
    ("random", "grouped", "words"),
    [
        ({"reference": 0.97}, {"reference": 0.9}, "That flatters the reference: 97.0 % (random "
         "split) against 90.0 % (leakage-free), a difference of +7.0 points [+5.0, +9.0]."),
        ({"reference": 0.86}, {"reference": 0.9}, "That disfavours the reference: 86.0 %"),
        ({"reference": 0.91}, {"reference": 0.9}, "For the reference, no difference between the "
         "two divisions is shown: 91.0 %"),
        ({"a": 0.9, "b": 0.9}, {"a": 0.7, "b": 0.8}, "That flatters b: 90.0 % (random split) "),
    ],
)  # fmt: skip
def test_the_drop(random: dict[str, float], grouped: dict[str, float], words: str) -> None:
    assert words in said(both(random, grouped))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {},
            "9 of 10 source groups in test are also in training (seed 0), and 95.0 % of the test "
            "images have an image of the same source there.",
        ),
        (
            {"test_groups": None, "test_groups_in_train": None, "test_with_siblings": None},
            "source groups are unknown, so how many of the test images",
        ),
        (
            {"test_of_unknown_source": 1},
            "100 % of the test images of known source have an image of the same source there. The "
            "source of the other test images (5.0 %) is unknown.",
        ),
        ({"test_with_proven_siblings": 3}, "By pixels, 15.0 % of the test images have a proven"),
    ],
)
def test_what_is_known_about_leakage(changes: dict[str, Any], words: str) -> None:
    assert words in said(changed_splits(**changes))


def test_without_a_protocol_nothing_is_said_about_its_part_of_leakage() -> None:
    random = said(suite(LUNG, {"paper": ACCURACIES["paper"]}))
    assert "What that is worth needs a run that is leakage-free (by source group)." in random
    assert random.startswith("Random split (the paper's); there is no leakage-free run: the refer")
    strict = suite(LUNG, {"grouped": ACCURACIES["grouped"]})
    assert "There is no run with the random split (the paper's), so nothing is said" in said(strict)
    roles = strict.roles.model_copy(update={"flattering": None})
    assert "leakage." not in said(strict.model_copy(update={"roles": roles}))


def test_a_shortcut_beside_the_floor() -> None:
    assert (
        "stain, a shortcut that should not suffice, reaches 90.0 % [88.0, 92.0] (leakage-free) and "
        "97.0 % [95.0, 99.0] (random split); no difference from the reference is shown (−1.0 "
        "points [−3.0, +1.0], Holm p = 0.400); the floor, majority, reaches 33.0 %."
    ) in said(suites.lung())
    alone = accurate(stain=0.8)
    assert "stain, a shortcut that should not suffice, reaches 80.0 % [78.0, 82.0] (" in said(alone)
    assert "shortcut" not in said(accurate(reference=0.8))


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (
            event("confusion", "malignant", -0.03, p=0.004, reduction=interval(0.5, 0.2)),
            f"tree makes fewer {SUBTYPES} confusions than the reference (leakage-free): −3.0 points"
            " [−5.0, −1.0], 50 % fewer [30, 70] (Holm p = 0.004; of the way of training not shown "
            "with 2 seeds, p = 0.080; 3.1 points had a chance of 80 % to be shown).",
        ),
        (
            event("confusion", "malignant", 0.03, p=0.0004, reduction=interval(-0.5, 0.2)),
            f"tree makes more {SUBTYPES} confusions than the reference (leakage-free): +3.0 points "
            "[+1.0, +5.0], 50 % more [30, 70] (Holm p < ",
        ),
        (
            event("confusion", "malignant", 0.01, p=0.4).model_copy(
                update={"verdict": "equivalent"}
            ),
            "(Holm p = 0.400; equivalent within 1.5 points; 3.1 points had",
        ),
        (
            event("confusion", "malignant", 0.01, p=0.05, reduction=interval(None)),
            f"Of the hierarchical baselines, no difference in {SUBTYPES} confusions from the "
            "reference is shown (leakage-free) for: tree +1.0 points [−1.0, +3.0] (Holm p = 0.050;",
        ),
        (
            event("any_error", "", -0.03),
            "The hierarchical baselines could not be compared with the reference.",
        ),
    ],
)
def test_hierarchy(one: EventComparison, words: str) -> None:
    assert words in said(with_event(one))


def test_hierarchy_needs_a_hierarchical_baseline_and_a_tree() -> None:
    assert "There is no run of a hierarchical baseline." in said(accurate(reference=0.9))
    assert "hierarchical" not in said(suite(FLAT, {"grouped": {"reference": 0.9}}))
    flat = suite(FLAT, {"grouped": {"reference": 0.9, "tree": 0.8}})
    assert "tree makes more errors than the reference" in said(flat)


@pytest.mark.parametrize("arm", ["tree", "other"])
def test_a_question_about_the_headline_event_speaks_for_its_hierarchical_arms(arm: str) -> None:
    plain = suite(LUNG, {"grouped": {"reference": 0.9, "tree": 0.9}})
    asked = suites.asking(plain, {"grouped": {arm: "not shown"}})
    assert "Of the hierarchical baselines" in said(plain)
    assert ("Of the hierarchical baselines" in said(asked)) == (arm != "tree")


def test_a_suite_with_a_question_of_its_own_need_not_hold_a_hierarchical_baseline() -> None:
    asked = suites.asking(accurate(reference=0.9), {})
    assert "hierarchical" not in said(asked)


@pytest.mark.parametrize(
    ("gains", "words"),
    [
        (
            {"majority": 0.5, "a": 0.05, "b": -0.05, "c": 0.0},
            "On ct, benign / malignant (60 images): the best of 3 models, a (training: "
            "leakage-free), chosen afterwards, is 5.0 points above the majority rate [+2.5, +7.5] "
            "(adjusted for all 4 models, the floor's included; of the way of training; source "
            "groups unknown): 85.0 % against 80.0 % for always answering malignant.",
        ),
        ({"a": 0.01, "b": 0.0}, "is not shown to be above the majority rate, +1.0 [−1.5, +3.5] p"),
        ({"a": -0.05, "b": -0.06}, "is 5.0 points below the majority rate [−7.5, −2.5] (adj"),
        ({"a": 0.05}, "(60 images): a (training: leakage-free) is 5.0 points above"),
        ({"majority": 0.0}, "(60 images): majority (training: leakage-free) is not shown"),
    ],
)
def test_one_external_folder(gains: dict[str, float], words: str) -> None:
    assert words in said(suites.lung(external=(suites.external(gains=gains),)))


def test_averages_on_an_external_folder_do_not_hide_how_many_models_were_trained() -> None:
    folder = suites.external()
    before = evidence_words(folder)
    level, *others = folder.levels
    average = level.scores[-1].model_copy(update={"baseline": "all", "runs": 1})
    more = level.model_copy(update={"scores": (*level.scores, average)})
    assert level.scores[-1].runs > 1
    assert evidence_words(folder.model_copy(update={"levels": (more, *others)})) == before


def test_several_external_folders_are_one_finding() -> None:
    good, poor = suites.external("good"), suites.external("poor", {"reference": 0.0})
    assert (
        "External folders: the best model of each, chosen afterwards, is shown to be above the "
        "majority rate on good, and not on poor (limits adjusted for all models of a folder; "
        "source groups unknown on good and poor). Left out of these numbers, with tissue of the "
        "training images: good (2 of 62 images) and poor (2 of 62 images)."
    ) in said(suites.lung(external=(good, poor)))


def test_a_label_that_the_user_left_out_is_not_called_unknown() -> None:
    left_out = LabelCount(label="x", node="", images=1, left_out=True)
    assert read_as(left_out) == "left out by the label map"
    assert read_as(left_out.model_copy(update={"left_out": False})) == "unknown: left out"


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (OverlapRecord(reason="gone"), "Not compared with the training images: gone."),
        (
            OverlapRecord(training_images=1500, images=20),
            "None of the 20 images is proven to show tissue of the 1,500 training images",
        ),
        (
            OverlapRecord(training_images=1500, images=2000, with_sibling=1200, exact=3),
            "1,200 of 2,000 images show tissue that is among the 1,500 training images, 3 of them "
            "as exact copies: the scores on this folder are not external.",
        ),
    ],
)
def test_tissue_of_the_training_images_is_said(record: OverlapRecord, said: str) -> None:
    assert overlap_words(record).startswith(said)


def test_a_folder_without_predictions_is_said() -> None:
    nothing = suites.external().model_copy(update={"levels": ()})
    found = folder_words(suites.lung(), nothing)
    assert "No finished run has predictions on this folder." in found


@pytest.mark.parametrize(
    ("about", "trained_on", "first"),
    [
        ("CT slices", "histology", "ct: CT slices. The models were trained on tiles (histology)."),
        ("CT slices.", "", "ct: CT slices. The models were trained on tiles."),
        ("", "histology", "The models were trained on tiles (histology)."),
        ("", "", "The models were trained on tiles."),
    ],
)
def test_a_folder_begins_with_what_its_images_are(about: str, trained_on: str, first: str) -> None:
    results = suites.lung()
    dataset = results.dataset.model_copy(update={"about": trained_on})
    trained = results.model_copy(update={"dataset": dataset})
    assert folder_words(trained, suites.external(about=about))[0] == first


@pytest.mark.parametrize("groups", [(59, 41), (41, 59)])
def test_each_level_has_its_own_number_of_images_as_evidence(groups: tuple[int, int]) -> None:
    folder = suites.external()
    (level,) = folder.levels
    levels = []
    for number, (classes, count) in enumerate(
        zip((("benign", "malignant"), ("benign", "a", "b")), groups, strict=True), start=1
    ):
        scores = tuple(
            one.model_copy(
                update={"accuracy": suites.interval(0.8, groups=count), "protocol": protocol,
                        "runs": runs}
            )
            for one in level.scores for protocol, runs in (("paper", 1), ("grouped", 15))
        )  # fmt: skip
        update = {"level": number, "classes": classes, "scores": scores}
        levels.append(level.model_copy(update=update))
    found = folder.model_copy(update={"levels": tuple(levels)})
    assert evidence_words(found) == (
        f"Evidence: {groups[0]} different images at benign / malignant; {groups[1]} different "
        "images at benign / a / b. Each row pools the predictions of 1 trained model (random "
        "split) or 15 trained models (leakage-free), but an image counts once as evidence, however "
        "many models answered it. Limits for the way of training take the trained models as "
        "independent. They learned from overlapping images: other training images can change more "
        "than these limits say."
    )


def test_a_model_is_shown_above_by_the_limits_for_all_models_alone() -> None:
    folder = suites.external(gains={"a": 0.03, "b": 0.0})
    (level,) = folder.levels
    best = best_at(level, ())
    assert (best.is_above, best.models_above) == (True, 1)
    first = level.scores[0].model_copy(update={"simultaneous": suites.interval(0.03, 0.031)})
    update = {"scores": (first, *level.scores[1:])}
    found = folder.model_copy(update={"levels": (level.model_copy(update=update),)})
    best = best_at(found.levels[0], ())
    assert excludes_zero(best.score.difference)
    assert (best.is_above, best.models_above) == (False, 0)
    assert "a (training: leakage-free), chosen afterwards, is not shown" in level_words(found, best)


@pytest.mark.parametrize(
    ("train", "words"),
    [
        ((10_200, 9_600), "Their models learned from 10,200 and 9,600 images, averaged over the "
         "splits: fewer in the second by 5.9 %,"),
        ((80, 100), "80 and 100 images, averaged over the splits: more in the second by 20.0 %,"),
        ((80, 80), "The models of both learned from 80 images, averaged over the splits."),
    ],
)  # fmt: skip
def test_the_sizes_of_the_training_sets_stand_beside_the_drop(
    train: tuple[int, int], words: str
) -> None:
    results = suites.lung()
    protocols = []
    for one, count in zip(results.protocols, train, strict=True):
        splits = tuple(
            split.model_copy(update={"record": split.record.model_copy(update={"train": count})})
            for split in one.splits
        )
        protocols.append(one.model_copy(update={"splits": splits}))
    found = results.model_copy(update={"protocols": tuple(protocols)})
    assert words in training_sizes(found)
    assert training_sizes(suites.flat()) == ""


def test_warnings() -> None:
    text = said(suites.deep())
    assert "Warning: reference and tree-two-head use random weights, as was asked for" in text
    assert (
        "Source groups unknown (random split): images taken as independent, intervals too narrow."
        in text
    )
    assert "Warning" not in said(suites.lung())


def test_a_finished_classifier_is_said_to_have_an_unknown_training() -> None:
    results = suites.lung()
    (net,) = {one.backbone for one in results.baselines if one.backbone}
    assert net is not None
    head = net.model_copy(update={"outputs": 3})
    baselines = tuple(
        one.model_copy(update={"backbone": head}) if one.baseline == "reference" else one
        for one in results.baselines
    )
    text = said(results.model_copy(update={"baselines": baselines}))
    assert "reference was finished elsewhere and is scored as it is: lcbench does not know" in text
    assert "leakage from that training cannot be excluded under any protocol" in text
    assert "finished elsewhere" not in said(results)
