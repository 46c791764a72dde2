"""External folders beside the training images: what is like them, and what is not."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lcbench.analysis.shift_verdict import look_of
from lcbench.compute import Compute
from lcbench.datasets.demo import create_demo
from lcbench.features.embedding_files import open_embeddings
from lcbench.features.extraction import Features
from lcbench.models.backbones import resolve_backbone
from lcbench.models.weights import WeightOptions
from lcbench.runs.evaluate import evaluate
from lcbench.runs.evaluation_options import EvaluationOptions
from lcbench.runs.execute import execute
from lcbench.runs.external_records import ExternalRecord
from lcbench.runs.plan import RunOptions, make_plan
from lcbench.runs.plan_records import PlanRecord
from lcbench.runs.records import read_record, write_record
from lcbench.runs.shift import embedded
from lcbench.runs.shift_records import ShiftRecord, SpaceRecord
from lcbench.runs.shift_sides import training_side
from lcbench.runs.store import run_folders
from lcbench.runs.stored import read_run

from .recipes import KNN, MAJORITY, nothing_shared, suite_text
from .test_evaluate import save_weights

CPU = EvaluationOptions(offline=True, device="cpu", precision="32")


@pytest.fixture(scope="module")
def suite(small_demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a suite that was run."""
    folder = tmp_path_factory.mktemp("shift")
    (folder / "tiny.toml").write_text(
        suite_text(MAJORITY, KNN, reference="knn", protocols=["paper", "grouped"])
    )
    save_weights(folder / "own.pth", seed=1)
    options = RunOptions(
        str(folder / "tiny.toml"), str(small_demo), groups=small_demo / "groups.csv",
        weights=str(folder / "own.pth"), offline=True, device="cpu", precision="32",
    )  # fmt: skip
    assert not execute(make_plan(options), folder / "runs", jobs=1).failures
    return folder / "runs" / "tiny"


def shift_of(images: Path, suite: Path, tmp_path: Path, *, apart: bool = True) -> ShiftRecord:
    """What is stored of a folder that shares nothing with the suite; of any where not `apart`."""
    own = shutil.copytree(suite, tmp_path / "own" / images.name / suite.name)
    with pytest.MonkeyPatch.context() as patch:
        if apart:
            patch.setattr("lcbench.runs.evaluate.overlap_with_training", nothing_shared)
        record: ExternalRecord = evaluate(images, own, CPU).record
    assert record.shift is not None
    return record.shift


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Other images that the same program drew."""
    folder = tmp_path_factory.mktemp("other") / "drawn"
    create_demo(folder, tiles_per_class=4, copies=2, seed=77)
    return folder


@pytest.fixture(scope="module")
def of_drawn(suite: Path, drawn: Path, tmp_path_factory: pytest.TempPathFactory) -> ShiftRecord:
    """How they differ from the training images."""
    return shift_of(drawn, suite, tmp_path_factory.mktemp("evaluated"))


def grey(folder: Path, classes: tuple[str, ...] = ("normal", "scc")) -> Path:
    """Grey noise under names of classes."""
    random = np.random.default_rng(0)
    for name in classes:
        (folder / name).mkdir(parents=True)
        for number in range(6):
            pixels = random.integers(0, 256, (64, 64)).astype(np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    return folder


def counts_of(space: SpaceRecord) -> list[tuple[str, int, int, int | None]]:
    """Label, images, groups, and how many lie outside."""
    return [(one.label, one.images, one.groups, one.outside.count) for one in space.outside]


def test_images_of_the_same_origin_lie_inside(of_drawn: ShiftRecord) -> None:
    shift = of_drawn
    assert (shift.reason, shift.without, shift.groups_known) == ("", {}, "both")
    assert [space.space for space in shift.spaces] == ["", "test_resnet"]
    assert look_of(shift) in ("differs", "not shown")
    assert shift.held_out + 1 < shift.training_images
    for space in shift.spaces:
        every, *labels = space.outside
        assert every.images == shift.images == sum(one.images for one in labels)
        assert space.held_out[-1] <= space.limit
        assert space.groups == (24, 12)


def test_training_images_are_embedded_again_where_the_cache_was_emptied(
    suite: Path, small_demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [read_run(folder) for folder in run_folders(suite)]
    side = training_side(runs, small_demo)
    weights = WeightOptions(str(suite.parents[1] / "own.pth"), "test_resnet")
    backbone = resolve_backbone("test_resnet", weights)
    assert backbone is not None
    features = Features(side.dataset, Compute("cpu", "32", 8), {"test_resnet": backbone})
    monkeypatch.setenv("LCBENCH_CACHE", str(tmp_path / "empty"))
    whole = Features(side.whole, features.compute, features.backbones)
    assert whole.stored_embeddings("test_resnet", side.decoding) is None
    found = side.embeddings("test_resnet", features)
    assert len(found) == len(side.dataset.manifest)
    own = tmp_path / "own.npz"  # a file of embeddings in its place, which has a row for each image
    np.savez(own, image=side.dataset.manifest["image"].to_numpy(str), embedding=found)
    files = {"test_resnet": open_embeddings(own, "test_resnet")}
    given = Features(side.dataset, features.compute, files)
    np.testing.assert_array_equal(side.embeddings("test_resnet", given), found)


def test_the_answers_of_a_finished_classifier_are_no_features(suite: Path) -> None:
    run = next(read_run(one) for one in run_folders(suite) if one.parent.name == "knn")
    recipe = {"backbone": "test_resnet", "weights": "mine.pth", "classes": ["a", "b", "c"]}
    config = run.config.model_copy(update={"kind": "classifier", "recipe": recipe})
    head = replace(run, config=config)
    assert embedded([head]) == []
    assert embedded([run, head]) == ["test_resnet"]


def test_grey_noise_does_not_look_like_tissue_at_all(suite: Path, tmp_path: Path) -> None:
    shift = shift_of(grey(tmp_path / "grey"), suite, tmp_path)
    colour = shift.spaces[0]
    assert (colour.outside[0].outside.value, colour.farther) == (1, 1)
    assert look_of(shift) in ("unlike", "differs")  # the weights of the backbone are random
    assert shift.external is not None
    assert shift.external.stained == 0
    assert shift.external.haematoxylin is None


def test_nothing_depends_on_names_or_order(
    suite: Path, drawn: Path, of_drawn: ShiftRecord, tmp_path: Path
) -> None:
    renamed = tmp_path / "renamed"
    for number, path in enumerate(sorted(drawn.glob("*/*.*"), reverse=True)):
        (renamed / path.parent.name).mkdir(parents=True, exist_ok=True)
        shutil.copy(path, renamed / path.parent.name / f"{number:03}{path.suffix}")
    one, other = of_drawn, shift_of(renamed, suite, tmp_path)
    assert one.external is not None
    assert other.external is not None
    assert one.external.cloud == other.external.cloud
    for here, there in zip(one.spaces, other.spaces, strict=True):
        assert here.p == there.p
        assert here.distance == pytest.approx(there.distance)
        assert counts_of(here) == counts_of(there)


def test_training_images_that_are_gone_are_a_reason(suite: Path, tmp_path: Path) -> None:
    own = shutil.copytree(suite, tmp_path / "moved" / suite.name)
    plan = own / "plan.json"
    moved = read_record(plan, PlanRecord).model_copy(update={"root": str(tmp_path / "nowhere")})
    write_record(plan, moved)
    shift = evaluate(grey(tmp_path / "grey"), own, CPU).record.shift
    assert shift is not None
    assert "training images are not in" in shift.reason
    assert look_of(shift) == "unknown"


def test_what_was_trained_on_is_left_out(suite: Path, small_demo: Path, tmp_path: Path) -> None:
    shift = shift_of(small_demo, suite, tmp_path, apart=False)
    assert shift.reason == "every image shows tissue of the training images"
