"""Claims on the page: a row for each, and a sentence for what occurs and for nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from lcbench.analysis.claim_results import ClaimResult, PaperClaims
from lcbench.rendering.report.claims import VERDICTS, claims_table, error_words, judged_words

from .. import suites


def paper(*changes: dict[str, Any], other_backbone: str = "") -> PaperClaims:
    """Return the first claim of the hand-written paper with these changes, a claim each."""
    found = suites.claims()
    claims = [
        ClaimResult.model_validate({**found.claims[0].model_dump(), **one}) for one in changes
    ]
    return found.model_copy(update={"claims": tuple(claims), "other_backbone": other_backbone})


def test_a_row_says_which_metric_measures_the_claim_and_both_intervals() -> None:
    results = suites.lung()
    rows = [list(map(str, row)) for row in claims_table(results, results.claims[0]).rows]
    assert "(measured as sensitivity, malignant)" in rows[3][0]
    assert rows[0][2:5] == [
        "98.8 % [98.1, 99.2], n = 2,250", "98.0 % [96.0, 100.0]", "−0.80 points [−2.80, +1.20]",
    ]  # fmt: skip
    assert rows[2][2:5] == [
        "17.0 [10.6, 27.2], n = 2,250",
        "22.7 [16.2, 29.2]",
        "+5.7 [−3.3, +14.7]",
    ]
    assert rows[1][5] == "differs here, with another backbone"
    assert rows[3][3:] == ["–", "–", "not comparable; not measured; no backbone"]


@pytest.mark.parametrize("verdict", VERDICTS)
def test_each_verdict_that_occurs_is_explained_once(verdict: str) -> None:
    (sentence,) = judged_words(paper({"verdict": verdict}, {"verdict": verdict}))
    assert sentence.lower().startswith(verdict)


def test_with_another_backbone_consistent_does_not_say_that_the_value_lies_outside() -> None:
    same, other = (
        judged_words(paper({"verdict": "consistent"}, other_backbone=name))[0]
        for name in ("", "tiny_net")
    )
    assert "lies outside" in same
    assert "lies outside" not in other


def test_the_claim_s_own_error_says_what_is_known_of_it() -> None:
    two = paper({"design_effect": 1.04}, {"design_effect": 11.2}, {"design_effect": 2.44})
    assert "(1.0, 2.4 or 11.2)." in error_words(two)
    assert "1 is taken" not in error_words(two)
    none = error_words(paper({"design_effect": None}))
    assert "; where the source groups say nothing of it, 1 is taken." in none
    assert "(" not in none
