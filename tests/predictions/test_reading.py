import os
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lcbench.predictions.validation import inspect_predictions

HEADER = "image,true,predicted"


def whats(findings):
    return [finding.what for finding in findings]


def test_what_is_not_there_or_no_file_is_a_problem(only_problem, inspect, tmp_path):
    only_problem(inspect(tmp_path / "nowhere.csv"), "no such file")
    only_problem(inspect(tmp_path / ("x" * 300)), "too long")
    only_problem(inspect(tmp_path), "no predictions.parquet")
    (tmp_path / "file").write_text("")
    only_problem(inspect(tmp_path / "file" / "below"), "no such file")
    (tmp_path / "loop").symlink_to("loop")
    only_problem(inspect(tmp_path / "loop"))
    os.mkfifo(tmp_path / "pipe")
    only_problem(inspect(tmp_path / "pipe"), "no regular file")


def test_a_file_that_may_not_be_read_is_a_problem(only_problem, inspect, csv_file, monkeypatch):
    path = csv_file(HEADER, "a,n,n")

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("pathlib.Path.open", refuse)
    problem = only_problem(inspect(path), "cannot be read: permission denied")
    assert "permission" in problem.remedy


# Folders


def test_problems_of_a_folder_name_the_file(inspect, parquet_file):
    parquet_file("knn/seed0/predictions.parquet", true=["n", "odd", "n"])
    parquet_file("knn/seed1/predictions.parquet")
    path = parquet_file("knn/seed2/predictions.parquet", true=None)
    problems = whats(inspect(path.parent.parent).problems)
    assert any("row 2 of seed0/predictions.parquet (b)" in problem for problem in problems)
    assert any("seed2/predictions.parquet: no column true" in problem for problem in problems)
    assert any("row 1 of seed0/predictions.parquet and row 1 of seed1/pred" in p for p in problems)


def test_the_name_of_the_current_folder_is_its_own(inspect, parquet_file, monkeypatch):
    path = parquet_file("knn/predictions.parquet")
    monkeypatch.chdir(path.parent)
    assert inspect(Path()).predictions.name == "knn"
    (path.parent / "below").mkdir()
    monkeypatch.chdir(path.parent / "below")
    assert inspect(Path("..")).predictions.name == "knn"


# CSV


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_a_byte_order_mark_line_endings_and_empty_lines_do_no_harm(
    only_problem, inspect, tmp_path, ending
):
    path = tmp_path / "model.csv"
    lines = ["", HEADER, '"a,""\n",n,n', "", ",,", "   ", "b,n,xx", "", ""]
    path.write_bytes(ending.join(lines).encode("utf-8-sig"))
    inspection = inspect(path)
    only_problem(inspection, "'xx'", "line 8 (b)")
    assert "4 empty lines passed over" in whats(inspection.notes)


@settings(max_examples=40)
@given(
    content=st.binary(max_size=80) | st.text("image,true\n\r\"';\t 0n", max_size=60).map(str.encode)
)
def test_any_bytes_are_read_or_a_problem_but_never_crash(tmp_path_factory, reader, content):
    path = tmp_path_factory.getbasetemp() / "any.csv"
    for begin in (b"", b"image,true,predicted\n", b"image,true,predicted,seed,p:n\n"):
        path.write_bytes(begin + content)
        inspection = inspect_predictions(path, reader)
        assert inspection.valid == (inspection.predictions is not None)


# Parquet


@pytest.mark.parametrize(
    "kind",
    [
        pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.large_binary(),
        pa.dictionary(pa.int8(), pa.string()), pa.dictionary(pa.int32(), pa.large_string()),
    ],
    ids=str,
)  # fmt: skip
def test_text_of_every_type_is_text(inspect, parquet_file, kind):
    column = pa.array(["n", "scc", "n"]).cast(kind)
    inspection = inspect(parquet_file(true=column, group=pa.array(["a", None, "007"]).cast(kind)))
    assert inspection.valid
    assert inspection.predictions.table["true"].tolist() == [
        "benign", "squamous_cell_carcinoma", "benign",
    ]  # fmt: skip
    assert inspection.predictions.table["group"].tolist() == ["a", "", "007"]


@pytest.mark.parametrize(
    "values",
    [
        pa.array([1, 1, 2]), pa.array([1, 1, 2], pa.uint64()), pa.array([1, 1, 2], pa.int8()),
        pa.array([1.0, 1.0, 2.0]), pa.array([1, 1, 2], pa.decimal128(5, 2)),
        pa.array(["1", "1.0", "2"]), pa.array(["1", "1", "2"]).dictionary_encode(),
    ],
    ids=lambda values: str(values.type),
)  # fmt: skip
def test_whole_numbers_of_every_type_are_whole_numbers(inspect, parquet_file, values):
    inspection = inspect(parquet_file(seed=values, fold=values))
    assert inspection.predictions.table["seed"].tolist() == [1, 1, 2]
    assert inspection.columns.folds == (1, 2)


@pytest.mark.parametrize(
    "values",
    [
        pa.array([1, None, 2]), pa.array([1.0, np.nan, 2.0]), pa.array([1, 0.5, 2]),
        pa.array([1, 2**63, 2], pa.uint64()), pa.array([1, 1e300, 2]), pa.array([1, np.inf, 2]),
        pa.array(["1", "1.5", "2"]),
    ],
    ids=str,
)  # fmt: skip
def test_seeds_that_are_not_whole_are_named(only_problem, inspect, parquet_file, values):
    only_problem(inspect(parquet_file(seed=values)), "column seed: 1 row", "row 2 (b)")


def test_what_pandas_writes_is_read(inspect, tmp_path):
    table = pd.DataFrame(
        {
            "image": ["a", "b", "c"],
            "true": pd.Categorical(["n", "n", "scc"]),
            "predicted": pd.Categorical(["n", "aca", "scc"]),
            "seed": pd.array([1, 1, 2], dtype="Int64"),
            "group": pd.array(["x", None, "y"], dtype="string"),
            "sha256": [None, None, None],
        }
    )
    table.set_index("image").to_parquet(tmp_path / "model.parquet")
    inspection = inspect(tmp_path / "model.parquet")
    assert inspection.valid
    assert inspection.predictions.table["image"].tolist() == ["a", "b", "c"]
    assert inspection.columns.seeds == (1, 2)


def test_names_that_became_numbers_are_names_and_that_is_noted(inspect, parquet_file):
    inspection = inspect(parquet_file(image=[12, 7, 9], group=pa.array([7.0, None, 7.5])))
    assert inspection.predictions.table["image"].tolist() == ["12", "7", "9"]
    assert inspection.predictions.table["group"].tolist() == ["7", "", "7.5"]
    assert any("leading zeros" in note for note in whats(inspection.notes))


@pytest.mark.parametrize(
    "last", [pa.array(["0", "0.0", "1"]), pa.array([0, 0, 1], pa.decimal128(5, 2))], ids=str
)
def test_probabilities_of_every_type_are_numbers(inspect, parquet_file, last):
    columns = {"p:n": pa.array([1, 0, 0]), "p:aca": pa.array([0, 1, 0], pa.float32())}
    inspection = inspect(parquet_file(**columns, **{"p:scc": last}))
    assert inspection.predictions.probabilities.tolist() == np.eye(3).tolist()


def test_folders_named_like_columns_do_not_add_columns(inspect, parquet_file):
    inspection = inspect(parquet_file("seed=7/group=x/model.parquet"))
    assert inspection.columns.seeds == (0,)
    assert inspection.columns.groups == 0


def test_a_broken_parquet_file_is_read_or_a_problem_but_never_crashes(inspect, parquet_file):
    path = parquet_file(seed=[1, 1, 2], group=["x", "y", "z"])
    content = path.read_bytes()
    for position in range(0, len(content), 7):
        damaged = bytearray(content)
        damaged[position] ^= 0xFF
        for broken in (bytes(damaged), content[:position]):
            path.write_bytes(broken)
            inspection = inspect(path)
            assert inspection.valid == (inspection.predictions is not None)
