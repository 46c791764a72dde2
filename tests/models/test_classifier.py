"""Finished classifiers: their own head answers, mapped to the tree; nothing is fitted."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
import torchvision
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from lcbench.datasets.labels import LabelReader
from lcbench.errors import UserError
from lcbench.features.encoder import EncoderFacts, HeadFacts, Preprocessing
from lcbench.models.backbones import resolve_backbone
from lcbench.models.baseline import Context
from lcbench.models.classifier import Classifier, ClassifierSettings, leaf_shares, unnamed_leaves
from lcbench.models.weights import WeightOptions
from lcbench.taxonomy import Taxonomy
from lcbench.testing import check_baseline

from ..trees import RAGGED
from .sources import lively

Samples = Callable[..., Any]
Contexts = Callable[..., Context]
FOLDERS = ("lung_scc", "lung_n", "lung_aca")


@dataclass(frozen=True)
class Head:
    """A finished network of a few outputs."""

    outputs: int
    ends_in: nn.Module
    name: str = "finished"

    @property
    def preprocessing(self) -> Preprocessing:
        return Preprocessing()

    @property
    def facts(self) -> EncoderFacts:
        return EncoderFacts(self.outputs, 0, 0.0, "none")

    def load(self) -> nn.Module:
        torch.manual_seed(0)
        layers = nn.AvgPool2d(32), nn.Flatten(), nn.Linear(3 * 49, self.outputs), self.ends_in
        return nn.Sequential(*layers)


@pytest.mark.parametrize("coarse", [False, True])
@pytest.mark.parametrize("gives", ["logits", "probabilities"])
def test_it_keeps_the_contract_of_every_baseline(gives: str, coarse: bool) -> None:
    classes = [*RAGGED.leaves] if not coarse else [RAGGED.inner_nodes[1], *RAGGED.leaves[:2]]
    settings = {"classes": classes, "gives": gives, "coarse": "evenly" if coarse else "refuse"}
    ends_in = nn.Softmax(dim=1) if gives == "probabilities" else nn.Identity()
    head = Head(len(classes), ends_in)
    check_baseline("classifier", settings=settings, backbone=head, taxonomy=RAGGED)


def answers(
    outputs: list[list[float]], context: Context, samples: Samples, **settings: Any
) -> np.ndarray:
    """What a fitted classifier predicts where its network gives these outputs."""
    labels = ["benign"] * len(outputs)
    table = samples(labels, np.array(outputs))
    baseline = Classifier(ClassifierSettings(backbone="given", **settings), context)
    baseline.fit(table, table)
    return baseline.predict(table)


def test_probabilities_of_its_classes_are_those_of_the_leaves_that_they_stand_for(
    lung: Taxonomy, given_context: Contexts, given_samples: Samples
) -> None:
    outputs = [[1.0, 2.0, 3.0], [0.0, 0.0, 50.0]]
    found = answers(outputs, given_context(lung), given_samples, classes=FOLDERS)
    soft = torch.tensor(outputs, dtype=torch.float64).softmax(dim=1).numpy()
    order = [FOLDERS.index(one) for one in ("lung_n", "lung_aca", "lung_scc")]
    np.testing.assert_allclose(found, soft[:, order], rtol=1e-12)


def test_what_is_left_out_is_passed_over_and_classes_of_one_leaf_add_up(
    lung: Taxonomy, given_context: Contexts, given_samples: Samples
) -> None:
    outputs = [[1.0, 2.0, 3.0, 60.0, 0.5]]
    found = answers(
        outputs, given_context(lung), given_samples,
        classes=(*FOLDERS, "background", "acinar"),
        labels={"background": "leave-out", "Acinar": "adenocarcinoma"},
    )  # fmt: skip
    weights = np.exp([2.0, 3.0, 1.0])
    weights[1] += np.exp(0.5)
    np.testing.assert_allclose(found[0], weights / weights.sum(), rtol=1e-12)


def test_one_output_is_the_logit_of_the_second_class(
    lung: Taxonomy, given_context: Contexts, given_samples: Samples
) -> None:
    found = answers([[2.0]], given_context(lung), given_samples, classes=("normal", "aca"))
    np.testing.assert_allclose(found[0, :2], [1 - 1 / (1 + np.exp(-2)), 1 / (1 + np.exp(-2))])
    settings = ClassifierSettings(classes=("normal", "aca"))
    assert unnamed_leaves(settings, lung) == ("squamous_cell_carcinoma",)


@given(
    logits=st.lists(st.floats(-80, 80), min_size=4, max_size=4),
    nodes=st.lists(
        st.sampled_from([*RAGGED.nodes, "leave-out"]), min_size=4, max_size=4
    ).filter(lambda nodes: set(nodes) != {"leave-out"}),
)  # fmt: skip
def test_no_probability_is_lost_at_any_node_that_its_classes_fix(
    logits: list[float], nodes: list[str]
) -> None:
    shares = leaf_shares(("a", "b", "c", "d"), nodes, RAGGED, "evenly")
    classes = np.exp(np.array(logits) - max(logits))
    classes = np.where(shares.any(axis=1), classes, 0)
    by_node = (classes @ shares) @ RAGGED.leaf_to_node
    for node in RAGGED.nodes:
        inside = [RAGGED.is_under(one, node) for one in nodes if one != "leave-out"]
        crossed = any(
            node != one and RAGGED.is_under(node, one) for one in nodes if one in RAGGED.nodes
        )
        if not crossed:
            kept = [p for p, one in zip(classes, nodes, strict=True) if one != "leave-out"]
            wanted = sum(p for p, under in zip(kept, inside, strict=True) if under)
            assert by_node[RAGGED.nodes.index(node)] == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("settings", "outputs", "said"),
    [
        ({"classes": ("lung_n", "lung_aca")}, [[1.0, 2.0, 3.0]], "3 outputs, and 2 classes"),
        ({"classes": FOLDERS}, [[0.2, 0.3, 0.5]], 'gives = "probabilities"'),
        ({"classes": FOLDERS, "gives": "probabilities"}, [[1.0, 2.0, 3.0]], "no probabilities"),
        ({"classes": FOLDERS}, [[np.nan, 0.0, 0.0]], "not finite"),
    ],
)
def test_outputs_that_are_not_what_the_recipe_says_are_refused(
    settings: dict[str, Any], outputs: list[list[float]], said: str,
    lung: Taxonomy, given_context: Contexts, given_samples: Samples,
) -> None:  # fmt: skip
    with pytest.raises(UserError) as caught:
        answers(outputs, given_context(lung), given_samples, **settings)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "said", "remedy"),
    [
        ({}, "its outputs have no names", "classes = ["),
        ({"classes": ("lung_n", "lung_aca")}, "3 outputs, and 2 classes", "Name all of them"),
        ({"classes": ("lung_n", "lung_aca", "what")}, "class 'what' is no", "[baselines.labels]"),
        ({"classes": ("lung_n", "lung_aca", "Lung N")}, "'lung n' is named twice", "once"),
        ({"classes": ("lung_n", "malignant", "scc")}, "2 classes below it", 'coarse = "evenly"'),
        ({"classes": FOLDERS, "labels": {"lung_m": "benign"}}, "'lung_m'", "Did you mean lung_n"),
        ({"classes": FOLDERS, "labels": {"lung_n": "bening"}}, "'bening'", "Did you mean benign"),
        ({"classes": FOLDERS, "labels": dict.fromkeys(FOLDERS, "leave-out")}, "all of", "--labels"),
    ],
    ids=["none", "few", "unknown", "twice", "inner", "label", "node", "nothing"],
)  # fmt: skip
def test_classes_that_do_not_fit_are_refused_before_anything_is_computed(
    settings: dict[str, Any], said: str, remedy: str, lung: Taxonomy
) -> None:
    with pytest.raises(UserError) as caught:
        Classifier.settle(ClassifierSettings(**settings), LabelReader(lung), lambda: HeadFacts(3))
    assert said in caught.value.message
    assert remedy in caught.value.remedy


def test_classes_are_read_by_the_label_map_and_the_settings_keep_what_they_stand_for(
    lung: Taxonomy,
) -> None:
    reader = LabelReader(lung, {"kind 7": "adenocarcinoma"})
    named = HeadFacts(3, ("lung_n", "Kind-7", "squamous.cell.carcinoma"))
    settled = Classifier.settle(ClassifierSettings(), reader, lambda: named)
    assert isinstance(settled, ClassifierSettings)
    assert settled.classes == named.classes
    assert list(settled.labels.values()) == ["benign", "adenocarcinoma", "squamous_cell_carcinoma"]
    # What is stored needs neither the map nor the file.
    again = ClassifierSettings.model_validate(settled.recorded)
    assert Classifier.settle(again, LabelReader(lung), lambda: HeadFacts(3)) == settled


@pytest.fixture
def finished() -> nn.Module:
    torch.manual_seed(5)
    return timm.create_model("test_resnet", num_classes=3).eval()


@pytest.mark.parametrize(
    "beside",
    [
        {"class_to_idx": {"lung_scc": 0, "lung_n": 1, "lung_aca": 2}},
        {"classes": list(FOLDERS)},
        {"hyper_parameters": {"class_names": list(FOLDERS)}},
        {"idx_to_class": {"2": "lung_aca", "0": "lung_scc", "1": "lung_n"}},
        {},
    ],
    ids=["class_to_idx", "classes", "lightning", "idx_to_class", "none"],
)
def test_a_checkpoint_gives_its_head_and_often_the_names_of_its_classes(
    beside: dict[str, Any], finished: nn.Module, tmp_path: Path
) -> None:
    state = {f"model.{name}": tensor for name, tensor in finished.state_dict().items()}
    torch.save({"state_dict": state, **beside}, tmp_path / "mine.pth")
    backbone = resolve_backbone(
        "test_resnet", WeightOptions(str(tmp_path / "mine.pth"), "test_resnet"), 0
    )
    assert backbone is not None
    assert backbone.head == HeadFacts(3, FOLDERS if beside else ())
    images = torch.randn(2, 3, 160, 160)
    with torch.inference_mode():
        torch.testing.assert_close(backbone.load().eval()(images), finished(images))


@pytest.mark.parametrize("name", ["efficientnet_b0", "convnext_tiny"])
def test_a_classifier_of_torchvisions_in_lightnings_wrapper_answers_as_it_did(
    name: str, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    theirs = lively(torchvision.models.get_model(name, weights=None, num_classes=3))
    state = {f"model.{key}": tensor for key, tensor in theirs.state_dict().items()}
    torch.save({"state_dict": {**state, "criterion.weight": torch.ones(3)}}, tmp_path / "tv.ckpt")
    options = WeightOptions(str(tmp_path / "tv.ckpt"), name, image_size=32)
    backbone = resolve_backbone(name, options, 0)
    assert backbone is not None
    images = torch.randn(2, 3, 32, 32)
    with torch.inference_mode():
        expected = theirs(images)
        found = backbone.load().eval()(images)
    assert expected.std() > 1e-4  # a dead network would agree with any other dead network
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)
    assert backbone.reading is not None
    assert backbone.reading.match.left_out == ("criterion.weight",)


def test_a_network_of_the_hub_answers_with_its_own_head_and_names(
    finished: nn.Module, downloaded: Callable[..., Path]
) -> None:
    from safetensors.torch import save

    config = {"architecture": "test_resnet", "num_classes": 3, "label_names": list(FOLDERS)}
    files = {
        "config.json": json.dumps(config).encode(),
        "model.safetensors": save(dict(finished.state_dict())),
    }
    downloaded("lab/tissue", files)
    backbone = resolve_backbone("hf-hub:lab/tissue", WeightOptions(offline=True), 0)
    assert backbone is not None
    assert backbone.head == HeadFacts(3, FOLDERS)


def test_a_file_without_the_head_is_refused(finished: nn.Module, tmp_path: Path) -> None:
    state = {n: one for n, one in finished.state_dict().items() if not n.startswith("fc")}
    torch.save(state, tmp_path / "encoder.pth")
    options = WeightOptions(str(tmp_path / "encoder.pth"), "test_resnet")
    backbone = resolve_backbone("test_resnet", options, 3)
    assert backbone is not None
    with pytest.raises(UserError, match=r"no head of test_resnet: no tensor 'fc\.weight'"):
        _ = backbone.head
