"""Everything that may be wrong with a prediction file, in one table: what it says about each."""

import io
import os

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from lcbench.cli import app

HEADER = "image,true,predicted"
P = "p:n,p:aca,p:scc"
THREE = {"image": ["a", "b", "c"], "true": ["n", "n", "scc"], "predicted": ["n", "aca", "scc"]}


def csv(*lines, encoding="utf-8"):
    return "".join(f"{line}\n" for line in lines).encode(encoding)


def parquet(metadata=None, **columns):
    kept = {name: values for name, values in (THREE | columns).items() if values is not None}
    sink = io.BytesIO()
    pq.write_table(pa.table(kept).replace_schema_metadata(metadata), sink)
    return sink.getvalue()


def twice_in_parquet():
    sink = io.BytesIO()
    columns = [["a"], ["b"], ["n"], ["n"]]
    pq.write_table(pa.table(columns, names=["image", "image", "true", "predicted"]), sink)
    return sink.getvalue()


def forged_text():
    """Text that is no UTF-8, in a column that says it is."""
    raw = pa.array([b"a", b"\xff", b"c"])
    return parquet(image=pa.Array.from_buffers(pa.string(), 3, raw.buffers()))


# name of the case: (name of the file, its bytes, what the only problem says)
ONE_PROBLEM = {
    # no table at all
    "CSV called Parquet": ("x.parquet", csv(HEADER), ["no readable Parquet"]),
    "empty Parquet": ("x.parquet", b"", ["no readable Parquet"]),
    "Parquet marks alone": ("x.parquet", b"PAR1PAR1", ["no readable Parquet"]),
    "Parquet marks in CSV": ("x.csv", b"PAR1 and more PAR1", ["no readable Parquet"]),
    "Parquet cut off": ("x.parquet", parquet()[:-40], ["no readable Parquet"]),
    "Parquet text that is no UTF-8": ("x.parquet", forged_text(), ["no readable Parquet file"]),
    "newer Parquet": (
        "x.parquet", parquet({"lcbench_predictions_schema": "2"}), ["newer lcbench"]),
    "odd version": ("x.parquet", parquet({"lcbench_predictions_schema": "x"}), ["Parquet"]),
    "nothing": ("x.csv", b"", ["empty"]),
    "blank lines alone": ("x.csv", csv("", " "), ["empty"]),
    "zero bytes": ("x.csv", b"\x00\x01", ["zero bytes"]),
    "zero bytes in a row": ("x.csv", csv(HEADER, "a\0,n,n"), ["zero bytes"]),
    "Excel": ("x.xlsx", b"PK\x03\x04 half a workbook", ["Excel workbook"]),
    "old Excel": ("x.xls", b"\xd0\xcf\x11\xe0", ["Excel workbook"]),
    "gzip": ("x.csv.gz", b"\x1f\x8b\x08", ["gzip"]),
    "JPEG": ("x", b"\xff\xd8\xff\xe0", ["UTF-8"]),
    "Latin-1": ("x.csv", csv(HEADER, "a,n,n", "ä,n,n", encoding="latin-1"), ["UTF-8", "line 3"]),
    "UTF-16": ("x.csv", csv(HEADER, "ä,n,n", encoding="utf-16"), ["UTF-8"]),
    "UTF-16 without its mark": ("x.csv", csv(HEADER, "a,n,n", encoding="utf-16-le"), ["UTF-8"]),
    # separators, quotation marks, widths
    "semicolons": ("x.csv", csv("image;true;predicted", "a;n;n"), ["separated by semicolons"]),
    "tabs": ("x.csv", csv("image\ttrue\tpredicted", "a\tn\tn"), ["separated by tabs"]),
    "vertical bars": ("x.csv", csv("image|true|predicted", "a|n|n"), ["separated by vertical"]),
    "sep line": ("x.csv", csv("sep=;", "image;true;predicted"), ["separated by semicolons"]),
    "open quotation": ("x.csv", csv(HEADER, "x,n,n", '"a,n,n', "y,n,n"), ["begins in line 3"]),
    "text after quotation": ("x.csv", csv(HEADER, "x,n,n", '"a"b,n,n'), ["begins in line 3"]),
    "huge quoted field": (
        "x.csv", csv(HEADER, "x,n,n", '"' + "x" * 200_000), ["begins in line 3"]),
    "huge field": ("x.csv", csv(HEADER, "x,n,n", "x" * 200_000 + ",n,n"), ["begins in line 3"]),
    "too many fields": (
        "x.csv", csv(HEADER, "x,n,n", "a,b.png,n,n"), ["1 row with more or fewer", "line 3"]),
    "too few fields": (
        "x.csv", csv(HEADER, "x,n,n", "", "a,n", "b,n,n"), ["1 row with more", "line 4", "the 3"]),
    "a comma too many": (
        "x.csv", csv(HEADER, "x,n,n", "a.png,n,n,"), ["1 row with more or fewer", "4 fields"]),
    "uneven after a line break in quotation marks": (
        "x.csv", csv(HEADER, '"x\ny",n,n', "a,n"), ["line 4 with 2 fields"]),
    # columns
    "no image column": ("x.csv", csv("Image,true,predicted", "a,n,n"), [
        "no column image", "'Image' looks like image"]),
    "misspelled column": ("x.csv", csv("image,true,prediction", "a,n,n"), [
        "no column predicted", "'prediction' looks like predicted"]),
    "no true column in Parquet": ("x.parquet", parquet(true=None), ["no column true"]),
    "a column twice": ("x.csv", csv(f"{HEADER}, image ", "a,n,n,b"), ["column image: stands 2"]),
    "a column twice in Parquet": ("x.parquet", twice_in_parquet(), ["column image: stands 2"]),
    "no rows": ("x.csv", csv(HEADER), ["no rows"]),
    "Parquet without rows": (
        "x.parquet", parquet(**dict.fromkeys(THREE, pa.array([], pa.string()))), ["no rows"]),
    "blank rows": ("x.csv", csv(HEADER, "", ",,"), ["no rows"]),
    "every row left out": (
        "x.csv", csv(HEADER, "a,colon,n"), ["no rows but those that are left out"]),
    "lists for text": (
        "x.parquet", parquet(group=[["a"], ["b"], ["c"]]), ["column group: holds list<"]),
    "lists for images": (
        "x.parquet", parquet(image=[["a"], ["b"], ["c"]]), ["column image: holds list<"]),
    "bytes for text": (
        "x.parquet", parquet(group=pa.array([b"a", b"\xff", b"c"])), ["column group: holds bin"]),
    # cells
    "no image": ("x.csv", csv(HEADER, "a,n,n", ",n,n"), ["column image: 1 row is empty", "line 3"]),
    "spaces for a class": ("x.csv", csv(HEADER, "a,n,n", "b,  ,n"), [
        "column true: 1 row is empty", "line 3 (b)"]),
    "no prediction": ("x.csv", csv(HEADER, 'a,n,""', "b,n,"), [
        "column predicted: 2 rows are empty", "line 2 (a)"]),
    "an unknown class": ("x.csv", csv(HEADER, "a,benin,n"), [
        "column true: 1 row with an unknown class: 'benin' (1 row, near: benign)", "line 2 (a)"]),
    "many unknown classes": (
        "x.csv",
        csv(HEADER, *(f"{i},n,adenocarcinma" for i in range(3)),
            *(f"x{i},n,odd {i}" for i in range(20))),
        ["column predicted: 23 rows with 21 unknown classes",
         "'adenocarcinma' (3 rows, near: adenocarcinoma)", "and 13 more", "the first is line 2"],
    ),
    "a huge class": ("x.csv", csv(HEADER, f"a,{'x' * 5_000},n"), ["unknown class: 'xxx", "..."]),
    "the root": ("x.csv", csv(HEADER, "a,root,n"), ["no rows but those that are left out"]),
    "an inner node predicted": (
        "x.csv", csv(HEADER, "a,malignant,cancer"), ["not a leaf", "'cancer'", "line 2 (a)"]),
    "an answer left out": (
        "x.csv", csv(HEADER, "a,n,colon"), ["whose predicted class the label map leaves out"]),
    "an image twice": (
        "x.csv",
        csv(f"{HEADER},seed", "a,n,n,1", "./b,n,n,1", "b,n,n,2", r".\b,n,n,1", "b,n,n,1",
            "a,n,n,1"),
        ["2 images more than once", "a of seed 1", "in line 2 and line 7"],
    ),
    "two true classes": ("x.csv", csv(f"{HEADER},seed", "b,scc,n,1", "b,n,n,0"), [
        "column true: 1 image with different values; the first is b, which is "
        "'squamous_cell_carcinoma' in line 2 and 'benign' in line 3"]),
    "two groups": ("x.csv", csv(f"{HEADER},seed,group", "b,n,n,1,g", "b,n,n,0,h"), [
        "column group: 1 image with different values", "'g' in line 2 and 'h' in line 3"]),
    "two hashes": ("x.csv", csv(f"{HEADER},seed,sha256", "b,n,n,1,A", "b,n,n,0,c"), [
        "column sha256: 1 image with different values", "'a' in line 2 and 'c' in line 3"]),
    "two baselines": (
        "x.csv", csv(f"{HEADER},baseline", "a,n,n,x", "a,n,n,y"), ["2 baselines (x, y)"]),
    "two protocols": (
        "x.csv", csv(f"{HEADER},protocol", "a,n,n,x", "a,n,n,y"), ["2 protocols (x, y)"]),
    "a seed that is not whole": ("x.csv", csv(f"{HEADER},seed", "a,n,n,1", "b,n,n,0.5"), [
        "column seed: 1 row without a whole number", "line 3 (b) with '0.5'"]),
    "a missing seed in Parquet": (
        "x.parquet", parquet(seed=pa.array([1, None, 2])), ["column seed: 1 row", "row 2 (b)"]),
    "a fold that is too large": (
        "x.csv", csv(f"{HEADER},fold", "a,n,n,1", f"b,n,n,{2**63}"), ["column fold: 1 row"]),
    # probabilities
    "no number": ("x.csv", csv(f"{HEADER},{P}", "a,n,n,1,0,0", "b,n,n,1,,0"), [
        "column p:aca: 1 row without a finite number", "line 3 (b)"]),
    "infinite": ("x.csv", csv(f"{HEADER},{P}", "a,n,n,1e999,0,0"), [
        "column p:n: 1 row without a finite number"]),
    "a decimal comma": ("x.csv", csv(f"{HEADER},{P}", 'a,n,n,"0,5",.25,.25'), [
        "column p:n: 1 row without a finite number"]),
    "negative": ("x.csv", csv(f"{HEADER},{P}", "a,n,n,-1,1,1"), [
        "column p:n: 1 row below 0; the first is line 2 (a) with -1"]),
    "percentages": ("x.csv", csv(f"{HEADER},{P}", "a,n,n,1,0,0", "b,n,n,100,0,0"), [
        "1 row does not sum to 1 (within 0.001); the first is line 3 (b) with 100"]),
    "too large to add": ("x.csv", csv(f"{HEADER},{P}", "a,n,n,1e308,1e308,0"), [
        "1 row does not sum to 1"]),
    "a leaf without probabilities": ("x.csv", csv(f"{HEADER},p:n,p:aca", "a,n,n,.3,.2"), [
        "squamous_cell_carcinoma", "each leaf needs one"]),
    "two columns of a leaf": ("x.csv", csv(f"{HEADER},p:normal,{P}", "a,n,n,0,1,0,0"), [
        "p:normal and p:n", "benign"]),
    "probabilities of an inner node": ("x.csv", csv(f"{HEADER},{P},p:malignant", "a,n,n,1,0,0,0"), [
        "p:malignant", "not a leaf"]),
    "probabilities left out": ("x.csv", csv(f"{HEADER},{P},p:colon", "a,n,n,1,0,0,0"), [
        "p:colon", "leaves out"]),
    "probabilities of nothing": ("x.csv", csv(f"{HEADER},{P},p:bening", "a,n,n,1,0,0,0"), [
        "p:bening", "unknown", "near: benign"]),
    "a probability column without a name": ("x.csv", csv(f"{HEADER},{P},p:", "a,n,n,1,0,0,0"), [
        "column p:", "unknown"]),
    "a probability column twice": ("x.csv", csv(f"{HEADER},p:n,{P}", "a,n,n,1,1,0,0"), [
        "p:n: stands 2 times"]),
    "probabilities of no type": (
        "x.parquet",
        parquet(**{"p:n": pa.nulls(3), "p:aca": np.zeros(3), "p:scc": np.ones(3)}),
        ["column p:n: 3 rows without a finite number"]),
}  # fmt: skip


def rows_of_one_value(rows, size=1):
    """A column of one text in every row, which takes no space in the file."""
    codes = pa.array(np.zeros(rows, dtype=np.int32))
    column = pa.DictionaryArray.from_arrays(codes, pa.array(["x" * size]))
    sink = io.BytesIO()
    pq.write_table(pa.table([column] * 3, names=["image", "true", "predicted"]), sink)
    return sink.getvalue()


def encrypted(*, plain_footer):
    from pyarrow.parquet import encryption

    class Keys(encryption.KmsClient):
        def __init__(self, _settings):
            super().__init__()

        def wrap_key(self, key, _name):
            return key.hex().encode()

    factory = encryption.CryptoFactory(Keys)
    settings = encryption.EncryptionConfiguration(
        footer_key="k", column_keys={"k": ["image"]}, plaintext_footer=plain_footer
    )
    properties = factory.file_encryption_properties(encryption.KmsConnectionConfig(), settings)
    sink = io.BytesIO()
    pq.write_table(pa.table(THREE), sink, encryption_properties=properties)
    return sink.getvalue()


def wide(columns, prefix=""):
    sink = io.BytesIO()
    pq.write_table(pa.table({f"{prefix}{number}": [0.0] for number in range(columns)}), sink)
    return sink.getvalue()


# Files of little size that hold a great deal, or end the libraries that read them.
HOSTILE = {
    "many rows": (lambda: rows_of_one_value(6_000_000), "6,000,000 rows, but at most 5,000,000"),
    "a long text in every row": (
        lambda: rows_of_one_value(1_000_000, 200_000), "holds a text of 200,000 bytes"),
    "many columns": (lambda: wide(11_000), "11,000 columns, but at most 10,000"),
    "many classes": (lambda: wide(1_001, "p:c"), "1,001 columns p:..., but at most 1,000"),
    "many cells": (lambda: parquet(**{f"p:c{i}": np.zeros(3) for i in range(900)}),
                   "2,709 cells, but at most 2,000"),
    "much text": (lambda: parquet(image=["a" * 9_000_000, "b" * 9_000_000, "c"]),
                  "more than the 10 MB"),
    "encrypted": (lambda: encrypted(plain_footer=False), "no readable Parquet file"),
    "an encrypted column": (lambda: encrypted(plain_footer=True), "no readable Parquet file"),
    "a map": (lambda: parquet(true=pa.array([[("a", 1)]] * 3, pa.map_(pa.string(), pa.int64()))),
              "column true: holds map"),
    "a CSV of many columns": (lambda: b"a," * 2_000_000, "line 1 has 4,000,000 characters"),
    "a CSV of many classes": (
        lambda: csv(",".join(f"p:{number}" for number in range(1_001))), "1,001 columns p:..."),
}  # fmt: skip


@pytest.mark.parametrize("case", HOSTILE)
def test_what_holds_more_than_any_predictions_is_refused(inspect, tmp_path, monkeypatch, case):
    if case == "many cells":
        monkeypatch.setattr("lcbench.predictions.reading._MOST_CELLS", 2_000)
    if case == "much text":
        monkeypatch.setattr("lcbench.predictions.reading._MOST_BYTES", 10**7)
    make, said = HOSTILE[case]
    path = tmp_path / ("x.csv" if "CSV" in case else "x.parquet")
    path.write_bytes(make())
    problem = inspect(path).problems[0]
    assert said in problem.what
    assert problem.remedy
    assert len(problem.what) < 500


def test_a_huge_csv_file_is_refused_by_its_size_alone(only_problem, inspect, tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("image")
    os.truncate(path, 10**12)
    only_problem(inspect(path), "1,000,000,000,000 bytes, but at most 250,000,000")


def test_names_that_were_written_so_that_no_spreadsheet_runs_them_are_read_as_they_were(
    inspect_lines,
):
    read = inspect_lines(HEADER, "'=cmd.png,n,n", "=cmd2.png,n,n").predictions
    assert read.table["image"].tolist() == ["=cmd.png", "=cmd2.png"]


def test_dictionaries_with_gaps_are_read_as_text_is(inspect, tmp_path):
    texts = ["n", None, "scc"]
    for name, group in (("plain", pa.array(texts)), ("coded", pa.array(texts).dictionary_encode())):
        (tmp_path / name).write_bytes(parquet(group=group))
        read = inspect(tmp_path / name).predictions
        assert read.table["group"].tolist() == ["n", "", "scc"]


@pytest.mark.parametrize("case", ONE_PROBLEM)
def test_one_thing_is_wrong_and_is_told_with_a_remedy(only_problem, inspect, tmp_path, case):
    name, content, said = ONE_PROBLEM[case]
    (tmp_path / name).write_bytes(content)
    problem = only_problem(inspect(tmp_path / name), *said)
    assert len(problem.what) < 500


@pytest.mark.parametrize(
    ("line", "remedies"),
    [
        ("a,benin,n", ["--labels", "Known classes: benign, "]),
        ("a,n,malignant", ["benign, adenocarcinoma, squamous_cell_carcinoma"]),
        (",n,n", ["Fill the column image"]),
    ],
)
def test_the_remedy_fits_the_problem(only_problem, inspect_lines, line, remedies):
    problem = only_problem(inspect_lines(HEADER, line))
    assert all(words in problem.remedy for words in remedies)


def test_no_file_ends_in_a_traceback(tmp_path):
    labels = tmp_path / "labels.toml"
    labels.write_text('[labels]\ncolon = "leave-out"\n')
    for name, content, _ in ONE_PROBLEM.values():
        (tmp_path / name).write_bytes(content)
        words = ["validate", str(tmp_path / name), "--labels", str(labels)]
        result = CliRunner().invoke(app, words, catch_exceptions=False)
        assert result.exit_code == 1
        assert "not valid: 1 problem" in result.stdout
