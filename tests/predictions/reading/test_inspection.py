import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lcbench.predictions.reading.inspection import inspect_predictions
from lcbench.predictions.table import predictions_table, write_predictions

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


def test_three_columns_are_enough(inspect_lines):
    inspection = inspect_lines(HEADER, "x/a.png,lung_n,Normal", "x/b.png,malignant,lung_aca")
    assert inspection.valid
    assert inspection.rows == 2
    table = inspection.predictions.table
    assert table.columns.tolist() == [
        "image", "sha256", "group", "seed", "fold", "true", "predicted",
    ]  # fmt: skip
    assert table.to_dict("list") == {
        "image": ["x/a.png", "x/b.png"],
        "sha256": ["", ""],
        "group": ["", ""],
        "seed": [0, 0],
        "fold": [0, 0],
        "true": ["benign", "malignant"],
        "predicted": ["benign", "adenocarcinoma"],
    }
    assert inspection.predictions.probabilities is None
    assert inspection.predictions.name == "model"


def test_a_file_of_our_own_is_read_to_the_last_bit_and_without_a_note(inspect, lung, tmp_path):
    chances = np.array([[0.5, 0.25, 0.25], [0.125, 0.75, 0.125]])
    images = pd.DataFrame(
        {
            "image": ["a", "b"],
            "sha256": ["0" * 64, "1" * 64],
            "group": ["007", "08"],
            "label": ["benign", "malignant"],
        }
    )
    made = predictions_table(
        images, chances, lung.leaves, protocol="paper", seed=3, fold=1, baseline="knn"
    )
    path = tmp_path / "predictions.parquet"
    write_predictions(path, made)
    inspection = inspect(path)
    assert inspection.valid
    assert inspection.notes == ()
    columns = inspection.columns
    assert (columns.protocol, columns.baseline) == ("paper", "knn")
    assert (columns.seeds, columns.folds) == ((3,), (1,))
    assert (columns.images, columns.groups) == (2, 2)
    assert columns.probabilities
    assert columns.sha256
    assert columns.classes == ("benign", "malignant")
    assert inspection.predictions.name == "knn"
    assert inspection.predictions.table["group"].tolist() == ["007", "08"]
    assert (inspection.predictions.probabilities == chances).all()


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


def test_names_that_other_readers_take_for_missing_are_classes_groups_and_images(inspect_lines):
    inspection = inspect_lines(f"{HEADER},group", "0012,NA,None,NA", "null,None,NA,None")
    assert inspection.predictions.table[
        ["image", "true", "predicted", "group"]
    ].values.tolist() == [
        ["0012", "benign", "adenocarcinoma", "NA"],
        ["null", "adenocarcinoma", "benign", "None"],
    ]


def test_image_names_become_posix_paths_and_hashes_lower_case(inspect_lines):
    inspection = inspect_lines(
        f"{HEADER},sha256", r".\x\a.png,n,n,AB", "././b.png,n,n,CD", ".hidden/c.png,n,n,ef"
    )
    table = inspection.predictions.table
    assert table["image"].tolist() == ["x/a.png", "b.png", ".hidden/c.png"]
    assert table["sha256"].tolist() == ["ab", "cd", "ef"]


def test_a_seed_may_be_written_as_spreadsheets_do(inspect_lines):
    inspection = inspect_lines(
        f"{HEADER},seed,fold", "a,n,n,1.0, 2", "b,n,n,1,-3.", "c,n,n,+1,9223372036854775807"
    )
    table = inspection.predictions.table
    assert table["seed"].tolist() == [1, 1, 1]
    assert table["fold"].tolist() == [2, -3, 2**63 - 1]
    assert table.dtypes[["seed", "fold"]].tolist() == [np.int64, np.int64]


def test_columns_that_are_empty_are_as_if_they_were_not_there(inspect_lines):
    inspection = inspect_lines(f"{HEADER},sha256,group,seed,fold,baseline", "a,n,n,,  ,,,")
    assert inspection.valid
    assert inspection.columns.seeds == (0,)
    assert (inspection.columns.groups, inspection.columns.sha256) == (0, False)


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


def test_one_image_may_stand_once_for_each_seed(inspect_lines):
    inspection = inspect_lines(f"{HEADER},seed,fold", "a,n,n,0,0", "a,n,n,1,4", "b,n,n,0,1")
    assert inspection.valid
    assert (inspection.columns.images, inspection.columns.seeds) == (2, (0, 1))
    assert inspection.columns.folds == (0, 1, 4)


def test_other_columns_do_no_harm_even_twice(inspect_lines):
    inspection = inspect_lines(f"note,{HEADER},note,,", "x,a,n,n,y,,")
    assert inspection.predictions.table["image"].tolist() == ["a"]


# What it cannot be used for


def test_notes_say_what_the_file_cannot_be_used_for(inspect_lines):
    assert whats(inspect_lines(HEADER, "a,n,n").notes) == [
        "no column group: images are taken as independent; clustered tests need a group column",
        "no columns p:<class>: no AUROC, average precision, log loss, Brier score or calibration",
        "no column sha256: images are matched by name",
    ]
    full = inspect_lines(f"{HEADER},group,sha256,{P}", "a,n,n,g,ab,.4,.3,.3")
    assert full.notes == ()


def test_groups_and_hashes_of_some_rows_are_noted(inspect_lines):
    notes = whats(
        inspect_lines(f"{HEADER},group,sha256", "a,n,n,g,ab", "b,n,n,,", "c,n,n, ,cd").notes
    )
    assert any("column group: 2 rows without a group" in note for note in notes)
    assert any(
        "column sha256: 1 row without a hash; images are matched by name" in n for n in notes
    )


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
    assert inspection.predictions.notes == tuple(whats(inspection.notes))


def test_another_answer_than_the_most_probable_class_is_noted_but_a_tie_is_not(inspect_lines):
    inspection = inspect_lines(
        f"{HEADER},{P}", "a,n,scc,.4,.2,.4", "b,n,aca,.5,.4999,.0001", "c,n,n,.2,.2,.6"
    )
    assert inspection.valid
    (note,) = (note for note in whats(inspection.notes) if "predicted" in note)
    assert "column predicted: 2 rows whose class does not have the largest" in note
    assert "line 3 (b)" in note


def test_image_names_that_are_stored_as_numbers_are_noted(inspect, parquet_file):
    inspection = inspect(parquet_file(image=[12, 7, 9]))
    assert inspection.predictions.table["image"].tolist() == ["12", "7", "9"]
    assert any("leading zeros" in note for note in whats(inspection.notes))


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


@pytest.mark.parametrize("column", ["image", "true", "predicted"])
@pytest.mark.parametrize("nothing", ["", "  ", '""'])
def test_an_empty_cell_is_named(only_problem, inspect_lines, column, nothing):
    cells = {"image": "b", "true": "n", "predicted": "n", column: nothing}
    inspection = inspect_lines(HEADER, "a,n,n", ",".join(cells.values()))
    only_problem(inspection, f"column {column}: 1 row is empty", "line 3")


def test_unknown_classes_are_listed_with_counts_and_near_names(only_problem, inspect_lines):
    rows = [f"{i},n,adenocarcinma" for i in range(3)] + [f"x{i},n,odd {i}" for i in range(20)]
    problem = only_problem(
        inspect_lines(HEADER, *rows),
        "column predicted: 23 rows with 21 unknown classes",
        "'adenocarcinma' (3 rows, near: adenocarcinoma)",
        "and 13 more",
        "the first is line 2 (0)",
    )
    assert "--labels" in problem.remedy
    assert "Known classes: benign, adenocarcinoma, squamous_cell_carcinoma." in problem.remedy


def test_a_true_class_may_be_coarse_but_a_prediction_may_not(only_problem, inspect_lines):
    problem = only_problem(
        inspect_lines(HEADER, "a,malignant,cancer"), "not a leaf", "'cancer'", "line 2 (a)"
    )
    assert "benign, adenocarcinoma, squamous_cell_carcinoma" in problem.remedy


def test_the_root_is_no_class(only_problem, inspect_lines):
    only_problem(inspect_lines(HEADER, "a,root,n"), "unknown class: 'root'")


@pytest.mark.parametrize("name", ["a" * 5_000, "[red]x", "\x1b[31m", "%s{0}", "ä" * 200])
def test_odd_names_are_clipped_or_quoted(only_problem, inspect_lines, name):
    problem = only_problem(inspect_lines(HEADER, f"{name},{name},n"), "unknown class")
    assert len(problem.what) < 500


def test_an_image_that_stands_twice_is_named_with_both_places(only_problem, inspect_lines):
    inspection = inspect_lines(
        f"{HEADER},seed", "a,n,n,1", "./b,n,n,1", "b,n,n,2", r".\b,n,n,1", "b,n,n,1", "a,n,n,1"
    )
    only_problem(inspection, "2 images more than once", "a of seed 1", "in line 2 and line 7")


@pytest.mark.parametrize("column", ["seed", "fold"])
@pytest.mark.parametrize(
    "text", ["", "x", "0.5", "inf", "nan", "1e300", "99999999999999999999", "9223372036854775808",
             "1_0", "1 0", "0x1", "9" * 5_000, "١"],
)  # fmt: skip
def test_what_is_no_whole_number_is_named(only_problem, inspect_lines, column, text):
    inspection = inspect_lines(f"{HEADER},{column}", "a,n,n,1", f'b,n,n,"{text}"', "c,n,n,1")
    only_problem(inspection, f"column {column}: 1 row without a whole number", "line 3 (b)")


@pytest.mark.parametrize(
    "values", ["1,,0", "x,0,0", '"0,5",.25,.25', "nan,0,1", "inf,0,0", "1e999,0,0"]
)
def test_what_is_no_probability_is_named_once(only_problem, inspect_lines, values):
    only_problem(
        inspect_lines(f"{HEADER},{P}", "a,n,n,1,0,0", f"b,n,n,{values}"),
        "1 row without a finite number",
        "line 3 (b)",
    )


@pytest.mark.parametrize("values", ["0,0,0", ".5,.2,.2", ".5,.3,.202", "100,0,0", "1e308,1e308,0"])
def test_probabilities_that_do_not_sum_to_one_are_named(only_problem, inspect_lines, values):
    inspection = inspect_lines(f"{HEADER},{P}", "a,n,n,1,0,0", f"b,n,n,{values}")
    only_problem(inspection, "1 row does not sum to 1", "line 3 (b)")


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ("p:n,p:normal,p:aca,p:scc", ["p:n and p:normal", "benign"]),
        ("p:n,p:aca,p:scc,p:malignant", ["p:malignant", "not a leaf"]),
        ("p:n,p:aca,p:scc,p:colon", ["p:colon", "leaves out"]),
        ("p:n,p:aca,p:scc,p:bening", ["p:bening", "unknown", "near: benign"]),
        ("p:n,p:aca,p:scc,p:", ["column p:", "unknown"]),
        ("p:n,p:aca", ["squamous_cell_carcinoma", "each leaf needs one"]),
        ("p:n,p:n,p:aca,p:scc", ["p:n: stands 2 times"]),
    ],
)
def test_probability_columns_must_be_the_leaves(only_problem, inspect_lines, columns, said):
    cells = ",".join(["1", *["0"] * columns.count(",")])
    only_problem(inspect_lines(f"{HEADER},{columns}", f"a,n,n,{cells}"), *said)


def test_incomplete_or_negative_probabilities_are_not_added_up(only_problem, inspect_lines):
    only_problem(inspect_lines(f"{HEADER},p:n,p:aca", "a,n,n,.3,.2"), "each leaf needs one")
    only_problem(inspect_lines(f"{HEADER},{P}", "a,n,n,-1,.3,.2"), "column p:n: 1 row below 0")


@pytest.mark.parametrize("column", ["baseline", "protocol"])
def test_rows_of_two_models_are_told_apart_from_one_model(only_problem, inspect_lines, column):
    inspection = inspect_lines(f"{HEADER},{column}", "a,n,n,x", "a,n,n,y")
    only_problem(inspection, f"2 {column}s (x, y)")


# What is wrong with the table


@pytest.mark.parametrize("column", ["image", "true", "predicted"])
def test_a_missing_column_is_named_and_what_is_there(
    only_problem, inspect, csv_file, parquet_file, column
):
    kept = [name for name in ("image", "true", "predicted") if name != column]
    for path in (csv_file(",".join(kept), "n,n"), parquet_file(**{column: None})):
        only_problem(inspect(path), f"no column {column}: the file has {', '.join(kept)}")


def test_near_names_of_missing_columns_are_named(only_problem, inspect_lines):
    problem = only_problem(inspect_lines("Image,true,prediction", "a,n,n"), "no column image")
    assert "'Image' looks like image" in problem.what
    assert "'prediction' looks like predicted" in problem.what


def test_a_column_that_stands_twice_is_named(only_problem, inspect, inspect_lines, tmp_path):
    inspection = inspect_lines(f"{HEADER}, image ", "a,n,n,b")
    only_problem(inspection, "column image: stands 2 times")
    twice = pa.table([["a"], ["b"], ["n"], ["n"]], names=["image", "image", "true", "predicted"])
    pq.write_table(twice, tmp_path / "twice.parquet")
    only_problem(inspect(tmp_path / "twice.parquet"), "column image: stands 2 times")


@pytest.mark.parametrize("lines", [[], ["", " "], [HEADER], [HEADER, "", ",,"]])
def test_a_file_without_rows_is_a_problem(only_problem, inspect_lines, lines):
    only_problem(inspect_lines(*lines))


def test_a_parquet_file_without_rows_is_a_problem(only_problem, inspect, parquet_file):
    empty = pa.array([], pa.string())
    inspection = inspect(parquet_file(image=empty, true=empty, predicted=empty))
    only_problem(inspection, "no rows")
    assert inspection.notes == ()


def test_a_file_of_which_every_row_is_left_out_is_a_problem(only_problem, inspect_lines):
    only_problem(inspect_lines(HEADER, "a,colon,n"), "no rows but those that the label map")
