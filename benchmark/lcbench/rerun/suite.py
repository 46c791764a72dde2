"""The suite that a report was made with, put together again from what it says of itself."""

from __future__ import annotations

from pydantic import ValidationError

from lcbench.analysis.results import Baseline, Results
from lcbench.console import warn
from lcbench.documents import explain
from lcbench.errors import UserError
from lcbench.runs.claims import check_claims
from lcbench.runs.plan_records import HypothesisRecord
from lcbench.runs.records import BackboneRecord
from lcbench.runs.suite import Suite, load_suite, shipped_suites

_ANY_BACKBONE = "resnet50"
"""A suite names a backbone; where no baseline has one, its name decides nothing."""


def suite_of(results: Results) -> Suite:
    """Return the suite of a report, with the recipes as they were run.

    Reports of older versions do not hold them: then it is the shipped suite of that name.

    Raises
    ------
    UserError
        If the recipes are not known, or do not fit this version.
    """
    if any(baseline.recipe is None for baseline in results.baselines):
        return _shipped_suite(results)
    run = [one for one in results.baselines if not one.is_ensemble]
    names = [one.baseline for one in run]
    roles = results.roles
    fields = {
        "name": results.suite,
        "purpose": "A report, done again",
        "reference": results.reference if results.reference in names else names[0],
        "backbone": _backbone(results),
        "protocols": tuple(result.protocol for result in results.protocols),
        "seeds": 1,
        "flattering": roles.flattering,
        "leakage_free": roles.leakage_free,
        "claims": _readable_claims(results),
        "margin": roles.margin,
        "baselines": [_recipe(results, one) for one in run],
        "ensembles": [_ensemble(one) for one in results.baselines if one.is_ensemble],
        "hypothesis": _hypothesis(results),
    }
    try:
        suite = Suite.model_validate(fields)
    except ValidationError as error:
        raise UserError(
            f"the provenance of the report does not fit this version: {explain(error)}",
            "Do it again with the version that wrote it.",
        ) from error
    return suite.model_copy(update={"reference": results.reference})


def _shipped_suite(results: Results) -> Suite:
    if results.suite not in shipped_suites():
        raise UserError(
            f"the report of suite {results.suite} does not hold its recipes: an older version "
            "wrote it, and no suite of that name comes with lcbench",
            "Write the report again from its runs: lcbench report",
        )
    suite = load_suite(results.suite)
    return suite.model_copy(update={"backbone": _backbone(results)})


def _recipe(results: Results, baseline: Baseline) -> dict[str, object]:
    roles = {"floor": results.roles.floor, "shortcut": results.roles.shortcut}
    return {
        **(baseline.recipe or {}),
        "name": baseline.baseline,
        "kind": baseline.kind,
        "purpose": baseline.purpose,
        "role": next((role for role, names in roles.items() if baseline.baseline in names), None),
    }


def _ensemble(one: Baseline) -> dict[str, object]:
    return {**(one.recipe or {}), "name": one.baseline, "purpose": one.purpose}


def _hypothesis(results: Results) -> HypothesisRecord | None:
    """Return the question of the report about the arms that it has; None where it has none."""
    asked = results.roles.hypothesis
    if asked is None or not asked.arms:
        return asked
    arms = tuple(arm for arm in asked.arms if results.baseline(arm) is not None)
    return asked.model_copy(update={"arms": arms}) if arms else None


def _readable_claims(results: Results) -> tuple[str, ...]:
    readable = []
    for key in results.roles.claims:
        try:
            check_claims(key, results.tree)
        except UserError as error:
            warn(f"claims {key} are left out: {error.message}")
        else:
            readable.append(key)
    return tuple(readable)


def _backbone(results: Results) -> str:
    """Return the backbone that the user's own weights were for; else the reference's, or any."""
    reference = results.baseline(results.reference)
    every = _encoders(results)
    likely = [
        *(backbone.name for backbone in every if _typed(backbone.weights)),
        *([reference.backbone.name] if reference and reference.backbone else []),
        *(backbone.name for backbone in every),
        _ANY_BACKBONE,
    ]
    return likely[0]


def _encoders(results: Results) -> list[BackboneRecord]:
    """Return the backbones but those with a head of their own: recipes name their weights."""
    found = (one.backbone for one in results.baselines)
    return [one for one in found if one is not None and one.outputs is None]


def typed_weights(results: Results) -> str | None:
    """Return what was typed after --weights, a file or "random"; None where nothing was."""
    every = _encoders(results)
    return next((_typed(one.weights) for one in every if _typed(one.weights)), None)


def _typed(words: str) -> str:
    """Return the file of `file NAME`, "random" of `random weights`, else nothing."""
    kind, _, name = words.partition(" ")
    return {"file": name, "random": "random"}.get(kind, "")
