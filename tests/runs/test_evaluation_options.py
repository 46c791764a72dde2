"""What `lcbench evaluate` can be asked for: labels, patients, names, and what becomes of images."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lcbench.analysis.external_results import ExternalResult
from lcbench.analysis.scores import AnalysisSettings
from lcbench.analysis.suite import analyse
from lcbench.datasets.dataset import Dataset
from lcbench.errors import UserError
from lcbench.features.extraction import Embedder
from lcbench.models.baseline import find_kind
from lcbench.runs.evaluate import evaluate
from lcbench.runs.evaluation_options import EvaluationOptions
from lcbench.runs.execute import execute
from lcbench.runs.external_images import ExternalImages
from lcbench.runs.external_records import ExternalRecord
from lcbench.runs.external_table import COLUMNS
from lcbench.runs.finished import ExternalFolder
from lcbench.runs.plan import RunOptions, make_plan
from lcbench.runs.reading import read_suite

from .recipes import CASCADE, KNN, REFERENCE, not_compared, suite_text

CPU = EvaluationOptions(offline=True, device="cpu", precision="32")
HEADS = {"reference", "knn", "cascade"}


@pytest.fixture(scope="module")
def trained(small_demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a suite of three heads on one backbone."""
    folder = tmp_path_factory.mktemp("heads")
    (folder / "tiny.toml").write_text(suite_text(REFERENCE, KNN, CASCADE))
    asked = RunOptions(
        str(folder / "tiny.toml"), str(small_demo), groups=small_demo / "groups.csv",
        backbone="test_resnet", weights="random", offline=True, device="cpu", precision="32",
    )  # fmt: skip
    outcome = execute(make_plan(asked), folder / "runs", jobs=1)
    assert (outcome.done, outcome.failures) == (3, ())
    return outcome.folder


@pytest.fixture
def own_suite(trained: Path, tmp_path: Path) -> Path:
    """A copy of the suite's folder that a test may write to."""
    return shutil.copytree(trained, tmp_path / "runs" / "tiny")


@pytest.fixture
def suite(own_suite: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same where nobody looks at pixels for what belongs together, which takes longest."""
    monkeypatch.setattr("lcbench.runs.evaluate.overlap_with_training", not_compared)
    monkeypatch.setattr("lcbench.runs.external_images.know_sources", each_alone)
    return own_suite


def each_alone(dataset: Dataset) -> tuple[Dataset, None]:
    """Instead of `know_sources`: every image is its own source."""
    alone = dataset.manifest.assign(group=dataset.manifest["image"])
    return replace(dataset, manifest=alone, unknown_source=frozenset()), None


@pytest.fixture
def outside(tmp_path: Path, write_images: Callable[..., None]) -> Path:
    """Images that nobody trained on, in folders of classes; each image is one of its kind."""
    folder = tmp_path / "outside"
    write_images(folder, {"aca": 4, "scc": 4, "normal": 4})
    return folder


def stored(suite: Path) -> ExternalFolder:
    """The one external folder of a suite, as a report reads it."""
    read = read_suite(suite)
    assert not read.incomplete
    (folder,) = read.external
    return folder


def scored(suite: Path) -> tuple[ExternalResult, ...]:
    """What a report says of the external folders."""
    settings = AnalysisSettings(resamples=20)
    return analyse(read_suite(suite), settings, advance=lambda _: None).external


def labels_of(record: ExternalRecord) -> dict[str, tuple[str, str | None]]:
    return {label.label: (label.node, label.fate) for label in record.labels}


# Labels


def test_images_of_unknown_labels_are_predicted_and_scored_nowhere(
    suite: Path, outside: Path, write_images: Callable[..., None], tmp_path: Path
) -> None:
    write_images(outside, {"OSCC": 3})
    record = evaluate(outside, suite, CPU).record
    assert labels_of(record)["OSCC"] == ("", "unknown")
    assert record.is_partial
    assert (record.images, record.answered, record.scored) == (15, 15, 12)
    folder = stored(suite)
    assert folder.images is not None
    assert folder.images.columns.tolist() == list(COLUMNS)
    roots = folder.images[folder.images["label"] == "root"]
    assert roots["given"].tolist() == ["OSCC"] * 3
    for run in folder.runs:
        table = run.predictions.table
        assert table["image"].tolist() == folder.images["image"].tolist()
        assert table["true"].tolist() == folder.images["label"].tolist()
        assert table["group"].tolist() == folder.images["group"].tolist()
    (result,) = scored(suite)
    assert {level.images for level in result.levels} == {12}

    meant = tmp_path / "map.toml"
    meant.write_text('[labels]\nOSCC = "out-of-distribution"\nscc = "leave-out"\n')
    record = evaluate(outside, suite, replace(CPU, labels=meant)).record
    assert labels_of(record)["OSCC"] == ("", "out of distribution")
    assert labels_of(record)["scc"] == ("", "left out")
    assert not record.is_partial
    assert (record.images, record.answered, record.scored) == (15, 11, 8)
    assert not stored(suite).images["image"].str.startswith("scc").any()


def test_a_flat_folder_is_refused_with_a_pattern_that_works_on_its_names(
    suite: Path, outside: Path, tmp_path: Path
) -> None:
    flat = tmp_path / "flat"
    flat.mkdir()
    for number, path in enumerate(sorted(outside.rglob("*.png"))):
        shutil.copy(path, flat / f"lung_{path.parent.name}___{number}.png")
    with pytest.raises(UserError, match="lie directly in the folder") as raised:
        evaluate(flat, suite, CPU)
    assert raised.value.remedy.startswith(
        "Labels in the names of the files are found with --label-pattern '([^/]+?)___' "
    )
    record = evaluate(flat, suite, replace(CPU, label_pattern="([^/]+?)___")).record
    assert {label: node for label, (node, _) in labels_of(record).items()} == {
        "lung_aca": "adenocarcinoma",
        "lung_normal": "benign",
        "lung_scc": "squamous_cell_carcinoma",
    }
    assert record.options.label_pattern == "([^/]+?)___"


def test_names_that_say_nothing_can_be_predicted_without_labels(
    suite: Path, outside: Path, tmp_path: Path
) -> None:
    plain = tmp_path / "plain"
    plain.mkdir()
    for number, path in enumerate(sorted(outside.rglob("*.png"))):
        shutil.copy(path, plain / f"{number}.png")
    with pytest.raises(UserError) as raised:
        evaluate(plain, suite, CPU)
    assert "--unlabelled" in raised.value.remedy
    assert "--label-pattern" not in raised.value.remedy
    evaluation = evaluate(plain, suite, replace(CPU, unlabelled=True))
    assert labels_of(evaluation.record) == {"": ("", "unlabelled")}
    assert (evaluation.record.scored, evaluation.runs) == (0, 3)
    assert not evaluation.record.is_partial
    (result,) = scored(suite)
    assert result.levels == ()


# Patients


def test_patients_are_taken_from_a_file_and_the_rest_from_pixels(
    own_suite: Path, outside: Path, tmp_path: Path
) -> None:
    (tmp_path / "patients.csv").write_text(
        "image,Patient ID\naca/000.png,p1\noutside/aca/001.png,p1\nscc/000.png,p2\n"
    )
    shutil.copy(outside / "normal/000.png", outside / "normal/again.png")
    asked = replace(CPU, groups=tmp_path / "patients.csv")
    record = evaluate(outside, own_suite, asked).record
    assert record.unit == "patient"
    assert record.groups_source == (
        "patients of patients.csv and, for 10 images that it does not name, from pixels"
    )
    table = stored(own_suite).images.set_index("image")
    assert table["unit"].tolist() == ["p1", "p1", *[""] * 7, "p2", "", "", ""]
    assert table.loc["aca/000.png", "group"] == table.loc["aca/001.png", "group"] == "p1"
    alike = table.loc[["normal/000.png", "normal/again.png"], "group"]
    assert alike.nunique() == 1
    assert (table["group"] != "").all()
    assert record.groups == table["group"].nunique() == 2 + 9


def test_patients_are_found_in_paths(own_suite: Path, outside: Path) -> None:
    asked = replace(CPU, group_pattern=r"(?P<slide>\w+/\d\d[01])")
    record = evaluate(outside, own_suite, asked).record
    assert record.unit == "slide"
    table = stored(own_suite).images
    assert (table["unit"] != "").sum() == 6
    with pytest.raises(UserError, match="finds nothing in any of 12 images"):
        evaluate(outside, own_suite, replace(CPU, group_pattern="(patient)"))


def test_without_patients_copies_count_once(own_suite: Path, outside: Path) -> None:
    shutil.copy(outside / "aca/000.png", outside / "aca/copy.png")
    record = evaluate(outside, own_suite, CPU).record
    assert (record.groups, record.unit) == (12, "")
    assert record.groups_source.startswith("pixels (1 exact copy")
    assert (stored(own_suite).images["unit"] == "").all()


# Contamination


def test_training_tissue_is_told_before_anything_is_predicted_and_marks_its_whole_group(
    own_suite: Path, outside: Path, small_demo: Path
) -> None:
    demo = sorted(small_demo.rglob("*.bmp"))[0]
    shutil.copy(demo, outside / "aca" / "p7_a.bmp")
    (outside / "aca/000.png").rename(outside / "aca/p7_b.png")
    told: list[Any] = []

    def tell(record: ExternalRecord, images: ExternalImages) -> None:
        told.append((record.overlap.with_sibling, record.overlap.contaminated))
        assert not record.predicted
        assert not (own_suite / "external").exists()
        assert len(images.dataset.manifest) == 13

    asked = replace(CPU, group_pattern=r"(p\d+)_", calibrate_on=0.5)
    record = evaluate(outside, own_suite, asked, tell=tell).record
    assert told == [(1, 2)]
    table = stored(own_suite).images.set_index("image")
    assert table.index[table["contaminated"] == "yes"].tolist() == ["aca/p7_a.bmp", "aca/p7_b.png"]
    aside = table["role"] == "calibration"
    assert aside.sum() == record.calibration == 6
    assert record.scored == 7
    assert not (table["contaminated"][aside] == "yes").any()


# Where it is stored


def test_a_folder_is_evaluated_again_in_its_place_when_its_images_have_changed(
    suite: Path, outside: Path, write_images: Callable[..., None], tmp_path: Path
) -> None:
    first = evaluate(outside, suite, CPU)
    write_images(outside, {"benign": 2}, size=40)
    again = evaluate(outside, suite, CPU)
    assert again.folder == first.folder
    assert again.record.answered == 14
    other = shutil.copytree(outside / "aca", tmp_path / "b" / "outside" / "aca").parent
    beside = evaluate(other, suite, CPU).folder
    assert beside.name.startswith("outside-")
    write_images(other, {"aca": 6}, size=40)
    assert evaluate(other, suite, CPU).folder == beside
    named = evaluate(other, suite, replace(CPU, name="my CT"))
    assert (named.folder.name, named.record.options.name) == ("my CT", "my CT")
    assert evaluate(other, suite, replace(CPU, name="my CT")).folder == named.folder
    with pytest.raises(UserError, match=r"--name my CT: .+ holds the evaluation of another"):
        evaluate(outside, suite, replace(CPU, name="my CT"))


def test_only_some_baselines_can_be_asked(suite: Path, outside: Path) -> None:
    evaluation = evaluate(outside, suite, replace(CPU, only=("kn*",)))
    assert evaluation.runs == 1
    assert evaluation.record.options.only == ("kn*",)
    assert {run.baseline for run in stored(suite).runs} == {"knn"}
    with pytest.raises(UserError, match="unknown baseline: 'kmn'"):
        evaluate(outside, suite, replace(CPU, only=("kmn",)))


def test_a_table_of_images_that_is_not_as_it_was_stored_is_not_used(
    suite: Path, outside: Path
) -> None:
    table = evaluate(outside, suite, CPU).folder / "images.csv"
    table.write_text(table.read_text().replace("aca/000.png", "aca/777.png"))
    read = read_suite(suite)
    assert read.external == ()
    (why,) = read.incomplete
    assert "images.csv: damaged" in why.detail
    table.unlink()
    assert "no images.csv" in read_suite(suite).incomplete[0].detail


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"groups": Path("g.csv"), "group_pattern": "(x)"}, "--groups and --group-pattern"),
        ({"unlabelled": True, "label_pattern": "(x)"}, "--unlabelled: --label-pattern"),
        ({"unlabelled": True, "calibrate_on": 0.5}, "--unlabelled: --calibrate-on"),
        ({"calibrate_on": 1.0}, "--calibrate-on 1"),
        ({"name": "../x"}, "--name '../x'"),
        ({"name": ".x"}, "--name '.x'"),
    ],
)
def test_options_that_contradict_each_other_are_refused(
    options: dict[str, Any], said: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError) as raised:
        evaluate(tmp_path, tmp_path, replace(CPU, **options))
    assert raised.value.message.startswith(said)


# What it costs


def test_a_backbone_looks_at_each_image_once_and_at_few_at_a_time(
    suite: Path, outside: Path, write_images: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_images(outside, {"aca": 80}, size=33)
    batches: list[int] = []
    embed = Embedder.__call__

    def counting(self: Embedder, pixels: np.ndarray) -> np.ndarray:
        batches.append(len(pixels))
        return embed(self, pixels)

    monkeypatch.setattr(Embedder, "__call__", counting)
    assert evaluate(outside, suite, CPU).runs == len(HEADS)
    assert sum(batches) == 88
    assert max(batches) < 88
    (outside / "map.toml").write_text('[labels]\nscc = "benign"\n')  # other labels, same images
    labels = replace(CPU, labels=outside / "map.toml")
    assert evaluate(outside, suite, labels).runs == len(HEADS)
    assert sum(batches) == 88


def raising(error: BaseException) -> Callable[..., Any]:
    def broken(*_: Any, **__: Any) -> Any:
        raise error

    return broken


@pytest.mark.parametrize("where", ["__init__", "needs", "restore", "predict"])
@pytest.mark.parametrize("error", [ZeroDivisionError("deep inside"), SystemExit(7)], ids=repr)
def test_a_kind_that_raises_anywhere_costs_its_own_baseline(
    where: str, error: BaseException, suite: Path, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(find_kind("neighbours"), where, raising(error))
    evaluation = evaluate(outside, suite, CPU)
    record = evaluation.record
    assert evaluation.runs == 2
    assert record.is_partial
    left = [*(one.baseline for one in record.left_out), *(one.run for one in record.runs_left_out)]
    assert left in (["knn"], ["paper/knn/seed0"])
    reasons = [one.reason for one in (*record.left_out, *record.runs_left_out)]
    assert type(error).__name__ in reasons[0]


def test_an_interrupt_is_no_error_of_a_kind(
    suite: Path, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(find_kind("neighbours"), "predict", raising(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        evaluate(outside, suite, CPU)
    assert not list((suite / "external").glob("[!.]*"))


def test_an_image_is_in_one_row_of_the_table(suite: Path, outside: Path) -> None:
    evaluate(outside, suite, CPU)
    images = stored(suite).images
    assert isinstance(images, pd.DataFrame)
    assert images["image"].is_unique
    assert images["image"].is_monotonic_increasing
