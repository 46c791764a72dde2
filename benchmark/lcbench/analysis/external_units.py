"""Patients or slides of an external folder: one answer from all images of a unit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lcbench.analysis.external_arms import Arm
from lcbench.analysis.external_levels import score_levels
from lcbench.analysis.external_nodes import score_nodes
from lcbench.analysis.external_pooling import Aside
from lcbench.analysis.external_results import UnitResult
from lcbench.analysis.scores import AnalysisSettings
from lcbench.taxonomy import ROOT, Taxonomy


def score_units(
    arms: Sequence[Arm], unit: str, aside: Aside, settings: AnalysisSettings
) -> UnitResult | None:
    """Return the scores of the mean probabilities of each unit's images; None without units.

    Parameters
    ----------
    arms
        Their rows are the images to score, all with labels below the root.
    unit
        What a unit is, in a word.
    aside
        Models whose errors say nothing about those of others.
    settings
        How intervals are computed.
    """
    arms = [arm.keep((arm.table["unit"] != "").to_numpy()) for arm in arms]
    every = arms[0].table.drop_duplicates("image") if arms else None
    if not unit or every is None or every.empty:
        return None
    tree = arms[0].tree.taxonomy
    labels = every.groupby("unit")["true"].agg(set)
    known = {str(name): common_label(found, tree) for name, found in labels.items()}
    branches = [found for found in labels if not _on_one_path(found, tree)]
    of_units = [_of_units(arm, known) for arm in arms]
    scored = [arm for arm in of_units if len(arm.table)]
    levels, one_class = score_levels(scored, aside, settings)
    return UnitResult(
        unit=unit,
        units=len(known),
        images=len(every),
        contradictory=len(branches),
        levels=levels,
        one_class=one_class,
        nodes=score_nodes(scored, aside, settings),
    )


def common_label(labels: Iterable[str], tree: Taxonomy) -> str:
    """Return the deepest of labels on one path of the tree, else the deepest node above them all.

    The root is above all.
    """
    found = set(labels)
    deepest = max(sorted(found), key=tree.depth)
    if _on_one_path(found, tree):
        return deepest
    shared = [node for node in tree.path(deepest) if all(tree.is_under(one, node) for one in found)]
    return shared[-1] if shared else ROOT


def _on_one_path(labels: Iterable[str], tree: Taxonomy) -> bool:
    found = set(labels)
    return found <= set(tree.path(max(sorted(found), key=tree.depth)))


def _of_units(arm: Arm, labels: dict[str, str]) -> Arm:
    """Return one row a unit and trained model, of the units with a label below the root."""
    found = arm.averaged("unit")
    table = found.table.assign(image=found.table["unit"], true=found.table["unit"].map(labels))
    labelled = (table["true"] != ROOT).to_numpy()
    return found.with_table(table).keep(labelled)
