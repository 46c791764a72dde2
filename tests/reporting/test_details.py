"""The folded tables below the scores: further metrics, raw counts, differences, seeds."""

import re

import pytest

from .pages import column, folded, section, table, tables

NUMBER = r"[+−]?\d[\d,]*\.\d+"
PROTOCOLS = ["paper", "grouped"]


def body(page, name, protocol):
    return folded(section(page, f"## Scores under the {protocol}"), f"{name}, {protocol} protocol")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_all_four_are_there_and_folded(page, protocol):
    part = section(page, f"## Scores under the {protocol}")
    assert re.findall("<summary>(.*)</summary>", part) == [
        f"{name}, {protocol} protocol"
        for name in (
            "Further metrics",
            "Raw counts and effective sample size",
            "Metrics minus the reference's",
            "Seeds",
        )
    ]
    assert len(tables(part)) == 5


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_further_metrics(page, core_results, protocol):
    text = body(page, "Further metrics", protocol)
    (found,) = tables(text)
    names = {
        "balanced accuracy, %": ("balanced_accuracy", 100),
        "macro AUROC, %": ("macro_auroc", 100),
        "macro average precision, %": ("macro_average_precision", 100),
        "Cohen's kappa": ("cohen_kappa", 1),
        "Matthews correlation": ("matthews_correlation", 1),
        "log loss": ("log_loss", 1),
        "Brier score": ("brier_score", 1),
        "ECE, equal width": ("calibration_error", 1),
        "ECE, equal mass": ("calibration_error_equal_mass", 1),
    }
    assert found[0] == ["baseline", *names]
    for header, (key, scale) in names.items():
        for text_of, scores in zip(
            column(found, header), core_results.protocol(protocol).baselines, strict=True
        ):
            value = getattr(scores.metrics, key).value
            if value is None:
                assert (scores.baseline, key, text_of) == ("majority", "matthews_correlation", "–")
                continue
            assert re.fullmatch(rf"{NUMBER} \[{NUMBER},\u00a0{NUMBER}\]", text_of)
            written = float(text_of.split(" ")[0].replace("−", "-"))
            assert written == pytest.approx(scale * value, abs=0.051 if scale == 100 else 0.00051)
    assert "n and intervals: as below the scores of this protocol." in text


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_raw_counts(page, core_results, protocol):
    text = body(page, "Raw counts and effective sample size", protocol)
    found = table(text, "baseline", "right")
    headers = {
        "right": "accuracy",
        "benign sensitivity": "sensitivity",
        "benign specificity": "specificity",
        "subtype accuracy": "subtype_accuracy",
        "subtype confusions": "subtype_confusion_rate",
    }
    assert found[0] == ["baseline", *headers, "effective sample size", "design effect"]
    result = core_results.protocol(protocol)
    for header, key in headers.items():
        each = [getattr(scores.metrics, key) for scores in result.baselines]
        assert column(found, header) == [f"{one.count} / {one.n}" for one in each]
    assert column(found, "effective sample size") == [
        "–" if scores.effective is None else f"{scores.effective.n:.0f}"
        for scores in result.baselines
    ]
    assert column(found, "design effect") == [
        "–" if scores.effective is None else f"{scores.effective.design_effect:.1f}"
        for scores in result.baselines
    ]
    assert "Predictions of 2 seeds together." in text
    assert "Both from resampling source groups." in text


def test_large_counts_have_their_thousands_separated(page):
    assert "720 / 720" not in body(page, "Raw counts and effective sample size", "grouped")
    assert "683 / 720" in body(page, "Raw counts and effective sample size", "grouped")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_differences(page, core_results, protocol):
    text = body(page, "Metrics minus the reference's", protocol)
    (found,) = tables(text)
    assert found[0][:4] == [
        "baseline", "accuracy, points", "balanced accuracy, points", "macro F1, points",
    ]  # fmt: skip
    others = [one.baseline for one in core_results.baselines if one.baseline != "reference"]
    assert column(found, "baseline") == others
    for row in found[1:]:
        undefined = [header for header, cell in zip(found[0], row, strict=True) if cell == "–"]
        assert undefined == (["Matthews correlation"] if row[0] == "majority" else [])
        scores = next(
            one for one in core_results.protocol(protocol).baselines if one.baseline == row[0]
        )
        value = scores.against_reference["macro_f1"].value
        written = float(row[3].split(" ")[0].replace("−", "-"))
        assert written == pytest.approx(100 * value, abs=0.051)
        assert row[3][0] in "+−0"
    assert "Baseline minus reference, both on the same resampled source groups" in text
    assert "not adjusted for their number" in text


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_seeds(page, core_results, protocol):
    text = body(page, "Seeds", protocol)
    (found,) = tables(text)
    kinds = ["over source groups, %", "over source groups and seeds, %"]
    assert found[0] == ["baseline", "seed 0, %", "seed 1, %", *kinds]
    for row, scores in zip(found[1:], core_results.protocol(protocol).baselines, strict=True):
        for cell, accuracy in zip(row[1:3], scores.seeds.accuracies.values(), strict=True):
            assert float(cell) == pytest.approx(100 * accuracy, abs=0.051)
        assert row[3].split(" ")[0] == row[4].split(" ")[0]
    assert "2 seeds are few for that." in text
