from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lcbench.errors import UserError
from lcbench.predictions.models import load_models
from lcbench.predictions.table import predictions_table, write_predictions

HEADER = "image,true,predicted"


@pytest.fixture
def load(reader):
    return lambda *paths, names=(): load_models(paths, reader, names)


@pytest.fixture
def run_folder(tmp_path, lung):
    """Write a run as `lcbench run` does: run_folder("core", "paper", "knn", seed=1)."""

    def write(suite, protocol, baseline, seed=0, fold=None, images=("a", "b")):
        leaf = f"seed{seed}" if fold is None else f"seed{seed}-fold{fold}"
        path = tmp_path / "runs" / suite / protocol / baseline / leaf / "predictions.parquet"
        manifest = pd.DataFrame(
            {"image": images, "sha256": images, "group": images, "label": "benign"}
        )
        chances = np.tile([0.5, 0.25, 0.25], (len(images), 1))
        made = predictions_table(
            manifest, chances, lung.leaves,
            protocol=protocol, seed=seed, fold=fold or 0, baseline=baseline,
        )  # fmt: skip
        write_predictions(path, made)
        return path

    return write


def names_of(models):
    return [model.name for model in models]


def refused(load, *paths, names=()):
    with pytest.raises(UserError) as raised:
        load(*paths, names=names)
    return raised.value


# What is read


def test_a_folder_of_runs_is_one_model(load, run_folder):
    for seed in (0, 1):
        run_folder("core", "grouped", "knn", seed, 0, ["a", "b"])
        last = run_folder("core", "grouped", "knn", seed, 1, ["c"])
    half = last.parents[1] / ".seed2-x" / "predictions.parquet"
    half.parent.mkdir()
    half.write_text("still being written")
    (model,) = load(last.parents[2])
    assert model.name == "knn"
    assert model.table["image"].tolist() == ["a", "b", "c"] * 2
    assert model.table["seed"].tolist() == [0, 0, 0, 1, 1, 1]
    assert model.table["fold"].tolist() == [0, 0, 1] * 2
    assert model.probabilities.shape == (6, 3)


def test_a_folder_of_several_models_says_which_folder_to_name(load, run_folder):
    for seed in (0, 1):
        one = run_folder("core", "paper", "knn", seed)
        other = run_folder("core", "paper", "majority", seed)
    error = refused(load, one.parents[2])
    assert "2 baselines (knn, majority)" in error.message
    names = f"Name one of its folders: {one.parents[1]}, {other.parents[1]}"
    assert error.remedy.splitlines()[0] == names
    again = run_folder("core", "grouped", "knn")
    error = refused(load, one.parents[3])
    assert "2 protocols (grouped, paper) and 2 baselines" in error.message
    assert str(again.parent) in error.remedy


# What is refused


def test_all_problems_of_a_file_are_listed(load, csv_file):
    path = csv_file(f"{HEADER},seed", "a,odd,n,x", ",n,malignant,0", name="my model.csv")
    error = refused(load, path)
    assert error.message.startswith(f"{path}: 4 problems\n- column image: 1 row is empty")
    assert "'odd'" in error.message
    assert "column seed" in error.message
    assert f"lcbench validate '{path}'" in error.remedy


def test_one_problem_comes_with_its_remedy(load, csv_file):
    path = csv_file("image;true;predicted", "a;n;n")
    error = refused(load, path)
    assert error.message.startswith(f"{path}: the fields seem to be separated by semicolons")
    assert "commas between the fields" in error.remedy
    assert f"lcbench validate {path}" in error.remedy


def test_many_problems_are_bounded(load, csv_file):
    odd = ",".join(f"p:odd {number}" for number in range(40))
    error = refused(load, csv_file(f"{HEADER},{odd}", "a,n,n" + ",0" * 40))
    lines = error.message.splitlines()
    assert len(lines) <= 12
    assert lines[-1].startswith("- and 3")


# Names


def test_given_names_are_used_and_must_be_one_for_each_file(load, csv_file):
    path = csv_file(f"{HEADER},baseline", "a,n,n,knn")
    assert names_of(load(path, path, names=["old", "new"])) == ["old", "new"]
    for names in (["one"], ["one", "two", "three"], ["one", "one"], ["one", " "]):
        assert refused(load, path, path, names=names).code == 2


def test_a_number_tells_equal_files_apart_and_never_makes_a_name_that_is_taken(load, csv_file):
    path = csv_file(HEADER, "a,n,n", name="m.csv")
    taken = csv_file(HEADER, "a,n,n", name="m (2).csv")
    assert names_of(load(path, path, taken, path)) == ["m", "m (3)", "m (2)", "m (4)"]


def test_equal_names_are_told_apart_by_the_protocol(load, run_folder, csv_file):
    paper, grouped = (run_folder("core", name, "knn") for name in ("paper", "grouped"))
    foreign = csv_file(f"{HEADER},baseline", "a,n,n,knn")
    names = names_of(load(paper, foreign, grouped.parent, paper))
    assert names == ["knn (paper)", "knn", "knn (grouped)", "knn (paper) (2)"]


def test_equal_names_are_told_apart_by_a_folder_above(load, run_folder, csv_file):
    one, other = (run_folder(name, "paper", "knn").parents[1] for name in ("core", "more"))
    assert names_of(load(one, other)) == ["knn (core)", "knn (more)"]
    files = [csv_file(HEADER, "a,n,n", name=f"{name}/predictions.csv") for name in "xy"]
    assert names_of(load(*files)) == ["predictions (x)", "predictions (y)"]


def test_relative_paths_are_told_apart_too(load, csv_file, monkeypatch):
    csv_file(HEADER, "a,n,n", name="x/m.csv")
    monkeypatch.chdir(csv_file(HEADER, "a,n,n", name="y/m.csv").parent)
    assert names_of(load(Path("m.csv"), Path("../x/m.csv"))) == ["m (y)", "m (x)"]
