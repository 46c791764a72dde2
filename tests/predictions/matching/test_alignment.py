from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lcbench.errors import UserError
from lcbench.predictions.matching.alignment import match_models
from lcbench.predictions.reading.files import load_models
from lcbench.predictions.reading.inspection import ModelPredictions

TEXT = ("image", "sha256", "group", "true", "predicted")
B, A, S = "benign", "adenocarcinoma", "squamous_cell_carcinoma"


def model(name, images, *, true=B, predicted=B, sha256="", group="", seed=0, chances=None):
    """Make the predictions of a model from columns, or from one value for a whole column."""
    table = pd.DataFrame(
        {"image": images, "sha256": sha256, "group": group, "seed": seed, "fold": 0,
         "true": true, "predicted": predicted}
    ).astype(dict.fromkeys(TEXT, object))  # fmt: skip
    return ModelPredictions(name, table, None if chances is None else np.array(chances, float))


def images_of(matched):
    return matched.rows["image"].tolist()


def refused(*models, **options):
    with pytest.raises(UserError) as raised:
        match_models(models, **options)
    return raised.value


# What is put side by side


def test_rows_are_matched_by_name_whatever_their_order():
    one = model("one", ["c", "a", "b"], predicted=[S, B, A], chances=np.eye(3)[[2, 0, 1]])
    two = model("two", ["a", "b", "c"], predicted=[A, S, B])
    matched = match_models([one, two])
    assert matched.names == ("one", "two")
    assert matched.identity == "image"
    assert matched.rows.columns.tolist() == ["image", "sha256", "group", "seed", "true"]
    assert images_of(matched) == ["a", "b", "c"]
    assert matched.predicted["one"].tolist() == [B, A, S]
    assert matched.predicted["two"].tolist() == [A, S, B]
    assert matched.probabilities["one"].tolist() == np.eye(3).tolist()
    assert matched.probabilities["two"] is None
    assert matched.notes == ()
    assert matched.unmatched == ()


def test_a_model_matches_itself_alone_and_with_a_second_name():
    one = model("one", ["b", "a"], sha256=["x", "y"], group=["g", "h"], seed=4)
    for models in ([one], [one, replace(one, name="two")]):
        matched = match_models(models)
        assert images_of(matched) == ["a", "b"]
        assert matched.identity == "sha256"
        assert matched.rows["group"].tolist() == ["h", "g"]
        assert matched.rows["sha256"].tolist() == ["y", "x"]
        assert matched.rows["seed"].tolist() == [4, 4]


def test_rows_are_in_the_order_of_image_and_then_seed():
    one = model("one", ["b", "a", "a", "b"], seed=[10, 2, 10, 2])
    matched = match_models([one, replace(one, name="two")])
    assert list(zip(images_of(matched), matched.rows["seed"], strict=True)) == [
        ("a", 2), ("a", 10), ("b", 2), ("b", 10),
    ]  # fmt: skip


def test_the_index_of_a_table_does_not_matter():
    one = model("one", ["a", "b"], predicted=[A, S], chances=[[0, 1, 0], [0, 0, 1]])
    odd = replace(one, name="odd", table=one.table.set_index(pd.Index([7, 7])))
    matched = match_models([odd, one])
    assert matched.predicted["odd"].tolist() == [A, S]


@pytest.mark.parametrize("names", [[], ["x", "x"]])
def test_models_need_different_names(names):
    with pytest.raises(ValueError, match="different names"):
        match_models([model(name, ["a"]) for name in names])


# Images


@pytest.mark.parametrize("name", [r"x\a.png", "./x/a.png", r".\x\a.png", "././x/a.png"])
def test_names_are_compared_as_posix_paths(name):
    matched = match_models([model("one", ["x/a.png", "y/a.png"]), model("two", [name])])
    assert images_of(matched) == ["x/a.png"]
    assert matched.identity == "image"


def test_hashes_are_used_where_every_row_of_every_model_has_one():
    one = model("one", ["a", "b"], sha256=["x", "y"], predicted=[A, S])
    two = model("two", ["p", "q"], sha256=["y", "x"], predicted=[S, A])
    matched = match_models([one, two])
    assert matched.identity == "sha256"
    assert images_of(matched) == ["a", "b"]
    assert matched.predicted["two"].tolist() == [A, S]


def test_a_missing_hash_means_names_but_the_known_hashes_are_kept():
    one = model("one", ["a", "b"], sha256=["x", ""])
    two = model("two", ["a", "b"], sha256=["x", "y"])
    matched = match_models([one, two])
    assert matched.identity == "image"
    assert matched.rows["sha256"].tolist() == ["x", "y"]
    error = refused(one, two, by="sha256")
    assert error.code == 2
    assert "one: not every image has a sha256" in error.message


def test_names_can_be_asked_for_and_other_content_is_noted():
    one = model("one", ["a", "b", "c"], sha256=["x", "y", "z"])
    two = model("two", ["a", "b", "c"], sha256=["y", "x", "z"], predicted=[A, S, B])
    assert match_models([one, two]).predicted["two"].tolist() == [S, A, B]
    matched = match_models([one, two], by="image")
    assert matched.predicted["two"].tolist() == [A, S, B]
    assert matched.identity == "image"
    (note,) = matched.notes
    assert "2 images of the same name have another sha256 in two than in one" in note


def test_copies_of_an_image_are_numbered_in_the_order_of_their_names():
    one = model("one", ["b", "a", "c"], sha256=["x", "x", "y"], predicted=[A, S, B])
    two = model("two", ["r", "q", "p", "s"], sha256=["x", "x", "y", "x"], predicted=[B, S, A, A])
    matched = match_models([one, two])
    assert images_of(matched) == ["a", "b", "c"]
    assert matched.predicted["one"].tolist() == [S, A, B]
    assert matched.predicted["two"].tolist() == [S, B, A]
    assert [(one.model, one.count, one.examples) for one in matched.unmatched] == [
        ("two", 1, ("s",))
    ]


def test_copies_are_numbered_within_each_seed():
    one = model("one", ["a", "b", "b", "a"], sha256="x", seed=[0, 0, 1, 1], predicted=[A, S, B, A])
    matched = match_models([one, replace(one, name="two")])
    assert matched.predicted["two"].tolist() == [A, A, S, B]
    assert images_of(matched) == ["a", "a", "b", "b"]


def test_base_names_are_used_where_no_full_name_agrees():
    one = model("one", ["x/a.png", "x/b.png"], predicted=[A, S])
    two = model("two", ["/data/y/b.png", "/data/y/a.png"], predicted=[S, A])
    matched = match_models([one, two])
    assert matched.identity == "base name"
    assert images_of(matched) == ["x/a.png", "x/b.png"]
    assert matched.predicted["two"].tolist() == [A, S]
    assert any("matched by the last part" in note for note in matched.notes)


def test_base_names_are_not_used_where_they_are_not_unique_or_a_full_name_agrees():
    one = model("one", ["x/a.png", "y/a.png", "x/b.png"])
    assert "no image in common" in refused(one, model("two", ["z/a.png"])).message
    matched = match_models([model("one", ["x/a", "x/b"]), model("two", ["x/a", "y/b"])])
    assert matched.identity == "image"
    assert images_of(matched) == ["x/a"]


def test_a_base_name_may_stand_once_for_each_seed():
    one = model("one", ["x/a", "x/a"], seed=[0, 1])
    two = model("two", ["y/a", "y/a"], seed=[1, 0])
    assert match_models([one, two]).rows["seed"].tolist() == [0, 1]


def test_no_image_in_common_shows_a_name_of_each_model():
    error = refused(model("one", ["b", "a"]), model("two", ["y", "x"]))
    assert error.message == (
        "the models have no image in common (matched by image name): one has e.g. a; two has e.g. x"
    )
    assert error.remedy
    error = refused(model("one", ["a"], sha256="1" * 64), model("two", ["a"], sha256="2" * 64))
    assert "matched by sha256): one has e.g. a (sha256 111111111111...)" in error.message
    assert "image name" in error.remedy


def test_images_that_are_never_in_the_same_seed_are_not_in_common():
    one = model("one", ["a", "b"], seed=[0, 1])
    two = model("two", ["b", "a"], seed=[0, 1])
    assert "no image of the same seed in common" in refused(one, two).message


def test_what_lacks_a_partner_is_counted_and_named():
    one = model("one", [f"{number:02d}" for number in range(10)])
    two = model("two", ["09", "x"])
    three = model("three", ["09", "x", "08"])
    matched = match_models([one, two, three])
    assert images_of(matched) == ["09"]
    assert [(un.model, un.count, un.examples) for un in matched.unmatched] == [
        ("one", 9, ("00", "01", "02", "03", "04")),
        ("two", 1, ("x",)),
        ("three", 2, ("08", "x")),
    ]


# True classes


def test_contradicting_true_classes_are_refused():
    one = model("one", ["a", "b", "c"], true=[B, A, S])
    two = model("two", ["c", "b", "a"], true=[S, B, A])
    error = refused(one, two)
    assert "one and two give different true classes to 2 images" in error.message
    assert "the first is a: benign and adenocarcinoma" in error.message
    assert error.remedy


def test_the_third_model_is_compared_too_but_not_what_has_no_partner():
    one, two = model("one", ["a", "b"]), model("two", ["a"])
    assert "one and three" in refused(one, two, model("three", ["a"], true=S)).message
    assert images_of(match_models([one, two, model("three", ["a", "b"], true=[B, S])])) == ["a"]


# Seeds


def test_models_of_one_seed_each_are_matched_whatever_its_number():
    matched = match_models([model("one", ["a"], seed=3), model("two", ["a"], seed=0)])
    assert matched.rows["seed"].tolist() == [3]
    (note,) = matched.notes
    assert "one has seed 3; two has seed 0" in note


def test_shared_seeds_are_compared_and_the_others_left_out_with_a_note():
    one = model("one", ["a", "a", "a"], seed=[0, 1, 2], predicted=[B, A, S])
    two = model("two", ["a", "b"], seed=[2, 2])
    matched = match_models([one, two])
    assert matched.rows["seed"].tolist() == [2]
    assert matched.predicted["one"].tolist() == [S]
    (note,) = matched.notes
    assert "only the shared seed 2" in note
    assert "2 predictions of other seeds left out" in note
    assert [(un.model, un.count) for un in matched.unmatched] == [("two", 1)]


def test_no_shared_seed_is_refused():
    error = refused(model("one", ["a", "a"], seed=[0, 1]), model("two", ["a"], seed=2))
    assert "no seed in common: one has seeds 0, 1; two has seed 2" in error.message
    assert error.remedy


# Source groups


def groups_of(matched):
    return matched.rows["group"].tolist()


def test_groups_of_the_first_model_that_knows_all_are_used():
    plain = model("plain", ["a", "b", "c"])
    some = model("some", ["a", "b", "c"], group=["1", "", "2"])
    every = model("all", ["c", "b", "a"], group=["y", "x", "x"])
    late = model("late", ["a", "b", "c"], group=["X", "X", "Y"])
    matched = match_models([plain, every, late])
    assert groups_of(matched) == ["x", "x", "y"]
    assert matched.notes == ()
    assert groups_of(match_models([plain, some, every])) == ["x", "x", "y"]


def test_groups_of_some_images_are_used_where_nobody_knows_all_and_are_counted():
    plain = model("plain", ["a", "b", "c"])
    some = model("some", ["a", "b", "c"], group=["1", "", "2"])
    matched = match_models([plain, some])
    assert groups_of(matched) == ["1", "", "2"]
    (note,) = matched.notes
    assert "those of some, where 1 matched image of 3 has none" in note
    assert groups_of(match_models([plain])) == ["", "", ""]


def test_only_the_matched_images_must_have_groups():
    some = model("some", ["a", "b"], group=["1", ""])
    matched = match_models([some, model("other", ["a"])])
    assert groups_of(matched) == ["1"]
    assert matched.notes == ()


@pytest.mark.parametrize(
    "other", [["x", "x", "x"], ["x", "y", "y"], ["x", "y", "z"], ["", "p", "p"]]
)
def test_another_partition_is_noted_with_whose_is_used(other):
    one = model("one", ["a", "b", "c"], group=["1", "1", "2"])
    two = model("two", ["a", "b", "c"], group=other)
    matched = match_models([one, two])
    assert groups_of(matched) == ["1", "1", "2"]
    (note,) = matched.notes
    assert note.startswith("one and two put the same images into different source groups")
    assert "those of one are used" in note


def test_where_one_of_two_models_knows_no_group_their_partitions_do_not_differ():
    one = model("one", ["a", "b", "c", "d"], group=["1", "1", "2", "2"])
    two = model("two", ["a", "b", "c", "d"], group=["x", "", "y", ""])
    assert match_models([one, two]).notes == ()


def test_given_groups_come_first_and_what_they_lack_is_counted():
    one = model("one", ["x/a", "x/b", "x/c"], group=["1", "1", "2"])
    given_by_user = {"./x/a": "g", r"x\b": "h", "elsewhere": "g"}
    matched = match_models([one], groups=given_by_user)
    assert groups_of(matched) == ["g", "h", ""]
    (note,) = matched.notes
    assert note.startswith("1 matched image of 3 is not in the source groups")


def test_given_groups_may_use_the_names_of_any_model_or_base_names():
    one = model("one", ["a", "b"], sha256=["x", "y"])
    two = model("two", ["q/b.png", "q/a.png"], sha256=["y", "x"])
    matched = match_models([one, two], groups={"q/a.png": "g", "b": "h"})
    assert groups_of(matched) == ["g", "h"]
    matched = match_models([two], groups={"root/a.png": "g", "root/b.png": "h"})
    assert groups_of(matched) == ["g", "h"]
    assert any("last part" in note for note in matched.notes)


@pytest.mark.parametrize("given_by_user", [{}, {"z": "g"}, {"x/a": "g", "y/a": "h"}])
def test_given_groups_that_name_no_image_are_refused(given_by_user):
    error = refused(model("one", ["a", "b"]), groups=given_by_user)
    assert "name none of the 2 matched images" in error.message
    assert "e.g. a" in error.remedy


# What does not matter


@st.composite
def two_tables(draw):
    """Draw two models for overlapping images, over two seeds, with groups and copies."""
    count = draw(st.integers(1, 8))
    hashes = draw(st.lists(st.sampled_from("wxyz"), min_size=count, max_size=count))
    with_hash = draw(st.booleans())
    tables = []
    for _ in range(2):
        cells = st.tuples(st.integers(0, count - 1), st.integers(0, 1))
        rows = sorted(draw(st.sets(cells, max_size=12)) | {(0, 0), (0, 1)})
        leaves = st.lists(st.sampled_from([B, A, S]), min_size=len(rows), max_size=len(rows))
        tables.append(
            pd.DataFrame(
                {
                    "image": [f"x/{number}.png" for number, _ in rows],
                    "sha256": [hashes[number] if with_hash else "" for number, _ in rows],
                    "group": [f"g{number % 3}" for number, _ in rows],
                    "seed": [seed for _, seed in rows],
                    "true": B,
                    "predicted": draw(leaves),
                    "p:benign": 0.5,
                    "p:adenocarcinoma": [number / 100 for number in range(len(rows))],
                }
            ).assign(**{"p:squamous_cell_carcinoma": lambda t: 0.5 - t["p:adenocarcinoma"]})
        )
    orders = [draw(st.permutations(range(len(table)))) for table in tables]
    return tables, orders


@settings(max_examples=30)
@given(drawn=two_tables())
def test_the_order_of_the_rows_in_the_files_changes_nothing(tmp_path_factory, reader, drawn):
    tables, orders = drawn
    folder = tmp_path_factory.getbasetemp()
    paths = [folder / "one.csv", folder / "two.csv"]
    results = []
    for shuffled in (False, True):
        for path, table, order in zip(paths, tables, orders, strict=True):
            (table.iloc[order] if shuffled else table).to_csv(path, index=False)
        results.append(match_models(load_models(paths, reader)))
    one, other = results
    pd.testing.assert_frame_equal(one.rows, other.rows)
    for name in ("one", "two"):
        assert one.predicted[name].tolist() == other.predicted[name].tolist()
        assert (one.probabilities[name] == other.probabilities[name]).all()
    assert (one.names, one.identity, one.notes, one.unmatched) == (
        other.names, other.identity, other.notes, other.unmatched,
    )  # fmt: skip


@settings(max_examples=30)
@given(drawn=two_tables())
def test_each_row_holds_what_its_own_file_says(tmp_path_factory, reader, drawn):
    tables, _ = drawn
    paths = [tmp_path_factory.getbasetemp() / name for name in ("one.csv", "two.csv")]
    for path, table in zip(paths, tables, strict=True):
        table.to_csv(path, index=False)
    matched = match_models(load_models(paths, reader), by="image")
    said = [
        {(row.image, row.seed): row.predicted for row in table.itertuples()} for table in tables
    ]
    keys = list(zip(matched.rows["image"], matched.rows["seed"], strict=True))
    assert keys == sorted(set(said[0]) & set(said[1]))
    for name, own in zip(("one", "two"), said, strict=True):
        assert matched.predicted[name].tolist() == [own[key] for key in keys]
        lacking = {image for image, seed in set(own) - set(keys)}
        counted = {un.model: (un.count, un.predictions) for un in matched.unmatched}
        assert counted.get(name, (0, 0)) == (len(lacking), len(own) - len(keys))
