"""Weights and disks that let a run down."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from lcbench.errors import UserError
from lcbench.models.weights import WeightSource
from lcbench.runs.execute import execute
from lcbench.runs.records import RunConfig, read_record
from lcbench.runs.store import read_plan

from .recipes import KNN, MAJORITY, REFERENCE, MakePlan, contents, counts, run_folder


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch, empty_hub: None) -> Iterator[list[str]]:  # noqa: ARG001
    """A hub that cannot be reached; the names that were asked for."""
    asked: list[str] = []

    def refuse(repository: str, _: str) -> str:
        asked.append(repository)
        raise ConnectionError("no route to host")

    monkeypatch.setattr("huggingface_hub.hf_hub_download", refuse)
    return asked


def test_what_cannot_be_downloaded_is_left_out_and_asked_for_once(
    no_network: list[str], plan_of: MakePlan, tmp_path: Path
) -> None:
    others = [{**REFERENCE, "name": name, "backbone": "resnet50"} for name in ("one", "two")]
    plan = plan_of(REFERENCE, *others, offline=False)
    outcome = execute(plan, tmp_path / "runs", jobs=1)
    assert counts(outcome) == (1, 0, 0)
    assert [entry.baseline for entry in outcome.left_out] == ["one", "two"]
    assert all("no route to host" in entry.reason for entry in outcome.left_out)
    assert len(no_network) == 1
    stored = read_plan(outcome.folder)
    assert stored.left_out == outcome.left_out
    assert stored.baselines == ("reference",)


def test_a_reference_that_cannot_be_downloaded_is_an_error(
    no_network: list[str], plan_of: MakePlan, tmp_path: Path
) -> None:
    plan = plan_of(REFERENCE, MAJORITY, backbone="resnet50", weights=None, offline=False)
    with pytest.raises(UserError, match="could not be downloaded"):
        execute(plan, tmp_path / "runs", jobs=1)
    assert no_network
    assert not (tmp_path / "runs").exists()


def test_weights_from_a_file_are_recorded_with_its_name(
    plan_of: MakePlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import timm

    monkeypatch.chdir(tmp_path)
    torch.manual_seed(3)
    torch.save(timm.create_model("test_resnet").state_dict(), "own.pth")
    plan = plan_of(REFERENCE, weights="own.pth")
    assert plan.baselines[0].backbone is not None
    assert plan.baselines[0].backbone.source == WeightSource("file", "own.pth", Path("own.pth"))
    execute(plan, tmp_path / "runs", jobs=1)
    config = read_record(run_folder(tmp_path / "runs", "reference") / "config.json", RunConfig)
    assert config.backbone is not None
    assert config.backbone.weights == "file own.pth"
    assert not config.backbone.random


def full_disk(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/somewhere/file")


@pytest.mark.parametrize("writer", ["pathlib.Path.write_bytes", "pyarrow.parquet.write_table"])
def test_a_full_disk_ends_everything_with_one_message_and_no_half_run(
    writer: str, plan_of: MakePlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "runs"
    plan = plan_of(MAJORITY, KNN)
    execute(replace(plan, baselines=plan.baselines[:1]), out, jobs=1)
    before = contents(out / "tiny" / "paper")
    with monkeypatch.context() as patch:
        patch.setattr(writer, full_disk)
        with pytest.raises(UserError, match="No space left") as caught:
            execute(plan, out, jobs=1)
    assert "disk is full" in caught.value.remedy
    assert contents(out / "tiny" / "paper") == before
    assert not run_folder(out, "knn").exists()
    assert counts(execute(plan, out, jobs=1)) == (1, 1, 0)


def test_probabilities_are_stored_to_the_last_bit(
    own_kinds: str, plan_of: MakePlan, tmp_path: Path
) -> None:
    out = tmp_path / "runs"
    execute(plan_of(MAJORITY, {"name": "own", "kind": f"{own_kinds}:Own"}), out, jobs=1)
    table = pd.read_parquet(run_folder(out, "majority") / "predictions.parquet")
    shares = [column for column in table if column.startswith("p:")]
    plan = plan_of(MAJORITY)
    train = plan.dataset.manifest["label"].iloc[plan.splits[0].split.rows("train")]
    expected = np.array([(train == column.removeprefix("p:")).sum() for column in shares])
    np.testing.assert_array_equal(table[shares].to_numpy()[0], expected / expected.sum())
