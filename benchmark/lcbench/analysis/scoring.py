"""Several models on the same images: scores, differences, paired tests.

`lcbench report`, `lcbench compare` and the table after `lcbench run` all come through here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from lcbench.analysis.coded import CodedPredictions, Codes
from lcbench.analysis.paired import Pairs, omnibus_tests, pair_results, scores_of
from lcbench.analysis.scores import (
    AnalysisSettings,
    Effective,
    MetricInfo,
    ModelComparison,
    ModelScores,
    SeedSpread,
    Unmatched,
)
from lcbench.predictions.alignment import Aligned
from lcbench.statistics import metrics
from lcbench.statistics.bootstrap import Design, Tick
from lcbench.statistics.groups import cluster_codes
from lcbench.statistics.intervals import Interval, intervals
from lcbench.statistics.models import model_intervals
from lcbench.statistics.panel import difference
from lcbench.statistics.power import effective_size
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
    brief
        Compare nothing, and leave out the metrics of probabilities and the spread over seeds, which
        take most of the time; the intervals of the rest are the same.

    Raises
    ------
    UserError
        If no image has a label that models can answer.
    """
    if brief:
        aligned, pairs = replace(aligned, probabilities=dict.fromkeys(aligned.names)), ()
    coded = CodedPredictions.of(aligned, taxonomy)
    found = model_intervals(
        {name: coded.panel(name) for name in aligned.names},
        pairs,
        method=settings.interval,
        resamples=settings.resamples,
        tick=tick,
    )
    spreads = _seed_spreads(coded, settings) if len(coded.seeds) > 1 and not brief else {}
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
            _model_scores(coded, model, found.own[model], spreads.get(model))
            for model in aligned.names
        ),
        pairs=pair_results(coded, pairs, found, settings),
        omnibus=() if brief else omnibus_tests(coded),
    )


def drop_between(
    first: CodedPredictions, second: CodedPredictions, model: str, settings: AnalysisSettings
) -> Interval:
    """Return a model's accuracy on the first predictions minus that on the second.

    Both sides are resampled together: a source group that both know is drawn for both.
    """
    codes, size = _shared_clusters(first, second)
    minuend, subtrahend = (
        one.accuracy_panel(model, clusters, Design(size))
        for one, clusters in zip((first, second), codes, strict=True)
    )
    found = intervals(
        difference(minuend, subtrahend), method=settings.interval, resamples=settings.resamples
    )
    drop = found[ACCURACY]
    n = int(first.has_leaf.sum() + second.has_leaf.sum())
    return drop.model_copy(update={"n": n, "groups": size})


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
    return rate.model_copy(update={**scaled, "error": None, "count": None})


def _shared_clusters(
    first: CodedPredictions, second: CodedPredictions
) -> tuple[tuple[Codes, Codes], int]:
    """Return the source groups of both, numbered together, and how many there are."""
    rows = pd.concat([first.aligned.rows, second.aligned.rows], ignore_index=True)
    names = rows["sha256"].where(rows["sha256"] != "", rows["image"])
    clusters = cluster_codes(list(rows["group"]), list(names))
    size = len(first.true)
    return (clusters.codes[:size], clusters.codes[size:]), clusters.count


def _model_scores(
    coded: CodedPredictions,
    model: str,
    found: Mapping[MetricKey, Interval],
    spread: SeedSpread | None,
) -> ModelScores:
    rows, size = coded.has_leaf, len(coded.tree.leaves)
    once = np.zeros(int(rows.sum()), np.int64)
    predicted = coded.aligned.predicted[model]
    totals = metrics.confusion_by_group(coded.true[rows], predicted[rows], once, size)[0]
    accuracy = found[ACCURACY]
    worth = effective_size(accuracy)
    return ModelScores(
        model=model,
        scores=scores_of(found),
        confusion=tuple(tuple(float(count) / len(coded.seeds) for count in row) for row in totals),
        effective=Effective(n=worth, design_effect=accuracy.n / worth) if worth else None,
        seeds=spread,
    )


def _seed_spreads(coded: CodedPredictions, settings: AnalysisSettings) -> dict[str, SeedSpread]:
    """Return the accuracy of each seed, and its interval over source groups and seeds."""
    design = Design(coded.clusters.count, len(coded.seeds))
    units = coded.clusters.codes * design.seeds + np.searchsorted(coded.seeds, coded.seed)
    panels = {name: coded.accuracy_panel(name, units, design) for name in coded.aligned.names}
    found = model_intervals(panels, (), method=settings.interval, resamples=settings.resamples)
    return {
        name: SeedSpread(
            accuracies={seed: _accuracy_of_seed(coded, name, seed) for seed in coded.seeds},
            two_way=found.own[name][ACCURACY],
        )
        for name in panels
    }


def _accuracy_of_seed(coded: CodedPredictions, model: str, seed: int) -> float:
    rows = coded.has_leaf & (coded.seed == seed)
    return float((coded.aligned.predicted[model] == coded.true)[rows].mean())
