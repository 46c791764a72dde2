"""Kinds of a user's own: beside the others, and where they fail."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import save_file

from lcbench.errors import UserError
from lcbench.runs.execute import execute
from lcbench.runs.records import RunConfig, RunState, read_record
from lcbench.runs.restoring import predict
from lcbench.taxonomy import Taxonomy

from .recipes import KNN, MAJORITY, REFERENCE, MakePlan, counts, run_folder

BRIGHTNESS = """
import torch
from lcbench.features.encoder import Preprocessing
from lcbench.models.shortcuts import Majority


class Brightness(Majority):
    feature = "pixels"

    def predict(self, samples):
        found = super().predict(samples)
        found[:] = samples.all_pixels()[samples.rows].mean(axis=(1, 2, 3))[:, None] * found
        return found / found.sum(axis=1, keepdims=True)


def encoder():
    return torch.nn.Sequential(torch.nn.AvgPool2d(32), torch.nn.Flatten()), Preprocessing()
"""


@pytest.fixture
def own_pixels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A kind and an encoder of one's own, on pixels; the name of their module."""
    (tmp_path / "lcbench_test_own_pixels.py").write_text(BRIGHTNESS)
    monkeypatch.syspath_prepend(tmp_path)
    return "lcbench_test_own_pixels"


def test_a_kind_on_pixels_and_an_encoder_of_ones_own_run_without_weights_or_force(
    own_pixels: str, plan_of: MakePlan, tmp_path: Path
) -> None:
    kind = {"name": "brightness", "kind": f"{own_pixels}:Brightness"}
    head = {**REFERENCE, "backbone": f"{own_pixels}:encoder"}
    out = tmp_path / "runs"
    plan = plan_of(head, kind)  # no backbone is trained: nothing takes long on a CPU
    assert not plan.left_out
    assert counts(execute(plan, out, jobs=1)) == (2, 0, 0)
    assert counts(execute(plan, out, jobs=1)) == (0, 2, 0)
    on_pixels = read_record(run_folder(out, "brightness") / "config.json", RunConfig)
    assert on_pixels.backbone is None
    record = read_record(run_folder(out, "reference") / "config.json", RunConfig).backbone
    assert record is not None
    assert record.name == f"{own_pixels}:encoder"
    assert record.weights == f"function {own_pixels}:encoder"
    assert record.preprocessing.startswith("224 px, bicubic, squash crop 1; mean 0.485")
    assert (record.random, record.parameters) == (False, 0)


def test_a_kind_of_ones_own_runs_beside_the_others(
    own_kinds: str, plan_of: MakePlan, tmp_path: Path
) -> None:
    own = {"name": "own", "kind": f"{own_kinds}:Own", "answer": "adenocarcinoma", "layers": [5, 4]}
    out = tmp_path / "runs"
    assert counts(execute(plan_of(MAJORITY, own), out, jobs=1)) == (2, 0, 0)
    predictions = pd.read_parquet(run_folder(out, "own") / "predictions.parquet")
    assert set(predictions["predicted"]) == {"adenocarcinoma"}
    assert (predictions["p:adenocarcinoma"] == 1).all()
    config = read_record(run_folder(out, "own") / "config.json", RunConfig)
    assert config.recipe["layers"] == [5, 4]
    state = read_record(run_folder(out, "own") / "state.json", RunState)
    assert state.parameters == 9
    assert counts(execute(plan_of(MAJORITY, own), out, jobs=1)) == (0, 2, 0)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("Broken", "ZeroDivisionError: deep inside"),
        ("MissesFile", "/no/such/table.csv"),
        ("StatesText", "Traceback"),
    ],
)
def test_a_kind_that_raises_leaves_its_traceback_and_the_others_finish(
    kind: str, said: str, own_kinds: str, plan_of: MakePlan, tmp_path: Path
) -> None:
    out = tmp_path / "runs"
    bad = {"name": "bad", "kind": f"{own_kinds}:{kind}"}
    outcome = execute(plan_of(MAJORITY, bad, KNN), out, jobs=1)
    assert counts(outcome) == (2, 0, 1)
    state = read_record(run_folder(out, "bad") / "state.json", RunState)
    assert state.status == "failed"
    assert state.error.startswith("Traceback")
    assert said in state.error
    (failure,) = outcome.failures
    assert (failure.baseline, failure.run) == ("bad", "paper/seed0")
    assert failure.reason == state.error
    assert not (run_folder(out, "bad") / "predictions.parquet").exists()
    for name in ("majority", "knn"):
        assert read_record(run_folder(out, name) / "state.json", RunState).status == "done"


def test_a_kind_that_explains_itself_is_quoted_without_a_traceback(
    own_kinds: str, plan_of: MakePlan, tmp_path: Path
) -> None:
    out = tmp_path / "runs"
    bad = {"name": "bad", "kind": f"{own_kinds}:Explains"}
    (failure,) = execute(plan_of(MAJORITY, bad), out, jobs=1).failures
    assert failure.reason == "no licence for this model\nAsk for one."


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("NotANumber", "do not sum to 1"),
        ("Negative", "negative"),
        ("TooManyColumns", r"not \(11, 3\)"),
        ("TooFewRows", r"shape \(10, 3\), not \(11, 3\)"),
    ],
)
def test_predictions_that_are_no_distributions_are_not_stored(
    kind: str, said: str, own_kinds: str, plan_of: MakePlan, tmp_path: Path
) -> None:
    """One such file would keep the report of every baseline from being written."""
    bad = {"name": "bad", "kind": f"{own_kinds}:{kind}"}
    (failure,) = execute(plan_of(MAJORITY, bad), tmp_path / "runs", jobs=1).failures
    assert re.search(said, failure.reason)
    assert kind in failure.reason


def test_a_kind_that_fails_on_new_images_is_to_be_mended(
    own_kinds: str, lung: Taxonomy, tmp_path: Path
) -> None:
    """Training again would give the same: what was learned can be sound."""
    save_file({"row": np.ones(3)}, tmp_path / "model.safetensors")
    config = SimpleNamespace(
        kind=f"{own_kinds}:NotANumber", recipe={}, backbone=None, seed=0, fold=0
    )
    images = SimpleNamespace(manifest=pd.DataFrame({"image": ["a", "b"]}))
    features: Any = SimpleNamespace(compute=None, backbones={}, dataset=images)
    run: Any = SimpleNamespace(config=config, folder=tmp_path)
    with pytest.raises(UserError, match="do not sum to 1") as caught:
        predict(run, features, lung)
    assert caught.value.remedy.startswith("Mend the kind")


def test_a_failed_run_is_tried_again(own_kinds: str, plan_of: MakePlan, tmp_path: Path) -> None:
    out = tmp_path / "runs"
    bad = {"name": "own", "kind": f"{own_kinds}:Broken"}
    assert counts(execute(plan_of(MAJORITY, bad), out, jobs=1)) == (1, 0, 1)
    assert counts(execute(plan_of(MAJORITY, bad), out, jobs=1)) == (0, 1, 1)
    good = {"name": "own", "kind": f"{own_kinds}:Own"}
    assert counts(execute(plan_of(MAJORITY, good), out, jobs=1)) == (1, 1, 0)
    assert read_record(run_folder(out, "own") / "state.json", RunState).error == ""
