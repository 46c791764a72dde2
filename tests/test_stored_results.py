"""`lcbench.read_results`: what was written is read back; everything else is told what to do."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import lcbench
from lcbench.analysis.results import SCHEMA_VERSION, ComparisonResults, Results
from lcbench.audit.results import AuditResults
from lcbench.errors import UserError

from .rendering.suites import LUNG, compare_results, suite

REPORT = suite(LUNG, {"paper": {"knn": 0.9, "reference": 0.95}})
COMPARED = compare_results({"a": []}, {})
AUDIT = Path(__file__).parents[1] / "reports" / "lc25000-audit"


@pytest.fixture
def file(tmp_path: Path) -> Callable[[Any], Path]:
    """Write a JSON file, or any text."""

    def write(value: Any) -> Path:
        path = tmp_path / "results.json"
        path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
        return path

    return write


@pytest.mark.parametrize("found", [REPORT, COMPARED])
def test_what_was_written_is_read_back(
    found: Results | ComparisonResults, file: Callable[[Any], Path]
) -> None:
    path = file(found.model_dump_json())
    for place in (path, str(path), path.parent):
        assert lcbench.read_results(place) == found


def test_an_audit_is_read_back() -> None:
    assert isinstance(lcbench.read_results(AUDIT), AuditResults)
    assert lcbench.read_results(AUDIT) == lcbench.read_results(AUDIT / "audit.json")


def changed(**values: object) -> dict[str, object]:
    return json.loads(REPORT.model_dump_json()) | values


@pytest.mark.parametrize(
    ("value", "said", "remedy"),
    [
        (changed(schema_version=SCHEMA_VERSION + 1), "newer lcbench", "Update lcbench"),
        (changed(schema_version=1), "older lcbench", "Write it again"),
        ({"schema_version": 1, "models": []}, "older lcbench", "Write it again"),
        (changed(generator="other"), "not written by lcbench", "lcbench report"),
        (changed(schema_version="2"), "not written by lcbench", "lcbench report"),
        (changed(protocols=[{}]), "protocols.0.protocol: is missing", "Write it again"),
        (changed(unknown=1), "unknown: is not a key that is known", "Write it again"),
        ({}, "not written by lcbench", "lcbench report"),
        ({"generator": "x", "suites": ["a"]}, "the list of several reports", "folder of one"),
        ([], "not written by lcbench", "lcbench report"),
        ("{", "not JSON", "lcbench report"),
        ('{"a": NaN}', "NaN", "lcbench report"),
    ],
)
def test_anything_else_is_refused_with_a_remedy(
    value: object, said: str, remedy: str, file: Callable[[Any], Path]
) -> None:
    path = file(value)
    with pytest.raises(UserError) as refused:
        lcbench.read_results(path)
    assert refused.value.message.startswith(f"{path}: ")
    assert said in refused.value.message
    assert remedy in refused.value.remedy


@pytest.mark.parametrize(("name", "said"), [("nowhere.json", "No such file"), ("", "results.json")])
def test_no_file_is_refused(name: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=said):
        lcbench.read_results(tmp_path / name)


def test_the_reader_costs_nothing_until_it_is_asked_for() -> None:
    code = "import sys, lcbench; print('pydantic' in sys.modules); lcbench.read_results"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
    with pytest.raises(AttributeError, match="no_such_name"):
        getattr(lcbench, "no_such_" + "name")
