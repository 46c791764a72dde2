"""Several models on the same images: scores, differences, paired tests.

`lcbench report`, `lcbench compare` and the table after `lcbench run` all come through here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from lcbench.analysis.coded import CodedPredictions, Codes
from lcbench.analysis.paired import (
    Pairs,
    best_model,
    omnibus_tests,
    pair_results,
    rate_differences,
    scores_of,
)
from lcbench.analysis.scores import (
    AnalysisSettings,
    Effective,
    MetricInfo,
    ModelComparison,
    ModelScores,
    ReliabilityBin,
    Unmatched,
)
from lcbench.predictions.alignment import Aligned
from lcbench.runs.plan_records import RolesRecord
from lcbench.statistics import metrics
from lcbench.statistics.bootstrap import Tick
from lcbench.statistics.design import Design
from lcbench.statistics.groups import cluster_codes
from lcbench.statistics.interval_model import CONSTANT, Interval
from lcbench.statistics.intervals import intervals
from lcbench.statistics.models import ModelIntervals, Pair, model_intervals
from lcbench.statistics.panel import K
from lcbench.statistics.panels import difference, under
from lcbench.statistics.registry import METRICS, MetricKey
from lcbench.statistics.standard import ACCURACY
from lcbench.taxonomy import Taxonomy


def compare_models(
    aligned: Aligned,
    taxonomy: Taxonomy,
    pairs: Pairs,
    settings: AnalysisSettings,
    tick: Tick | None = None,
    *,
    roles: RolesRecord | None = None,
    brief: bool = False,
) -> ModelComparison:
    """Score several models on the same images and compare some of them.

    Parameters
    ----------
    aligned
        Their predictions, side by side.
    taxonomy
        The class tree.
    pairs
        Names (a, b) of the models to compare; every pair reads b against a, and all pairs together
        are one family of tests for each event and test.
    settings
        How intervals and p-values are computed.
    tick
        Called now and then with how much is done, and out of how much.
    roles
        Which models are floor or shortcut: they are set aside where models are ranked.
    brief
        Compare nothing, and leave out the metrics of probabilities and the spread over seeds, which
        take most of the time; the intervals of the rest are the same.

    Raises
    ------
    UserError
        If no image has a label that models can answer.
    """
    roles = roles or RolesRecord()
    if brief:
        aligned, pairs = replace(aligned, probabilities=dict.fromkeys(aligned.names)), ()
    coded = CodedPredictions.of(aligned, taxonomy)
    rates = rate_differences(coded, pairs, settings)
    found = model_intervals(
        {name: coded.panel(name, brief=brief) for name in aligned.names},
        pairs,
        method=settings.interval,
        resamples=settings.resamples,
        tick=tick,
        floor=roles.floor,
        apart={key for of_pair in rates.values() for key in of_pair},
    )
    rows = aligned.rows
    labels = rows["true"][~coded.has_leaf].value_counts()
    return ModelComparison(
        images=int(rows["image"].nunique()),
        predictions=len(rows),
        seeds=coded.seeds,
        groups=coded.clusters.count,
        groups_known=coded.clusters.known,
        images_without_group=int(rows["image"][rows["group"] == ""].nunique()),
        coarse={str(label): int(count) for label, count in labels.items()},
        unmatched=tuple(
            Unmatched(
                model=one.model,
                images=one.count,
                predictions=one.predictions,
                examples=one.examples,
            )
            for one in aligned.unmatched
        ),
        notes=aligned.notes,
        models=tuple(
            _model_scores(coded, model, without_chance(coded, model, found.own[model]))
            for model in aligned.names
        ),
        pairs=pair_results(coded, pairs, _all_differences(found, rates), settings),
        omnibus=() if brief else omnibus_tests(coded, roles.aside),
        best=None if brief else best_model(coded, roles.floor),
        same_answers=_same_answers(aligned),
    )


def _same_answers(aligned: Aligned) -> tuple[tuple[str, ...], ...]:
    alike: dict[bytes, list[str]] = {}
    for name in aligned.names:
        alike.setdefault(aligned.predicted[name].tobytes(), []).append(name)
    return tuple(tuple(names) for names in alike.values() if len(names) > 1)


def drops_between(
    first: CodedPredictions,
    second: CodedPredictions,
    models: Sequence[str],
    settings: AnalysisSettings,
) -> dict[str, Interval]:
    """Return the accuracy of each model on the first predictions minus that on the second.

    Both sides vary together: a source group that both know is the same for both.
    """
    codes, size = _shared_clusters(first, second)
    return {model: _drop(first, second, model, codes, size, settings) for model in models}


def _drop(
    first: CodedPredictions,
    second: CodedPredictions,
    model: str,
    codes: tuple[Codes, Codes],
    size: int,
    settings: AnalysisSettings,
) -> Interval:
    minuend, subtrahend = (
        one.accuracy_panel(model, clusters, size)
        for one, clusters in zip((first, second), codes, strict=True)
    )
    both = Design(
        size,
        strata=minuend.design.strata,
        images=tuple(int(n) for n in minuend.design.sizes + subtrahend.design.sizes),
    )
    found = intervals(
        difference(under(minuend, both), under(subtrahend, both)),
        method=settings.interval,
        resamples=settings.resamples,
    )
    drop = found[ACCURACY]
    if first.is_constant(model) and second.is_constant(model):
        drop = drop.model_copy(
            update={"low": None, "high": None, "error": None, "method": CONSTANT}
        )
    n = int(first.has_leaf.sum() + second.has_leaf.sum())
    return drop.model_copy(update={"n": n, "groups": size})


def _all_differences(
    found: ModelIntervals[MetricKey], rates: Mapping[Pair, Mapping[MetricKey, Interval]]
) -> dict[Pair, dict[MetricKey, Interval]]:
    """Return the differences of each pair, those of rates among them, in the order of the panel."""
    every = {pair: {**found.differences[pair], **of_rates} for pair, of_rates in rates.items()}
    return {
        (a, b): {key: every[a, b][key] for key in found.own[a] if key in every[a, b]}
        for a, b in every
    }


def metric_catalogue() -> tuple[MetricInfo, ...]:
    """Return what each metric is, for the results."""
    return tuple(
        MetricInfo(
            metric=metric.key,
            title=metric.title,
            unit=metric.unit,
            low=metric.bounds[0],
            high=metric.bounds[1],
            higher_is_better=metric.higher_is_better,
            level=metric.level,
            what=metric.what,
        )
        for metric in METRICS.values()
    )


def per_seed_count(rate: Interval, images: float) -> Interval:
    """Return a rate as a count among the images of one seed; the interval goes with it."""
    if rate.value is None or rate.low is None or rate.high is None:
        return rate
    scaled = {key: images * getattr(rate, key) for key in ("value", "low", "high")}
    training = rate.training
    if training is not None:
        limits = {key: images * getattr(training, key) for key in ("low", "high", "error")}
        training = training.model_copy(update=limits)
    return rate.model_copy(update={**scaled, "error": None, "count": None, "training": training})


def _shared_clusters(
    first: CodedPredictions, second: CodedPredictions
) -> tuple[tuple[Codes, Codes], int]:
    """Return the source groups of both, numbered together, and how many there are."""
    rows = pd.concat([first.aligned.rows, second.aligned.rows], ignore_index=True)
    names = rows["sha256"].where(rows["sha256"] != "", rows["image"])
    clusters = cluster_codes(list(rows["group"]), list(names))
    size = len(first.true)
    return (clusters.codes[:size], clusters.codes[size:]), clusters.count


def without_chance(
    coded: CodedPredictions, model: str, found: Mapping[K, Interval]
) -> Mapping[K, Interval]:
    """Take away the intervals of a model that gives every image the same answer.

    Which answer follows from the numbers of each class in its training set; new tissue cannot
    change its scores.
    """
    return of_one_answer(found) if coded.is_constant(model) else found


def of_one_answer(found: Mapping[K, Interval]) -> Mapping[K, Interval]:
    """Return the scores of a model that answers every image the same, without intervals."""
    nothing = {"low": None, "high": None, "error": None, "training": None, "method": CONSTANT}
    return {
        key: one
        if one.value is None or one.groups == 1
        else one.model_copy(update={**nothing, "few_groups": False})
        for key, one in found.items()
    }


def _model_scores(
    coded: CodedPredictions, model: str, found: Mapping[MetricKey, Interval]
) -> ModelScores:
    rows, size = coded.has_leaf, len(coded.tree.leaves)
    once = np.zeros(int(rows.sum()), np.int64)
    predicted = coded.aligned.predicted[model]
    totals = metrics.confusion_by_group(coded.true[rows], predicted[rows], once, size)[0]
    return ModelScores(
        model=model,
        scores=scores_of(found),
        confusion=tuple(tuple(float(count) / len(coded.seeds) for count in row) for row in totals),
        reliability=tuple(
            ReliabilityBin(confidence=confidence, right=right)
            for confidence, right in coded.reliability(model)
        ),
        level_answers=coded.answers[model].basis,
        effective=_effective(coded, found[ACCURACY]),
        seeds={seed: coded.accuracy_rate(model, seed).value for seed in coded.seeds},
    )


def _effective(coded: CodedPredictions, accuracy: Interval) -> Effective | None:
    """Return what the images of one seed are worth, on average over the seeds."""
    if accuracy.design_effect is None:
        return None
    images = float(coded.has_leaf.sum()) / len(coded.seeds)
    return Effective(n=images / accuracy.design_effect, design_effect=accuracy.design_effect)
