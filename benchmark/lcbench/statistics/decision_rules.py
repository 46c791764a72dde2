"""Decision rules: how one leaf is chosen from the probabilities of all of them.

- "likeliest": the leaf of the largest probability.
- "top-down": from the root, the child of the largest summed probability, until there is a leaf
  (the class-prediction top-down approach of Silla & Freitas, Data Mining and Knowledge Discovery
  22, 2011).
- "least-cost": the leaf of the least expected cost, by the costs of the class tree (conditional
  risk minimisation: Duda & Hart 1973; for hierarchies Karthik et al., ICLR 2021, "No cost
  likelihood manipulation at test time for making better mistakes").

Of leaves that are equally good, the first in the order of the class tree is chosen.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from lcbench.taxonomy import Taxonomy

DecisionRule = Literal["likeliest", "top-down", "least-cost"]
LIKELIEST: DecisionRule = "likeliest"
RULES: tuple[DecisionRule, ...] = get_args(DecisionRule)

_ROUNDING = 1e-9
"""Of the largest regret: sums of stored probabilities differ in their last bits."""

Values = NDArray[np.floating]


def decide(rule: DecisionRule, probabilities: Values, taxonomy: Taxonomy) -> NDArray[np.intp]:
    """Return (images,) the index of the leaf that a rule chooses.

    Parameters
    ----------
    probabilities
        (images, leaves), each row summing to 1.
    taxonomy
        The class tree, and what errors cost.
    """
    return np.asarray(_REGRETS[rule](probabilities, taxonomy).argmin(axis=1))


def contradicts(
    rule: DecisionRule, answers: NDArray[np.intp], probabilities: Values, taxonomy: Taxonomy
) -> NDArray[np.bool_]:
    """Tell which answers a rule would not give, whatever it does about ties.

    Parameters
    ----------
    answers
        (images,) indices of leaves.
    """
    regrets = _REGRETS[rule](probabilities, taxonomy)
    largest = regrets.max(initial=0.0) if rule != LIKELIEST else 0.0
    return np.asarray(regrets[np.arange(len(answers)), answers] > _ROUNDING * largest)


def _below_the_likeliest(probabilities: Values, taxonomy: Taxonomy) -> Values:  # noqa: ARG001
    return np.asarray(probabilities.max(axis=1, keepdims=True) - probabilities)


def _below_siblings(probabilities: Values, taxonomy: Taxonomy) -> Values:
    """Return how far the path to each leaf stays below the best child, where it does so most."""
    nodes = probabilities @ taxonomy.leaf_to_node
    below = np.zeros_like(nodes)
    for parent in taxonomy.inner_nodes:
        children = [taxonomy.nodes.index(child) for child in taxonomy.children(parent)]
        below[:, children] = nodes[:, children].max(axis=1, keepdims=True) - nodes[:, children]
    paths = [
        [taxonomy.nodes.index(node) for node in taxonomy.path(leaf)] for leaf in taxonomy.leaves
    ]
    return np.stack([below[:, path].max(axis=1) for path in paths], axis=1)


def _above_the_least_cost(probabilities: Values, taxonomy: Taxonomy) -> Values:
    leaves = taxonomy.leaves
    costs = np.array([[taxonomy.cost(true, answer) for answer in leaves] for true in leaves])
    expected = probabilities @ costs
    return np.asarray(expected - expected.min(axis=1, keepdims=True))


_REGRETS: dict[DecisionRule, Callable[[Values, Taxonomy], Values]] = {
    "likeliest": _below_the_likeliest,
    "top-down": _below_siblings,
    "least-cost": _above_the_least_cost,
}
"""How much worse than the best each leaf is by a rule, (images, leaves)."""
