"""The results of a suite, from its finished runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
import pandas as pd

from lcbench import __version__
from lcbench.analysis.claims import JudgedClaims, judge_claims
from lcbench.analysis.coded import CodedPredictions
from lcbench.analysis.ensembles import (
    Derived,
    derive_ensembles,
    describe_ensembles,
    ensemble_costs,
    ensemble_results,
    without_ways_of_training,
)
from lcbench.analysis.external import score_external
from lcbench.analysis.given_models import GivenFile, compare_given, place_given
from lcbench.analysis.hypotheses import hypothesis_result
from lcbench.analysis.results import (
    Baseline,
    Drop,
    Efficiency,
    Incomplete,
    MissingRun,
    ProtocolResult,
    Results,
    RunSummary,
    Split,
)
from lcbench.analysis.scores import AnalysisSettings
from lcbench.analysis.scoring import (
    compare_models,
    drops_between,
    metric_catalogue,
)
from lcbench.analysis.selective import selective_result
from lcbench.analysis.thresholds import Thresholds
from lcbench.analysis.training import training_of
from lcbench.analysis.unchanged import unchanged_notes
from lcbench.errors import UserError
from lcbench.models.losses import TREE_LOSSES
from lcbench.predictions.alignment import Aligned, align
from lcbench.predictions.table import Predictions
from lcbench.protocols import PROTOCOLS
from lcbench.runs.finished import FinishedRun, FinishedSuite
from lcbench.runs.records import RunConfig
from lcbench.statistics.bootstrap import Tick
from lcbench.statistics.decision_rules import LIKELIEST

Advance = Callable[[str], Tick | None]


def analyse(
    suite: FinishedSuite,
    settings: AnalysisSettings,
    *,
    command: str = "",
    advance: Advance,
    brief: bool = False,
    given: Sequence[GivenFile] = (),
) -> Results:
    """Compute everything that the report of a suite says, or only what a glance needs.

    Parameters
    ----------
    suite
        Its finished runs.
    settings
        How intervals and p-values are computed.
    command
        Command that writes the report.
    advance
        Called with the name of each step before it begins; may return a function that takes how
        much of the step is done, and out of how much.
    brief
        Only the drops and the metrics of predicted classes, with the same intervals: no metric of
        probabilities, no comparison, claim or external folder.
    given
        Prediction files of other tools, each compared with the baselines for itself.

    Raises
    ------
    UserError
        If prediction files contradict each other, or a given one fits under no protocol.
    """
    if suite.roles.margin is not None:
        settings = settings.model_copy(update={"margin": suite.roles.margin / 100.0})
    aligned = [_align(suite, protocol) for protocol in suite.protocols]
    placed = place_given(given, {one.protocol: one.baselines for one in aligned}, suite)
    thresholds = None if brief else Thresholds.of(suite)
    protocols = tuple(
        _protocol_result(suite, one, settings, advance, thresholds) for one in aligned
    )
    advance(f"{suite.plan.suite}: protocols side by side, claims, external folders")
    baselines = tuple(_baseline(suite, name) for name in suite.baselines)
    costs = tuple(_efficiency(suite))
    shown = {name for one in aligned for name in one.aligned.names}
    ensembles = [one for one in suite.plan.ensembles if one.name in shown]
    averages = [model for one in aligned for model in one.ensembles.models]
    claims = JudgedClaims() if brief else judge_claims(suite, protocols)
    others = []
    for one in placed:
        advance(f"{suite.plan.suite}: {one.given.path} beside the baselines")
        others.append(compare_given(one, suite, settings))
    return Results(
        lcbench_version=__version__,
        suite=suite.plan.suite,
        run_commands=suite.plan.commands,
        invocations=suite.plan.invocations,
        report_command=command,
        created=suite.plan.created,
        machine=suite.plan.machine,
        settings=settings,
        reference=suite.plan.reference,
        roles=suite.roles,
        dataset=suite.plan.dataset,
        taxonomy=suite.plan.taxonomy,
        aliases=suite.plan.aliases,
        leaves=suite.taxonomy.leaves,
        metrics=metric_catalogue(),
        baselines=(*baselines, *describe_ensembles(ensembles, baselines)),
        protocols=protocols,
        drops=_drops(suite, aligned, protocols, settings),
        training=() if brief else training_of(suite),
        efficiency=(*costs, *ensemble_costs(ensembles, costs, averages)),
        claims=claims.papers,
        claims_unreadable=claims.unreadable,
        external=() if thresholds is None else score_external(suite, thresholds, settings),
        given=tuple(others),
        left_out=suite.plan.left_out,
        incomplete=tuple(Incomplete(**vars(one)) for one in suite.incomplete),
        runs=tuple(_run_summary(run) for run in suite.runs),
    )


def compared_predictions(suite: FinishedSuite, protocol: str) -> Aligned:
    """Return the predictions that the results of a protocol rest on, those of ensembles included.

    Raises
    ------
    UserError
        If prediction files contradict each other.
    """
    return _align(suite, protocol).aligned


def check_given(given: Sequence[GivenFile], suite: FinishedSuite) -> None:
    """Refuse what `analyse` would refuse of given files, without computing anything.

    Raises
    ------
    UserError
        If prediction files contradict each other, or a given one fits under no protocol.
    """
    aligned = [_align(suite, protocol) for protocol in suite.protocols]
    place_given(given, {one.protocol: one.baselines for one in aligned}, suite)


@dataclass(frozen=True)
class _ProtocolPredictions:
    """The predictions of one protocol's baselines, side by side, and what had to be left out."""

    protocol: str
    baselines: tuple[Predictions, ...]
    aligned: Aligned
    not_compared: tuple[str, ...]
    missing: tuple[MissingRun, ...]
    ensembles: Derived


def _align(suite: FinishedSuite, protocol: str) -> _ProtocolPredictions:
    found = suite.models(protocol)
    _require_same_images(protocol, found)
    kept, gone = _with_shared_runs(found)
    cells = {model.name: _cells(model) for model in kept}
    shared = set.intersection(*cells.values())
    missing = [
        MissingRun(
            seed=cell[0],
            fold=cell[1],
            models=tuple(name for name, own in cells.items() if cell not in own),
        )
        for cell in sorted(set.union(*cells.values()) - shared)
    ]
    models = [_of_cells(model, shared) for model in kept]
    ensembles = derive_ensembles(suite, protocol, models)
    aligned = align([*models, *ensembles.models], by="image")
    baselines = tuple(models)
    return _ProtocolPredictions(protocol, baselines, aligned, gone, tuple(missing), ensembles)


def _require_same_images(protocol: str, models: Sequence[Predictions]) -> None:
    """Refuse predictions that disagree about an image itself: they are of different data."""
    columns = ["image", "sha256", "group", "true"]
    facts = pd.concat([model.table[columns] for model in models]).drop_duplicates()
    twice = facts["image"][facts["image"].duplicated()]
    if not twice.empty:
        raise UserError(
            f"{protocol}: the runs give {twice.iloc[0]} more than one label, source group or hash "
            f"({twice.nunique():,} such images)",
            "They were made from different data: run the suite again into a new folder.",
        )


def _with_shared_runs(
    models: Sequence[Predictions],
) -> tuple[list[Predictions], tuple[str, ...]]:
    """Leave out baselines that share no seed and fold with the rest."""
    cells = [_cells(model) for model in models]
    every = sorted(set.union(*cells))
    anchor = max(every, key=lambda cell: sum(cell in own for own in cells))
    kept = [model for model, own in zip(models, cells, strict=True) if anchor in own]
    names = {model.name for model in kept}
    return kept, tuple(model.name for model in models if model.name not in names)


def _cells(model: Predictions) -> set[tuple[int, int]]:
    pairs = model.table[["seed", "fold"]].drop_duplicates()
    return {(int(seed), int(fold)) for seed, fold in pairs.itertuples(index=False)}


def _of_cells(model: Predictions, cells: set[tuple[int, int]]) -> Predictions:
    """Return the predictions of some seeds and folds."""
    if _cells(model) == cells:
        return model
    pairs = zip(model.table["seed"], model.table["fold"], strict=True)
    rows = np.array([pair in cells for pair in pairs], dtype=bool)
    return model.keep(rows)


def _protocol_result(
    suite: FinishedSuite,
    one: _ProtocolPredictions,
    settings: AnalysisSettings,
    advance: Advance,
    thresholds: Thresholds | None,
) -> ProtocolResult:
    """Return what a protocol gave; without thresholds, only what a glance needs."""
    brief = thresholds is None
    what = "scores" if brief else "scores and paired tests"
    tick = advance(f"{suite.plan.suite}: {what}, {one.protocol}")
    reference, names = suite.plan.reference, one.aligned.names
    pairs = [(reference, name) for name in names if reference in names and name != reference]
    tested, planned = _tested_images(suite, one)
    comparison = compare_models(
        one.aligned, suite.taxonomy, pairs, settings, tick, roles=suite.roles, brief=brief
    )
    comparison = without_ways_of_training(comparison, one.ensembles.records)
    notes = (*comparison.notes, *unchanged_notes(suite, one.protocol))
    comparison = comparison.model_copy(update={"notes": notes})
    records = () if brief else one.ensembles.records
    coded = CodedPredictions.of(one.aligned, suite.taxonomy)
    return ProtocolResult(
        protocol=one.protocol,
        splits=_splits(suite, one.protocol),
        not_compared=one.not_compared,
        missing=one.missing,
        tested=tested,
        planned=planned,
        comparison=comparison,
        ensembles=ensemble_results(coded, records, settings),
        ensembles_left_out=one.ensembles.left_out,
        hypothesis=None
        if brief
        else hypothesis_result(coded, comparison, suite.roles, reference, settings),
        selective=selective_result(
            coded, one.protocol, reference, thresholds, suite.roles, records, settings
        )
        if thresholds is not None
        else None,
    )


def _tested_images(suite: FinishedSuite, one: _ProtocolPredictions) -> tuple[int, int]:
    """Return the images with a leaf label of the smallest seed, and of a whole one."""
    leaves = suite.taxonomy.leaves
    rows = one.aligned.rows
    tested = int(rows[rows["true"].isin(leaves)].groupby("seed")["image"].nunique().min())
    protocol = PROTOCOLS.get(one.protocol)
    if protocol is None or protocol.folds == 1:
        return tested, tested
    by_class = suite.plan.dataset.images_by_class
    return tested, sum(by_class.get(leaf, 0) for leaf in leaves)


def _splits(suite: FinishedSuite, protocol: str) -> tuple[Split, ...]:
    found = {
        (run.config.seed, run.config.fold): run.config.split
        for run in suite.runs_of(protocol=protocol)
    }
    return tuple(
        Split(seed=seed, fold=fold, record=record) for (seed, fold), record in sorted(found.items())
    )


def _drops(
    suite: FinishedSuite,
    aligned: Sequence[_ProtocolPredictions],
    protocols: Sequence[ProtocolResult],
    settings: AnalysisSettings,
) -> tuple[Drop, ...]:
    """Return each baseline's accuracy under both protocols, where both were run."""
    coded = {one.protocol: CodedPredictions.of(one.aligned, suite.taxonomy) for one in aligned}
    results = {result.protocol: result.comparison for result in protocols}
    first, second = suite.roles.flattering, suite.roles.leakage_free
    if first not in coded or second not in coded:
        return ()
    both = [
        (scores, other)
        for scores in results[first].models
        if (other := results[second].scores(scores.model)) is not None
    ]
    names = [scores.model for scores, _ in both]
    drops = drops_between(coded[first], coded[second], names, settings)
    return tuple(
        Drop(
            baseline=scores.model,
            flattering=scores.accuracy,
            leakage_free=other.accuracy,
            drop=drops[scores.model],
        )
        for scores, other in both
    )


def _baseline(suite: FinishedSuite, name: str) -> Baseline:
    config = suite.runs_of(baseline=name)[0].config
    return Baseline(
        baseline=name,
        purpose=config.purpose,
        kind=config.kind,
        hierarchical=_is_hierarchical(config),
        backbone=config.backbone,
        recipe=config.recipe,
    )


def _is_hierarchical(config: RunConfig) -> bool:
    return (
        config.recipe.get("hierarchy") not in (None, "", "flat")
        or config.recipe.get("loss") in TREE_LOSSES
        or config.decision != LIKELIEST
    )


def _efficiency(suite: FinishedSuite) -> list[Efficiency]:
    found: dict[tuple[str, str, str], list[FinishedRun]] = {}
    for name in suite.baselines:
        for run in suite.runs_of(baseline=name):
            found.setdefault((name, run.config.device, run.config.precision), []).append(run)
    return [_cost(runs, *key) for key, runs in found.items()]


def _cost(runs: list[FinishedRun], name: str, device: str, precision: str) -> Efficiency:
    states = [run.state for run in runs]
    speeds = [state.images_per_second for state in states if state.images_per_second is not None]
    backbone = runs[0].config.backbone
    learned = round(median(state.parameters for state in states))
    below = backbone.parameters if backbone else 0
    if runs[0].config.recipe.get("tuning") == "full":
        below = 0  # counted among the learned ones
    elif below:
        below -= round(median((run.state.of_backbone or 0) / _networks(run) for run in runs))
    return Efficiency(
        baseline=name,
        device=device,
        precision=precision,
        runs=len(runs),
        parameters=below + learned,
        learned=learned,
        gmacs=(backbone.gmacs or None) if backbone else None,
        images_per_second=median(speeds) if speeds else None,
        train_seconds=median(state.train_seconds for state in states),
        peak_memory_mb=max(state.peak_memory_mb for state in states),
    )


def _networks(run: FinishedRun) -> int:
    """Return how many networks were trained, each with its own part of the backbone."""
    return 1 if run.history is None else run.history["network"].nunique()


def _run_summary(run: FinishedRun) -> RunSummary:
    return RunSummary(
        run=run.name,
        started=run.state.started,
        commit=run.config.commit,
        device=run.config.device,
        precision=run.config.precision,
        versions=run.config.versions,
        processor=run.state.processor,
    )
