"""What the page says of selective prediction: the clinical sentence, and what it rests on."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from lcbench.analysis.results import ENSEMBLE, Results
from lcbench.analysis.selective_scores import OperatingPoint, SelectiveResult
from lcbench.rendering.report.external_words import folder_words
from lcbench.rendering.report.selective import SelectivePart, level_words, selective_parts

from .. import suites
from ..suites import ACCURACIES, DEEP, FLAT, LUNG, interval, suite

NO_LIMITS: dict[str, Any] = {"low": None, "high": None, "training": None}


def changed(results: Results, protocol: str = "", **changes: Any) -> Results:
    """Change the selective result of a protocol, by default of all."""
    protocols = [
        one.model_copy(update={"selective": one.selective.model_copy(update=changes)})
        if one.selective is not None and protocol in ("", one.protocol)
        else one
        for one in results.protocols
    ]
    return results.model_copy(update={"protocols": tuple(protocols)})


def with_points(results: Results, **changes: Any) -> Results:
    """Change every operating point."""

    def of(found: SelectiveResult) -> SelectiveResult:
        levels = []
        for level in found.levels:
            models = [
                one.model_copy(
                    update={"points": tuple(p.model_copy(update=changes) for p in one.points)}
                )
                for one in level.models
            ]
            levels.append(level.model_copy(update={"models": tuple(models)}))
        return found.model_copy(update={"levels": tuple(levels)})

    protocols = [
        one.model_copy(update={"selective": of(one.selective)})
        for one in results.protocols
        if one.selective is not None
    ]
    return results.model_copy(update={"protocols": tuple(protocols)})


def strict(results: Results) -> SelectivePart:
    return selective_parts(results)[0]


def first(results: Results) -> str:
    return strict(results).sentences[0]


def test_the_clinical_sentence_comes_first_under_the_strictest_protocol() -> None:
    parts = selective_parts(suites.lung())
    assert [part.protocol for part in parts] == ["Leakage-free", "Random split"]
    assert parts[0].sentences[0] == (
        "Aiming at 1 % risk, the reference signs out 66.0 % [64.0, 68.0] of the images at the "
        "subtype (realised risk 2.8 % [1.8, 3.6]: above 1 %) and 66.0 % [64.0, 68.0] at benign / "
        "malignant (realised risk 2.8 % [1.8, 3.6]: above 1 %)."
    )


@pytest.mark.parametrize(
    ("risk", "words"),
    [
        (interval(0.005, 0.005), ": within 1 %"),
        (interval(0.03, 0.01), ": above 1 %"),
        (interval(0.01, 0.005), ": shown to be neither within 1 % nor above it"),
        (interval(0.005, **NO_LIMITS), ": shown to be neither within 1 % nor above it"),
    ],
)
def test_the_interval_says_whether_the_risk_was_kept(risk: Any, words: str) -> None:
    assert words in first(with_points(suites.lung(), risk=risk))


def test_what_cannot_be_signed_out_is_said_plainly() -> None:
    nothing: dict[str, Any] = {
        "thresholds": (None, None), "coverage": interval(0.0, **NO_LIMITS), "risk": interval(None)
    }  # fmt: skip
    assert first(with_points(suites.lung(), **nothing)) == (
        "Aiming at 1 % risk, the reference signs out nothing at the subtype (no threshold keeps "
        "1 % on the validation images) and nothing at benign / malignant (no threshold keeps 1 % "
        "on the validation images)."
    )


def test_some_trained_models_without_a_threshold_are_counted() -> None:
    words = first(with_points(suites.lung(), thresholds=(0.9, None, None)))
    assert "; 2 of 3 trained models without a threshold answer nothing)" in words


def test_everything_is_a_hundred_per_cent_without_digits_or_brackets() -> None:
    every = interval(1.0, **NO_LIMITS)
    words = first(with_points(suites.lung(), thresholds=(0.0,), coverage=every))
    assert "signs out 100 % of the images at the subtype" in words


@pytest.mark.parametrize(
    ("risk", "ending"),
    [
        (interval(0.08, 0.01), "does not hold here."),
        (interval(0.012, 0.005), "holds here is not shown."),
        (interval(0.004, 0.003), "what was promised there holds here."),
    ],
)
def test_what_the_random_split_promised_is_held_against_leakage_free_images(
    risk: Any, ending: str
) -> None:
    results = suites.lung()
    (model,) = [
        one for one in results.protocols[1].selective.levels[0].models if one.model == "reference"
    ]  # type: ignore[union-attr]
    carried = model.points[0].carried_over
    assert carried is not None
    told = strict(with_points(results, carried_over=carried.model_copy(update={"risk": risk})))
    (words,) = [one for one in told.sentences if "random split gave for 1 %" in one]
    assert words.endswith(ending)


def test_the_flattering_protocol_says_that_its_validation_images_leak() -> None:
    leaky, free = (
        [one for one in part.sentences if "share their tissue" in one]
        for part in reversed(selective_parts(suites.lung()))
    )
    assert len(leaky) == 1
    assert not free


@pytest.mark.parametrize(
    ("groups", "words"),
    [
        (12, "too few to show a risk, which takes about 300 for 1 % and 60 for 5 % without"),
        (100, "too few to show a risk, which takes about 300 for 1 % without a single error"),
        (300, "validation images of 300 source groups, or more."),
        (None, "source groups unknown."),
    ],
)
def test_what_so_few_validation_groups_can_show_is_said(groups: int | None, words: str) -> None:
    told = strict(changed(suites.lung(), validation_groups=groups)).sentences
    assert any(words in one for one in told)


def test_models_without_validation_predictions_are_named_with_the_remedy() -> None:
    results = changed(
        suites.lung(), without_validation=("reference", "stain"), answers=(),
        validation_images=None, validation_groups=None,
    )  # fmt: skip
    told = strict(results).sentences
    assert "no predictions on their validation images: reference and stain." in told[-1]
    assert "--fresh" in told[-1]
    assert not any("Aiming at 1 % risk" in one for one in told)


def test_averages_have_no_thresholds_and_no_remedy() -> None:
    results = suites.lung()
    of = {one.baseline: one for one in results.baselines}
    made = {"kind": ENSEMBLE, "recipe": {"over": "seeds"}}
    of["stain"] = of["stain"].model_copy(update=made)
    results = results.model_copy(update={"baselines": tuple(of.values())})
    told = strict(changed(results, without_validation=("reference", "stain"))).sentences
    assert told[-2].startswith("No thresholds for stain: what one seed holds back")
    assert "validation images: reference. Older" in told[-1]
    (averages_alone,) = [
        one for one in strict(changed(results, without_validation=("stain",))).sentences
        if one.startswith("No thresholds")
    ]  # fmt: skip
    assert "--fresh" not in averages_alone


@pytest.mark.parametrize(
    ("thresholds", "words"),
    [
        ((0.9, 0.25, None), "of its 2 trained models at the subtype lie between 0.250 and 0.900"),
        ((0.9, 0.9), None),
        ((None, None), None),
    ],
)
def test_how_far_thresholds_swing_is_said(
    thresholds: tuple[float | None, ...], words: str | None
) -> None:
    told = strict(with_points(suites.lung(), thresholds=thresholds)).sentences
    found = [one for one in told if "lie between" in one]
    assert [words in one for one in found] == ([] if words is None else [True, True])


def test_images_without_a_subtype_count_at_its_level_and_that_is_said() -> None:
    found = [one for one in strict(suites.lung()).sentences if "all images count" in one]
    assert [
        one.startswith("At the subtype all images count, those of benign too") for one in found
    ] == [True]
    flat = suite(FLAT, ACCURACIES)
    assert not any("all images count" in one for one in strict(flat).sentences)


def test_why_averages_over_seeds_have_no_thresholds_is_said() -> None:
    results = changed(suites.lung(), without_validation=("stain", "seeds", "everything"))
    made = [
        results.baselines[0].model_copy(
            update={"baseline": name, "kind": "ensemble", "recipe": {"over": over}}
        )
        for name, over in (("seeds", "seeds"), ("everything", "both"))
    ]
    results = results.model_copy(update={"baselines": (*results.baselines, *made)})
    *_, averages, runs = strict(results).sentences
    assert averages.startswith("No thresholds for seeds and everything: what one seed holds back")
    assert "no predictions on their validation images: stain." in runs


def test_words_come_from_the_tree() -> None:
    of = {
        record.name: [
            level_words(record.tree(), level)
            for level in suite(record, ACCURACIES).protocols[0].selective.levels  # type: ignore[union-attr]
        ]
        for record in (LUNG, DEEP, FLAT)
    }
    assert of["lung"] == ["benign / malignant", "the subtype"]
    assert of["deep"] == [
        "normal / cancer", "the subtype", "normal / small cell / adeno / squamous",
    ]  # fmt: skip
    assert of["organs"] == ["liver / spleen / kidney"]
    many = suites.flat_tree(*"abcdef")
    (level,) = suite(many, ACCURACIES).protocols[0].selective.levels  # type: ignore[union-attr]
    assert level_words(many.tree(), level) == "the class itself"
    above = SimpleNamespace(level=1, classes=tuple("uvwxyz"))
    wide = SimpleNamespace(
        height=2, negative=(), subtypes_of=None, parents=dict.fromkeys("uvwxyz", "root")
    )
    assert level_words(wide, above) == "one of the 6 nodes of level 1"  # type: ignore[arg-type]
    flat = selective_parts(suite(FLAT, ACCURACIES))
    assert not any("subtype" in words for part in flat for words in part.sentences)


def test_the_table_has_every_baseline_at_every_level() -> None:
    found = strict(suites.lung()).table
    assert len(found.rows) == 4 * 2
    assert found.headers[:4] == ["baseline", "level", "area, %", "area minus reference, points"]
    rows = {(str(row[0]), row[1]): row for row in found.rows}
    reference = rows["**reference**", "the subtype"]
    assert reference[3] == reference[5] == "–"
    floor = rows["majority", "the subtype"]
    assert floor[4:7:2] == ["0.0", "–"]


def test_without_the_reference_there_are_no_columns_of_differences() -> None:
    headers = strict(suites.flat()).table.headers
    assert not [header for header in headers if "minus" in header]


def test_an_external_folder_is_answered_at_the_runs_own_thresholds() -> None:
    folder = suites.external()
    (level,) = folder.levels
    scores = suites.selective_scores("reference", 0.9, None, leaky=True)
    silent = suites.selective_scores("reference", 0.3, None, leaky=True)
    for points, words in (
        (scores.points, "answers 65.0 % [63.0, 67.0] of these images at benign / malignant, and "
         "3.0 % [2.1, 3.9] of these answers are wrong."),
        (silent.points, "answers none of these images at benign / malignant."),
        ((), ""),
    ):  # fmt: skip
        changed_level = level.model_copy(
            update={
                "scores": tuple(one.model_copy(update={"points": points}) for one in level.scores)
            }
        )
        changed = folder.model_copy(update={"levels": (changed_level,)})
        told = folder_words(suites.lung(), changed)
        assert any(words in one for one in told)
        assert any("At its thresholds for 1 % risk" in one for one in told) == bool(words)


def test_older_reports_have_no_such_part() -> None:
    results = suites.lung()
    older = [one.model_copy(update={"selective": None}) for one in results.protocols]
    assert selective_parts(results.model_copy(update={"protocols": tuple(older)})) == []


def test_points_are_found_by_their_target() -> None:
    scores = suites.selective_scores("a", 0.9, None, leaky=True)
    assert isinstance(scores.at(0.05), OperatingPoint)
    assert scores.at(0.02) is None
