from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lcbench.datasets.labels import LabelReader
from lcbench.predictions.table import (
    COLUMNS,
    predictions_table,
    stated_decision,
    write_predictions,
)
from lcbench.predictions.validation import load_predictions

LEAVES = ("benign", "adenocarcinoma", "squamous_cell_carcinoma")
# What CSV readers like to take for numbers, for missing values or for the end of a line.
tricky = st.sampled_from(["007", "1e5", "nan", "NA", "None", "True", "a,b", 'a "b"', "ä ö", "-0"])
names = tricky | st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Z"], exclude_characters="\\./"), max_size=8
)


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


def test_another_rule_gives_other_answers_of_the_same_probabilities(lung):
    made = predictions_table(
        images(1), np.array([[0.4, 0.35, 0.25]]), LEAVES, protocol="", seed=0, fold=0, baseline=""
    )
    decided = made.decided("top-down", lung)
    assert decided.table["predicted"].tolist() == ["adenocarcinoma"]
    assert decided.decision == "top-down"
    assert decided.probabilities is made.probabilities
    assert made.table["predicted"].tolist() == ["benign"]
    with pytest.raises(ValueError, match="needs probabilities"):
        replace(made, probabilities=None).decided("top-down", lung)


@pytest.mark.parametrize(
    ("stated", "understood"),
    [
        ({}, "likeliest"),
        ({b"lcbench_decision": b"least-cost"}, "least-cost"),
        ({b"lcbench_decision": b"of a newer version"}, "likeliest"),
        ({b"lcbench_decision": b"\xff"}, "likeliest"),
    ],
)
def test_a_rule_that_is_not_known_is_none(stated, understood):
    assert stated_decision(stated) == understood


def test_files_of_different_rules_state_none_together(lung, tmp_path):
    for seed, rule in enumerate(["top-down", "least-cost"]):
        made = some_predictions(seed=seed).decided(rule, lung)
        made = replace(made, table=made.table.assign(seed=seed))
        write_predictions(tmp_path / f"one/seed{seed}/predictions.parquet", made)
    own, both = (tmp_path / place for place in ("one/seed0", "one"))
    assert load_predictions(own, LabelReader(lung)).decision == "top-down"
    assert load_predictions(both, LabelReader(lung)).decision == "likeliest"


# to a file and back


@settings(max_examples=30)
@given(
    rows=st.dictionaries(
        names.filter(str.strip), st.tuples(names, names.map(str.lower)), min_size=1, max_size=5
    ),
    baseline=names.filter(str.strip),
    seed=st.integers(0, 2**63 - 1),
    with_probabilities=st.booleans(),
)
def test_predictions_come_back_to_the_last_bit(
    tmp_path_factory, lung, rows, baseline, seed, with_probabilities
):
    group, sha256 = zip(*rows.values(), strict=True)
    probabilities = np.random.default_rng(len(rows)).dirichlet(np.ones(3), size=len(rows))
    manifest = images(len(rows), image=list(rows), group=group, sha256=sha256)
    made = predictions_table(
        manifest, probabilities, LEAVES, protocol="paper", seed=seed, fold=0, baseline=baseline
    )
    if not with_probabilities:
        made = replace(made, probabilities=None)
    path = tmp_path_factory.getbasetemp() / "round-trip.parquet"
    write_predictions(path, made)
    back = load_predictions(path, LabelReader(lung))
    assert (back.name, back.leaves) == (baseline, LEAVES)
    assert back.table.to_dict("list") == made.table.to_dict("list")
    assert np.array_equal(back.probabilities, made.probabilities)


def test_equal_predictions_are_equal_bytes(tmp_path, lung):
    made = some_predictions(50)
    odd_index = made.table.set_index(pd.Index(range(50, 0, -1), name="odd"))
    write_predictions(tmp_path / "a.parquet", made)
    write_predictions(tmp_path / "b.parquet", replace(made, table=odd_index))
    again = load_predictions(tmp_path / "a.parquet", LabelReader(lung))
    write_predictions(tmp_path / "c.parquet", again)
    write_predictions(tmp_path / "d.parquet", some_predictions(50, seed=1))
    a, b, c, d = ((tmp_path / f"{name}.parquet").read_bytes() for name in "abcd")
    assert a == b == c
    assert a != d


def test_a_file_has_one_schema_whatever_types_the_table_has(tmp_path):
    made = some_predictions(4)
    odd = made.table.assign(seed=made.table["seed"].astype("int32"), group=None)
    write_predictions(tmp_path / "p.parquet", replace(made, table=odd.astype({"true": "category"})))
    schema = pq.read_schema(tmp_path / "p.parquet")
    assert schema.names == [*COLUMNS, *(f"p:{leaf}" for leaf in LEAVES)]
    assert {str(schema.field(name).type) for name in ("seed", "fold")} == {"int64"}
    assert {str(schema.field(name).type) for name in ("group", "true", "image")} == {"string"}
    assert schema.metadata == {b"lcbench_predictions_schema": b"1"}


def test_some_of_the_rows_keep_their_own_probabilities():
    made = some_predictions(4)
    kept = made.keep(np.array([False, True, False, True]))
    assert kept.table["image"].tolist() == ["lung_n/001.png", "lung_n/003.png"]
    assert kept.table.index.tolist() == [0, 1]
    assert (kept.probabilities == made.probabilities[[1, 3]]).all()
