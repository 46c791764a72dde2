"""Prediction files as other tools may write them."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lcbench.datasets.labels import LabelReader
from lcbench.predictions.reading.inspection import inspect_predictions


@pytest.fixture(scope="session")
def reader(lung):
    """The default class tree, with a map for a few odd names."""
    return LabelReader(lung, {"na": "benign", "none": "adenocarcinoma", "colon": "leave-out"})


@pytest.fixture
def csv_file(tmp_path):
    """Write a CSV file from its text: csv_file("image,true,predicted", "a,n,n")."""

    def write(*lines, name="model.csv", encoding="utf-8"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes("".join(f"{line}\n" for line in lines).encode(encoding))
        return path

    return write


@pytest.fixture
def parquet_file(tmp_path):
    """Write a Parquet file of three rows: parquet_file(seed=[1, 1, 2]) adds or changes columns."""

    def write(name="model.parquet", metadata=None, **columns):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        plain = {
            "image": ["a", "b", "c"],
            "true": ["n", "n", "scc"],
            "predicted": ["n", "aca", "scc"],
        }
        kept = {key: value for key, value in (plain | columns).items() if value is not None}
        pq.write_table(pa.table(kept).replace_schema_metadata(metadata), path)
        return path

    return write


@pytest.fixture
def inspect(reader):
    """Inspect a path."""
    return lambda path: inspect_predictions(path, reader)


@pytest.fixture
def inspect_lines(inspect, csv_file):
    """Inspect a CSV file of these lines."""
    return lambda *lines: inspect(csv_file(*lines))


@pytest.fixture
def only_problem():
    """Expect one problem that says this, and something to do about it; return it."""

    def expect(inspection, *said):
        (problem,) = inspection.problems
        for words in said:
            assert words in problem.what
        assert problem.remedy
        assert "\n" not in problem.what
        assert inspection.predictions is None
        assert not inspection.valid
        return problem

    return expect
