"""Losses as recipes write them: defaults, what belongs to which, and the objective that follows."""

from __future__ import annotations

from typing import Any, get_args

import pytest
import torch
from pydantic import ValidationError

from lcbench.errors import UserError
from lcbench.models.losses import LossName, LossSettings
from lcbench.taxonomy import Taxonomy, load_taxonomy
from lcbench.training.objectives import Focal, SiblingMargin, TreeObjective

from ..trees import RAGGED, tree_of

LUNG = load_taxonomy()


def settings(**given: Any) -> LossSettings:
    return LossSettings.model_validate(given)


@pytest.mark.parametrize("loss", get_args(LossName))
def test_every_loss_has_defaults_that_are_recorded_and_read_again(loss: LossName) -> None:
    chosen = settings(loss=loss)
    recorded = chosen.recorded
    assert settings(**recorded) == settings(**chosen.model_dump()) == chosen
    assert len(recorded) == (0 if loss == "likelihood" else 2)
    found = chosen.objective(LUNG, ["benign", "malignant"])
    assert (found is None) == (loss == "likelihood")


def test_a_recipe_without_a_loss_is_recorded_as_before_there_were_losses() -> None:
    assert settings(backbone="x").recorded == {"backbone": "x"}
    assert settings(decision="top-down").recorded == {"decision": "top-down"}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"alpha": 0.1}, "alpha: of another loss; 'likelihood' takes no options"),
        ({"loss": "focal", "beta": 0.1}, "beta: of another loss; 'focal' takes gamma"),
        ({"loss": "focal", "between": ["malignant"]}, "between: of another loss"),
        ({"loss": "class-balanced", "beta": 1.0}, "below 1"),
        ({"loss": "sibling-smoothing", "smoothing": 1.0}, "less than 1"),
        ({"loss": "focal", "gamma": -1}, "greater than or equal to 0"),
        ({"loss": "focal", "gamma": float("inf")}, "finite"),
        ({"loss": "focl"}, "Input should be 'likelihood'"),
        ({"loss": ["focal"]}, "Input should be 'likelihood'"),
    ],
)
def test_options_that_make_no_sense_are_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        settings(**given)


def test_objectives_take_their_options() -> None:
    focal = settings(loss="focal", gamma=3).objective(LUNG, [])
    assert isinstance(focal, Focal)
    assert focal.gamma == 3
    margin = settings(loss="margin", margin=0.25, between=["root"]).objective(LUNG, [])
    assert isinstance(margin, SiblingMargin)
    assert margin.margin == 0.25
    assert len(margin.families[0]) == 2


def decisions_smoothed(tree: Taxonomy, **given: Any) -> set[str]:
    """The inner nodes whose decisions are smoothed."""
    objective = settings(loss="sibling-smoothing", **given).objective(tree, [])
    assert isinstance(objective, TreeObjective)
    off = objective.weights - torch.diag(objective.weights.diagonal())
    return {tree.parents[tree.nodes[column]] for column in off.any(dim=0).nonzero().flatten()}


def test_smoothing_is_between_subtypes_or_between_all_where_the_tree_names_none() -> None:
    assert decisions_smoothed(LUNG) == {"malignant"}
    assert decisions_smoothed(RAGGED) == {"root", "malignant", "adeno"}
    assert decisions_smoothed(RAGGED, between=["adeno"]) == {"adeno"}
    assert decisions_smoothed(tree_of(RAGGED.parents, subtypes_of="adeno")) == {"adeno"}


def test_between_a_node_without_children_there_is_nothing() -> None:
    with pytest.raises(UserError, match="'benign': no inner node") as caught:
        settings(loss="margin", between=["benign"]).objective(LUNG, [])
    assert "root, malignant" in caught.value.remedy
