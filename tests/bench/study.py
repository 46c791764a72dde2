"""Coverage of the intervals and error rates of the paired tests, where the truth is known.

Run by `make bench-statistics`. Writes its tables into docs/statistics.md.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed
from scipy.stats import norm
from simulated import Groups, confusions, lc25000_groups, outcomes, scores

from lcbench import __version__
from lcbench.statistics import metrics
from lcbench.statistics.bootstrap import Design
from lcbench.statistics.choices import METHODS
from lcbench.statistics.effects import effects_panel, read_effects
from lcbench.statistics.intervals import Interval, all_intervals
from lcbench.statistics.limits import wilson
from lcbench.statistics.paired_tests import PairedGroups
from lcbench.statistics.pairwise import CLUSTERED_TESTS, PLAIN_TESTS, TestName
from lcbench.statistics.panel import Count, K, Panel, count_panel
from lcbench.statistics.ranking import ranking_panel
from lcbench.statistics.registry import MetricKey

PAGE = Path(__file__).resolve().parents[2] / "docs" / "statistics.md"
START, END = "<!-- study: written by make bench-statistics -->", "<!-- end of study -->"
CORRELATIONS = (0.0, 0.1, 0.5, 1.0)
INDEPENDENT = "images independent"
COLUMNS = (INDEPENDENT, *METHODS)
AUROC = 0.99
Limits = dict[str, tuple[float, float]]


@dataclass(frozen=True)
class Truth:
    """A statistic whose value is known, and how to draw its intervals."""

    name: str
    value: float
    draw: Callable[[np.random.Generator, float, int], Limits]


def main() -> None:
    """Run the study and write its tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulations", type=int, default=2_000)
    parser.add_argument("--resamples", type=int, default=1_000)
    parser.add_argument("--jobs", type=int, default=-1)
    options = parser.parse_args()
    started = time.perf_counter()
    with Parallel(n_jobs=options.jobs) as parallel:
        coverage = _coverage_table(parallel, options.simulations, options.resamples)
        print(coverage, flush=True)
        tests = _test_table(parallel, options.simulations)
        print(tests)
    minutes = (time.perf_counter() - started) / 60
    _write(
        f"{options.simulations:,} simulations a cell, {options.resamples:,} resamples an interval, "
        f"lcbench {__version__}, {datetime.now(UTC):%Y-%m-%d}, {minutes:.0f} minutes. Monte Carlo "
        f"error of a cell near 95 %: {100 * math.sqrt(0.95 * 0.05 / options.simulations):.1f} "
        "points.",
        coverage,
        tests,
    )


def _truths() -> Iterator[Truth]:
    groups = lc25000_groups()
    for error in (0.05, 0.01, 0.002):
        share = f"{100 * (1 - error):g} %"
        yield Truth(f"accuracy {share}", 1 - error, partial(_accuracy, groups, error))
    yield Truth("macro F1 95 %", 0.95, partial(_macro_f1, groups, 0.05))
    yield Truth(f"AUROC {100 * AUROC:g} % (200 groups)", AUROC, partial(_auroc, groups.first(200)))
    pairs = ((0.04, 0.0), (0.01, 0.0), (0.04, 0.01))
    for discordance, difference in pairs:
        name = f"difference {100 * difference:g} points, discordance {100 * discordance:g} %"
        yield Truth(name, -difference, partial(_difference, groups.sizes, discordance, difference))
    yield Truth("relative reduction 50 %, 4 % against 2 %", 0.5, partial(_reduction, groups.sizes))


def _accuracy(
    groups: Groups, error: float, rng: np.random.Generator, icc: float, resamples: int
) -> Limits:
    counts = confusions(rng, groups, error, icc)
    found = _limits(count_panel(counts, {"it": Count(metrics.accuracy)}), resamples, "it")
    right = np.trace(counts.sum(axis=0))
    return {INDEPENDENT: wilson(float(right), float(counts.sum())), **found}


def _macro_f1(
    groups: Groups, error: float, rng: np.random.Generator, icc: float, resamples: int
) -> Limits:
    counts = confusions(rng, groups, error, icc)
    return _limits(count_panel(counts, {"it": Count(metrics.macro_f1)}), resamples, "it")


def _auroc(groups: Groups, rng: np.random.Generator, icc: float, resamples: int) -> Limits:
    score, true, codes = scores(rng, groups, math.sqrt(2) * float(norm.ppf(AUROC)), icc)
    panel = ranking_panel(score[:, None], 1 - true, codes, Design(len(groups.sizes)), ["it"])
    return _limits(panel, resamples, MetricKey("auroc", "it"))


def _difference(
    sizes: np.ndarray,
    discordance: float,
    difference: float,
    rng: np.random.Generator,
    icc: float,
    resamples: int,
) -> Limits:
    pairs = paired(rng, sizes, discordance, difference, icc)
    n, d = pairs.rows, float(pairs.difference.sum())
    discordant = float((pairs.only_a + pairs.only_b).sum())
    half = 1.96 * math.sqrt(max(discordant - d**2 / n, 0.0)) / n
    plain = {INDEPENDENT: (-d / n - half, -d / n + half)}
    return plain | _effect_limits(pairs, resamples, "difference")


def _reduction(sizes: np.ndarray, rng: np.random.Generator, icc: float, resamples: int) -> Limits:
    pairs = paired(rng, sizes, 0.04, 0.02, icc, both=0.01)
    return _effect_limits(pairs, resamples, "relative_reduction")


def paired(
    rng: np.random.Generator,
    sizes: np.ndarray,
    discordance: float,
    difference: float,
    icc: float,
    both: float = 0.02,
) -> PairedGroups:
    """Draw the paired errors of two models, A worse by `difference`."""
    b, c = (discordance + difference) / 2, (discordance - difference) / 2
    counts = outcomes(rng, sizes, (1 - b - c - both, b, c, both), icc)
    return PairedGroups(counts[:, 1], counts[:, 2], counts[:, 3], sizes)


def skewed(
    rng: np.random.Generator, sizes: np.ndarray, discordance: float, icc: float
) -> PairedGroups:
    """Draw equal error rates of unlike kinds: A's errors cluster, B's are scattered."""
    only_a = outcomes(rng, sizes, (1 - discordance / 2, discordance / 2), icc)[:, 1]
    only_b = rng.binomial(sizes, discordance / 2)
    return PairedGroups(only_a, np.minimum(only_b, sizes - only_a), np.zeros_like(sizes), sizes)


def _limits(panel: Panel[K], resamples: int, key: K) -> Limits:
    found = all_intervals(panel, resamples=resamples, seed=1)
    return {method: _ends(found[method][key]) for method in METHODS}


def _effect_limits(pairs: PairedGroups, resamples: int, name: str) -> Limits:
    found = all_intervals(effects_panel(pairs), resamples=resamples, seed=1)
    return {method: _ends(getattr(read_effects(found[method], pairs), name)) for method in METHODS}


def _ends(interval: Interval) -> tuple[float, float]:
    if interval.low is None or interval.high is None:
        return -math.inf, math.inf
    return interval.low, interval.high


def _coverage_table(parallel: Parallel, simulations: int, resamples: int) -> str:
    rows = []
    for truth in _truths():
        for icc in CORRELATIONS:
            chunks = parallel(
                delayed(_coverage)(truth, icc, resamples, simulations // 20, chunk)
                for chunk in range(20)
            )
            covered = {
                column: float(np.mean([one for part in chunks for one in part.get(column, [])]))
                for column in COLUMNS
                if chunks[0].get(column)
            }
            rows.append([truth.name, f"{icc:g}", *(_percent(covered.get(c)) for c in COLUMNS)])
    return _markdown(["statistic", "ICC", *COLUMNS], rows)


def _coverage(
    truth: Truth, icc: float, resamples: int, simulations: int, chunk: int
) -> dict[str, list[bool]]:
    rng = np.random.default_rng([chunk, round(1000 * icc), len(truth.name)])
    found: dict[str, list[bool]] = {}
    for _ in range(simulations):
        for column, (low, high) in truth.draw(rng, icc, resamples).items():
            found.setdefault(column, []).append(low - 1e-12 <= truth.value <= high + 1e-12)
    return found


def _test_table(parallel: Parallel, simulations: int) -> str:
    groups = lc25000_groups()
    few = groups.first(74).sizes
    hypotheses: list[tuple[str, Callable[..., PairedGroups], np.ndarray, tuple[float, ...]]] = [
        ("no difference, discordance 4 %", paired, groups.sizes, (0.04, 0.0)),
        ("no difference, discordance 1 %", paired, groups.sizes, (0.01, 0.0)),
        ("no difference, 74 groups, discordance 4 %", paired, few, (0.04, 0.0)),
        ("equal rates, A's errors clustered, B's scattered, 4 %", skewed, groups.sizes, (0.04,)),
        ("the same, 1 %", skewed, groups.sizes, (0.01,)),
        ("power: 2.5 against 1.5 %", paired, groups.sizes, (0.04, 0.01)),
        ("power: 74 groups, 3.2 against 0.8 %", paired, few, (0.04, 0.024)),
    ]
    rows = []
    for name, draw, sizes, settings in hypotheses:
        for icc in CORRELATIONS:
            chunks = parallel(
                delayed(_rejections)(draw, sizes, settings, icc, simulations // 20, chunk)
                for chunk in range(20)
            )
            rejected = np.mean(chunks, axis=0)
            rows.append([name, f"{icc:g}", *map(_percent, rejected)])
    return _markdown(["hypothesis", "ICC", *(test.value for test in TestName)], rows)


def _rejections(
    draw: Callable[..., PairedGroups],
    sizes: np.ndarray,
    settings: tuple[float, ...],
    icc: float,
    simulations: int,
    chunk: int,
) -> list[float]:
    rng = np.random.default_rng([chunk, round(1000 * icc), len(sizes)])
    found = []
    for _ in range(simulations):
        pairs = draw(rng, sizes, *settings, icc)
        b, c = int(pairs.only_a.sum()), int(pairs.only_b.sum())
        p_values = [test(b, c).p for test in PLAIN_TESTS.values()]
        p_values += [test(pairs).p for test in CLUSTERED_TESTS.values()]
        found.append([p < 0.05 for p in p_values])
    return [float(share) for share in np.mean(found, axis=0)]


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f}"


def _markdown(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    ruler = [":---", *["---:"] * (len(headers) - 1)]
    return "\n".join("| " + " | ".join(row) + " |" for row in (headers, ruler, *rows))


def _write(basis: str, coverage: str, tests: str) -> None:
    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split(START)
    after = rest.split(END)[1]
    study = "\n\n".join(
        [
            basis,
            "**Share of 95 % intervals that hold the true value, %**",
            coverage,
            "**Share of tests with p < 0.05, %**",
            tests,
        ]
    )
    PAGE.write_text(f"{before}{START}\n\n{study}\n\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
