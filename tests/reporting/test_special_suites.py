"""What the report says of suites that lack something, or have something odd."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from lcbench.analysis.reporting import analyse
from lcbench.rendering.report import render
from lcbench.runs.finished import read_suite
from lcbench.runs.records import TaxonomyRecord

from .pages import PARSER, column, folded, section, table, tables

RAW = "Raw counts and effective sample size, grouped protocol"
WARNING = "source groups unknown: images resampled, intervals too narrow"


def test_real_data_is_not_called_synthetic(rendered, shape):
    _, page = rendered(replace(shape, synthetic=False))
    assert "synthetic" not in page


def test_one_protocol_and_one_seed(rendered, shape):
    results, page = rendered(replace(shape, protocols=("paper",)))
    assert results.drops == ()
    assert (
        "This needs a baseline with runs under both paper and grouped. There are runs under paper."
        in page
    )
    assert "paper (1 seed, 1 split)" in page
    assert "there is no grouped run" in page
    assert "Seeds, paper protocol" not in page
    assert "new seed" not in page
    assert "18 predictions a baseline over 1 seed" in page
    assert "Predictions of 1 seed together." in page


def test_missing_folds_are_said(tmp_path, make, shape, fail):
    folder = make(tmp_path, replace(shape, protocols=("grouped",)))
    for baseline in shape.baselines:
        fail(folder / "grouped" / baseline / "seed0-fold2")
    results = analyse(read_suite(folder), command="", resamples=50, advance=lambda _: None)
    assert results.protocols[0].notes == (
        "Not every fold is here: 96 of 120 images were tested in the seed with the fewest.",
    )
    page = render(results, {"Intervals": Path("figures/intervals.png")})
    assert "96 of 120 images were tested" in page


def test_no_reference(rendered, shape):
    results, page = rendered(replace(shape, baselines=("majority", "colour")))
    for result in results.protocols:
        assert result.comparisons == ()
        assert all(scores.against_reference == {} for scores in result.baselines)
    assert "minus the reference's" not in page
    assert "The reference, reference, has no finished run, so no baseline is compared" in page
    assert {one.verdict for one in results.claims} == {"cannot be judged"}


def test_only_the_reference(rendered, shape):
    results, page = rendered(replace(shape, baselines=("reference",)))
    for result in results.protocols:
        assert (result.comparisons, result.omnibus) == ((), ())
    assert "No other baseline has test images in common with the reference." in page
    assert "there is no other baseline to set beside" in page
    assert "minus the reference's" not in page
    assert len(table(folded(page, RAW), "baseline", "right")) == 2


def test_two_baselines_have_no_omnibus_test(rendered, shape):
    results, page = rendered(replace(shape, baselines=("colour", "reference")))
    for result in results.protocols:
        assert [one.event for one in result.comparisons] == [
            "any-error", "subtype-confusion", "benign-malignant",
        ]  # fmt: skip
        assert result.omnibus == ()
    assert "Cochran" not in page
    assert page.count("Family of tests for the Holm adjustment: 1 comparison (colour).") == 6


def test_unknown_groups_are_said_beside_every_interval(rendered, shape):
    results, page = rendered(replace(shape, groups_known=False, external="ct"))
    paper = results.protocol("paper")
    assert not paper.groups_known
    assert paper.groups == paper.images
    for heading in ("## Scores under the paper protocol", "### Under the paper protocol"):
        assert f"{heading} ({WARNING})" in page
    assert page.count(WARNING) >= 8
    assert "resamples of images with all their predictions" in page
    assert "source groups unknown" in results.findings[-1].casefold()
    assert (
        "All seeds, images as the unit, for want of source groups: p-values too small. n: 80 "
        "predictions for 80 images of a subtype. Family"
    ) in page
    assert "Both from resampling images." in page
    assert "both on the same resampled images;" in page


def test_zero_errors_have_an_interval_and_p_is_one(rendered, shape, recipe):
    perfect = {name: recipe(0.0, 0.0) for name in ("knn", "reference")}
    results, page = rendered(replace(shape, baselines=("knn", "reference"), recipes=perfect))
    for result in results.protocols:
        for scores in result.baselines:
            assert scores.metrics.accuracy.value == 1
            assert scores.metrics.accuracy.count == scores.metrics.accuracy.n == result.predictions
            assert 0 < scores.metrics.accuracy.low < 1
            assert scores.metrics.subtype_confusions.high > 0
            assert scores.metrics.matthews_correlation.value == pytest.approx(1)
            assert scores.metrics.matthews_correlation.low < 1
            assert scores.effective is None
        assert len(result.comparisons) == 3
        for one in result.comparisons:
            assert {(test.p, test.p_adjusted) for test in one.tests} == {(1, 1)}
            assert one.difference.low < 0 < one.difference.high
            assert one.relative_reduction.value is one.odds_ratio.value is None
            assert 0 < one.detectable < 1
    assert "knn and the reference score highest in accuracy, with 100.00 % [" in page
    assert "no errors to look at" in page
    assert not re.search(r"\b(nan|inf)\b", page)
    counts = table(folded(page, RAW), "baseline", "right")
    assert column(counts, "right") == ["120 / 120", "120 / 120"]
    assert column(counts, "design effect") == ["–", "–"]


def test_a_tree_without_negative_and_subtypes_drops_their_columns(rendered, shape):
    leaves = ("liver", "spleen", "kidney")
    taxonomy = TaxonomyRecord(
        name="organs", parents=dict.fromkeys(leaves, "root"), negative=None, subtypes_of=None
    )
    results, page = rendered(replace(shape, taxonomy=taxonomy, leaves=leaves))
    assert results.claims == ()
    for result in results.protocols:
        assert {one.event for one in result.comparisons} == {"any-error"}
        assert {one.event for one in result.omnibus} == {"any-error"}
        for scores in result.baselines:
            assert scores.metrics.sensitivity is scores.metrics.subtype_confusions is None
            assert not {"sensitivity", "subtype_accuracy"} & set(scores.against_reference)
    part = section(page, "## Scores under the grouped protocol")
    assert tables(part)[0][0] == ["baseline", "accuracy, %", "macro F1, %"]
    counts = table(part, "baseline", "right")
    assert counts[0] == ["baseline", "right", "effective sample size", "design effect"]
    assert "Confusions are" not in part
    part = section(page, "## Errors against reference")
    assert "The class tree names no subtypes: errors of any kind are compared." in part
    assert (
        len(
            table(
                folded(part, "Errors of any kind, grouped protocol"),
                "baseline",
                "difference, points",
            )
        )
        == 3
    )
    assert "onfusion" not in part
    assert "so the claims do not apply" in page


def test_random_weights_are_flagged_in_every_table(rendered, shape):
    _, page = rendered(replace(shape, random_weights=True, external="ct"))
    for one in tables(page):
        for row in one[1:]:
            if one[0][0] == "baseline" and row[0].startswith("reference"):
                assert row[0] == "reference (random weights)"
    assert page.count("**reference (random weights)**") >= 10
    assert "Warning: reference uses random weights" in page


def test_hostile_names_stay_text(rendered, shape, recipe):
    name = "a|b<script>"
    results, page = rendered(
        replace(
            shape,
            baselines=(name, "reference"),
            recipes={name: recipe(0.2, 0.1), "reference": recipe(0.1, 0.1)},
            dataset="demo\n# heading <img src=x>",
        )
    )
    assert results.baselines[0].baseline == name
    html = PARSER.render(page)
    assert "<script>" not in html
    assert "<img src=x>" not in html
    assert "<h1>Suite core on demo # heading &lt;img src=x&gt;</h1>" in html
    for one in tables(page):
        assert len({len(row) for row in one}) == 1
