"""Time, memory and agreement of the intervals, beside scipy and confidenceinterval.

All other packages resample images, so they are compared on data with one image a source group,
where the two questions are the same. Run as a script, it also prints how ours grow with the images.
"""

from __future__ import annotations

import importlib.util
import resource
import sys
import time
from collections.abc import Callable, Iterator

import numpy as np
from frame import Ratio, Skipped
from record import measured, table
from scipy import stats
from simulated import Groups, lc25000_groups
from sklearn import metrics as sk

from lcbench.console import out
from lcbench.statistics import metrics
from lcbench.statistics.choices import Method
from lcbench.statistics.design import Design
from lcbench.statistics.intervals import intervals
from lcbench.statistics.panel import Count, K, Panel, count_panel
from lcbench.statistics.ranking import ranking_panel
from lcbench.statistics.standard import standard_panel
from lcbench.statistics.tree import ClassTree
from lcbench.taxonomy import load_taxonomy

OTHER = "confidenceinterval"
TREE = ClassTree.of(load_taxonomy())
IMAGES = (3_750, 7_500, 15_000, 30_000)
RESAMPLES = 10_000
PART = 100
"""Resamples of what would take hours; its seconds are scaled to `RESAMPLES`."""
Timed = tuple[float, tuple[float, float], bool]
Predictions = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def measure(quick: bool = False) -> list[Ratio]:
    """Measure each statistic beside the package that has it."""
    if importlib.util.find_spec("confidenceinterval") is None:
        raise Skipped("confidenceinterval is not installed")
    return list(_beside_others(_singles(300 if quick else None)))


def main() -> None:
    """Print both tables."""
    print(f"Python {sys.version.split()[0]}, numpy {np.__version__}\n")
    print("Ours, source groups of about 20 images, every metric: the default, which draws nothing;")
    print("percentile, 10,000 resamples")
    print(f"{'images':>8} {'groups':>7} {'score, s':>10} {'percentile, s':>14} {'peak, MB':>9}")
    for images in IMAGES:
        _growth(images)
    out.print(table({"intervals": measured("intervals", measure)}))


def predictions(groups: Groups) -> Predictions:
    """Return truth, answers, probabilities and groups of a classifier that is right in 95 %."""
    rng = np.random.default_rng(0)
    codes = np.repeat(np.arange(len(groups.sizes)), groups.sizes)
    true = groups.classes[codes]
    scores = rng.normal(size=(len(codes), 3)) + rng.normal(size=(len(groups.sizes), 3))[codes]
    scores[np.arange(len(codes)), true] += 4.0
    chances = np.exp(scores)
    chances /= chances.sum(axis=1, keepdims=True)
    return true, chances.argmax(axis=1), chances, codes


def _growth(images: int) -> None:
    whole = lc25000_groups()
    share = images / int(whole.sizes.sum())
    groups = whole.first(round(len(whole.sizes) * share)) if share <= 1 else _twice(whole)
    true, answers, chances, codes = predictions(groups)
    design = Design(len(groups.sizes))
    panel = standard_panel(true, answers, chances, codes, np.zeros_like(true), design, TREE)
    started = time.perf_counter()
    intervals(panel)
    between = time.perf_counter()
    intervals(panel, method="percentile")
    ended = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{len(true):>8,} {len(groups.sizes):>7,} {between - started:>10.2f} "
        f"{ended - between:>14.2f} {peak:>9,.0f}"
    )


def _twice(groups: Groups) -> Groups:
    return Groups(np.tile(groups.sizes, 2), np.tile(groups.classes, 2))


def _beside_others(groups: Groups) -> Iterator[Ratio]:
    import confidenceinterval as other

    true, answers, chances, codes = predictions(groups)
    truth, answer, benign = true.tolist(), answers.tolist(), (true == 0).astype(int)
    right = (true == answers).astype(float)
    design = Design(len(codes))
    counts = metrics.confusion_by_group(true, answers, codes, 3)
    accuracy = count_panel(counts, {"it": Count(metrics.accuracy, proportion=True)})
    macro_f1 = count_panel(counts, {"it": Count(metrics.macro_f1)})
    auroc = ranking_panel(chances[:, :1], 1 - benign, codes, np.zeros_like(codes), design, ["it"])
    bootstrap = {"average": "macro", "method": "bootstrap_percentile", "n_resamples": PART}
    f1, timed = other.f1_score, _timed
    for name, package, theirs, panel, method in (
        ("accuracy, percentile", "scipy", _scipy(right, "percentile"), accuracy, "percentile"),
        ("accuracy, BCa", "scipy", _scipy(right, "BCa"), accuracy, "bca"),
        ("AUROC, percentile", "scipy", _scipy_auroc(benign, chances[:, 0]), auroc, "percentile"),
        (
            "macro F1, percentile",
            OTHER,
            timed(lambda: tuple(f1(truth, answer, **bootstrap)[1]), RESAMPLES // PART),
            macro_f1,
            "percentile",
        ),
        (
            "accuracy, Wilson",
            OTHER,
            timed(lambda: other.accuracy_score(truth, answer)[1]),
            accuracy,
            "score",
        ),
        (
            "macro F1, Takahashi",
            OTHER,
            timed(lambda: f1(truth, answer, average="macro")[1]),
            macro_f1,
            "score",
        ),
        (
            "AUROC, DeLong",
            OTHER,
            timed(lambda: other.roc_auc_score(benign, chances[:, 0])[1]),
            auroc,
            "score",
        ),
    ):
        yield _ratio(f"{name}, {len(true):,} images", package, theirs, panel, method)


def _scipy(values: np.ndarray, method: str) -> Timed:
    def draw() -> tuple[float, float]:
        found = stats.bootstrap(
            (values,), np.mean, n_resamples=RESAMPLES, method=method, batch=200, rng=0
        )
        return tuple(found.confidence_interval)

    return _timed(draw)


def _singles(number: int | None) -> Groups:
    whole = lc25000_groups()
    classes = np.repeat(whole.classes, whole.sizes)
    if number is not None:
        classes = np.random.default_rng(0).choice(classes, number)
    return Groups(np.ones(len(classes), np.int64), classes)


def _scipy_auroc(true: np.ndarray, scores: np.ndarray) -> Timed:
    def draw() -> tuple[float, float]:
        found = stats.bootstrap(
            (true, scores),
            sk.roc_auc_score,
            n_resamples=PART,
            paired=True,
            vectorized=False,
            method="percentile",
            rng=0,
        )
        return tuple(found.confidence_interval)

    return _timed(draw, RESAMPLES // PART)


def _timed(work: Callable[[], tuple[float, float]], times: int = 1) -> Timed:
    started = time.perf_counter()
    limits = work()
    return times * (time.perf_counter() - started), limits, times > 1


def _ratio(statistic: str, package: str, theirs: Timed, panel: Panel[K], method: Method) -> Ratio:
    seconds, (low, high), scaled = theirs
    started = time.perf_counter()
    mine = intervals(panel, method=method)[panel.measures[0].key]
    ours = time.perf_counter() - started
    limits = f"theirs [{low:.4f}, {high:.4f}], ours [{mine.low:.4f}, {mine.high:.4f}]"
    scale = f"; {PART} resamples, scaled to {RESAMPLES:,}" if scaled else ""
    return Ratio(
        f"interval, {statistic}", f"{package}{scale}", "s", ((ours, seconds),), None, limits
    )


if __name__ == "__main__":
    main()
