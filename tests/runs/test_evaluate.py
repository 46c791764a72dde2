"""External folders: every file survives, every label is accounted for, no weights are exchanged."""

from __future__ import annotations

import hashlib
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import timm
import torch
from PIL import Image
from safetensors.numpy import load_file, save_file

from lcbench.datasets.labels import LabelReader
from lcbench.errors import UserError
from lcbench.runs.evaluate import Evaluation, evaluate
from lcbench.runs.evaluation_options import EvaluationOptions
from lcbench.runs.execute import execute
from lcbench.runs.external_predictions import load_any
from lcbench.runs.external_records import ExternalRecord
from lcbench.runs.plan import RunOptions, make_plan
from lcbench.runs.reading import read_suite
from lcbench.runs.records import read_record
from lcbench.runs.store import plan_taxonomy, read_plan

from ..damage import EVERY_DAMAGE, Damage, named
from ..stored import as_older, reseal, rewrite
from .recipes import CASCADE, COLOUR, MAJORITY, PARTLY, REFERENCE, not_compared, suite_text

SUITE = suite_text(
    MAJORITY,
    COLOUR,
    REFERENCE,
    CASCADE,
    {"name": "other", "kind": "network", "backbone": "test_convnext", "epochs": 2},
    reference="reference",
)
MACENKO = {**REFERENCE, "name": "macenko", "normalised": "macenko", "epochs": 1}
BACKBONED = {"reference", "cascade"}
CPU = EvaluationOptions(offline=True, device="cpu", precision="32")


def save_weights(path: Path, seed: int, name: str = "test_resnet") -> None:
    torch.manual_seed(seed)
    torch.save(timm.create_model(name).state_dict(), path)


def asked(folder: Path, data: Path) -> RunOptions:
    """What the suite of `trained` was run with."""
    return RunOptions(
        str(folder / "tiny.toml"), str(data), groups=data / "groups.csv",
        weights=str(folder / "own.pth"), offline=True, device="cpu", precision="32",
        skip=("other",),
    )  # fmt: skip


@pytest.fixture(scope="module")
def trained(small_demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a suite that was run with the weights of a file, and that file."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "tiny.toml").write_text(SUITE)
    save_weights(folder / "own.pth", seed=1)
    outcome = execute(make_plan(asked(folder, small_demo)), folder / "runs", jobs=1)
    assert (outcome.done, outcome.failures) == (4, ())
    return folder


@pytest.fixture
def suite(trained: Path, tmp_path: Path) -> Path:
    """A copy of the suite's folder that a test may write to."""
    return shutil.copytree(trained / "runs" / "tiny", tmp_path / "runs" / "tiny")


def predictions(evaluation: Evaluation) -> dict[str, pd.DataFrame]:
    return {
        path.parent.name: pd.read_parquet(path)
        for path in sorted(evaluation.folder.glob("paper/*/seed0.parquet"))
    }


@pytest.fixture
def mixed(tmp_path: Path, small_demo: Path) -> Path:
    """Leaves, an inner node, an unknown class, broken files, copies, a contradiction."""
    folder = tmp_path / "mixed"
    demo = sorted(small_demo.rglob("*.bmp"))
    for number, name in enumerate(
        ["normal/a.png", "normal/b.png", "LUAD/a.png", "scc/deep/er/a.png", "malignant/a.png",
         "malignant/b.png", "mystery/a.png", "mystery/b.png"]
    ):  # fmt: skip
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(demo[number * 7], folder / name)
    shutil.copy(folder / "normal/a.png", folder / "normal/copy of a.png")
    shutil.copy(folder / "LUAD/a.png", folder / "scc/the same.png")
    (folder / "normal/empty.png").touch()
    (folder / "scc/cut.png").write_bytes(demo[0].read_bytes()[:300])
    (folder / "malignant/text.jpg").write_text("no image")
    Image.new("RGBA", (40, 300), (255, 0, 0, 128)).save(folder / "normal/slim.png")
    Image.new("L", (1, 1)).save(folder / "scc/dot.png")
    (folder / "normal/readme.txt").write_text("notes")
    return folder


def test_every_file_is_predicted_or_named(suite: Path, mixed: Path) -> None:
    evaluation = evaluate(mixed, suite, CPU)
    record = read_record(evaluation.folder / "evaluation.json", ExternalRecord)
    assert record == evaluation.record
    assert record.images == sum(path.suffix in (".png", ".jpg") for path in mixed.rglob("*"))
    unreadable = {line.split(":")[0] for line in record.unreadable}
    assert unreadable == {"normal/empty.png", "scc/cut.png", "malignant/text.jpg"}
    unknown = sum(label.images for label in record.labels if label.fate == "unknown")
    assert record.images == record.scored + len(unreadable) + unknown
    assert {label.label: (label.node, label.images) for label in record.labels} == {
        "LUAD": ("adenocarcinoma", 1),
        "malignant": ("malignant", 3),
        "mystery": ("", 2),
        "normal": ("benign", 5),
        "scc": ("squamous_cell_carcinoma", 4),
    }
    assert record.copies == 2
    assert record.contradictions == ("LUAD/a.png = scc/the same.png",)
    assert record.left_out == ()
    tables = predictions(evaluation)
    assert set(tables) == {"majority", "colour", *BACKBONED}
    assert evaluation.runs == 4
    for table in tables.values():
        assert len(table) == record.answered == record.scored + 2 == 12
        shares = table[[column for column in table if column.startswith("p:")]]
        np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-6)
        labels = dict(zip(table["image"], table["true"], strict=True))
        assert labels["scc/deep/er/a.png"] == "squamous_cell_carcinoma"
        assert labels["malignant/a.png"] == "malignant"
        assert labels["normal/slim.png"] == "benign"
        assert {labels["mystery/a.png"], labels["mystery/b.png"]} == {"root"}


def test_what_the_images_are_is_stored_as_it_was_said(suite: Path, mixed: Path) -> None:
    said = replace(CPU, about=" CT slices ")
    evaluation = evaluate(mixed, suite, said)
    record = read_record(evaluation.folder / "evaluation.json", ExternalRecord)
    assert record.about == "CT slices"
    assert evaluate(mixed, suite, CPU).record.about == ""
    older = record.model_dump(mode="json", exclude={"about"})
    assert ExternalRecord.model_validate(older).about == ""


def test_a_map_of_labels_goes_before_the_known_names(
    suite: Path, mixed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (mixed / "nobody knows").mkdir()
    shutil.copy(mixed / "normal/a.png", mixed / "nobody knows")
    (mixed / "map.toml").write_text(
        '[labels]\nMystery = "adenocarcinoma"\nmalignant = "leave-out"\nSQC = "leave-out"\n'
    )
    record = evaluate(mixed, suite, replace(CPU, labels=mixed / "map.toml")).record
    said = " ".join(capsys.readouterr().err.split())
    assert "map.toml: no image is labelled 'SQC' (labels seen: 'LUAD', 'malignant'" in said
    found = {label.label: (label.node, label.left_out) for label in record.labels}
    assert found["mystery"] == ("adenocarcinoma", False)
    assert found["malignant"] == ("", True)  # the user said so: it is not unknown
    assert found["nobody knows"] == ("", False)
    assert record.scored == 10 - 2 + 2
    (suite / "external/mixed/images.csv").unlink()
    reader = LabelReader(plan_taxonomy(read_plan(suite)))
    with pytest.raises(UserError, match=r"external/mixed: no images\.csv") as caught:
        load_any(suite / "external/mixed/paper/colour", reader)
    assert caught.value.remedy == "Give lcbench evaluate the folder again."


def test_images_of_the_test_side_are_predicted_as_in_the_run(suite: Path, small_demo: Path) -> None:
    """The stored model is the fitted one: the same images get the same answers."""
    tables = predictions(evaluate(small_demo, suite, CPU))
    assert set(tables) == {"majority", "colour", *BACKBONED}
    for baseline, table in tables.items():
        own = pd.read_parquet(suite / "paper" / baseline / "seed0" / "predictions.parquet")
        found = table.set_index("image").loc[own["image"]].reset_index()
        for column in own:
            if column.startswith("p:"):
                np.testing.assert_allclose(found[column], own[column], atol=1e-5)
            elif column != "group":
                assert found[column].tolist() == own[column].tolist()


def test_a_csv_is_read_as_a_folder_is(suite: Path, mixed: Path) -> None:
    (mixed / "list.csv").write_text(
        "image,label,group\nnormal/a.png,healthy,p1\nLUAD/a.png,malignant,p2\ngone.png,scc,p3\n"
    )
    evaluation = evaluate(mixed / "list.csv", suite, CPU)
    assert evaluation.folder.name == "list"
    assert [line.split(":")[0] for line in evaluation.record.unreadable] == ["gone.png"]
    assert evaluation.record.is_partial
    table = predictions(evaluation)["majority"]
    assert table["group"].tolist() == ["p2", "p1"]
    assert table["true"].tolist() == ["malignant", "benign"]


def test_the_same_folder_again_replaces_and_another_of_its_name_is_kept_beside(
    suite: Path, mixed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = evaluate(mixed, suite, CPU).folder
    assert "replaces" not in capsys.readouterr().err
    shutil.rmtree(first / "paper" / "majority")
    some = evaluate(mixed, suite, replace(CPU, only=("colour", "majority")))
    warned = " ".join(capsys.readouterr().err.split())
    assert "mixed: replaces what 2 other baselines had predicted (" in warned
    assert some.folder == first
    assert (first / "paper" / "majority").is_dir()
    other = tmp_path / "elsewhere" / "mixed"
    shutil.copytree(mixed / "normal", other / "normal")
    second = evaluate(other, suite, CPU)
    assert second.folder != first
    assert second.folder.name.startswith("mixed-")
    assert second.record.name == second.folder.name
    assert evaluate(other, suite, CPU).folder == second.folder
    assert len(list((suite / "external").iterdir())) == 2


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "no images found"),
        ({"mystery/a.png": True}, "no image has a class that the models know"),
        ({"normal/a.png": False, "scc/b.png": False}, "none of its 2 images can be read"),
    ],
)
def test_a_folder_with_nothing_to_score_is_an_error(
    files: dict[str, bool], said: str, suite: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "outside"
    folder.mkdir()
    for name, readable in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (8, 8)).save(folder / name) if readable else (folder / name).touch()
    with pytest.raises(UserError, match=said):
        evaluate(folder, suite, CPU)
    assert not (suite / "external").exists()


def test_a_suite_without_finished_runs_is_an_error(suite: Path, mixed: Path) -> None:
    for path in suite.rglob("predictions.parquet"):
        path.unlink()
    with pytest.raises(UserError, match="no finished runs"):
        evaluate(mixed, suite, CPU)


# Weights


@pytest.fixture
def weights(trained: Path) -> Path:
    """The file of weights, put back after the test."""
    path = trained / "own.pth"
    kept = path.read_bytes()
    yield path
    path.write_bytes(kept)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda path: save_weights(path, seed=2), "other weights of test_resnet than the run"),
        (lambda path: path.unlink(), "no such file"),
        (lambda path: path.write_bytes(b"garbage"), "not readable weights"),
        (lambda path: save_weights(path, 1, "test_vit"), "not weights of test_resnet"),
    ],
    ids=["changed", "gone", "garbage", "another network"],
)
def test_runs_whose_weights_are_not_those_of_training_are_left_out_with_the_reason(
    damage: Callable[[Path], None], reason: str, weights: Path, suite: Path, mixed: Path
) -> None:
    damage(weights)
    evaluation = evaluate(mixed, suite, CPU)
    assert {entry.baseline for entry in evaluation.record.left_out} == BACKBONED
    assert all(reason in entry.reason for entry in evaluation.record.left_out)
    assert set(predictions(evaluation)) == {"majority", "colour"}
    assert evaluation.runs == 2


def test_weights_that_were_moved_can_be_pointed_to(
    weights: Path, suite: Path, mixed: Path, tmp_path: Path
) -> None:
    expected = predictions(evaluate(mixed, suite, CPU))
    moved = shutil.move(weights, tmp_path / "moved.pth")
    evaluation = evaluate(mixed, suite, replace(CPU, weights=str(moved)))
    assert evaluation.record.left_out == ()
    found = predictions(evaluation)
    assert all(found[name].equals(expected[name]) for name in expected)
    shutil.move(moved, weights)


def test_weights_of_the_reference_are_not_given_to_other_backbones(
    trained: Path, small_demo: Path, suite: Path, mixed: Path
) -> None:
    """A second backbone whose weights are found by themselves keeps them."""
    options = RunOptions(
        str(trained / "tiny.toml"), str(small_demo), groups=small_demo / "groups.csv",
        backbone="test_convnext", weights="random", offline=True, device="cpu", precision="32",
        only=("other",),
    )  # fmt: skip
    plan = make_plan(options)
    execute(replace(plan, baselines=plan.baselines), suite.parent, jobs=1)
    evaluation = evaluate(mixed, suite, replace(CPU, weights=str(trained / "own.pth")))
    assert evaluation.record.left_out == ()
    assert set(predictions(evaluation)) == {"majority", "colour", "other", *BACKBONED}


@pytest.mark.parametrize("damage", EVERY_DAMAGE, ids=named)
def test_a_stored_model_that_is_damaged_costs_its_own_run_and_the_remedy_works(
    damage: Damage, suite: Path, mixed: Path, trained: Path, small_demo: Path
) -> None:
    run = suite / "paper" / "colour" / "seed0"
    damage(run / "model.safetensors", suite / "paper/majority/seed0/model.safetensors")
    evaluation = evaluate(mixed, suite, CPU)
    (left,) = evaluation.record.runs_left_out
    assert left.run == "paper/colour/seed0"
    assert "model.safetensors" in left.reason
    assert "lcbench run, with the same command as before" in left.reason
    assert set(predictions(evaluation)) == {"majority", *BACKBONED}
    outcome = execute(make_plan(asked(trained, small_demo)), suite.parent, jobs=1)
    assert (outcome.done, outcome.already_done) == (1, 3)
    again = evaluate(mixed, suite, CPU)
    assert again.record.runs_left_out == ()
    assert set(predictions(again)) == {"majority", "colour", *BACKBONED}


def test_a_model_that_its_kind_cannot_take_back_costs_its_own_run(suite: Path, mixed: Path) -> None:
    run = suite / "paper" / "colour" / "seed0"
    shutil.copy(suite / "paper/majority/seed0/model.safetensors", run)
    reseal(run)
    evaluation = evaluate(mixed, suite, CPU)
    (left,) = evaluation.record.runs_left_out
    assert left.run == "paper/colour/seed0"
    assert evaluation.runs == 3


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"kind": "no_such_module:Kind"}, "no_such_module"),
        ({"recipe": {"unknown": 3}}, "unknown"),
    ],
)
def test_a_kind_that_is_gone_or_takes_other_options_costs_its_own_baseline(
    changes: dict[str, object], said: str, suite: Path, mixed: Path
) -> None:
    run = suite / "paper" / "colour" / "seed0"
    rewrite(run / "config.json", **changes)
    reseal(run)
    evaluation = evaluate(mixed, suite, CPU)
    (left,) = evaluation.record.left_out
    assert left.baseline == "colour"
    assert said in left.reason
    assert evaluation.runs == 3


def external(suite: Path) -> tuple[set[str], dict[str, str]]:
    """The baselines with predictions on the one external folder, and what is not used."""
    read = read_suite(suite)
    told = {one.run: f"{one.kind}: {one.detail}" for one in read.incomplete}
    return {run.baseline for folder in read.external for run in folder.runs}, told


def test_predictions_are_bound_to_the_runs_that_they_came_from(
    suite: Path, mixed: Path, trained: Path, small_demo: Path
) -> None:
    plan = make_plan(asked(trained, small_demo))
    evaluate(mixed, suite, CPU)
    everyone = {"majority", "colour", *BACKBONED}
    assert external(suite) == (everyone, {})
    execute(plan, suite.parent, jobs=1, fresh=True)
    assert external(suite) == (everyone, {})  # the same models, so the same answers
    run = suite / "paper" / "colour" / "seed0"
    (run / "model.safetensors").write_bytes(
        (suite / "paper/cascade/seed0/model.safetensors").read_bytes()
    )
    reseal(run)  # as if another fit had given it
    used, told = external(suite)
    assert used == everyone - {"colour"}
    assert told == {
        "external/mixed": "outdated: of runs that were done again since, or that cannot be used "
        "(paper/colour/seed0): give lcbench evaluate the folder again"
    }


@pytest.mark.parametrize("damage", EVERY_DAMAGE, ids=named)
def test_an_external_prediction_file_that_is_damaged_is_named(
    damage: Damage, suite: Path, mixed: Path
) -> None:
    place = evaluate(mixed, suite, CPU).folder / "paper"
    damage(place / "colour/seed0.parquet", place / "majority/seed0.parquet")
    used, told = external(suite)
    assert used == {"majority", *BACKBONED}
    ((name, why),) = told.items()
    assert name == "external/mixed/paper/colour/seed0.parquet"
    assert "give lcbench evaluate the folder again" in why


@pytest.mark.parametrize("damage", EVERY_DAMAGE, ids=named)
def test_a_damaged_record_of_an_external_folder_is_named_and_healed(
    damage: Damage, suite: Path, mixed: Path, tmp_path: Path
) -> None:
    folder = evaluate(mixed, suite, CPU).folder
    other = shutil.copy(folder / "evaluation.json", tmp_path)
    rewrite(Path(other), name="other")
    damage(folder / "evaluation.json", Path(other))
    used, told = external(suite)
    assert (used, list(told)) == (set(), ["external/mixed"])
    assert evaluate(mixed, suite, CPU).folder == folder
    assert external(suite) == ({"majority", "colour", *BACKBONED}, {})


def test_an_external_folder_of_the_version_before_is_named(suite: Path, mixed: Path) -> None:
    folder = evaluate(mixed, suite, CPU).folder
    as_older(folder / "evaluation.json")
    used, told = external(suite)
    assert used == set()
    assert told["external/mixed"].startswith("older: ")


@pytest.mark.parametrize(
    ("name", "stored"), [(".hidden", "hidden"), ("my CT (2)", "my CT (2)"), ("a\nb", "ab")]
)
def test_whatever_a_folder_is_called_it_is_stored_as_one_that_is_seen(
    name: str, stored: str, suite: Path, mixed: Path
) -> None:
    folder = mixed.rename(mixed.with_name(name))
    assert evaluate(folder, suite, CPU).folder == suite / "external" / stored
    assert external(suite)[0] == {"majority", "colour", *BACKBONED}


def test_what_the_suite_has_no_longer_predicts_nothing(suite: Path, mixed: Path) -> None:
    (asked,) = read_plan(suite).invocations
    later = asked.model_copy(update={"suite_baselines": ("majority", "reference")})
    rewrite(suite / "plan.json", invocations=[later.model_dump()])
    assert set(predictions(evaluate(mixed, suite, CPU))) == {"majority", "reference"}


OTHERS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "no arrays": lambda _: {},
    "another kind": lambda _: {"other": np.zeros(3, dtype=np.float32)},
    "one more": lambda own: own | {"other": np.zeros(3, dtype=np.float32)},
    "other shapes": lambda own: {name: np.zeros((3, 5, 7), one.dtype) for name, one in own.items()},
    "nothing in it": lambda own: {name: one[:0] for name, one in own.items()},
    "other numbers": lambda own: {name: ~one.view(np.uint8) for name, one in own.items()},
}


@pytest.mark.parametrize("baseline", ["reference", "cascade", "colour", "majority"])
@pytest.mark.parametrize("other", OTHERS)
def test_another_model_in_the_place_of_a_stored_one_costs_its_own_run(
    suite: Path, mixed: Path, baseline: str, other: str
) -> None:
    path = suite / "paper" / baseline / "seed0" / "model.safetensors"
    save_file(OTHERS[other](load_file(path)), path)
    reseal(path.parent)
    evaluation = evaluate(mixed, suite, CPU)
    (left,) = evaluation.record.runs_left_out
    assert left.run == f"paper/{baseline}/seed0"
    assert left.reason.startswith(f"{path}: ")
    assert "Traceback" not in left.reason
    assert evaluation.runs == 3


@pytest.mark.parametrize(
    "content", [b"", b"x,side\na,train\n", b"image,side\n\xe9,train\n", b'image,side\n"a,train\n']
)
def test_broken_splits_cost_the_look_for_training_tissue(
    suite: Path, mixed: Path, content: bytes
) -> None:
    for path in (suite / "splits").glob("*/*.csv"):
        path.write_bytes(content)
    overlap = evaluate(mixed, suite, CPU).record.overlap
    assert overlap is not None
    assert overlap.reason == "no file in splits is as it was stored; lcbench run writes them anew"


# Real data


def test_the_chest_ct_folder_is_read_without_a_map(
    shared_data: Path, suite: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lcbench.runs.evaluate.overlap_with_training", not_compared)
    folder = shared_data / "external" / "chest-ct"
    files = [path for path in folder.rglob("*") if path.is_file()]
    evaluation = evaluate(folder, suite, CPU)
    record = evaluation.record
    assert {label.label: (label.node, label.images) for label in record.labels} == {
        "adenocarcinoma": ("adenocarcinoma", 92),
        "large.cell.carcinoma": ("malignant", 51),
        "normal": ("benign", 29),
        "squamous.cell.carcinoma": ("squamous_cell_carcinoma", 62),
    }
    assert (record.images, record.scored, record.unreadable) == (len(files), 234, ())
    contents = [hashlib.sha256(path.read_bytes()).hexdigest() for path in files]
    assert record.copies == len(contents) - len(set(contents))
    labels: dict[str, set[str]] = {}
    for path, content in zip(files, contents, strict=True):
        labels.setdefault(content, set()).add(path.parent.name)
    assert len(record.contradictions) == sum(len(names) > 1 for names in labels.values())
    for table in predictions(evaluation).values():
        assert Counter(table["true"])["malignant"] == 51


def test_partly_trained_and_normalising_baselines_predict_as_in_their_runs(
    trained: Path, small_demo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tiny.toml").write_text(suite_text(PARTLY, MACENKO, reference="partly"))
    options = replace(
        asked(trained, small_demo), suite=str(tmp_path / "tiny.toml"), skip=(), force=True
    )
    outcome = execute(make_plan(options), tmp_path / "runs", jobs=1)
    assert (outcome.done, outcome.failures) == (2, ())
    folder = shutil.copytree(small_demo, tmp_path / "again")
    Image.new("RGB", (224, 224), (255, 255, 255)).save(folder / "lung_n" / "white.png")
    capsys.readouterr()
    evaluation = evaluate(folder, outcome.folder, CPU)
    assert "macenko: 1 of 73 images cannot be changed so" in capsys.readouterr().err
    (unchanged,) = evaluation.record.unchanged
    assert (unchanged.view, unchanged.images) == ("macenko", ("lung_n/white.png",))
    tables = predictions(evaluation)
    assert set(tables) == {"partly", "macenko"}
    for run in read_suite(outcome.folder).runs:
        there = tables[run.config.baseline].set_index("image")
        tested = run.predictions.table["image"]
        columns = [f"p:{leaf}" for leaf in run.predictions.leaves]
        np.testing.assert_allclose(
            there.loc[tested, columns], run.predictions.probabilities, atol=1e-5
        )
