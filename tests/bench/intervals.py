"""Time, memory and agreement of the intervals, beside scipy and confidenceinterval.

Run by `make bench`. All other packages resample images, so they are compared on data with one
image a source group, where the two questions are the same.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable

import confidenceinterval as other
import numpy as np
from scipy import stats
from simulated import Groups, lc25000_groups
from sklearn import metrics as sk

from lcbench.statistics import metrics
from lcbench.statistics.choices import Method
from lcbench.statistics.design import Design
from lcbench.statistics.intervals import intervals
from lcbench.statistics.panel import Count, K, Panel, count_panel
from lcbench.statistics.ranking import ranking_panel
from lcbench.statistics.standard import standard_panel
from lcbench.statistics.tree import ClassTree
from lcbench.taxonomy import load_taxonomy

TREE = ClassTree.of(load_taxonomy())
IMAGES = (3_750, 7_500, 15_000, 30_000)
Timed = tuple[float, tuple[float, float], bool]
Predictions = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def main() -> None:
    """Print both tables."""
    print(f"Python {sys.version.split()[0]}, numpy {np.__version__}\n")
    print("Ours, source groups of about 20 images, every metric: the default, which draws nothing;")
    print("percentile, 10,000 resamples")
    print(f"{'images':>8} {'groups':>7} {'score, s':>10} {'percentile, s':>14} {'peak, MB':>9}")
    for images in IMAGES:
        _growth(images)
    print(
        "\nOne statistic, one image a group, 15,000 images, 10,000 resamples; a star: measured\n"
        "with fewer resamples and scaled. Limits: theirs, ours."
    )
    print(f"{'statistic':<22} {'package':<24} {'s':>8} {'ours, s':>8} {'ratio':>7}  limits")
    _beside_others()


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


def _beside_others() -> None:
    true, answers, chances, codes = predictions(_singles())
    truth, answer, benign = true.tolist(), answers.tolist(), (true == 0).astype(int)
    right = (true == answers).astype(float)
    design = Design(len(codes))
    counts = metrics.confusion_by_group(true, answers, codes, 3)
    accuracy = count_panel(counts, {"it": Count(metrics.accuracy, proportion=True)})
    macro_f1 = count_panel(counts, {"it": Count(metrics.macro_f1)})
    auroc = ranking_panel(chances[:, :1], 1 - benign, codes, np.zeros_like(codes), design, ["it"])
    _line("accuracy, percentile", "scipy", _scipy(right, "percentile"), accuracy, "percentile")
    _line("accuracy, BCa", "scipy", _scipy(right, "BCa"), accuracy, "bca")
    _line("AUROC, percentile", "scipy", _scipy_auroc(benign, chances[:, 0]), auroc, "percentile")
    bootstrapped = _timed(lambda: _bootstrapped_f1(truth, answer), times=100)
    _line("macro F1, percentile", "confidenceinterval", bootstrapped, macro_f1, "percentile")
    for name, work, panel in (
        ("accuracy, Wilson", lambda: other.accuracy_score(truth, answer)[1], accuracy),
        (
            "macro F1, Takahashi",
            lambda: other.f1_score(truth, answer, average="macro")[1],
            macro_f1,
        ),
        ("AUROC, DeLong", lambda: other.roc_auc_score(benign, chances[:, 0])[1], auroc),
    ):
        _line(name, "confidenceinterval", _timed(work), panel, "score")


def _scipy(values: np.ndarray, method: str) -> Timed:
    def draw() -> tuple[float, float]:
        found = stats.bootstrap(
            (values,), np.mean, n_resamples=10_000, method=method, batch=200, rng=0
        )
        return tuple(found.confidence_interval)

    return _timed(draw)


def _singles() -> Groups:
    whole = lc25000_groups()
    classes = np.repeat(whole.classes, whole.sizes)
    return Groups(np.ones(len(classes), np.int64), classes)


def _bootstrapped_f1(true: list[int], answers: list[int]) -> tuple[float, float]:
    options = {"method": "bootstrap_percentile", "n_resamples": 100}
    return tuple(other.f1_score(true, answers, average="macro", **options)[1])


def _scipy_auroc(true: np.ndarray, scores: np.ndarray) -> Timed:
    def draw() -> tuple[float, float]:
        found = stats.bootstrap(
            (true, scores),
            sk.roc_auc_score,
            n_resamples=100,
            paired=True,
            vectorized=False,
            method="percentile",
            rng=0,
        )
        return tuple(found.confidence_interval)

    return _timed(draw, times=100)


def _timed(work: Callable[[], tuple[float, float]], times: int = 1) -> Timed:
    started = time.perf_counter()
    limits = work()
    return times * (time.perf_counter() - started), limits, times > 1


def _line(statistic: str, package: str, theirs: Timed, panel: Panel[K], method: Method) -> None:
    seconds, (low, high), scaled = theirs
    started = time.perf_counter()
    mine = intervals(panel, method=method)[panel.measures[0].key]
    ours = time.perf_counter() - started
    star = "*" if scaled else " "
    print(
        f"{statistic:<22} {package:<24} {seconds:>7.2f}{star} {ours:>8.2f} {seconds / ours:>7.1f}  "
        f"[{low:.4f}, {high:.4f}], [{mine.low:.4f}, {mine.high:.4f}]"
    )


if __name__ == "__main__":
    main()
