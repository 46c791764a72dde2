"""Ensembles: the probabilities of finished runs averaged, nothing trained; and what that gains.

Over baselines, the members' answers for the same image, seed and fold are averaged. Over seeds,
the answers of all seeds for the same image are, and every seed gets the same average, so that it
stands beside each seed's own answers. That is honest only where each seed tested every image: under
a protocol that tests an image in one fold of every seed, no member has trained on its source group.
Where seeds test different images, the other seeds' models have trained on most of them: such an
average would leak, and there is none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lcbench.analysis.coded import CodedPredictions
from lcbench.analysis.ensemble_results import EnsembleLeftOut, EnsembleResult, MemberAccuracy
from lcbench.analysis.results import ENSEMBLE, Baseline, Efficiency
from lcbench.analysis.scores import AnalysisSettings, ModelComparison, PairResult
from lcbench.predictions.table import Predictions
from lcbench.runs.finished import FinishedSuite
from lcbench.runs.plan_records import EnsembleRecord
from lcbench.statistics.effects import difference_panel
from lcbench.statistics.interval_model import Interval
from lcbench.statistics.intervals import intervals
from lcbench.statistics.paired_groups import RowGroups
from lcbench.statistics.power import ALPHA

_ROW = ["image", "seed", "fold"]
"""What makes a prediction of one baseline unique."""


@dataclass(frozen=True)
class Derived:
    """The ensembles of a protocol, and those that cannot be made."""

    records: tuple[EnsembleRecord, ...]
    models: tuple[Predictions, ...]
    left_out: tuple[EnsembleLeftOut, ...]


class _CannotError(Exception):
    """Why an ensemble cannot be made under a protocol."""


def derive_ensembles(suite: FinishedSuite, protocol: str, models: Sequence[Predictions]) -> Derived:
    """Average stored predictions as the plan says it.

    Parameters
    ----------
    suite
        Its plan names the ensembles, and tells why members are not there.
    protocol
        The protocol of the predictions.
    models
        Of the baselines, of the same seeds and folds.
    """
    known = {model.name: model for model in models}
    made, left_out = [], []
    for record in suite.plan.ensembles:
        try:
            found = [_member(suite, protocol, known, name) for name in record.members]
            made.append((record, _average(record, found)))
        except _CannotError as reason:
            left_out.append(EnsembleLeftOut(ensemble=record.name, reason=str(reason)))
    return Derived(
        tuple(record for record, _ in made), tuple(model for _, model in made), tuple(left_out)
    )


def _member(
    suite: FinishedSuite, protocol: str, known: dict[str, Predictions], name: str
) -> Predictions:
    if name in known:
        return known[name]
    reasons = {one.baseline: one.reason for one in suite.plan.left_out}
    if name in reasons:
        raise _CannotError(f"its member {name} was left out: {reasons[name]}")
    if suite.runs_of(protocol=protocol, baseline=name):
        raise _CannotError(f"its member {name} shares no seed and fold with the other baselines")
    raise _CannotError(f"its member {name} has no finished run")


def _average(record: EnsembleRecord, members: Sequence[Predictions]) -> Predictions:
    by = ["image"] if record.across_seeds else _ROW
    if record.across_seeds:
        _require_same_images(members)
    chances = pd.concat([_chances(member) for member in members], ignore_index=True)
    counts = chances.groupby(by).size()
    if counts.nunique() > 1:
        raise _CannotError("its members did not predict the same images")
    means = chances.groupby(by)[list(range(len(members[0].leaves)))].mean()
    table = members[0].table
    rows = pd.MultiIndex.from_frame(table[by]) if len(by) > 1 else table["image"]
    probabilities = _normalised(means.loc[rows])
    answers = np.asarray(members[0].leaves, dtype=object)[probabilities.argmax(axis=1)]
    return replace(
        members[0],
        name=record.name,
        table=table.assign(baseline=record.name, predicted=answers),
        probabilities=probabilities,
        notes=(),
    )


def average_external(
    record: EnsembleRecord, runs: dict[str, list[Predictions]]
) -> list[Predictions]:
    """Average the answers of trained models to an external folder, which none of them has seen.

    Every trained model answers every image there, those of all folds: an ensemble over seeds is one
    average over all models of its members, one over baselines an average for each seed and fold.

    Parameters
    ----------
    record
        What is averaged.
    runs
        Predictions of one protocol's trained models, by baseline.

    Returns
    -------
    list of Predictions
        One a model; empty where a member is missing, or where there is nothing to average: one
        seed alone is no ensemble over seeds, however many folds it has.
    """
    if not all(name in runs for name in record.members):
        return []
    every = [run for name in record.members for run in runs[name]]
    cells: dict[tuple[int, int], list[Predictions]] = {}
    for run in every:
        cells.setdefault((run.table["seed"].iloc[0], run.table["fold"].iloc[0]), []).append(run)
    if record.across_seeds:
        several = len({seed for seed, _ in cells}) > 1
        return [_together(record.name, every)] if several else []
    whole = (cell for cell in cells.values() if len(cell) == len(record.members))
    return [_together(record.name, cell) for cell in whole]


def _together(name: str, runs: Sequence[Predictions]) -> Predictions:
    """Return the mean of the answers to the images that all of some runs predicted."""
    of_each = [pd.DataFrame(run.probabilities, index=run.table["image"]) for run in runs]
    mean = pd.concat(of_each).groupby(level=0).mean()
    shared = set.intersection(*(set(one.index) for one in of_each))
    first = runs[0].keep(runs[0].table["image"].isin(shared).to_numpy())
    probabilities = _normalised(mean.loc[first.table["image"]])
    answers = np.asarray(first.leaves, dtype=object)[probabilities.argmax(axis=1)]
    table = first.table.assign(baseline=name, predicted=answers)
    return replace(first, name=name, table=table, probabilities=probabilities, notes=())


def average_validation(
    record: EnsembleRecord, members: Mapping[str, Predictions]
) -> Predictions | None:
    """Average the answers of one seed and fold to its validation images.

    Parameters
    ----------
    record
        What is averaged.
    members
        Predictions of that seed and fold on its validation images, by baseline.

    Returns
    -------
    Predictions or None
        None where a member is missing, and over seeds: what one seed holds back for validation,
        the others train on or test, so that there are no validation images of all of them.
    """
    if record.across_seeds or not all(name in members for name in record.members):
        return None
    return _together(record.name, [members[name] for name in record.members])


def _normalised(means: pd.DataFrame) -> NDArray[np.float64]:
    probabilities = means.to_numpy(np.float64)
    normalised: NDArray[np.float64] = probabilities / probabilities.sum(axis=1, keepdims=True)
    return normalised


def _chances(model: Predictions) -> pd.DataFrame:
    """Return image, seed, fold, and the probabilities by the places of the leaves."""
    keys = model.table[_ROW].reset_index(drop=True)
    return pd.concat([keys, pd.DataFrame(model.probabilities)], axis=1)


def _require_same_images(members: Sequence[Predictions]) -> None:
    """Refuse averages over seeds that did not all test the same images; see the module."""
    tested = [set(images) for _, images in members[0].table.groupby("seed")["image"]]
    if len(tested) < 2:
        raise _CannotError("only one seed is here: there is nothing to average over seeds")
    shared, every = set.intersection(*tested), set.union(*tested)
    if shared != every:
        raise _CannotError(
            f"its {len(tested)} seeds tested {len(every):,} images, and only {len(shared):,} of "
            "them in every seed: the models of the other seeds may have trained on the rest, so "
            "that an average over seeds would not be of unseen images"
        )


def of_all_seeds(records: Sequence[EnsembleRecord]) -> frozenset[str]:
    """Return the ensembles over seeds: each seed has the same answers of theirs."""
    return frozenset(record.name for record in records if record.across_seeds)


def without_ways_of_training(
    comparison: ModelComparison, records: Sequence[EnsembleRecord]
) -> ModelComparison:
    """Take the limits for the way of training from ensembles over seeds.

    All seeds are in one of them: how much another one, of other seeds, would differ is not known.
    """
    names = of_all_seeds(records)
    if not names:
        return comparison
    models = tuple(
        one.model_copy(
            update={
                "scores": tuple(
                    score.model_copy(update={"estimate": without_training(score.estimate)})
                    for score in one.scores
                )
            }
        )
        if one.model in names
        else one
        for one in comparison.models
    )
    pairs = tuple(
        _pair_without(pair) if {pair.a, pair.b} & names else pair for pair in comparison.pairs
    )
    return comparison.model_copy(update={"models": models, "pairs": pairs})


def _pair_without(pair: PairResult) -> PairResult:
    parts = ("difference", "odds_ratio", "relative_reduction")
    events = tuple(
        event.model_copy(
            update={
                "training": None,
                **{part: without_training(getattr(event, part)) for part in parts},
            }
        )
        for event in pair.events
    )
    differences = tuple(
        score.model_copy(update={"estimate": without_training(score.estimate)})
        for score in pair.differences
    )
    return pair.model_copy(update={"events": events, "differences": differences})


def without_training(estimate: Interval) -> Interval:
    """Return an estimate without its limits for the way of training."""
    return estimate.model_copy(update={"training": None})


def ensemble_results(
    coded: CodedPredictions, records: Sequence[EnsembleRecord], settings: AnalysisSettings
) -> tuple[EnsembleResult, ...]:
    """Return what each ensemble gains in accuracy over its members, on the same images.

    The mean of the members is what choosing one of them unseen reaches: the gain over it is fixed
    in advance, and it is the honest one. The best member is chosen by the very answers that it is
    scored on, which flatters it; its limits hold for all members at once (Bonferroni), so that they
    survive the choice.
    """
    return tuple(_result(coded, record, settings) for record in records)


def _result(
    coded: CodedPredictions, record: EnsembleRecord, settings: AnalysisSettings
) -> EnsembleResult:
    members = _members_right(coded, record)
    accuracies = {name: float(right.mean()) for name, (_, right) in members.items()}
    best = max(accuracies, key=lambda name: accuracies[name])
    together = 1.0 - ALPHA / len(members)
    rows = np.concatenate([rows for rows, _ in members.values()])
    right = np.concatenate([right for _, right in members.values()])
    return EnsembleResult(
        ensemble=record.name,
        over=record.over,
        members=tuple(
            MemberAccuracy(member=name, accuracy=value) for name, value in accuracies.items()
        ),
        best_member=best,
        over_mean=_gain(coded, record.name, rows, right, settings),
        over_best=_gain(coded, record.name, *members[best], settings, confidence=together),
    )


def _members_right(
    coded: CodedPredictions, record: EnsembleRecord
) -> dict[str, tuple[NDArray[np.intp], NDArray[np.bool_]]]:
    """Return the rows of each member and whether it is right: a baseline, or a seed of it."""
    found = {}
    for name in record.members:
        right = coded.aligned.predicted[name] == coded.true
        if not record.across_seeds:
            rows = np.flatnonzero(coded.has_leaf)
            found[name] = rows, right[rows]
            continue
        for seed in coded.seeds:
            rows = np.flatnonzero(coded.has_leaf & (coded.seed == seed))
            found[f"{name}, seed {seed}"] = rows, right[rows]
    return found


def _gain(
    coded: CodedPredictions,
    name: str,
    rows: NDArray[np.intp],
    right: NDArray[np.bool_],
    settings: AnalysisSettings,
    confidence: float = 1.0 - ALPHA,
) -> Interval:
    """Return the errors of members minus the ensemble's on the same rows, a row for each answer."""
    groups = RowGroups.of(coded.clusters.codes[rows], None, coded.strata)
    wrong = coded.aligned.predicted[name][rows] != coded.true[rows]
    found = intervals(
        difference_panel(groups.pair(wrong, ~right)),
        method=settings.interval,
        confidence=confidence,
        resamples=settings.resamples,
    )
    return found["rate"]


def describe_ensembles(
    records: Sequence[EnsembleRecord], baselines: Sequence[Baseline]
) -> tuple[Baseline, ...]:
    """Return ensembles as they stand beside the baselines of a report."""
    by_name = {one.baseline: one for one in baselines}
    return tuple(
        Baseline(
            baseline=record.name,
            purpose=record.purpose,
            kind=ENSEMBLE,
            hierarchical=all(by_name[name].hierarchical for name in record.members),
            backbone=None,
            recipe={"over": record.over, "members": list(record.members)},
        )
        for record in records
    )


def ensemble_costs(
    records: Sequence[EnsembleRecord],
    costs: Sequence[Efficiency],
    models: Sequence[Predictions],
) -> tuple[Efficiency, ...]:
    """Return what ensembles cost: the sum of their members, each computed by itself.

    A member that ran on several devices counts with the first; peak memory is the largest.

    Parameters
    ----------
    records
        The ensembles that were made.
    costs
        Of their members.
    models
        The ensembles themselves, under every protocol: they tell how many seeds were averaged.
    """
    first = {one.baseline: one for one in reversed(costs)}
    seeds = {record.name: 1 for record in records}
    for model in models:
        if model.name in of_all_seeds(records):
            seeds[model.name] = max(seeds[model.name], model.table["seed"].nunique())
    return tuple(
        _sum(record.name, [first[name] for name in record.members], seeds[record.name])
        for record in records
    )


def _sum(name: str, members: Sequence[Efficiency], times: int) -> Efficiency:
    gmacs = [one.gmacs for one in members if one.gmacs is not None]
    speeds = [one.images_per_second for one in members if one.images_per_second is not None]
    return Efficiency(
        baseline=name,
        device=" and ".join(dict.fromkeys(one.device for one in members)),
        precision=" and ".join(dict.fromkeys(one.precision for one in members)),
        runs=min(one.runs for one in members),
        parameters=times * sum(one.parameters for one in members),
        learned=times * sum(one.learned for one in members),
        gmacs=times * sum(gmacs) if gmacs else None,
        images_per_second=1.0 / (times * sum(1.0 / speed for speed in speeds)) if speeds else None,
        train_seconds=times * sum(one.train_seconds for one in members),
        peak_memory_mb=max(one.peak_memory_mb for one in members),
    )
