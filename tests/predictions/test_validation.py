import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lcbench.predictions.validation import Columns, inspect_predictions

HEADER = "image,true,predicted"
P = "p:n,p:aca,p:scc"
# What CSV readers like to take for numbers, for missing values or for the end of a line.
tricky = st.sampled_from(
    ["007", "1e5", "nan", "NA", "None", "null", "True", "a,b", 'a "b"', "ä ö", "-0", "a\r\nb"]
)
names = tricky | st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\\./\ufeff"), max_size=8
)


def whats(findings):
    return [finding.what for finding in findings]


# What is right


def test_images_of_no_class_of_the_tree_are_left_out_unless_they_are_asked_for(reader, csv_file):
    path = csv_file(HEADER, "a,n,n", "b,root,aca", "c,root,scc")
    inspection = inspect_predictions(path, reader)
    assert inspection.valid
    assert inspection.left_out == 2
    assert "2 rows of no class of the tree are left out ('root')" in whats(inspection.notes)[0]
    kept = inspect_predictions(path, reader, unscored=True)
    assert (kept.left_out, kept.predictions.table["true"].tolist()) == (
        0,
        ["benign", *["root"] * 2],
    )
    answered = inspect_predictions(csv_file(HEADER, "a,n,root"), reader, unscored=True)
    assert not answered.valid


def test_three_columns_are_enough(inspect_lines):
    inspection = inspect_lines(HEADER, "x/a.png,lung_n,Normal", "x/b.png,malignant,lung_aca")
    assert inspection.valid
    assert inspection.rows == 2
    table = inspection.predictions.table
    assert table.columns.tolist() == [
        "image", "sha256", "group", "protocol", "seed", "fold", "baseline", "true", "predicted",
    ]  # fmt: skip
    assert table.to_dict("list") == {
        "image": ["x/a.png", "x/b.png"],
        "sha256": ["", ""],
        "group": ["", ""],
        "protocol": ["", ""],
        "baseline": ["", ""],
        "seed": [0, 0],
        "fold": [0, 0],
        "true": ["benign", "malignant"],
        "predicted": ["benign", "adenocarcinoma"],
    }
    assert inspection.predictions.probabilities is None
    assert inspection.predictions.name == "model"


def test_what_a_complete_file_tells_is_counted_without_a_note(inspect_lines):
    inspection = inspect_lines(
        f"note,{HEADER},sha256,group,seed,fold,protocol,baseline,{P},note,,",
        r"x,.\x\a,n,n,AB,007,3,1,paper,knn,.4,.3,.3,y,,",
        "x,././b,malignant,aca,CD,08,3,1,paper,knn,.4,.5,.1,y,,",
        "x,x/a,n,n,ab,007,4,2,paper,knn,.4,.3,.3,y,,",
    )
    assert inspection.notes == ()
    assert inspection.columns == Columns(
        probabilities=True, sha256=True, images=2, groups=2, seeds=(3, 4), folds=(1, 2),
        classes=("benign", "malignant"), protocol="paper", baseline="knn",
    )  # fmt: skip
    assert inspection.predictions.name == "knn"
    table = inspection.predictions.table
    assert table["image"].tolist() == ["x/a", "b", "x/a"]
    assert table["sha256"].tolist() == ["ab", "cd", "ab"]
    assert table["group"].tolist() == ["007", "08", "007"]


def test_empty_columns_are_as_if_they_were_not_there(inspect_lines):
    inspection = inspect_lines(f"{HEADER},sha256,group,seed,fold,baseline", "a,n,n,,  ,,,")
    assert inspection.columns == Columns(images=1, seeds=(0,), folds=(0,), classes=("benign",))


@settings(max_examples=40)
@given(rows=st.dictionaries(names.filter(str.strip), names, min_size=1, max_size=5))
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_text_is_read_as_text(tmp_path_factory, reader, suffix, rows):
    path = tmp_path_factory.getbasetemp() / f"text{suffix}"
    table = pd.DataFrame(
        {"image": list(rows), "true": "n", "predicted": "n", "group": rows.values()}
    )
    if suffix == ".csv":
        table.to_csv(path, index=False)
    else:
        pq.write_table(pa.Table.from_pandas(table), path)
    read = inspect_predictions(path, reader)
    assert whats(read.problems) == []
    assert read.predictions.table["image"].tolist() == list(rows)
    groups = [group if group.strip() else "" for group in rows.values()]
    assert read.predictions.table["group"].tolist() == groups


def test_a_seed_may_be_written_as_spreadsheets_do(inspect_lines):
    inspection = inspect_lines(
        f"{HEADER},seed,fold", "a,n,n,1.0, 2", "b,n,n,1,-3.", "c,n,n,+1,9223372036854775807"
    )
    table = inspection.predictions.table
    assert table["seed"].tolist() == [1, 1, 1]
    assert table["fold"].tolist() == [2, -3, 2**63 - 1]
    assert table.dtypes[["seed", "fold"]].tolist() == [np.int64, np.int64]


def test_probabilities_are_put_in_the_order_of_the_leaves_and_made_to_sum_to_one(inspect_lines):
    inspection = inspect_lines(
        "p:lung_scc,image,p:Normal,true,predicted,p:luad",
        ".2,a,.5005,n,n,.3",
        "1e-320,b,0,n,scc,1.0009",
    )
    assert inspection.valid
    chances = inspection.predictions.probabilities
    assert chances.sum(axis=1) == pytest.approx([1, 1], abs=1e-15)
    assert chances[0] == pytest.approx(np.array([0.5005, 0.3, 0.2]) / 1.0005)


def test_sums_that_are_off_by_rounding_alone_are_left_alone(inspect_lines):
    third = 1 / 3
    rows = [f"a,n,n,{third},{third},{third}", f"b,n,n,{1 - 1e-10},0,0", f"c,n,n,{1 - 1e-8},0,0"]
    chances = inspect_lines(f"{HEADER},{P}", *rows).predictions.probabilities
    assert chances[0].tolist() == [third] * 3
    assert chances[1:, 0].tolist() == [1 - 1e-10, 1]


def test_probabilities_rounded_to_few_decimals_are_made_to_sum_to_one_and_noted(inspect_lines):
    four_decimals = ["a,n,n,.334,.3335,.334", "c,n,n,1,0,0"]
    assert not inspect_lines(f"{HEADER},{P}", *four_decimals).valid
    inspection = inspect_lines(f"{HEADER},{P}", "a,n,n,.33,.33,.33", "b,n,n,.2,.3,.5")
    assert inspection.predictions.probabilities[0] == pytest.approx([1 / 3] * 3, abs=1e-15)
    assert inspection.predictions.notes[0].what == (
        "columns p:...: 1 row does not sum to 1: rounded to 2 decimals, so divided by the "
        "sum; the first is line 2 (a)"
    )


@pytest.mark.parametrize(("third", "valid"), [(0.25, True), (0.252, True), (0.253, False)])
@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_three_decimals_may_miss_one_by_half_a_unit_for_each_class(
    inspect, tmp_path, kind, third, valid
):
    rows = pd.DataFrame({"image": ["a", "b"], "true": "n", "predicted": "n"})
    for name, value in zip(P.split(","), (0.501, 0.248, third), strict=True):
        rows[name] = np.array([value, 1.0 if name == "p:n" else 0.0], kind)
    rows.to_parquet(tmp_path / "x.parquet")
    assert inspect(tmp_path / "x.parquet").valid is valid


@given(st.lists(st.floats(0.001, 1), min_size=3, max_size=3), st.sampled_from([2, 3, 4]))
def test_whatever_sums_to_one_is_accepted_after_rounding(reader, values, decimals):
    shares = (np.array(values) / sum(values)).round(decimals)
    raw = pa.table(
        {"image": ["a", "b"], "true": ["n", "n"], "predicted": ["n", "n"],
         **{name: [share, 1.0 if name == "p:n" else 0.0]
            for name, share in zip(P.split(","), shares, strict=True)}}
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        pq.write_table(raw, f"{folder}/x.parquet")
        inspection = inspect_predictions(Path(folder) / "x.parquet", reader)
    assert inspection.valid
    assert inspection.predictions.probabilities.sum(axis=1) == pytest.approx([1, 1], abs=1e-9)


# What it cannot be used for


def test_notes_say_what_the_file_cannot_be_used_for(inspect_lines):
    assert whats(inspect_lines(HEADER, "a,n,n").notes) == [
        "no column group: images are taken as independent; clustered tests need a group column",
        "no columns p:<class>: no AUROC, average precision, log loss, Brier score or calibration",
        "no column sha256: images are matched by name",
    ]
    some = whats(
        inspect_lines(f"{HEADER},group,sha256", "a,n,n,g,ab", "b,n,n,,", "c,n,n, ,c").notes
    )
    assert some[0].startswith("column group: 2 rows without a group")
    assert some[2] == "column sha256: 1 row without a hash; images are matched by name"


def test_rows_that_the_map_leaves_out_are_dropped_counted_and_not_checked(inspect_lines):
    inspection = inspect_lines(
        f"{HEADER},{P}", "a,n,n,1,0,0", "b,colon,whatever,9,9,9", ",Colon,,,,", "a,colon,,x,y,z"
    )
    assert inspection.valid
    assert (inspection.rows, inspection.left_out, inspection.columns.images) == (4, 3, 1)
    assert len(inspection.predictions.probabilities) == 1
    (note,) = (note for note in whats(inspection.notes) if "left out" in note)
    assert note.startswith("column true: 3 rows left out")
    assert "'colon', 'Colon'" in note
    assert inspection.predictions.notes == inspection.notes


def test_another_answer_than_the_most_probable_class_is_noted_but_a_tie_is_not(inspect_lines):
    inspection = inspect_lines(
        f"{HEADER},{P}", "a,n,scc,.4,.2,.4", "b,n,aca,.5,.4999,.0001", "c,n,n,.2,.2,.6"
    )
    assert inspection.valid
    (note,) = (note for note in whats(inspection.notes) if "predicted" in note)
    assert "column predicted: 2 rows whose class does not have the largest" in note
    assert "line 3 (b)" in note


# What is wrong with cells


def test_every_problem_is_found_not_only_the_first(inspect_lines):
    inspection = inspect_lines(
        f"{HEADER},seed,fold,group,sha256,{P}",
        "a,benin,malignant,0,0,g,x,1,0,0",
        "a,n,colon,0,0,h,y,-1,1,1",
        ",,,.5,x,g,z,1,1,1",
        "b,scc,n,1,0,g,z,,0,1",
        "b,n,n,1,0,g,z,50,25,25",
        "c,n,n",
    )
    problems = whats(inspection.problems)
    wanted = [
        "1 row with more or fewer fields than the 10 of the header; the first is line 7 with 3",
        "column image: 1 row is empty; the first is line 4",
        "column true: 1 row is empty",
        "column predicted: 1 row is empty",
        "column true: 1 row with an unknown class: 'benin' (1 row, near: benign)",
        "not a leaf of the class tree ('malignant'); the first is line 2 (a)",
        "whose predicted class the label map leaves out ('colon')",
        "column seed: 1 row without a whole number",
        "column fold: 1 row without a whole number",
        "column true: 1 image with different values; the first is b, which is "
        "'squamous_cell_carcinoma' in line 5 and 'benign' in line 6",
        "column group: 1 image with different values; the first is a",
        "column sha256: 1 image with different values; the first is a",
        "column p:n: 1 row without a finite number; the first is line 5 (b)",
        "column p:n: 1 row below 0; the first is line 3 (a) with -1",
        "columns p:...: 2 rows do not sum to 1 (within 0.001); the first is line 4 with 3",
    ]
    for words in wanted:
        assert any(words in problem for problem in problems), words
    assert len(problems) == len(wanted)
    assert all(problem.remedy for problem in inspection.problems)
    assert inspection.predictions is None


@pytest.mark.parametrize(
    "text", ["", "x", "0.5", "inf", "nan", "1e300", "9223372036854775808", "1_0", "1 0", "0x1",
             "9" * 5_000, "١"],
)  # fmt: skip
def test_what_is_no_whole_number_is_named(only_problem, inspect_lines, text):
    inspection = inspect_lines(f"{HEADER},seed", "a,n,n,1", f'b,n,n,"{text}"', "c,n,n,1")
    only_problem(inspection, "column seed: 1 row without a whole number", "line 3 (b)")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        *((values, "1 row without a finite number") for values in ("x,0,0", "nan,0,1", "inf,0,0")),
        *((values, "1 row does not sum to 1") for values in ("0,0,0", ".5,.2,.2", ".5,.3,.202")),
    ],
)
def test_what_is_no_probability_is_named_once(only_problem, inspect_lines, values, said):
    inspection = inspect_lines(f"{HEADER},{P}", "a,n,n,1,0,0", f"b,n,n,{values}")
    only_problem(inspection, said, "line 3 (b)")
