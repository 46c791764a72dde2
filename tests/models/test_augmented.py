"""What recipes say about views and mixtures, and what is refused."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from pydantic import ValidationError

from lcbench.errors import UserError
from lcbench.features.samples import Samples
from lcbench.features.views import View
from lcbench.models.augmented import augmented_examples, classes_named
from lcbench.models.network import NetworkSettings
from lcbench.runs.suite import load_suite
from lcbench.taxonomy import Taxonomy

from ..trees import RAGGED


def test_classes_are_leaves_subtypes_children_or_nodes(lung: Taxonomy) -> None:
    assert lung.subtypes_of is not None
    subtypes = lung.children(lung.subtypes_of)
    assert classes_named("all", lung, "views_of") == lung.leaves
    assert classes_named("subtypes", lung, "views_of") == subtypes
    assert classes_named((lung.subtypes_of,), lung, "views_of") == subtypes
    assert classes_named(subtypes[:1], lung, "views_of") == subtypes[:1]
    assert RAGGED.subtypes_of is None
    assert classes_named("subtypes", RAGGED, "views_of") == RAGGED.leaves


def test_nodes_that_are_unknown_or_below_each_other_are_refused(lung: Taxonomy) -> None:
    with pytest.raises(UserError, match="no node"):
        classes_named(("nothing",), lung, "mixup_between")
    family = str(lung.subtypes_of)
    with pytest.raises(UserError, match="lies below"):
        classes_named((family, lung.children(family)[0]), lung, "mixup_between")
    with pytest.raises(UserError, match="stands there twice"):
        classes_named(("benign", "benign"), lung, "mixup_between")


def test_a_class_is_mixed_with_another_one(
    lung: Taxonomy,
    given_samples: Callable[..., Samples],
    clusters: Callable[..., tuple[list[str], np.ndarray]],
) -> None:
    samples = given_samples(*clusters(lung.leaves, 2))
    allowed = np.eye(len(lung.leaves), dtype=bool).repeat(2, axis=0)
    both = NetworkSettings(mixup_between=lung.leaves[:2])
    found = augmented_examples(samples, allowed, both, "given", lung)
    assert [len(family) for family in found.families] == [2, 2]
    alone = NetworkSettings(mixup_between=lung.leaves[:1])
    with pytest.raises(UserError, match="none to be mixed with"):
        augmented_examples(samples, allowed, alone, "given", lung)


@pytest.mark.parametrize(
    "options",
    [
        {"views": ["geometric"], "tuning": "full"},
        {"normalised": "macenko", "tuning": "full"},
        {"views": ["geometric"], "normalised": "macenko"},
        {"views": ["geometric", "geometric"]},
        {"views": ["macenko"]},
        {"mixup_between": "all", "mixup_alpha": 0.0},
    ],
)
def test_what_does_not_go_together_is_refused(options: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        NetworkSettings.model_validate(options)


def test_only_training_looks_at_views() -> None:
    settings = NetworkSettings(views=("geometric",), draws=2)
    assert settings.view is None
    assert settings.training_views == (View("geometric", 0), View("geometric", 1))
    assert NetworkSettings(normalised="macenko").view == View("macenko")


def test_a_recipe_that_says_nothing_of_views_is_stored_as_it_was_before() -> None:
    assert not {"views", "views_of", "draws", "mixup_between", "mixup_alpha", "normalised"} & set(
        NetworkSettings().recorded
    )


def test_every_arm_of_the_suite_has_the_budget_of_the_reference() -> None:
    suite = load_suite("confusion")
    budget = ("hidden", "epochs", "batch_size", "learning_rate", "patience", "backbone")
    budgets = {tuple(one.options[key] for key in budget) for one in suite.baselines}
    assert len(budgets) == 1
