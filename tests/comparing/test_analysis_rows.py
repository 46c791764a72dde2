"""Which rows a metric or a test looks at: seeds, coarse labels, other class trees."""

from __future__ import annotations

import numpy as np
import pytest

from lcbench.errors import UserError

from .foreign import LEAVES, compare, happens, random_model


def table_of(first, second, event):
    """Return the counts of two models: only the first, only the second, rows."""
    rows, one = happens(first, event)
    other = happens(second, event)[1]
    return int((one & ~other)[rows].sum()), int((other & ~one)[rows].sum()), int(rows.sum())


def test_mcnemar_looks_at_the_first_seed_and_the_others_at_all(tmp_path):
    pairs = [(random_model(seed), random_model(seed + 10)) for seed in (1, 2)]
    paths = [tmp_path / "one.csv", tmp_path / "two.csv"]
    for path, models in zip(paths, zip(*pairs, strict=True), strict=True):
        tables = [model.table(seed=seed) for seed, model in zip((4, 7), models, strict=True)]
        path.write_text("".join(t.to_csv(index=False, header=not i) for i, t in enumerate(tables)))
    found = compare(*paths)
    assert (found.images, found.predictions, found.seeds, found.groups) == (120, 240, 2, 120)
    counts = [table_of(*pair, "any-error") for pair in pairs]
    for row in found.tests:
        if row.event == "any-error":
            known = counts[0] if row.assumes_independent_images else np.add(*counts)
            assert (row.only_a, row.only_b, row.n) == tuple(known), row.name


def test_coarse_labels_enter_the_benign_malignant_event_only(tmp_path):
    models = {name: random_model(seed) for name, seed in (("one", 1), ("two", 2))}
    coarse = (models["one"].true > 0) & (np.arange(120) % 2 == 0)
    paths = []
    for name, model in models.items():
        true = np.where(coarse, "malignant", np.array(LEAVES)[model.true])
        paths.append(model.write(tmp_path / f"{name}.csv", true=true))
    found = compare(*paths)
    kept = 120 - int(coarse.sum())
    n = {row.event.value: row.n for row in found.tests}
    subtypes = int(((models["one"].true > 0) & ~coarse).sum())
    assert n == {"any-error": kept, "subtype-confusion": subtypes, "benign-malignant": 120}
    assert found.metric("one", "accuracy").n == kept
    (note,) = (note for note in found.notes if "malignant" in note)
    assert note.startswith(f"{int(coarse.sum())} predictions of each model for images labelled")
    assert "enter the event benign-malignant only" in note
    only = table_of(*models.values(), "benign-malignant")
    row = next(row for row in found.tests if row.event == "benign-malignant")
    assert (row.only_a, row.only_b, row.n) == only


def test_coarse_labels_alone_are_one_clear_error(tmp_path):
    path = random_model(1).write(tmp_path / "one.csv", true="malignant")
    with pytest.raises(UserError, match="all are labelled malignant"):
        compare(path, path)


def test_a_tree_without_a_negative_class_has_one_event_and_no_screening(tmp_path):
    tree = tmp_path / "tree.toml"
    tree.write_text(
        'name = "flat"\n[nodes.a]\nparent = "root"\n[nodes.in]\nparent = "root"\n'
        '[nodes.b]\nparent = "in"\n[nodes.c]\nparent = "in"\n'
    )
    path = tmp_path / "one.csv"
    path.write_text("image,true,predicted\n1,a,b\n2,b,b\n3,in,c\n")
    found = compare(path, path, taxonomy=tree)
    assert {row.event.value for row in found.tests} == {"any-error"}
    assert (found.classes, found.negative) == (("a", "b", "c"), None)
    assert found.metric("one", "sensitivity") is None
    assert any("labelled in, which is no leaf" in n and "is left out" in n for n in found.notes)


def test_a_label_that_leaves_the_side_open_is_left_out_of_every_event(tmp_path):
    tree = tmp_path / "tree.toml"
    tree.write_text(
        'name = "odd"\nnegative = "calm"\n[nodes.lesion]\nparent = "root"\n'
        '[nodes.calm]\nparent = "lesion"\n[nodes.wild]\nparent = "lesion"\n'
        '[nodes.other]\nparent = "root"\n'
    )
    path = tmp_path / "one.csv"
    path.write_text("image,true,predicted\n1,lesion,wild\n2,calm,wild\n3,other,calm\n")
    found = compare(path, path, taxonomy=tree)
    assert {row.event.value: row.n for row in found.tests} == {
        "any-error": 2, "benign-malignant": 2,
    }  # fmt: skip
    (note,) = (note for note in found.notes if "lesion" in note)
    assert note.startswith("1 prediction of each model")
    assert note.endswith("is left out")
