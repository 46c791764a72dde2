import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lcbench.errors import UserError
from lcbench.predictions.table import (
    COLUMNS,
    Predictions,
    predictions_table,
    read_predictions,
    write_predictions,
)

LEAVES = ("benign", "adenocarcinoma", "squamous_cell_carcinoma")
# What CSV readers like to take for numbers, for missing values or for the end of a line.
tricky = st.sampled_from(
    ["007", "1e5", "nan", "NA", "None", "", "True", "a,b", 'a "b"', "ä ö", "-0"]
)
names = tricky | st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=8)


def images(count, **columns):
    table = pd.DataFrame(
        {
            "image": [f"lung_n/{number:03d}.png" for number in range(count)],
            "sha256": [f"{number:064x}" for number in range(count)],
            "group": [f"{number // 2:03d}" for number in range(count)],
            "label": [LEAVES[number % 3] for number in range(count)],
        }
    )
    return table.assign(**columns)


def some_predictions(count=6, seed=0, **columns):
    probabilities = np.random.default_rng(seed).dirichlet(np.ones(3), size=count)
    return predictions_table(
        images(count, **columns),
        probabilities,
        LEAVES,
        protocol="paper",
        seed=3,
        fold=1,
        baseline="reference",
    )


def store(table, path):
    if path.suffix == ".csv":
        table.to_csv(path, index=False)
    else:
        pq.write_table(pa.Table.from_pandas(table, preserve_index=False), path)
    return path


@pytest.fixture(params=["predictions.parquet", "predictions.csv"])
def file(request, tmp_path):
    return tmp_path / request.param


# making a table


def test_each_image_keeps_its_own_probabilities_whatever_the_index_of_the_manifest():
    manifest = images(5).iloc[[4, 1, 3]]
    probabilities = np.array([[0.1, 0.2, 0.7], [0.5, 0.3, 0.2], [0.2, 0.6, 0.2]])
    made = predictions_table(
        manifest, probabilities, LEAVES, protocol="paper", seed=0, fold=0, baseline="b"
    )
    assert made.table["image"].tolist() == [f"lung_n/00{number}.png" for number in (4, 1, 3)]
    assert made.table["true"].tolist() == [LEAVES[1], LEAVES[1], LEAVES[0]]
    assert made.table["predicted"].tolist() == [LEAVES[2], LEAVES[0], LEAVES[1]]
    assert (made.probabilities == probabilities).all()


def test_a_tie_goes_to_the_first_leaf():
    third = 1 / 3
    tied = np.array([[third, third, third], [0.2, 0.4, 0.4], [0.5, 0.0, 0.5]])
    made = predictions_table(
        images(3), tied, LEAVES, protocol="paper", seed=0, fold=0, baseline="b"
    )
    assert made.table["predicted"].tolist() == ["benign", "adenocarcinoma", "benign"]


# to a file and back


@settings(deadline=None)
@given(
    rows=st.lists(st.tuples(names, names, names), min_size=1, max_size=5),
    baseline=names,
    seed=st.integers(0, 2**63 - 1),
)
@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_predictions_come_back_to_the_last_bit(tmp_path_factory, suffix, rows, baseline, seed):
    image, group, sha256 = zip(*rows, strict=True)
    probabilities = np.random.default_rng(len(rows)).dirichlet(np.ones(3), size=len(rows))
    manifest = images(len(rows), image=image, group=group, sha256=sha256)
    made = predictions_table(
        manifest, probabilities, LEAVES, protocol="paper", seed=seed, fold=0, baseline=baseline
    )
    path = tmp_path_factory.getbasetemp() / f"round-trip{suffix}"
    if suffix == ".csv":
        store(made.table, path)
    else:
        write_predictions(path, made)
    back = read_predictions(path)
    assert back.leaves == LEAVES
    assert back.table.to_dict("list") == made.table.to_dict("list")
    assert (back.probabilities == made.probabilities).all()


def test_equal_predictions_are_equal_bytes(tmp_path):
    made = some_predictions(50)
    odd_index = made.table.set_index(pd.Index(range(50, 0, -1), name="odd"))
    write_predictions(tmp_path / "a.parquet", made)
    write_predictions(tmp_path / "b.parquet", Predictions(odd_index, LEAVES))
    write_predictions(tmp_path / "c.parquet", read_predictions(tmp_path / "a.parquet"))
    write_predictions(tmp_path / "d.parquet", some_predictions(50, seed=1))
    a, b, c, d = ((tmp_path / f"{name}.parquet").read_bytes() for name in "abcd")
    assert a == b == c
    assert a != d


def test_other_columns_and_another_order_do_no_harm(file):
    table = some_predictions().table
    table = table[table.columns[::-1]].assign(note="mine")
    back = read_predictions(store(table, file))
    assert back.leaves == LEAVES[::-1]
    assert (back.probabilities == some_predictions().probabilities[:, ::-1]).all()


def test_missing_groups_are_empty(tmp_path):
    table = some_predictions().table.assign(group=None)
    back = read_predictions(store(table, tmp_path / "p.parquet"))
    assert back.table["group"].tolist() == [""] * 6


def test_a_csv_file_may_shout_its_suffix(tmp_path):
    some_predictions().table.to_csv(tmp_path / "P.CSV", index=False)
    assert len(read_predictions(tmp_path / "P.CSV").table) == 6


# what is refused


def refused(path):
    with pytest.raises(UserError) as raised:
        read_predictions(path)
    assert str(path) in raised.value.message
    return raised.value


@pytest.mark.parametrize("column", COLUMNS)
def test_a_missing_column_is_named(file, column):
    error = refused(store(some_predictions().table.drop(columns=column), file))
    assert f"missing columns: {column}" in error.message


def change(column, value):
    table = some_predictions().table.astype({column: object})
    table.loc[4, column] = value
    return table


@pytest.mark.parametrize("value", [-0.5, 1.5, np.nan, np.inf, -np.inf, None])
def test_a_row_whose_probabilities_are_none_is_named(file, value):
    table = change("p:benign", value).astype({"p:benign": float})
    error = refused(store(table, file))
    assert "1 rows" in error.message
    assert "lung_n/004.png" in error.message


def test_a_negative_probability_is_refused_even_where_the_sum_is_one(file):
    table = some_predictions().table
    table.loc[2, ["p:benign", "p:adenocarcinoma", "p:squamous_cell_carcinoma"]] = [-0.5, 1, 0.5]
    assert "lung_n/002.png" in refused(store(table, file)).message


@pytest.mark.parametrize("text", ["", "x", "nan", "0,3"])
def test_text_in_the_place_of_a_probability_is_named(tmp_path, text):
    error = refused(store(change("p:benign", text), tmp_path / "p.csv"))
    assert "lung_n/004.png" in error.message


@pytest.mark.parametrize("column", ["seed", "fold"])
@pytest.mark.parametrize("text", ["", "x", "0.5", "inf", "nan"])
def test_a_seed_or_fold_that_is_no_whole_number_is_named(tmp_path, column, text):
    assert column in refused(store(change(column, text), tmp_path / "p.csv")).message


def test_a_missing_seed_is_named(tmp_path):
    table = some_predictions().table.astype({"seed": float})
    table.loc[1, "seed"] = np.nan
    assert "seed" in refused(store(table, tmp_path / "p.parquet")).message


def test_a_predicted_class_without_probabilities_is_named(file):
    assert "large_cell" in refused(store(change("predicted", "large_cell"), file)).message


def test_one_probability_column_is_too_few(file):
    table = some_predictions().table.drop(columns=[f"p:{leaf}" for leaf in LEAVES[1:]])
    refused(store(table.assign(**{"p:benign": 1.0}), file))


def test_a_file_of_a_newer_version_is_not_guessed_at(tmp_path):
    path = tmp_path / "p.parquet"
    write_predictions(path, some_predictions())
    stored = pq.read_table(path)
    (key,) = stored.schema.metadata
    pq.write_table(stored.replace_schema_metadata({key: b"2"}), path)
    error = refused(path)
    assert "newer" in error.message
    assert "Update" in error.remedy


@pytest.mark.parametrize("content", [b"", b"not a table", b"PAR1", b"PAR1PAR1", b"\xff\xfe\x00"])
def test_a_file_that_is_no_table_is_refused(file, content):
    file.write_bytes(content)
    refused(file)


def test_a_file_that_is_not_there_or_a_folder_is_refused(file):
    refused(file)
    file.mkdir()
    refused(file)


def test_a_parquet_file_cut_off_anywhere_is_refused(tmp_path):
    whole, cut = tmp_path / "whole.parquet", tmp_path / "cut.parquet"
    write_predictions(whole, some_predictions())
    content = whole.read_bytes()
    for length in range(0, len(content), 97):
        cut.write_bytes(content[:length])
        refused(cut)


def test_a_parquet_file_with_a_broken_byte_is_read_or_refused_but_never_crashes(tmp_path):
    whole, broken = tmp_path / "whole.parquet", tmp_path / "broken.parquet"
    write_predictions(whole, some_predictions(40))
    content = whole.read_bytes()
    refusals = 0
    for position in range(0, len(content), 23):
        damaged = bytearray(content)
        damaged[position] ^= 0xFF
        broken.write_bytes(damaged)
        try:
            read_predictions(broken)
        except UserError:
            refusals += 1
    assert refusals > 50
