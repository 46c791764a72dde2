"""The results of a suite, from its run folders."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from statistics import median

from lcbench import __version__
from lcbench.analysis.claims import judge_claims
from lcbench.analysis.comparison import compare_with_reference, drops, omnibus_tests
from lcbench.analysis.context import Context
from lcbench.analysis.external import score_external
from lcbench.analysis.measures import Drop, ProtocolResult, Split
from lcbench.analysis.pools import Pool, pools
from lcbench.analysis.results import Baseline, ClaimResult, Efficiency, Results, RunSummary
from lcbench.analysis.scores import score_baselines
from lcbench.rendering.findings import findings
from lcbench.rendering.formats import integer
from lcbench.runs.finished_suite import Run, Suite
from lcbench.runs.records import DatasetRecord, RunConfig
from lcbench.statistics.bootstrap import Tick
from lcbench.statistics.choices import Adjustment
from lcbench.taxonomy import Taxonomy

PAPER = "paper"
GROUPED = "grouped"


def analyse(
    suite: Suite,
    *,
    command: str,
    resamples: int,
    advance: Callable[[str], Tick | None],
    adjustment: Adjustment = Adjustment.holm,
) -> Results:
    """Compute everything that the report of a suite says.

    Parameters
    ----------
    suite
        What its folder holds.
    command
        Command that writes the report.
    resamples
        Bootstrap resamples of each interval.
    adjustment
        How the p-values of a family are adjusted.
    advance
        Called with the name of each step before it begins; may return a function that takes how
        much of the step is done, and out of how much.

    Raises
    ------
    UserError
        If prediction files contradict each other.
    """
    context = Context(suite.taxonomy, resamples, adjustment=adjustment)
    measurements = []
    for pool in pools(suite):
        tick = advance(f"{suite.plan.suite}: scores and paired tests, {pool.protocol}")
        measurements.append((pool, _protocol_result(pool, suite, replace(context, tick=tick))))
    advance(f"{suite.plan.suite}: paper beside grouped, claims, external folders")
    results = Results(
        lcbench_version=__version__,
        suite=suite.plan.suite,
        run_command=suite.plan.command,
        report_command=command,
        created=suite.plan.created,
        machine=suite.plan.machine,
        resamples=resamples,
        adjustment=adjustment,
        reference=suite.plan.reference,
        dataset=suite.plan.dataset,
        taxonomy=suite.plan.taxonomy,
        leaves=suite.taxonomy.leaves,
        baselines=tuple(_baseline(suite, name) for name in suite.baselines),
        protocols=tuple(result for _, result in measurements),
        drops=_drops(measurements, context),
        efficiency=tuple(_efficiency(suite)),
        claims=_claims(measurements, suite, context),
        external=score_external(suite, context),
        left_out=suite.plan.left_out,
        incomplete=suite.incomplete,
        runs=tuple(_run_summary(run) for run in suite.runs),
    )
    return results.model_copy(update={"findings": findings(results)})


def _protocol_result(pool: Pool, suite: Suite, context: Context) -> ProtocolResult:
    return ProtocolResult(
        protocol=pool.protocol,
        seeds=pool.seeds,
        images=int(pool.rows["image"].nunique()),
        predictions=len(pool.rows),
        groups=len(set(pool.clusters.tolist())),
        groups_known=pool.groups_known,
        notes=(
            *pool.notes,
            *_untested(pool, suite.plan.dataset, suite.taxonomy),
            *_coarse(suite.plan.dataset, suite.taxonomy),
        ),
        splits=_splits(suite, pool.protocol),
        baselines=score_baselines(pool, suite.plan.reference, context),
        comparisons=compare_with_reference(pool, suite.plan.reference, context),
        omnibus=omnibus_tests(pool, context),
    )


def _untested(pool: Pool, dataset: DatasetRecord, taxonomy: Taxonomy) -> tuple[str, ...]:
    """Return a note where `grouped`, which tests every image, lacks some of its folds."""
    tested = int(pool.rows.groupby("seed")["image"].nunique().min())
    planned = sum(dataset.images_by_class.get(leaf, 0) for leaf in taxonomy.leaves)
    if pool.protocol != GROUPED or tested >= planned:
        return ()
    images = f"{integer(tested)} of {integer(planned)} images"
    return (f"Not every fold is here: {images} were tested in the seed with the fewest.",)


def _coarse(dataset: DatasetRecord, taxonomy: Taxonomy) -> tuple[str, ...]:
    """Return a note where images carry a label that is no leaf."""
    coarse = {k: n for k, n in dataset.images_by_class.items() if k not in taxonomy.leaves}
    return tuple(
        f"{integer(count)} images labelled {taxonomy.title(label)} are trained on but not in these "
        "tables: their label names no subtype."
        for label, count in coarse.items()
    )


def _splits(suite: Suite, protocol: str) -> tuple[Split, ...]:
    found = {
        (run.config.seed, run.config.fold): run.config.split
        for run in suite.runs_of(protocol=protocol)
    }
    return tuple(
        Split(seed=seed, fold=fold, record=record) for (seed, fold), record in sorted(found.items())
    )


def _drops(measurements: list[tuple[Pool, ProtocolResult]], context: Context) -> tuple[Drop, ...]:
    by_name = {result.protocol: (pool, result) for pool, result in measurements}
    if PAPER not in by_name or GROUPED not in by_name:
        return ()
    return drops(by_name[PAPER], by_name[GROUPED], context)


def _claims(
    measurements: list[tuple[Pool, ProtocolResult]], suite: Suite, context: Context
) -> tuple[ClaimResult, ...]:
    runs = suite.runs_of(baseline=suite.plan.reference)
    backbone = runs[0].config.backbone if runs else None
    return judge_claims(measurements, suite.plan.reference, backbone, suite.plan.dataset, context)


def _baseline(suite: Suite, name: str) -> Baseline:
    config = suite.runs_of(baseline=name)[0].config
    return Baseline(
        baseline=name,
        purpose=config.purpose,
        kind=config.kind,
        hierarchical=_is_hierarchical(config),
        backbone=config.backbone,
    )


def _is_hierarchical(config: RunConfig) -> bool:
    """Read it from the recipe; a user's own kind may say it in its name only."""
    stated = config.recipe.get("hierarchy")
    if stated is not None:
        return stated not in ("", "flat")
    return "hierarch" in f"{config.baseline} {config.kind}".casefold()


def _efficiency(suite: Suite) -> list[Efficiency]:
    found: dict[tuple[str, str, str], list[Run]] = {}
    for name in suite.baselines:
        for run in suite.runs_of(baseline=name):
            found.setdefault((name, run.config.device, run.config.precision), []).append(run)
    return [_cost(runs, *key) for key, runs in found.items()]


def _cost(runs: list[Run], name: str, device: str, precision: str) -> Efficiency:
    states = [run.state for run in runs]
    speeds = [state.images_per_second for state in states if state.images_per_second is not None]
    backbone = runs[0].config.backbone
    learned = round(median(state.parameters for state in states))
    below = backbone.parameters if backbone else 0
    if runs[0].config.recipe.get("tuning") == "full":
        below = 0  # counted among the learned ones
    return Efficiency(
        baseline=name,
        device=device,
        precision=precision,
        runs=len(runs),
        parameters=below + learned,
        learned=learned,
        gmacs=backbone.gmacs if backbone else None,
        images_per_second=median(speeds) if speeds else None,
        train_seconds=median(state.train_seconds for state in states),
        peak_memory_mb=max(state.peak_memory_mb for state in states),
    )


def _run_summary(run: Run) -> RunSummary:
    return RunSummary(
        run=run.name,
        started=run.state.started,
        commit=run.config.commit,
        device=run.config.device,
        precision=run.config.precision,
        versions=run.config.versions,
    )
