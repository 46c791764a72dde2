import os
from pathlib import Path

import pytest

HEADER = "image,true,predicted"


def whats(findings):
    return [finding.what for finding in findings]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("x.parquet", b"image,true,predicted\n", "no readable Parquet"),
        ("x.parquet", b"", "no readable Parquet"),
        ("x.parquet", b"PAR1PAR1", "no readable Parquet"),
        ("x.csv", b"PAR1 and more PAR1", "no readable Parquet"),
        ("x.csv", b"", "empty"),
        ("x.csv", b"\x00\x01", "zero bytes"),
        ("x.xlsx", b"PK\x03\x04 half a workbook", "Excel workbook"),
        ("x.xls", b"\xd0\xcf\x11\xe0", "Excel workbook"),
        ("x.csv.gz", b"\x1f\x8b\x08", "gzip"),
        ("x", b"\xff\xd8\xff\xe0", "UTF-8"),
    ],
)
def test_a_file_that_is_no_table_is_a_problem(only_problem, inspect, tmp_path, name, content, said):
    path = tmp_path / name
    path.write_bytes(content)
    only_problem(inspect(path), said)


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


def test_a_folder_of_runs_is_inspected_as_one(inspect, parquet_file):
    for seed in (0, 1):
        parquet_file(f"knn/seed{seed}/predictions.parquet", seed=[seed] * 3)
    inspection = inspect(parquet_file("knn/.seed2-x/predictions.parquet").parent.parent)
    assert inspection.valid
    assert inspection.rows == 6
    assert inspection.columns.seeds == (0, 1)
    assert inspection.predictions.name == "knn"


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
