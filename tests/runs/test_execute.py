"""Execution: every run stored whole, resumed by what decides its result, equal bytes each time."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from joblib.externals.loky import get_reusable_executor

from lcbench.errors import UserError
from lcbench.models.weights import WeightSource
from lcbench.protocols import run_name
from lcbench.runs.execute import Outcome, execute
from lcbench.runs.plan import Plan
from lcbench.runs.records import RunConfig, RunState, read_record
from lcbench.runs.store import read_plan
from lcbench.storage import content_hash, file_sha256

MAJORITY = {"name": "majority", "kind": "majority"}
COLOUR = {"name": "colour", "kind": "colour", "max_rounds": 5}
KNN = {"name": "knn", "kind": "neighbours", "neighbours": 3}
REFERENCE = {"name": "reference", "kind": "network", "epochs": 2, "hidden": 8}
CASCADE = {**REFERENCE, "name": "cascade", "hierarchy": "cascade"}
TWO_HEAD = {**REFERENCE, "name": "two-head", "hierarchy": "multi-head"}
WHOLE = {**REFERENCE, "name": "whole", "tuning": "full", "epochs": 1, "augmentation": "flips"}

MakePlan = Callable[..., Plan]


def contents(folder: Path) -> dict[str, str]:
    """Every file below a folder with the hash of its bytes."""
    return {
        path.relative_to(folder).as_posix(): file_sha256(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def results(folder: Path) -> dict[str, str]:
    """The files that the same command must write with the same bytes."""
    wanted = (".parquet", ".safetensors", "history.csv")
    return {name: digest for name, digest in contents(folder).items() if name.endswith(wanted)}


def run_folder(out: Path, baseline: str, *, seed: int = 0, suite: str = "tiny") -> Path:
    return out / suite / "paper" / baseline / run_name("paper", seed, 0)


def counts(outcome: Outcome) -> tuple[int, int, int]:
    return outcome.done, outcome.already_done, len(outcome.failures)


def test_a_run_folder_tells_everything_about_its_run(plan_of: MakePlan, tmp_path: Path) -> None:
    plan = plan_of(REFERENCE, MAJORITY, protocols=("grouped",))
    outcome = execute(plan, tmp_path / "runs", jobs=1)
    assert outcome.folder == tmp_path / "runs" / "tiny"
    assert counts(outcome) == (10, 0, 0)
    tested: list[str] = []
    for planned in plan.splits:
        split = planned.split
        folder = outcome.folder / "grouped" / "reference" / split.name
        config = read_record(folder / "config.json", RunConfig)
        assert (config.protocol, config.seed, config.fold) == ("grouped", 0, split.fold)
        stored = outcome.folder / "splits" / "grouped" / f"{split.name}.csv"
        assert config.split.sha256 == content_hash(stored.read_text())
        sides = pd.read_csv(stored).set_index("image")["side"]
        counted = (config.split.train, config.split.validation, config.split.test)
        assert counted == tuple((sides == side).sum() for side in ("train", "validation", "test"))
        predictions = pd.read_parquet(folder / "predictions.parquet")
        assert set(predictions["image"]) == set(sides.index[sides == "test"])
        assert set(predictions["fold"]) == {split.fold}
        assert set(predictions["baseline"]) == {"reference"}
        manifest = plan.dataset.manifest.set_index("image").loc[predictions["image"]]
        for column, theirs in (("sha256", "sha256"), ("group", "group"), ("true", "label")):
            assert predictions[column].tolist() == manifest[theirs].tolist()
        tested += predictions["image"].tolist()
        assert len(pd.read_csv(folder / "history.csv")) == 2
    assert sorted(tested) == sorted(plan.dataset.manifest["image"])  # every image once


def test_the_record_of_a_run_says_what_it_was_made_with(plan_of: MakePlan, tmp_path: Path) -> None:
    plan = plan_of(REFERENCE, MAJORITY)
    out = tmp_path / "runs"
    execute(plan, out, jobs=1)
    config = read_record(run_folder(out, "reference") / "config.json", RunConfig)
    assert config.backbone is not None
    assert (config.backbone.name, config.backbone.random) == ("test_resnet", True)
    assert config.backbone.weights_sha256 == plan.baselines[0].backbone.facts.weights_sha256  # type: ignore[union-attr]
    assert (config.device, config.precision) == ("cpu", "32")
    assert {"epochs": 2, "hidden": 8, "backbone": "test_resnet"}.items() <= config.recipe.items()
    assert config.dataset.sha256 == plan.dataset.sha256
    assert config.versions["torch"] == torch.__version__.split("+")[0]
    state = read_record(run_folder(out, "reference") / "state.json", RunState)
    assert state.status == "done"
    assert state.epochs == 2
    assert state.images_per_second is not None
    assert state.images_per_second > 0
    assert state.peak_memory_mb > 50
    majority = read_record(run_folder(out, "majority") / "config.json", RunConfig)
    assert majority.backbone is None
    assert not (run_folder(out, "majority") / "history.csv").exists()
    assert (
        read_record(run_folder(out, "majority") / "state.json", RunState).images_per_second is None
    )
    assert read_plan(out / "tiny").baselines == ("reference", "majority")


def test_what_is_stored_is_kept(plan_of: MakePlan, tmp_path: Path) -> None:
    out = tmp_path / "runs"
    first = execute(plan_of(REFERENCE, MAJORITY, seeds=2), out, jobs=1)
    assert counts(first) == (4, 0, 0)
    before = contents(out / "tiny" / "paper")
    second = execute(plan_of(REFERENCE, MAJORITY, seeds=2), out, jobs=1)
    assert counts(second) == (0, 4, 0)
    assert contents(out / "tiny" / "paper") == before


def redone(out: Path, before: dict[str, str]) -> set[str]:
    """Baselines with a state.json that is not the one of before."""
    after = contents(out / "tiny" / "paper")
    return {
        name.split("/")[0]
        for name, digest in after.items()
        if name.endswith("state.json") and before.get(name) != digest
    }


def mark(out: Path) -> dict[str, str]:
    """Make every stored state differ from what a new run would store."""
    for path in (out / "tiny").rglob("state.json"):
        state = json.loads(path.read_text())
        path.write_text(json.dumps({**state, "started": "long ago"}))
    return contents(out / "tiny" / "paper")


def remove(path: str) -> Callable[[Path], None]:
    return lambda out: (run_folder(out, "knn") / path).unlink()


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda out: shutil.rmtree(run_folder(out, "knn")), id="the folder"),
        pytest.param(remove("predictions.parquet"), id="its predictions"),
        pytest.param(remove("state.json"), id="its state"),
        pytest.param(remove("config.json"), id="its configuration"),
    ],
)
def test_a_run_that_is_gone_is_done_again_and_no_other(
    damage: Callable[[Path], None], plan_of: MakePlan, tmp_path: Path
) -> None:
    out = tmp_path / "runs"
    execute(plan_of(REFERENCE, KNN, MAJORITY), out, jobs=1)
    same = results(out)
    before = mark(out)
    damage(out)
    assert counts(execute(plan_of(REFERENCE, KNN, MAJORITY), out, jobs=1)) == (1, 2, 0)
    assert redone(out, before) == {"knn"}
    assert results(out) == same


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param({"recipe": {"epochs": 3}}, {"reference"}, id="recipe"),
        pytest.param({"plan": {"backbone": "test_convnext"}}, {"reference", "knn"}, id="backbone"),
        pytest.param({"plan": {"precision": "bf16"}}, {"reference", "knn"}, id="precision"),
        pytest.param({"plan": {"groups": None}}, {"reference", "knn", "majority"}, id="groups"),
        pytest.param({"purpose": True}, set(), id="purpose"),
    ],
)
def test_runs_are_done_again_when_what_decides_their_result_has_changed(
    change: dict[str, dict[str, object]], expected: set[str], plan_of: MakePlan, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("lcbench.compute.supports_bf16", lambda _: True)
    out = tmp_path / "runs"
    execute(plan_of(REFERENCE, KNN, MAJORITY), out, jobs=1)
    before = mark(out)
    reference = {**REFERENCE, **change.get("recipe", {})}
    if "purpose" in change:
        reference["purpose"] = "In other words"
    execute(plan_of(reference, KNN, MAJORITY, **change.get("plan", {})), out, jobs=1)
    assert redone(out, before) == expected


def test_fresh_does_everything_again(plan_of: MakePlan, tmp_path: Path) -> None:
    out = tmp_path / "runs"
    execute(plan_of(REFERENCE, MAJORITY), out, jobs=1)
    before = mark(out)
    outcome = execute(plan_of(REFERENCE, MAJORITY), out, jobs=1, fresh=True)
    assert counts(outcome) == (2, 0, 0)
    assert redone(out, before) == {"reference", "majority"}


def test_more_seeds_and_baselines_add_to_what_is_there(plan_of: MakePlan, tmp_path: Path) -> None:
    out = tmp_path / "runs"
    execute(plan_of(REFERENCE, MAJORITY, only=("reference",)), out, jobs=1)
    outcome = execute(plan_of(REFERENCE, MAJORITY, seeds=2), out, jobs=1)
    assert counts(outcome) == (3, 1, 0)


@pytest.mark.parametrize(
    "change", [{"backbone": "test_convnext"}, {"groups": None}, {"recipe": {"epochs": 3}}], ids=str
)
@pytest.mark.parametrize("fewer", [{"seeds": 1}, {"protocols": ("paper",)}], ids=str)
def test_runs_made_in_two_ways_are_not_left_side_by_side(
    change: dict[str, Any], fewer: dict[str, Any], plan_of: MakePlan, tmp_path: Path
) -> None:
    """The report would pool them, and call them all by the weights and recipe of the new ones."""
    out = tmp_path / "runs"
    more = {"protocols": ("paper", "grouped")} if "protocols" in fewer else {"seeds": 2}
    execute(plan_of(REFERENCE, MAJORITY, **more), out, jobs=1)
    before = contents(out)
    reference = {**REFERENCE, **change.get("recipe", {})}
    asked = {key: value for key, value in change.items() if key != "recipe"}
    with pytest.raises(UserError, match="made with another recipe, other weights") as caught:
        execute(plan_of(reference, MAJORITY, **fewer, **asked), out, jobs=1)
    assert "--out" in caught.value.remedy
    assert contents(out) == before


def test_runs_of_before_stay_beside_new_ones_that_were_made_the_same_way(
    plan_of: MakePlan, tmp_path: Path
) -> None:
    out = tmp_path / "runs"
    execute(plan_of(REFERENCE, MAJORITY, seeds=2), out, jobs=1)
    assert counts(execute(plan_of(REFERENCE, MAJORITY), out, jobs=1)) == (0, 2, 0)
    other = {**KNN, "name": "majority"}
    with pytest.raises(UserError, match="majority/seed1"):
        execute(plan_of(REFERENCE, other), out, jobs=1)


def test_leftovers_of_a_killed_run_are_removed(plan_of: MakePlan, tmp_path: Path) -> None:
    out = tmp_path / "runs"
    leftover = run_folder(out, "majority").with_name(".seed0-x1y2")
    leftover.mkdir(parents=True)
    (leftover / "predictions.parquet").write_bytes(b"half")
    execute(plan_of(MAJORITY), out, jobs=1)
    assert [path.name for path in run_folder(out, "majority").parent.iterdir()] == ["seed0"]


def test_results_on_other_images_are_not_mixed_in(plan_of: MakePlan, tmp_path: Path) -> None:
    out = tmp_path / "runs"
    plan = plan_of(MAJORITY)
    execute(plan, out, jobs=1)
    before = contents(out)
    with pytest.raises(UserError, match="holds results on other images") as caught:
        execute(replace(plan, dataset=replace(plan.dataset, sha256="other")), out, jobs=1)
    assert "--out" in caught.value.remedy
    parents = {**plan.taxonomy.parents, "other": "malignant"}
    with pytest.raises(UserError, match="another class tree"):
        execute(replace(plan, taxonomy=replace(plan.taxonomy, parents=parents)), out, jobs=1)
    assert contents(out) == before


@pytest.fixture
def own_workers() -> Iterator[None]:
    """Worker processes that see this test's cache, and none left over for other tests."""
    get_reusable_executor().shutdown(wait=True)
    yield
    get_reusable_executor().shutdown(wait=True)


@pytest.mark.usefixtures("own_workers")
def test_two_fresh_runs_give_equal_bytes_whatever_the_cache_and_the_number_of_jobs(
    plan_of: MakePlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Heads, trees, neighbours and a whole network with flips: all that is random has a seed."""
    found = []
    for number, jobs in enumerate((1, 2)):
        monkeypatch.setenv("LCBENCH_CACHE", str(tmp_path / f"cache{number}"))
        plan = plan_of(REFERENCE, MAJORITY, COLOUR, KNN, CASCADE, TWO_HEAD, WHOLE,
                       force=True, precision="auto")  # fmt: skip
        out = tmp_path / f"runs{number}"
        assert counts(execute(plan, out, jobs=jobs)) == (7, 0, 0)
        found.append(results(out) | contents(out / "tiny" / "splits"))
    assert found[0] == found[1]
    assert len({digest for name, digest in found[0].items() if "predictions" in name}) == 7


def test_seeds_and_arms_differ_in_what_they_should_and_share_what_they_should(
    plan_of: MakePlan, tmp_path: Path
) -> None:
    out = tmp_path / "runs"
    execute(plan_of(REFERENCE, KNN, seeds=2), out, jobs=1)
    tables = {
        (name, seed): pd.read_parquet(run_folder(out, name, seed=seed) / "predictions.parquet")
        for name in ("reference", "knn")
        for seed in (0, 1)
    }
    for seed in (0, 1):
        assert tables["reference", seed]["image"].equals(tables["knn", seed]["image"])
    assert not tables["reference", 0]["image"].equals(tables["reference", 1]["image"])


# Kinds of one's own


OWN_KINDS = '''
import numpy as np
from pydantic import BaseModel
from lcbench.errors import UserError
from lcbench.models.baseline import Baseline, Epoch, FitSummary, Settings


class OwnSettings(Settings):
    answer: str = "benign"
    layers: list[int] = [3, 2]
    extra: dict[str, float] = {}


class Own(Baseline):
    """Always the same answer, sure of it."""

    settings_type = OwnSettings

    def fit(self, train, validation):
        leaves = self.context.taxonomy.leaves
        self.row = np.array([float(leaf == self.settings.answer) for leaf in leaves])
        return FitSummary(parameters=sum(self.settings.layers))

    def predict(self, samples):
        return np.tile(self.row, (len(samples), 1))

    def state(self):
        return {"row": self.row}

    def restore(self, state):
        self.row = state["row"]


class Broken(Own):
    def fit(self, train, validation):
        raise ZeroDivisionError("deep inside")


class Explains(Own):
    def fit(self, train, validation):
        raise UserError("no licence for this model", "Ask for one.")


class MissesFile(Own):
    def fit(self, train, validation):
        open("/no/such/table.csv")


class LosesConnection(Own):
    def fit(self, train, validation):
        raise ConnectionResetError("by peer")


class NotANumber(Own):
    def predict(self, samples):
        return np.full((len(samples), 3), np.nan)


class Negative(Own):
    def predict(self, samples):
        return np.tile([1.5, -0.5, 0.0], (len(samples), 1))


class Scores(Own):
    def predict(self, samples):
        return np.tile([1.0, 2.0, 3.0], (len(samples), 1))


class TooManyColumns(Own):
    def predict(self, samples):
        return np.tile([0.2, 0.2, 0.2, 0.4], (len(samples), 1))


class TooFewRows(Own):
    def predict(self, samples):
        return np.tile(self.row, (len(samples) - 1, 1))


class StatesText(Own):
    def state(self):
        return {"row": "text"}


class SaysNothing(Own):
    def fit(self, train, validation):
        super().fit(train, validation)
'''


@pytest.fixture
def own_kinds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "lcbench_test_own_kinds.py").write_text(OWN_KINDS)
    monkeypatch.syspath_prepend(tmp_path / "own")
    return "lcbench_test_own_kinds"


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
        ("LosesConnection", "by peer"),
        ("StatesText", "Traceback"),
        ("SaysNothing", "Traceback"),
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
        ("Scores", "do not sum to 1"),
        ("TooManyColumns", r"not \(11, 3\)"),
        ("TooFewRows", r"shape \(10, 3\), not \(11, 3\)"),
    ],
)
def test_predictions_that_are_no_distributions_are_not_stored(
    kind: str, said: str, own_kinds: str, plan_of: MakePlan, tmp_path: Path
) -> None:
    """One such file would keep the report of every baseline from being written."""
    import re

    bad = {"name": "bad", "kind": f"{own_kinds}:{kind}"}
    (failure,) = execute(plan_of(MAJORITY, bad), tmp_path / "runs", jobs=1).failures
    assert re.search(said, failure.reason)
    assert kind in failure.reason


def test_a_failed_run_is_tried_again(own_kinds: str, plan_of: MakePlan, tmp_path: Path) -> None:
    out = tmp_path / "runs"
    bad = {"name": "own", "kind": f"{own_kinds}:Broken"}
    assert counts(execute(plan_of(MAJORITY, bad), out, jobs=1)) == (1, 0, 1)
    assert counts(execute(plan_of(MAJORITY, bad), out, jobs=1)) == (0, 1, 1)
    good = {"name": "own", "kind": f"{own_kinds}:Own"}
    assert counts(execute(plan_of(MAJORITY, good), out, jobs=1)) == (1, 1, 0)
    assert read_record(run_folder(out, "own") / "state.json", RunState).error == ""


# Weights that turn out to be unusable


def test_unreadable_weights_are_an_error_before_anything_is_written(
    plan_of: MakePlan, tmp_path: Path
) -> None:
    (tmp_path / "bad.pth").write_bytes(b"no weights")
    for baselines in ((REFERENCE, MAJORITY), (MAJORITY, KNN)):
        plan = plan_of(*baselines, weights=str(tmp_path / "bad.pth"))
        with pytest.raises(UserError, match=r"bad\.pth: not readable weights"):
            execute(plan, tmp_path / "runs", jobs=1)
    assert not (tmp_path / "runs").exists()


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


def test_when_no_download_works_nothing_is_called_done(
    no_network: list[str], plan_of: MakePlan, tmp_path: Path
) -> None:
    other = {**REFERENCE, "name": "other", "backbone": "resnet50"}
    plan = plan_of(REFERENCE, other, only=("other",), offline=False)
    with pytest.raises(UserError, match=r"no baseline can run: other: .*could not be downloaded"):
        execute(plan, tmp_path / "runs", jobs=1)
    assert no_network


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


# Disks


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
