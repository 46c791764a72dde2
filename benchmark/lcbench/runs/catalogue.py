"""What there is to choose from, for `lcbench list`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lcbench.runs.suite import Suite


def _shipped() -> list[Suite]:
    from lcbench.runs.suite import load_suite, shipped_suites

    return [load_suite(name) for name in shipped_suites()]


def suites() -> list[dict[str, str]]:
    """Return the shipped suites."""
    return [
        {
            "suite": suite.name,
            "baselines": str(len(suite.baselines)),
            "protocols": ", ".join(suite.protocols),
            "seeds": str(suite.seeds),
            "purpose": suite.purpose,
        }
        for suite in _shipped()
    ]


def baselines() -> list[dict[str, str]]:
    """Return the baselines of the shipped suites."""
    return [
        {
            "suite": suite.name,
            "baseline": recipe.name,
            "kind": recipe.kind,
            "backbone": str(recipe.options.get("backbone", "-")),
            "purpose": recipe.purpose,
        }
        for suite in _shipped()
        for recipe in suite.baselines
    ]


def backbones() -> list[dict[str, str]]:
    """Return the suites' backbones and where their weights would come from on this machine."""
    from lcbench.models.backbones import SUGGESTED
    from lcbench.models.weights import WeightOptions, how_to_get, locate_weights

    rows = []
    for name in SUGGESTED:
        online = locate_weights(name, WeightOptions())
        offline = locate_weights(name, WeightOptions(offline=True))
        rows.append(
            {
                "backbone": name,
                "weights": str(online) if online else "none known",
                "with --offline": "yes" if offline else f"no: {how_to_get(name)}",
            }
        )
    return rows


def protocols() -> list[dict[str, str]]:
    """Return the protocols."""
    from lcbench.protocols import PROTOCOLS

    return [
        {
            "protocol": protocol.name,
            "called": protocol.title,
            "folds": str(protocol.folds),
            "needs source groups": "yes" if protocol.needs_groups else "no",
            "what": protocol.summary,
        }
        for protocol in PROTOCOLS.values()
    ]


def taxonomies() -> list[dict[str, str]]:
    """Return the class trees that come with lcbench."""
    from lcbench.taxonomy import ROOT, load_taxonomy, shipped_taxonomies

    trees = [load_taxonomy(name) for name in shipped_taxonomies()]
    return [
        {
            "taxonomy": tree.name,
            "classes": str(len(tree.leaves)),
            "levels": str(tree.height),
            "tree": "; ".join(
                f"{'all' if node == ROOT else node}: {', '.join(tree.children(node))}"
                for node in tree.inner_nodes
            ),
            "no finding": ", ".join(tree.negative) or "-",
            "subtypes of": tree.subtypes_of or "-",
        }
        for tree in trees
    ]


LISTINGS: dict[str, Callable[[], list[dict[str, str]]]] = {
    "suites": suites,
    "baselines": baselines,
    "backbones": backbones,
    "protocols": protocols,
    "taxonomies": taxonomies,
}
