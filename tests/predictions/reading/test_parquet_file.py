import numpy as np
import pandas as pd
import pyarrow as pa
import pytest


def test_a_file_of_a_newer_version_is_not_guessed_at(only_problem, inspect, parquet_file):
    newer = parquet_file(metadata={"lcbench_predictions_schema": "2"})
    assert only_problem(inspect(newer), "newer lcbench").remedy == "Update lcbench."
    only_problem(inspect(parquet_file(metadata={"lcbench_predictions_schema": "x"})))
    assert inspect(parquet_file(metadata={"lcbench_predictions_schema": "1"})).valid


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


def test_groups_that_became_numbers_keep_their_names(inspect, parquet_file):
    inspection = inspect(parquet_file(group=pa.array([7.0, None, 7.5])))
    assert inspection.predictions.table["group"].tolist() == ["7", "", "7.5"]


def test_probabilities_of_every_type_are_numbers(only_problem, inspect, parquet_file):
    columns = {
        "p:n": pa.array([1, 0, 0]),
        "p:aca": pa.array([0, 1, 0], pa.float32()),
        "p:scc": pa.array(["0", "0.0", "1"]),
    }
    assert inspect(parquet_file(**columns)).valid
    columns["p:scc"] = pa.array([0, 0, 1], pa.decimal128(5, 2))
    assert inspect(parquet_file(**columns)).predictions.probabilities.tolist() == np.eye(3).tolist()
    columns["p:scc"] = pa.nulls(3)
    only_problem(inspect(parquet_file(**columns)), "column p:scc: 3 rows without a finite number")


@pytest.mark.parametrize("column", ["image", "true", "predicted", "group", "seed"])
def test_a_column_of_something_else_is_named_with_its_type(
    only_problem, inspect, parquet_file, column
):
    values = pa.array([["a"], ["b"], ["c"]])
    only_problem(inspect(parquet_file(**{column: values})), f"column {column}: holds list<")


def test_bytes_that_are_not_utf_8_are_refused(only_problem, inspect, parquet_file):
    raw = pa.array([b"a", b"\xff", b"c"])
    only_problem(inspect(parquet_file(group=raw)), "column group: holds binary, not text")
    forged = pa.Array.from_buffers(pa.string(), 3, raw.buffers())
    only_problem(inspect(parquet_file(image=forged)), "no readable Parquet file")


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
