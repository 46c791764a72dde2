import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lcbench.errors import UserError
from lcbench.predictions import alignment
from lcbench.predictions.alignment import align
from lcbench.predictions.table import Predictions

TEXT = ("image", "sha256", "group", "true", "predicted")
B, A, S = "benign", "adenocarcinoma", "squamous_cell_carcinoma"


def model(name, images, *, true=B, predicted=B, sha256="", group="", seed=0, fold=0, chances=None):
    """Make the predictions of a model from columns, or from one value for a whole column."""
    table = pd.DataFrame(
        {"image": images, "sha256": sha256, "group": group, "seed": seed, "fold": fold,
         "true": true, "predicted": predicted}
    ).astype(dict.fromkeys(TEXT, object))  # fmt: skip
    return Predictions(
        name, (B, A, S), table, None if chances is None else np.array(chances, float)
    )


def images_of(aligned):
    return aligned.rows["image"].tolist()


def answers(aligned, name):
    """The leaves that a model predicts."""
    return [(B, A, S)[code] for code in aligned.predicted[name]]


def refused(*models, **options):
    with pytest.raises(UserError) as raised:
        align(models, **options)
    return raised.value


# What is put side by side


def test_rows_are_matched_by_name_whatever_their_order():
    one = model("one", ["c", "a", "b"], predicted=[S, B, A], chances=np.eye(3)[[2, 0, 1]])
    two = model("two", ["a", "b", "c"], predicted=[A, S, B])
    aligned = align([one, two])
    assert aligned.names == ("one", "two")
    assert aligned.identity == "image"
    assert aligned.rows.columns.tolist() == [
        "image", "sha256", "group", "seed", "fold", "true",
    ]  # fmt: skip
    assert images_of(aligned) == ["a", "b", "c"]
    assert answers(aligned, "one") == [B, A, S]
    assert answers(aligned, "two") == [A, S, B]
    assert aligned.probabilities["one"].tolist() == np.eye(3).tolist()
    assert aligned.probabilities["two"] is None
    assert aligned.notes == ()
    assert aligned.unmatched == ()


def test_one_model_is_aligned_with_itself():
    one = model("one", ["b", "a"], sha256=["x", "y"], group=["g", "h"], seed=4)
    aligned = align([one])
    assert images_of(aligned) == ["a", "b"]
    assert aligned.rows[["sha256", "group", "seed"]].values.tolist() == [
        ["y", "h", 4],
        ["x", "g", 4],
    ]


def test_models_need_different_names_and_the_same_leaves():
    one = model("one", ["a"])
    for models in ([], [one, one]):
        with pytest.raises(ValueError, match="different names"):
            align(models)
    with pytest.raises(ValueError, match="same leaves"):
        align([one, replace(one, name="two", leaves=(B, S, A))])


# Images


def test_a_missing_hash_means_names_but_the_known_hashes_are_kept():
    one = model("one", ["a", "b"], sha256=["x", ""])
    two = model("two", ["a", "b"], sha256=["x", "y"])
    aligned = align([one, two])
    assert aligned.identity == "image"
    assert aligned.rows["sha256"].tolist() == ["x", "y"]
    error = refused(one, two, by="sha256")
    assert error.code == 2
    assert "one: not every image has a sha256" in error.message


def test_names_can_be_asked_for_and_other_content_is_noted():
    one = model("one", ["a", "b", "c"], sha256=["x", "y", "z"])
    two = model("two", ["a", "b", "c"], sha256=["y", "x", "z"], predicted=[A, S, B])
    assert answers(align([one, two]), "two") == [S, A, B]
    aligned = align([one, two], by="image")
    assert answers(aligned, "two") == [A, S, B]
    assert aligned.identity == "image"
    (note,) = aligned.notes
    assert "2 images of the same name have another sha256 in two than in one" in note


def test_copies_of_an_image_are_numbered_in_the_order_of_their_names():
    one = model("one", ["b", "a", "c"], sha256=["x", "x", "y"], predicted=[A, S, B])
    two = model("two", ["r", "q", "p", "s"], sha256=["x", "x", "y", "x"], predicted=[B, S, A, A])
    aligned = align([one, two])
    assert images_of(aligned) == ["a", "b", "c"]
    assert answers(aligned, "one") == [S, A, B]
    assert answers(aligned, "two") == [S, B, A]
    assert [(one.model, one.count, one.examples) for one in aligned.unmatched] == [
        ("two", 1, ("s",))
    ]


def test_copies_are_numbered_within_each_seed():
    one = model("one", ["a", "b", "b", "a"], sha256="x", seed=[0, 0, 1, 1], predicted=[A, S, B, A])
    aligned = align([one, replace(one, name="two")])
    assert answers(aligned, "two") == [A, S, A, B]
    assert images_of(aligned) == ["a", "b", "a", "b"]


def test_base_names_are_used_where_no_full_name_agrees():
    one = model("one", ["x/a.png", "x/b.png"], predicted=[A, S])
    two = model("two", ["/data/y/b.png", "/data/y/a.png"], predicted=[S, A])
    aligned = align([one, two])
    assert aligned.identity == "base name"
    assert images_of(aligned) == ["x/a.png", "x/b.png"]
    assert answers(aligned, "two") == [A, S]
    assert any("matched by the last part" in note for note in aligned.notes)


def test_names_are_not_taken_apart_where_whole_ones_agree(monkeypatch):
    monkeypatch.setattr(alignment, "base_names", None)
    assert align([model("one", ["x/a"]), model("two", ["x/a"])]).identity == "image"


def test_base_names_are_not_used_where_they_are_not_unique_or_a_full_name_agrees():
    one = model("one", ["x/a.png", "y/a.png", "x/b.png"])
    assert "no image in common" in refused(one, model("two", ["z/a.png"])).message
    aligned = align([model("one", ["x/a", "x/b"]), model("two", ["x/a", "y/b"])])
    assert aligned.identity == "image"
    assert images_of(aligned) == ["x/a"]


def test_no_image_in_common_shows_a_name_of_each_model():
    error = refused(model("one", ["b", "a"]), model("two", ["y", "x"]))
    assert error.message == (
        "the models have no image in common (matched by image name): one has e.g. a; two has e.g. x"
    )
    assert error.remedy
    one, two = (model(name, ["a", "b"], seed=[n, 1 - n]) for n, name in enumerate(("one", "two")))
    assert "no image of the same seed in common" in refused(one, two).message
    error = refused(model("one", ["a"], sha256="1" * 64), model("two", ["a"], sha256="2" * 64))
    assert "matched by sha256): one has e.g. a (sha256 111111111111...)" in error.message
    assert "image name" in error.remedy


def test_what_lacks_a_partner_is_counted_and_named():
    one = model("one", [f"{number:02d}" for number in range(10)])
    two = model("two", ["09", "x"])
    three = model("three", ["09", "x", "08"])
    aligned = align([one, two, three])
    assert images_of(aligned) == ["09"]
    assert [(un.model, un.count, un.examples) for un in aligned.unmatched] == [
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
    assert images_of(align([one, two, model("three", ["a", "b"], true=[B, S])])) == ["a"]


# Seeds


def test_models_of_one_seed_each_are_matched_whatever_its_number():
    aligned = align([model("one", ["a"], seed=3), model("two", ["a"], seed=0)])
    assert aligned.rows["seed"].tolist() == [3]
    (note,) = aligned.notes
    assert "one has seed 3; two has seed 0" in note


def test_shared_seeds_are_compared_and_the_others_left_out_with_a_note():
    one = model("one", ["a", "a", "a"], seed=[0, 1, 2], predicted=[B, A, S])
    two = model("two", ["a", "b"], seed=[2, 2])
    aligned = align([one, two])
    assert aligned.rows["seed"].tolist() == [2]
    assert answers(aligned, "one") == [S]
    (note,) = aligned.notes
    assert "only the shared seed 2" in note
    assert "2 predictions of other seeds left out" in note
    assert [(un.model, un.count) for un in aligned.unmatched] == [("two", 1)]


def test_no_shared_seed_is_refused():
    error = refused(model("one", ["a", "a"], seed=[0, 1]), model("two", ["a"], seed=2))
    assert "no seed in common: one has seeds 0, 1; two has seed 2" in error.message
    assert error.remedy


# Source groups


def groups_of(aligned):
    return aligned.rows["group"].tolist()


def test_groups_of_the_first_model_that_knows_all_are_used():
    plain = model("plain", ["a", "b", "c"])
    some = model("some", ["a", "b", "c"], group=["1", "", "2"])
    every = model("all", ["c", "b", "a"], group=["y", "x", "x"])
    late = model("late", ["a", "b", "c"], group=["X", "X", "Y"])
    aligned = align([plain, every, late])
    assert groups_of(aligned) == ["x", "x", "y"]
    assert aligned.notes == ()  # that `late` names them differently is no other partition
    assert groups_of(align([plain, some, every])) == ["x", "x", "y"]
    matched = align([some, model("other", ["a", "c"])])
    assert (groups_of(matched), matched.notes) == (["1", "2"], ())


def test_groups_of_some_images_are_used_where_nobody_knows_all_and_are_counted():
    plain = model("plain", ["a", "b", "c"])
    some = model("some", ["a", "b", "c"], group=["1", "", "2"])
    aligned = align([plain, some])
    assert groups_of(aligned) == ["1", "", "2"]
    (note,) = aligned.notes
    assert "those of some, where 1 matched image of 3 has none" in note
    assert groups_of(align([plain])) == ["", "", ""]


@pytest.mark.parametrize(
    "other", [["x", "x", "x"], ["x", "y", "y"], ["x", "y", "z"], ["", "p", "p"]]
)
def test_another_partition_is_noted_with_whose_is_used(other):
    one = model("one", ["a", "b", "c"], group=["1", "1", "2"])
    two = model("two", ["a", "b", "c"], group=other)
    aligned = align([one, two])
    assert groups_of(aligned) == ["1", "1", "2"]
    (note,) = aligned.notes
    assert note.startswith("one and two put the same images into different source groups")
    assert "those of one are used" in note


def test_where_one_of_two_models_knows_no_group_their_partitions_do_not_differ():
    one = model("one", ["a", "b", "c", "d"], group=["1", "1", "2", "2"])
    two = model("two", ["a", "b", "c", "d"], group=["x", "", "y", ""])
    assert align([one, two]).notes == ()


def test_given_groups_come_first_and_what_they_lack_is_counted():
    one = model("one", ["x/a", "x/b", "x/c"], group=["1", "1", "2"])
    given_by_user = {"./x/a": "g", r"x\b": "h", "elsewhere": "g"}
    aligned = align([one], groups=given_by_user)
    assert groups_of(aligned) == ["g", "h", ""]
    (note,) = aligned.notes
    assert note.startswith("1 matched image of 3 is not in the source groups")


def test_given_groups_may_use_the_names_of_any_model_or_base_names():
    one = model("one", ["a", "b"], sha256=["x", "y"])
    two = model("two", ["q/b.png", "q/a.png"], sha256=["y", "x"])
    aligned = align([one, two], groups={"q/a.png": "g", "b": "h"})
    assert groups_of(aligned) == ["g", "h"]
    aligned = align([two], groups={"root/a.png": "g", "root/b.png": "h"})
    assert groups_of(aligned) == ["g", "h"]
    assert any("last part" in note for note in aligned.notes)


@pytest.mark.parametrize("given_by_user", [{}, {"z": "g"}, {"x/a": "g", "y/a": "h"}])
def test_given_groups_that_name_no_image_are_refused(given_by_user):
    error = refused(model("one", ["a", "b"]), groups=given_by_user)
    assert "name none of the 2 matched images" in error.message
    assert "e.g. a" in error.remedy


# What does not matter


@st.composite
def two_models(draw):
    """Draw two models for overlapping images, over two seeds, with groups and copies."""
    count = draw(st.integers(1, 8))
    hashes = draw(st.lists(st.sampled_from("wxyz"), min_size=count, max_size=count))
    with_hash = draw(st.booleans())
    models = []
    for name in ("one", "two"):
        cells = st.tuples(st.integers(0, count - 1), st.integers(0, 1))
        rows = sorted(draw(st.sets(cells, max_size=12)) | {(0, 0), (0, 1)})
        leaves = st.lists(st.sampled_from([B, A, S]), min_size=len(rows), max_size=len(rows))
        models.append(
            model(
                name,
                [f"x/{number}.png" for number, _ in rows],
                sha256=[hashes[number] if with_hash else "" for number, _ in rows],
                group=[f"g{number % 3}" for number, _ in rows],
                seed=[seed for _, seed in rows],
                fold=[number % 2 for number, _ in rows],
                predicted=draw(leaves),
                chances=np.eye(len(rows))[:, :3],
            )
        )
    return models


@settings(max_examples=40)
@given(models=two_models(), data=st.data())
def test_the_order_of_the_rows_changes_nothing(models, data):
    shuffled = []
    for own in models:
        order = np.array(data.draw(st.permutations(range(len(own.table)))))
        table = own.table.iloc[order]
        shuffled.append(replace(own, table=table, probabilities=own.probabilities[order]))
    one, other = align(models), align(shuffled)
    pd.testing.assert_frame_equal(one.rows, other.rows)
    for name in ("one", "two"):
        assert answers(one, name) == answers(other, name)
        assert (one.probabilities[name] == other.probabilities[name]).all()
    assert (one.names, one.identity, one.notes, one.unmatched) == (
        other.names, other.identity, other.notes, other.unmatched,
    )  # fmt: skip


@settings(max_examples=40)
@given(models=two_models())
def test_each_row_holds_what_its_own_model_says(models):
    aligned = align(models, by="image")
    said = [
        {(row.seed, row.fold, row.image): row.predicted for row in own.table.itertuples()}
        for own in models
    ]
    keys = list(aligned.rows[["seed", "fold", "image"]].itertuples(index=False, name=None))
    assert keys == sorted(set(said[0]) & set(said[1]))
    for name, own in zip(("one", "two"), said, strict=True):
        assert answers(aligned, name) == [own[key] for key in keys]
        lacking = {key[2] for key in set(own) - set(keys)}
        counted = {un.model: (un.count, un.predictions) for un in aligned.unmatched}
        assert counted.get(name, (0, 0)) == (len(lacking), len(own) - len(keys))


def test_many_images_without_groups_are_aligned_in_seconds():
    images = [f"x/{number:06d}.png" for number in range(100_000)]
    one = model("one", images, sha256=[f"{number // 2:064x}" for number in range(100_000)])
    begin = time.perf_counter()
    aligned = align([one, replace(one, name="two", table=one.table[::-1])])
    assert aligned.clusters.count == 50_000
    assert not aligned.clusters.known
    assert time.perf_counter() - begin < 10


def test_copies_stay_together_where_groups_are_unknown():
    one = model("one", ["a", "b", "c", "d"], sha256=["x", "y", "x", ""], group=["g", "", "", ""])
    clusters = align([one, model("two", ["a", "b", "c", "d"])]).clusters
    assert clusters.count == 4
    other = replace(one, table=one.table.assign(group=""))
    codes = align([other]).clusters.codes.tolist()
    assert codes[0] == codes[2]
    assert len(set(codes)) == 3
