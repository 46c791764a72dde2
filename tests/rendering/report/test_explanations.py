"""What a report says of explanations: a row a method, its checks in sentences, no image."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from lcbench.analysis.explanation_results import ExplanationResult
from lcbench.explanations.records import ExplanationRecord, ShownRecord
from lcbench.rendering.pages import render_page
from lcbench.rendering.report.explanations import explanation_parts

from ..explained import checks


def record(method: str, **changes: Any) -> ExplanationResult:
    facts = {
        "suite": "s", "protocol": "grouped", "baseline": "own", "node": "malignant",
        "children": ("a_|b", "<i>c"), "method": method, "title": method, "signed": True,
        "source": "", "cases": 9, "confused": 5, "explained": 9, "checked": 4, "source_groups": 3,
        "groups_known": False, "seed": 0, "held": 9, "difference": 1e-5, "tolerance": 1e-3,
        "other_answers": 0, "device": "cpu", "versions": {"captum": "0.9"}, "command": "",
        "created": "today", "seconds": 1.0, "key": "", "runs": {}, "files": {},
        "shown": ShownRecord(size=8, interpolation="bicubic", crop_share=1, crop_mode="", view=""),
        "checks": checks(method),
    }  # fmt: skip
    return ExplanationResult(record=ExplanationRecord(**{**facts, **changes}))


def test_each_baseline_and_decision_has_a_table_with_a_row_a_method() -> None:
    results: Any = SimpleNamespace(
        explanations=(record("saliency"), record("grad-cam"), record("grad-cam", node="root")),
        baseline=lambda _: None, reference="own",
    )  # fmt: skip
    first, second = parts = explanation_parts(results, {1: (("figures/x.png", "a plot"),)})
    assert [len(one.table.rows) for one in parts] == [2, 1]
    assert first.table.rows[0][:4] == ["saliency", "9", "4", first.table.rows[0][3]]
    assert first.table.rows[0][3].startswith("fails its checks")
    assert "Source groups are unknown" in first.sentences[1]
    page = render_page("report-explanations.md.j2", explained=parts)
    assert "<i>" not in page
    assert page.count("No method passes every check") == 2
    assert page.count("<summary>") == 3
    assert "](figures/x.png)" in page
    assert not second.pictures
