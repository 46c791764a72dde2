"""The contract that every baseline of the core suite keeps, whatever its kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from lcbench.compute import resolve_compute
from lcbench.datasets.dataset import Dataset
from lcbench.errors import UserError
from lcbench.features.extraction import Features
from lcbench.features.samples import Samples
from lcbench.models.baseline import Baseline, Context, FitSummary
from lcbench.protocols import splits
from lcbench.runs.plan import PlannedBaseline, RunOptions, plan_baselines
from lcbench.runs.suite import load_suite
from lcbench.taxonomy import Taxonomy

CORE = load_suite("core")
COMPUTE = resolve_compute("cpu", "auto")
WHOLE_NETWORK_IMAGES = 12


@dataclass(frozen=True)
class Case:
    """A baseline of the suite with images to fit it on."""

    planned: PlannedBaseline
    features: Features
    taxonomy: Taxonomy
    rows: dict[str, NDArray[np.intp]]

    def new(self, seed: int = 7) -> Baseline:
        context = Context(self.taxonomy, self.features.compute, seed, self.planned.backbone)
        return self.planned.kind(self.planned.settings, context)

    def samples(self, side: str) -> Samples:
        return Samples(self.features, self.rows[side])

    def fitted(self, seed: int = 7) -> tuple[Baseline, FitSummary]:
        baseline = self.new(seed)
        return baseline, baseline.fit(self.samples("train"), self.samples("validation"))

    def relabelled(self, change: Callable[[NDArray[np.object_]], None]) -> Case:
        """Return the same images under other labels; what was computed from pixels is kept."""
        dataset = self.features.dataset
        labels = dataset.manifest["label"].to_numpy(dtype=object).copy()
        change(labels)
        changed = replace(dataset, manifest=dataset.manifest.assign(label=labels))
        return replace(self, features=replace(self.features, dataset=changed))


def plan(name: str) -> PlannedBaseline | str:
    """Return a baseline of the suite, or why it cannot be fitted on this machine."""
    options = RunOptions(
        "core", "demo", backbone="tf_efficientnet_lite0", offline=True, force=True, only=(name,)
    )
    try:
        (planned,), _ = plan_baselines(CORE, options, COMPUTE)
    except UserError as error:
        return error.message
    return planned


PLANNED = {recipe.name: plan(recipe.name) for recipe in CORE.baselines}
HERE = {name: one for name, one in PLANNED.items() if isinstance(one, PlannedBaseline)}


@pytest.mark.parametrize("name", [name for name in PLANNED if name not in HERE])
def test_the_contract_is_not_checked_where_weights_are_absent(name: str) -> None:
    pytest.skip(str(PLANNED[name]))


@pytest.fixture(scope="module", params=HERE)
def case(request: pytest.FixtureRequest, demo_dataset: Dataset, lung: Taxonomy) -> Case:
    baseline = HERE[request.param]
    split = next(splits("paper", demo_dataset, 0))
    rows = {side: split.rows(side) for side in ("train", "validation", "test")}
    whole = baseline.needs == "pixels"
    if whole:
        rows = {side: some[:: -(-len(some) // WHOLE_NETWORK_IMAGES)] for side, some in rows.items()}
    if "epochs" in type(baseline.settings).model_fields:
        settings = baseline.settings.model_copy(update={"epochs": 1 if whole else 4})
        baseline = replace(baseline, settings=settings)
    backbones = {baseline.backbone.name: baseline.backbone} if baseline.backbone else {}
    return Case(baseline, Features(demo_dataset, COMPUTE, backbones), lung, rows)


@pytest.fixture(scope="module")
def fitted(case: Case) -> tuple[Baseline, FitSummary]:
    return case.fitted()


def require_distributions(found: NDArray[np.float64], rows: int, taxonomy: Taxonomy) -> None:
    assert found.shape == (rows, len(taxonomy.leaves))
    assert found.dtype == np.float64
    assert np.isfinite(found).all()
    assert (found >= 0).all()
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-6)


def test_predictions_are_distributions_over_the_leaves(
    case: Case, fitted: tuple[Baseline, FitSummary]
) -> None:
    found = fitted[0].predict(case.samples("test"))
    require_distributions(found, len(case.rows["test"]), case.taxonomy)


def test_the_summary_tells_what_was_learned(fitted: tuple[Baseline, FitSummary]) -> None:
    summary = fitted[1]
    assert summary.parameters >= 0
    assert (summary.epochs is None) == (not summary.history)
    if summary.epochs is not None:
        assert 1 <= (summary.best_epoch or 0) <= summary.epochs
        assert all(np.isfinite(epoch.train_loss) for epoch in summary.history)


def test_the_same_seed_gives_the_same_bits(case: Case, fitted: tuple[Baseline, FitSummary]) -> None:
    first = fitted[0].predict(case.samples("test"))
    again = case.fitted()[0].predict(case.samples("test"))
    np.testing.assert_array_equal(first, again)


def test_what_is_stored_predicts_what_was_fitted(
    case: Case, fitted: tuple[Baseline, FitSummary], tmp_path: Path
) -> None:
    save_file(fitted[0].state(), tmp_path / "model.safetensors")
    restored = case.new(seed=12345)
    restored.restore(load_file(tmp_path / "model.safetensors"))
    np.testing.assert_array_equal(
        fitted[0].predict(case.samples("test")), restored.predict(case.samples("test"))
    )


def test_labels_of_test_images_change_nothing(
    case: Case, fitted: tuple[Baseline, FitSummary]
) -> None:
    def turn(labels: NDArray[np.object_]) -> None:
        labels[case.rows["test"]] = np.roll(labels[case.rows["test"]], 5)

    other = case.relabelled(turn)
    assert (other.samples("test").labels != case.samples("test").labels).any()
    np.testing.assert_array_equal(
        fitted[0].predict(case.samples("test")), other.fitted()[0].predict(other.samples("test"))
    )


def test_labels_of_training_images_change_something(
    case: Case, fitted: tuple[Baseline, FitSummary]
) -> None:
    """The test above could not fail for a baseline that ignores every label."""

    def turn(labels: NDArray[np.object_]) -> None:
        labels[case.rows["train"]] = "benign"
        labels[case.rows["train"][:2]] = ["adenocarcinoma", "squamous_cell_carcinoma"]

    found = case.relabelled(turn).fitted()[0].predict(case.samples("test"))
    assert not np.allclose(found, fitted[0].predict(case.samples("test")), atol=1e-4)


def test_a_prediction_belongs_to_its_image_whatever_stands_beside_it(
    case: Case, fitted: tuple[Baseline, FitSummary]
) -> None:
    rows = case.rows["test"]
    together = fitted[0].predict(case.samples("test"))
    backwards = fitted[0].predict(Samples(case.features, rows[::-1].copy()))[::-1]
    alone = fitted[0].predict(Samples(case.features, rows[:1]))
    tolerance = 0.05 if case.planned.needs == "pixels" else 1e-5  # 16 bits depend on the batch
    np.testing.assert_allclose(backwards, together, atol=tolerance)
    np.testing.assert_allclose(alone, together[:1], atol=tolerance)


def test_training_images_may_be_labelled_with_an_inner_node(case: Case) -> None:
    def coarsen(labels: NDArray[np.object_]) -> None:
        malignant = [row for row in case.rows["train"] if labels[row] != "benign"]
        labels[malignant[::2]] = "malignant"

    coarse = case.relabelled(coarsen)
    assert "malignant" in coarse.samples("train").labels
    found = coarse.fitted()[0].predict(coarse.samples("test"))
    require_distributions(found, len(case.rows["test"]), case.taxonomy)
