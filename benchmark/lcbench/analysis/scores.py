"""Scores of every baseline under one protocol, all from the same resamples of source groups."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from lcbench.analysis.context import Context, estimate
from lcbench.analysis.measures import (
    BaselineScores,
    ClassScores,
    Effective,
    Estimate,
    Metrics,
    SeedSpread,
)
from lcbench.analysis.pools import Pool
from lcbench.statistics import metrics
from lcbench.statistics.bootstrap import Design
from lcbench.statistics.design_effect import effective_sample
from lcbench.statistics.intervals import Interval
from lcbench.statistics.panel import (
    difference_name,
    join,
    join_with_differences,
    own_name,
    renamed,
)
from lcbench.statistics.standard import accuracy_panel, standard_panel

_ONE_CLASS = ("precision", "recall", "f1", "auroc", "average_precision")


def score_baselines(pool: Pool, reference: str, context: Context) -> tuple[BaselineScores, ...]:
    """Return the scores of each baseline of a protocol, and its differences from the reference."""
    clusters = pool.own_clusters
    design = Design(int(clusters.max()) + 1)
    panels = {
        name: standard_panel(
            pool.true, predicted, pool.probabilities[name], clusters, design, context.roles
        )
        for name, predicted in pool.predicted.items()
    }
    base = reference if reference in panels else next(iter(panels))
    others = [(name, base) for name in panels if name != base]
    found = context.intervals(join_with_differences(panels, others))
    names = [measure.name for measure in panels[base].measures]
    spreads = _seed_spreads(pool, context) if len(pool.seeds) > 1 else {}
    return tuple(
        _scores(
            pool,
            baseline,
            {name: found[own_name(baseline, name)] for name in names},
            _differences(found, baseline, reference, names)
            if base == reference != baseline
            else {},
            spreads.get(baseline),
            context,
        )
        for baseline in panels
    )


def per_seed_count(rate: Estimate, images: float) -> Estimate:
    """Return a rate as a count among the images of one seed; the interval goes with it."""
    if rate.value is None or rate.low is None or rate.high is None:
        return rate
    scaled = {key: images * getattr(rate, key) for key in ("value", "low", "high")}
    return rate.model_copy(update={**scaled, "count": None})


def _differences(
    found: dict[str, Interval], baseline: str, reference: str, names: list[str]
) -> dict[str, Estimate]:
    return {name: estimate(found[difference_name(baseline, reference, name)]) for name in names}


def _scores(
    pool: Pool,
    baseline: str,
    found: dict[str, Interval],
    differences: dict[str, Estimate],
    spread: SeedSpread | None,
    context: Context,
) -> BaselineScores:
    roles, seeds = context.roles, len(pool.seeds)
    size = len(roles.leaves)
    once = np.zeros(len(pool.rows), np.int64)
    totals = metrics.confusion_by_group(pool.true, pool.predicted[baseline], once, size)[0]
    estimates = {name: estimate(interval) for name, interval in found.items()}
    worth = effective_sample(found["accuracy"])
    return BaselineScores(
        baseline=baseline,
        metrics=_metrics(estimates, totals, seeds, context),
        classes=tuple(
            ClassScores(
                leaf=leaf,
                images=int(totals[number].sum()),
                **{name: estimates[f"{name}:{leaf}"] for name in _ONE_CLASS},
            )
            for number, leaf in enumerate(roles.leaves)
        ),
        confusion=tuple(tuple(float(count) / seeds for count in row) for row in totals),
        effective=Effective(n=worth.n, design_effect=worth.design_effect) if worth else None,
        seeds=spread,
        against_reference=differences,
    )


def _metrics(
    found: dict[str, Estimate], totals: NDArray[np.int64], seeds: int, context: Context
) -> Metrics:
    rate = found.get("subtype_confusion_rate")
    subtypes = context.roles.subtypes
    images = float(metrics.support(totals, subtypes)) / seeds if subtypes else 0.0
    own = {name: found.get(name) for name in Metrics.model_fields}
    own["subtype_confusions"] = None if rate is None else per_seed_count(rate, images)
    return Metrics.model_validate(own)


def _seed_spreads(pool: Pool, context: Context) -> dict[str, SeedSpread]:
    """Return the accuracy of each seed, and its interval over source groups and seeds."""
    seeds = pool.rows["seed"].to_numpy()
    clusters = pool.own_clusters
    design = Design(int(clusters.max()) + 1, len(pool.seeds))
    units = clusters * design.seeds + np.searchsorted(pool.seeds, seeds)
    panels = [
        renamed(
            accuracy_panel(pool.true, predicted, units, design, len(context.roles.leaves)),
            partial(own_name, name),
        )
        for name, predicted in pool.predicted.items()
    ]
    found = context.estimates(join(panels))
    return {
        name: SeedSpread(
            accuracies={
                seed: float((predicted == pool.true)[seeds == seed].mean()) for seed in pool.seeds
            },
            two_way=found[own_name(name, "accuracy")],
        )
        for name, predicted in pool.predicted.items()
    }
