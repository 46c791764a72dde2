"""What `lcbench compare` writes and prints: every number, and names from outside as text."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from lcbench import console
from lcbench.analysis.results import ComparisonResults
from lcbench.analysis.scores import PairResult, Unmatched
from lcbench.rendering.comparison.page import comparison_page, write_comparison
from lcbench.rendering.comparison.screen import show_comparison
from lcbench.runs.records import TaxonomyRecord
from lcbench.statistics.interval_model import NO_COVERAGE

from ..golden import HOSTILE, PARSER, require_golden, tables
from ..suites import compare_results, flat_tree, score

Show = Callable[..., tuple[str, str]]


ERROR = score("calibration_error", 0.0123, low=None, high=None, method=NO_COVERAGE)


def several(*names: str, **changes: Any) -> ComparisonResults:
    """Models of these names, every pair compared; only the first has probabilities.

    Their scores: a share, a number without upper limit, one of each part of the tree.
    """
    models = {
        name: [
            score("accuracy", 0.9 - 0.05 * number, count=90 - 5 * number),
            score("sensitivity", 0.9, "malignant", n=60),
            score("confusion_rate", 0.1, "malignant", n=60),
            score("precision", None, "squamous_cell_carcinoma"),
            *([] if number else [score("log_loss", 0.5, high=float("inf")), ERROR]),
        ]
        for number, name in enumerate(names)
    }
    pairs = {pair: -0.05 * number for number, pair in enumerate(combinations(names, 2))}
    return compare_results(models, pairs, **changes)


LEFT_OUT = Unmatched(model="m1", images=7, predictions=7, examples=("a.png", "b.png"))
NOTES = ("all models: no column sha256: images are matched by name", "m2: no columns p:<class>")
THREE = several("m1", "m2", "m3", notes=NOTES, unmatched=(LEFT_OUT,), coarse={"malignant": 4})


def test_the_page_is_the_one_that_was_read() -> None:
    require_golden(comparison_page(several("m1", "m2", notes=NOTES)), "comparison.md")


def test_every_metric_every_pair_and_every_test_is_on_the_page() -> None:
    page = comparison_page(THREE)
    metrics, others, effects, tests, *_, differences = tables(page)
    assert len(metrics) + len(others) - 2 == 6
    assert metrics[1] == [
        "accuracy, %", "90.0 [88.0, 92.0]", "85.0 [83.0, 87.0]", "80.0 [78.0, 82.0]",
        "90 · 85 · 80", "240", "40",
    ]  # fmt: skip
    losses = next(row for row in metrics if row[0] == "log loss")
    assert losses[1:4] == ["0.500 [0.480, ∞]", "–", "–"]
    errors = next(row for row in metrics if row[0] == "ECE, bias-corrected")
    assert errors[1:4] == ["0.012", "–", "–"]
    assert page.count("ECE, bias-corrected: a number alone has no interval that would cover.") == 1
    assert [row[:2] for row in effects[1:]] == [["m1", "m2"], ["m1", "m3"], ["m2", "m3"]]
    assert len(tests) - 1 == 3 * 8
    assert {row[3] for row in tests[1:] if row[2].startswith("mcnemar")} == {"images"}
    assert differences[4][:4] == ["m1", "m3", "accuracy, points", "−5.00 [−7.00, −3.00]"]
    assert not re.search(r"\b(nan|None|inf)\b", page)


@pytest.mark.parametrize(
    ("metric", "difference", "favoured"),
    [("accuracy", 0.05, "b"), ("accuracy", -0.05, "a"), ("log_loss", 0.05, "a"),
     ("log_loss", -0.05, "b"), ("accuracy", 0.01, "–"), ("accuracy", None, "–"),
     ("calibration_slope", 0.5, "–"), ("calibration_error", 0.5, "a")],
)  # fmt: skip
def test_a_difference_favours_by_the_direction_of_its_metric(
    metric: str, difference: float | None, favoured: str
) -> None:
    pair = PairResult(a="a", b="b", differences=(score(metric, difference),), events=())
    found = several("a", "b")
    comparison = found.comparison.model_copy(update={"pairs": (*found.comparison.pairs, pair)})
    page = comparison_page(found.model_copy(update={"comparison": comparison}))
    assert tables(page)[-1][-1][-1] == favoured


def test_one_source_group_favours_nobody() -> None:
    only = score("accuracy", 0.05, groups=1)
    pair = PairResult(a="a", b="b", differences=(only,), events=())
    found = several("a", "b")
    comparison = found.comparison.model_copy(update={"pairs": (*found.comparison.pairs, pair)})
    page = comparison_page(found.model_copy(update={"comparison": comparison}))
    assert tables(page)[-1][-1][3:] == ["+5.00", "–"]


def test_names_from_outside_stay_text_on_the_page() -> None:
    for name in HOSTILE:
        parents = {name: "root", "other": "root", "left": "other", "right": "other"}
        tree = TaxonomyRecord(name="x", parents=parents, negative=name, subtypes_of=None)
        page = comparison_page(several(name, "two", taxonomy=tree, notes=(name,), command=""))
        html = PARSER.render(page)
        for mark in ("<b>", "<em>", "<code>", "<img", "<a ", "<script", "<del>"):
            assert mark not in html, name
        assert {len({len(row) for row in rows}) for rows in tables(page)} == {1}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "120 images that all models have, matched by image name; 240 predictions of each"),
        ({"images": 1}, "1 image that all models have"),
        ({"groups": 1}, "1 source group."),
        (
            {"groups_known": False, "images_without_group": 120},
            "40 images; source groups are unknown",
        ),
        (
            {"groups_known": False, "images_without_group": 3},
            "40 groups and single images; the source groups of 3 images are",
        ),
        ({}, "over 2 seeds"),
        ({}, "looks at the first seed only"),
        (
            {"unmatched": (LEFT_OUT.model_copy(update={"predictions": 9}),)},
            "7 images of m1 without a partner, left out with 9 predictions: a.png, b.png, and 5",
        ),
    ],
)
def test_the_page_says_what_the_numbers_rest_on(changes: dict[str, Any], said: str) -> None:
    assert said in comparison_page(several("a", "b", **changes))


def test_one_model_has_metrics_and_no_comparisons() -> None:
    page = comparison_page(several("one"))
    assert page.startswith("# Metrics of one\n")
    assert "Paired" not in page


def test_events_are_named_after_the_class_tree() -> None:
    page = comparison_page(several("a", "b", taxonomy=flat_tree("kidney", "liver", "spleen")))
    assert re.findall("<h3>(.*)</h3>", PARSER.render(page)) == ["Errors of any kind"]


def test_json_or_a_page_is_written_by_the_name_of_the_file(tmp_path: Path) -> None:
    write_comparison(tmp_path / "new" / "page.md", THREE)
    write_comparison(tmp_path / "data.JSON", THREE)
    assert (tmp_path / "new" / "page.md").read_text().startswith("# Comparison of m1, m2 and m3\n")
    text = (tmp_path / "data.JSON").read_text()
    assert ComparisonResults.model_validate_json(text) == THREE
    assert json.loads(text, parse_constant=pytest.fail)["generator"] == "lcbench compare"


# In the terminal


@pytest.fixture
def show(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Show:
    """Show results in a console of this width; return standard output and standard error."""

    def shown(results: ComparisonResults, width: int = 160) -> tuple[str, str]:
        monkeypatch.setattr(console.out, "width", width)
        show_comparison(results)
        return capsys.readouterr()

    return shown


def test_a_wide_terminal_has_a_line_for_each_pair(show: Show) -> None:
    printed, said = show(THREE, 170)
    assert sum(line.startswith("│ m1    │ m2 ") for line in printed.splitlines()) == 3
    for words in (
        "relative reduction, %",
        "odds ratio",
        "clustered-score p",
        "Holm p",
        "could show",
    ):
        assert printed.count(words) == 3
    assert printed.count("Cochran's Q over all 3 models") == 3
    assert "90.0 [88.0, 92.0]" in printed
    assert "precision" not in printed
    assert "Note: m2: no columns p:<class>" in said
    assert "favour the second" in said


@pytest.mark.parametrize("width", [80, 100, 120])
@pytest.mark.parametrize("count", [2, 3, 5])
def test_no_line_is_wider_than_the_terminal_and_nothing_is_cut(
    show: Show, width: int, count: int
) -> None:
    names = ["reference", "colour", "knn", "cascade", "majority"][:count]
    printed, _ = show(several(*names), width)
    lines = [line for line in printed.splitlines() if line[:1] in tuple("┏┃┡│├└")]
    assert max(map(cell_len, lines)) <= width
    assert "…" not in printed
    assert all(line.count("[") == line.count("]") for line in lines)
    for words in (*names, "could", "12"):
        assert words in printed


def test_two_lines_keep_the_order_of_a_pair(show: Show) -> None:
    lines = show(several("one", "two"), 80)[0].splitlines()
    start = next(number for number, line in enumerate(lines) if "Errors of any kind" in line)
    pair = (line.split("│")[1:3] for line in lines[start + 5 : start + 7])
    assert [[cell.strip() for cell in cells] for cells in pair] == [["one", "7"], ["two", "12"]]


@pytest.mark.parametrize("name", ["[red]x", "[/]", "a|b", "<b>", "x\\"])
def test_names_are_shown_as_they_are(show: Show, name: str) -> None:
    for width in (160, 80):
        assert show(several(name, "two"), width)[0].count(f" {name} ") == 4


def test_one_model_or_a_name_too_long_is_no_crash(show: Show) -> None:
    assert "Errors" not in show(several("one"))[0]
    assert "Errors of any kind" in show(several("x" * 90, "y" * 90), 80)[0]
