"""Every shipped kind keeps the contract of baselines, and the check finds those that do not."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, get_args

import numpy as np
import pytest
import torch
from pydantic import ConfigDict
from torch import nn

from lcbench.features.encoder import EncoderFacts, Preprocessing
from lcbench.features.samples import Samples
from lcbench.models.baseline import Baseline, Epoch, FitSummary, Settings
from lcbench.models.losses import LossName
from lcbench.models.shortcuts import Majority
from lcbench.runs.suite import REFERENCE_BACKBONE, Recipe, load_suite
from lcbench.testing import check_baseline

from ..trees import RAGGED

QUICK = {"epochs": 2, "hidden": 8}


@dataclass(frozen=True)
class TinyEncoder:
    """An encoder that is none of lcbench's: one convolution, with batch statistics."""

    name = "tiny"
    preprocessing = Preprocessing()
    facts = EncoderFacts(8, 0, 0.0, "none")

    def load(self) -> nn.Module:
        torch.manual_seed(0)
        layers = nn.Conv2d(3, 8, 32, stride=32), nn.BatchNorm2d(8), nn.ReLU()
        return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())


def recipes() -> dict[str, Recipe]:
    """The suites' recipes, each once; not those that exchange the reference's backbone alone."""
    own = {REFERENCE_BACKBONE, None}
    every = {
        f"{name}-{one.name}": one
        for name in ("core", "hierarchy", "confusion", "finetune")
        for one in load_suite(name).baselines
        if one.options.get("backbone") in own
    }
    by_what_they_do = {(one.kind, repr(one.options)): name for name, one in every.items()}
    return {name: every[name] for name in by_what_they_do.values()}


def options_of(recipe: Recipe) -> dict[str, Any]:
    return recipe.options | (QUICK if recipe.kind == "network" else {})


@pytest.mark.parametrize("recipe", recipes().values(), ids=recipes())
def test_every_recipe_of_the_suites_keeps_the_contract(recipe: Recipe) -> None:
    full = recipe.options.get("tuning") == "full"
    check_baseline(
        recipe.kind,
        settings=options_of(recipe),
        backbone=TinyEncoder() if full else None,
    )


ABOUT_IMAGES = ("views", "draws", "normalised")
"""Options of a recipe that no class tree has to do with."""


def heads() -> dict[str, Recipe]:
    """The recipes on a frozen backbone, one of each head and loss."""
    found = {}
    for name, one in recipes().items():
        if one.options.get("tuning") == "frozen":
            head = {key: of for key, of in one.options.items() if key not in ABOUT_IMAGES}
            found[repr(head)] = name, one
    return dict(found.values())


@pytest.mark.parametrize("recipe", heads().values(), ids=heads())
def test_every_head_keeps_the_contract_on_a_deeper_and_ragged_tree(recipe: Recipe) -> None:
    check_baseline(recipe.kind, settings=options_of(recipe), taxonomy=RAGGED)


@pytest.mark.parametrize("hierarchy", ["flat", "multi-head", "cascade"])
@pytest.mark.parametrize("part", [{"last_layers": 1}, {"last_stages": 1}], ids=["layers", "stages"])
def test_partly_trained_backbones_keep_the_contract(hierarchy: str, part: dict[str, int]) -> None:
    options = {**QUICK, **part, "tuning": "partial", "hierarchy": hierarchy}
    check_baseline("network", settings=options, taxonomy=RAGGED)


@pytest.mark.parametrize("loss", get_args(LossName))
@pytest.mark.parametrize("hierarchy", ["flat", "multi-head"])
def test_every_loss_keeps_the_contract(loss: str, hierarchy: str) -> None:
    check_baseline(
        "network", settings={**QUICK, "hierarchy": hierarchy, "loss": loss}, taxonomy=RAGGED
    )


@pytest.mark.parametrize(
    "options",
    [{"hierarchy": "per-node"}, {"loss": "hierarchical-cross-entropy"}, {"loss": "focal"}],
    ids=["per-node", "weights", "focal"],
)
def test_whole_networks_keep_the_contract_too(options: dict[str, str]) -> None:
    settings = {**QUICK, "epochs": 1, "tuning": "full", **options}
    check_baseline("network", settings=settings, backbone=TinyEncoder(), taxonomy=RAGGED)


class Pixels(Majority):
    """A kind on pixels that names no backbone."""

    feature = "pixels"

    def predict(self, samples: Samples) -> np.ndarray:
        brightness = samples.all_pixels()[samples.rows].mean(axis=(1, 2, 3)) / 255
        shares = self._shares * brightness[:, None]
        return shares / shares.sum(axis=1, keepdims=True)


def test_a_kind_of_ones_own_on_pixels_needs_no_backbone() -> None:
    check_baseline(Pixels)


class AnySetting(Settings):
    model_config = ConfigDict(extra="allow")


class TakesAnySetting(Majority):
    settings_type = AnySetting


class AsksForSmells(Majority):
    feature = "smells"  # type: ignore[assignment]


class WantsEmbeddingsOfNothing(Majority):
    feature = "embeddings"


class SaysNothing(Majority):
    def fit(self, train: Samples, validation: Samples) -> FitSummary:
        super().fit(train, validation)
        return None  # type: ignore[return-value]


FINITE = Epoch(1, "all", 1.0, 1.0, 1.0)


def fitting(**summary: Any) -> type[Baseline]:
    """A kind that tells something else of its fit."""

    class Told(Majority):
        def fit(self, train: Samples, validation: Samples) -> FitSummary:
            return replace(super().fit(train, validation), **summary)

    return Told


def predicting(change: Callable[[np.ndarray], Any]) -> type[Baseline]:
    """A kind whose predictions are changed before they are given."""

    class Changed(Majority):
        def predict(self, samples: Samples) -> np.ndarray:
            return change(super().predict(samples))

    return Changed


class NeverTwiceTheSame(Majority):
    def predict(self, samples: Samples) -> np.ndarray:
        return np.random.default_rng().dirichlet(np.ones(3), len(samples))


class FitsWithoutSeed(Majority):
    def fit(self, train: Samples, validation: Samples) -> FitSummary:
        summary = super().fit(train, validation)
        self._shares = np.random.default_rng().dirichlet(np.ones(3))
        return summary


class ForgetsOnDisk(Majority):
    def restore(self, state: dict[str, np.ndarray]) -> None:
        self._shares = state["shares"] * [1 + 1e-9, 1, 1]


class StatesText(Majority):
    def state(self) -> dict[str, Any]:
        return {"shares": "text"}


class ComparesImages(Majority):
    """The first image of a table is always benign."""

    def predict(self, samples: Samples) -> np.ndarray:
        found = super().predict(samples)
        found[0] = [1, 0, 0]
        return found


class ReadsEveryLabel(Majority):
    def fit(self, train: Samples, validation: Samples) -> FitSummary:
        summary = super().fit(train, validation)
        labels = train.features.dataset.manifest["label"]
        weights = np.array([(1 + np.flatnonzero(labels == leaf)).sum() for leaf in
                            self.context.taxonomy.leaves], dtype=float)  # fmt: skip
        self._shares = weights / weights.sum()
        return summary


class KnowsLeavesOnly(Majority):
    def fit(self, train: Samples, validation: Samples) -> FitSummary:
        _ = [self.context.taxonomy.leaves.index(label) for label in train.labels]
        return super().fit(train, validation)


class ValidatesEveryClass(Majority):
    def fit(self, train: Samples, validation: Samples) -> FitSummary:
        if len(set(validation.labels)) < len(self.context.taxonomy.leaves):
            raise ZeroDivisionError("no such class")
        return super().fit(train, validation)


class ReordersItsInput(Majority):
    def fit(self, train: Samples, validation: Samples) -> FitSummary:
        train.rows[:] = train.rows[::-1].copy()
        return super().fit(train, validation)


class WritesIntoTheManifest(Majority):
    def predict(self, samples: Samples) -> np.ndarray:
        samples.features.dataset.manifest["seen"] = True
        return super().predict(samples)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (TakesAnySetting, "unknown settings are refused: settings_type took no_such_setting"),
        (AsksForSmells, "asks for features that there are: needs gave 'smells'"),
        (WantsEmbeddingsOfNothing, "names no backbone"),
        (SaysNothing, "fit tells what was learned: fit gave NoneType"),
        (fitting(epochs=2, best_epoch=1), "epochs and history contradict each other"),
        (fitting(parameters=-1), "parameters = -1"),
        (fitting(epochs=2, best_epoch=3, history=[FINITE]), "best_epoch = 3 of 2"),
        (fitting(epochs=1, best_epoch=1, history=[replace(FINITE, train_loss=np.nan)]),
         "a training loss is not finite"),
        (predicting(np.ndarray.tolist), "predict gave list"),
        (predicting(lambda found: found[:, :2]), r"shape \(9, 2\), not \(9, 3\)"),
        (predicting(lambda found: found.round().astype(int)), "int64, not floating-point"),
        (predicting(lambda found: found * np.nan), "missing"),
        (predicting(lambda found: found - [1, 0, -1]), "negative probability"),
        (predicting(lambda found: found * 6), "rows sum to 6 to 6"),
        (NeverTwiceTheSame, "predicting twice gives the same bytes: predictions differ for 9 of 9"),
        (FitsWithoutSeed, "the same seed gives the same bytes: predictions differ"),
        (ForgetsOnDisk, "restored predicts the same bytes: predictions differ"),
        (StatesText, "what state returns can be stored.*raised"),
        (ComparesImages, "does not depend on the images beside it: in another order"),
        (ReadsEveryLabel, "labels of test images change nothing"),
        (KnowsLeavesOnly, "may be labelled with an inner node: it raised ValueError"),
        (ValidatesEveryClass, "may be absent from validation: it raised ZeroDivisionError"),
        (ReordersItsInput, "inputs are left as they were: the rows of the train table"),
        (WritesIntoTheManifest, "inputs are left as they were: the manifest"),
    ],
)  # fmt: skip
def test_a_kind_that_breaks_a_rule_is_told_which(kind: type[Baseline], said: str) -> None:
    with pytest.raises(AssertionError, match=said) as caught:
        check_baseline(kind)
    assert str(caught.value).startswith(kind.__name__)


def test_the_check_leaves_nothing_behind(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LCBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    with pytest.raises(AssertionError):
        check_baseline(ComparesImages)
    assert os.environ["LCBENCH_CACHE"] == str(tmp_path / "cache")
    assert list(tmp_path.iterdir()) == []
