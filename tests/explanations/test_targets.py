"""Targets: the log-odds of a decision, whatever model and tree."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lcbench.errors import UserError
from lcbench.explanations.targets import find_target, targets_below
from lcbench.taxonomy import ROOT, Taxonomy

from ..trees import RAGGED, random_trees


@given(random_trees(), st.integers(0, 2**32 - 1))
def test_a_score_is_the_log_odds_of_the_node_among_its_siblings(tree: Taxonomy, seed: int) -> None:
    """By the class tree's own matrix of leaves and nodes."""
    chances = np.random.default_rng(seed).dirichlet(np.ones(len(tree.leaves)), 3)
    of_node = chances @ tree.leaf_to_node
    for node in tree.nodes:
        family = tree.children(tree.parents[node])
        own = of_node[:, tree.nodes.index(node)]
        others = sum(of_node[:, tree.nodes.index(one)] for one in family if one != node)
        score = find_target(tree, node).score(torch.tensor(chances).log() - 5.0)
        np.testing.assert_allclose(score, np.log(own / others), atol=1e-9)


def test_a_decision_of_which_the_model_answers_one_side_alone_is_none() -> None:
    target = targets_below(RAGGED, ROOT)[0]
    assert target.among(target.inside + target.outside) == target
    with pytest.raises(UserError, match="never answers"):
        target.among(target.inside)
    with pytest.raises(UserError, match="decision of the class tree"):
        targets_below(RAGGED, RAGGED.leaves[0])
