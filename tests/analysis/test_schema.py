"""The committed JSON Schema: it is that of the models, and says yes to what they write only."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from lcbench.analysis.results import ComparisonResults, Results
from lcbench.analysis.schema import results_schema
from lcbench.analysis.scores import Score

from ..rendering.suites import LUNG, compare_results, interval, suite

FILE = Path(__file__).parents[2] / "docs" / "results.schema.json"
NO_LIMIT = interval(0.5).model_copy(update={"low": -math.inf, "high": math.inf})
REPORT = suite(LUNG, {"paper": {"knn": 0.9, "reference": None}, "grouped": {"reference": 0.9}})
COMPARED = compare_results(
    {"a": [Score(metric="log_loss", estimate=NO_LIMIT)], "b": []}, {("a", "b"): 0.1}
)


@pytest.fixture(scope="module")
def schema() -> Draft202012Validator:
    committed = json.loads(FILE.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(committed)
    return Draft202012Validator(committed)


def written(found: Results | ComparisonResults) -> Any:
    """What a file holds; no reader needs to know NaN and infinity, which are not JSON."""
    return json.loads(found.model_dump_json(), parse_constant=pytest.fail)


def test_the_committed_schema_is_that_of_the_models(schema: Draft202012Validator) -> None:
    """If this fails: python -m lcbench.analysis.schema > docs/results.schema.json."""
    assert schema.schema == results_schema()


@pytest.mark.parametrize("found", [REPORT, COMPARED])
def test_what_is_written_is_valid(
    found: Results | ComparisonResults, schema: Draft202012Validator
) -> None:
    assert schema.is_valid(written(found))


def test_infinity_has_one_spelling(schema: Draft202012Validator) -> None:
    value = written(COMPARED)
    estimate = value["comparison"]["models"][0]["scores"][0]["estimate"]
    assert (estimate["low"], estimate["high"]) == ("-Infinity", "Infinity")
    for wrong in ("inf", "NaN", "0.5"):
        estimate["high"] = wrong
        assert not schema.is_valid(value)
    estimate["high"] = None
    assert schema.is_valid(value)


@pytest.mark.parametrize("key", ["generator", "schema_version", "findings", "roles"])
def test_a_key_that_is_missing_or_unknown_is_refused(
    key: str, schema: Draft202012Validator
) -> None:
    value = written(REPORT)
    assert not schema.is_valid(value | {"unknown": 1})
    del value[key]
    assert not schema.is_valid(value)


def test_every_key_of_the_results_is_documented() -> None:
    definitions = results_schema()["$defs"]
    for model in ("Results", "ComparisonResults", "ModelScores", "Interval", "MetricInfo"):
        for name, entry in definitions[model]["properties"].items():
            # A reference stands alone where its target has the same description.
            assert "description" in entry or "$ref" in entry, f"{model}.{name}"
