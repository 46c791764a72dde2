"""results.csv: every number of results.json, a row a number."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pydantic import BaseModel

from lcbench.analysis.results import Results
from lcbench.rendering.report.tidy import COLUMNS, tidy_rows, write_tidy
from lcbench.statistics.interval_model import Interval

from .. import suites

# Not measured: settings, what metrics can be, what a backbone is like, and what is in `extra`.
_ELSEWHERE = {
    "schema_version", "settings", "metrics", "baselines", "seed", "fold",
    "seeds", "missing", "level", "runs", "target", "targets", "coverages",
}  # fmt: skip


@pytest.fixture(scope="module", params=[suites.lung, suites.deep, suites.flat])
def results(request: pytest.FixtureRequest) -> Results:
    made: Results = request.param()
    return made


@pytest.fixture
def table(results: Results, tmp_path: Path) -> pd.DataFrame:
    return pd.read_csv(write_tidy(results, tmp_path / "results.csv"), keep_default_na=True)


def parts_of(value: Any) -> Iterator[Any]:
    """Yield every interval and every other number below a part of the results."""
    if isinstance(value, Interval):
        yield value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            if name not in _ELSEWHERE:
                yield from parts_of(getattr(value, name))
    elif isinstance(value, dict):
        yield from (part for one in value.values() for part in parts_of(one))
    elif isinstance(value, tuple):
        yield from (part for one in value for part in parts_of(one))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield float(value)


def key(row: Any) -> tuple[Any, ...]:
    names = ("value", "low", "high", "n", "count", "groups")
    return tuple(None if pd.isna(cell) else float(cell) for cell in (row[name] for name in names))


def test_every_number_of_the_results_has_a_row(results: Results, table: pd.DataFrame) -> None:
    parts = list(parts_of(results))
    intervals = {key(one.model_dump()) for one in parts if isinstance(one, Interval)}
    assert len(intervals) > 10
    assert intervals <= {key(row) for row in table.to_dict("records")}
    cells = {float(cell) for name in ("value", "n", "groups") for cell in table[name].dropna()}
    assert {part for part in parts if isinstance(part, float)} <= cells


def test_the_table_is_tidy(results: Results, table: pd.DataFrame, tmp_path: Path) -> None:
    assert tuple(table.columns) == COLUMNS
    names = ["section", "protocol", "baseline", "metric", "of", "method", "extra"]
    assert not table.duplicated(names).any()
    written = pd.read_csv(write_tidy(results, tmp_path / "x.csv"), dtype=str, keep_default_na=False)
    for name in ("n", "count", "groups"):
        assert all(re.fullmatch(r"\d*", text) for text in written[name])


def test_a_paired_test_is_a_row_for_each_of_its_numbers(tmp_path: Path) -> None:
    table = pd.read_csv(write_tidy(suites.lung(), tmp_path / "results.csv"))
    rows = table[
        (table["section"] == "comparison") & (table["protocol"] == "grouped")
        & (table["baseline"] == "stain") & (table["of"] == "confusion@malignant")
        & (table["method"] == "clustered-score")
    ]  # fmt: skip
    assert dict(zip(rows["metric"], rows["value"], strict=True)) == {
        "p": 0.2, "p_adjusted": 0.4, "statistic": 1.5, "only_a": 7, "only_b": 12,
    }  # fmt: skip
    assert set(rows["extra"]) == {"against reference"}


def test_how_labels_were_read_and_random_weights_are_said(tmp_path: Path) -> None:
    table = pd.read_csv(write_tidy(suites.lung(), tmp_path / "results.csv"))
    labels = table[table["metric"] == "images_of_label"]
    assert dict(zip(labels["of"], labels["extra"], strict=True)) == {
        "aca": "malignant", "odd|one": "unknown: left out",
    }  # fmt: skip
    random = pd.read_csv(write_tidy(suites.deep(), tmp_path / "random.csv"))
    own = random[random["baseline"] == "reference"]
    assert all(text.startswith("random weights") for text in own["extra"])


def test_a_class_that_is_called_like_a_formula_is_none_to_a_spreadsheet(tmp_path: Path) -> None:
    results = suites.lung()
    dataset = results.dataset.model_copy(update={"images_by_class": {"=cmd()": -3}})
    path = write_tidy(results.model_copy(update={"dataset": dataset}), tmp_path / "results.csv")
    cells = [cell for row in csv.reader(path.open(newline="")) for cell in row]
    assert "'=cmd()" in cells
    assert not [cell for cell in cells if cell[:1] in ("=", "+", "@", "\t", "\r")]
    negative = [cell for cell in cells if cell.startswith("-")]
    assert negative
    assert all(math.isfinite(float(cell)) for cell in negative)


def test_the_question_of_the_suite_stands_in_rows_of_its_own() -> None:
    rows = [row for row in tidy_rows(suites.lung()) if row["section"] == "hypothesis"]
    arms = {(row["protocol"], row["baseline"]) for row in rows}
    assert arms == {(one, arm) for one in ("paper", "grouped") for arm in ("stain", "tree-cascade")}
    p_values = [row for row in rows if row["metric"] == "p_adjusted"]
    assert [row["extra"] for row in p_values[:2]] == ["shown", "not shown; way of training"]
    assert {row["metric"] for row in rows} >= {
        "reduction", "difference", "accuracy", "detectable_reduction", "p_holds",
    }  # fmt: skip
