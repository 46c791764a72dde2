"""A classifier that was finished elsewhere, from its checkpoint to predictions on any folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import timm
import torch

from lcbench.datasets.images import open_again
from lcbench.datasets.labels import LabelReader
from lcbench.errors import UserError
from lcbench.features.encoder import Normaliser
from lcbench.models.backbones import resolve_backbone
from lcbench.models.weights import WeightOptions
from lcbench.runs.evaluate import EvaluationOptions, evaluate
from lcbench.runs.execute import execute, rehearse
from lcbench.runs.plan import Plan
from lcbench.runs.records import RunConfig, read_record
from lcbench.taxonomy import Taxonomy

from .recipes import KNN, MAJORITY, MakePlan, counts, run_folder

CPU = EvaluationOptions(offline=True, device="cpu", precision="32")
MINE = {"name": "mine", "kind": "classifier", "backbone": "test_resnet", "weights": "mine.pth"}
ORDER = ["lung_scc", "type 7", "lung_n"]


@pytest.fixture
def network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> torch.nn.Module:
    """A finished network; its checkpoint lies in the working folder, with the names of classes."""
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(11)
    network = timm.create_model("test_resnet", num_classes=3).eval()
    state = {f"model.{name}": tensor for name, tensor in network.state_dict().items()}
    torch.save({"state_dict": state, "hyper_parameters": {"class_names": ORDER}}, "mine.pth")
    return network


@pytest.fixture
def label_map(tmp_path: Path) -> Path:
    path = tmp_path / "map.toml"
    path.write_text('[labels]\n"Type 7" = "adenocarcinoma"\n')
    return path


def expected(network: torch.nn.Module, plan: Plan, rows: np.ndarray) -> np.ndarray:
    """Probabilities of the leaves by the network alone, in the order of the tree."""
    backbone = resolve_backbone("test_resnet", WeightOptions("mine.pth", "test_resnet"))
    assert backbone is not None
    to_pixels = backbone.preprocessing.to_pixels()
    files = plan.dataset.files()
    pixels = np.stack([to_pixels(open_again(files[row])) for row in rows])
    normalise = Normaliser(backbone.preprocessing, torch.device("cpu"))
    with torch.inference_mode():
        found = network(normalise(torch.from_numpy(pixels))).double().softmax(dim=1).numpy()
    return found[:, [2, 1, 0]]


def test_a_checkpoint_is_scored_as_it_is_beside_the_others_and_on_another_folder(
    network: torch.nn.Module, label_map: Path, plan_of: MakePlan, tmp_path: Path,
    small_demo: Path, lung: Taxonomy,
) -> None:  # fmt: skip
    plan = plan_of(MAJORITY, MINE, KNN, labels=label_map)
    rehearse(plan, tmp_path / "runs")
    assert not (tmp_path / "runs").exists()
    assert counts(execute(plan, tmp_path / "runs", jobs=1)) == (3, 0, 0)
    place = run_folder(tmp_path / "runs", "mine")
    predictions = pd.read_parquet(place / "predictions.parquet")
    rows = plan.splits[0].split.rows("test")
    found = predictions.set_index("image")[[f"p:{leaf}" for leaf in lung.leaves]]
    images = plan.dataset.manifest["image"].iloc[rows]
    np.testing.assert_allclose(found.loc[images], expected(network, plan, rows), atol=1e-4)

    config = read_record(place / "config.json", RunConfig)
    assert config.backbone is not None
    assert config.backbone.outputs == 3
    assert config.recipe["labels"] == {
        "lung_scc": "squamous_cell_carcinoma", "type 7": "adenocarcinoma", "lung_n": "benign",
    }  # fmt: skip
    # The label map is not needed again, and knn still has its own backbone without a head.
    assert counts(execute(plan_of(MAJORITY, MINE, KNN, labels=label_map), tmp_path / "runs")) == (
        0, 3, 0,
    )  # fmt: skip
    evaluation = evaluate(small_demo, tmp_path / "runs" / "tiny", CPU, LabelReader(lung))
    assert (evaluation.runs, evaluation.record.left_out) == (3, ())
    outside = pd.read_parquet(evaluation.folder / "paper" / "mine" / "seed0.parquet")
    again = outside.set_index("image").loc[images, found.columns]
    np.testing.assert_allclose(again, found.loc[images], atol=1e-6)


@pytest.mark.usefixtures("network")
def test_a_checkpoint_that_has_moved_is_named_to_evaluate(
    label_map: Path, plan_of: MakePlan, tmp_path: Path, small_demo: Path
) -> None:
    execute(plan_of(MAJORITY, MINE, labels=label_map), tmp_path / "runs", jobs=1)
    Path("mine.pth").rename("moved.pth")
    without = evaluate(small_demo, tmp_path / "runs" / "tiny", CPU).record.left_out
    assert [(one.baseline, "mine.pth: no such file" in one.reason) for one in without] == [
        ("mine", True)
    ]
    moved = replace(CPU, weights="moved.pth")
    assert evaluate(small_demo, tmp_path / "runs" / "tiny", moved).runs == 2


@pytest.mark.usefixtures("network")
def test_two_of_one_architecture_are_not_confused(
    label_map: Path, plan_of: MakePlan, tmp_path: Path
) -> None:
    torch.manual_seed(12)
    other = timm.create_model("test_resnet", num_classes=3).state_dict()
    torch.save({"state_dict": dict(other), "classes": ORDER}, "other.pth")
    second = {**MINE, "name": "second", "weights": "other.pth"}
    outcome = execute(plan_of(MAJORITY, MINE, second, labels=label_map), tmp_path / "runs", jobs=1)
    assert counts(outcome) == (3, 0, 0)
    hashes = {
        read_record(run_folder(tmp_path / "runs", one) / "config.json", RunConfig).backbone
        for one in ("mine", "second")
    }
    assert len({one.weights_sha256 for one in hashes if one}) == 2


def test_a_function_of_the_users_own_brings_a_finished_network(
    plan_of: MakePlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lcbench_test_finished.py").write_text(
        "import torch\nfrom lcbench.features.encoder import Preprocessing\n"
        "def net():\n"
        "    torch.manual_seed(0)\n"
        "    layers = torch.nn.AvgPool2d(16), torch.nn.Flatten(), torch.nn.Linear(48, 1)\n"
        "    return torch.nn.Sequential(*layers), Preprocessing(size=64)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    mine = {
        "name": "mine", "kind": "classifier", "backbone": "lcbench_test_finished:net",
        "classes": ["benign", "malignant"], "coarse": "evenly",
    }  # fmt: skip
    assert counts(execute(plan_of(MAJORITY, mine), tmp_path / "runs", jobs=1)) == (2, 0, 0)
    place = run_folder(tmp_path / "runs", "mine")
    found = pd.read_parquet(place / "predictions.parquet")
    np.testing.assert_allclose(found["p:adenocarcinoma"], found["p:squamous_cell_carcinoma"])
    config = read_record(place / "config.json", RunConfig)
    assert config.code_sha256
    assert config.backbone is not None
    assert (config.backbone.image_size, config.backbone.outputs) == (64, 1)


@pytest.mark.usefixtures("network")
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "baseline mine: its class 'type 7' is no class of the tree"),
        ({"weights": "nowhere.pth"}, r"baseline mine: weights = nowhere\.pth: no such file"),
        ({"backbone": "test_vit"}, "no head of test_vit"),
        ({"backbone": "test_convnext"}, "no head of test_convnext"),
        ({"classes": ["lung_n", "lung_aca"]}, "3 outputs, and 2 classes are named"),
    ],
    ids=["unmapped", "missing", "vit", "convnext", "few"],
)
def test_what_does_not_fit_is_refused_in_the_plan(
    changes: dict[str, object], said: str, plan_of: MakePlan
) -> None:
    with pytest.raises(UserError, match=said):
        plan_of(MAJORITY, {**MINE, **changes})
