"""What the simulation study draws is what it says it draws; the benches run."""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[1]
GROUPS = ROOT.parent / "shared" / "data" / "lc25000-source-groups-aca-scc.csv"


def _load(name: str) -> ModuleType:
    path = ROOT / "tests" / "bench" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def simulated() -> ModuleType:
    return _load("simulated")


@pytest.fixture(scope="module")
def calibration(simulated: ModuleType) -> ModuleType:
    assert sys.modules["simulated"] is simulated  # which the script imports by this name
    return _load("calibration")


@pytest.fixture(scope="module")
def worker() -> ModuleType:
    return _load("leakage_worker")


@pytest.fixture(scope="module")
def leakage(worker: ModuleType) -> ModuleType:
    assert sys.modules["leakage_worker"] is worker  # which the script imports by this name
    return _load("leakage")


@pytest.fixture
def study(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "tests" / "bench"))  # its parts import each other
    return importlib.import_module("study")


def test_the_sizes_are_those_of_lc25000(simulated: ModuleType) -> None:
    audit = json.loads((ROOT / "reports" / "lc25000-audit" / "audit.json").read_text("utf-8"))
    groups = simulated.lc25000_groups()
    assert len(groups.sizes) == audit["groups"]["groups"] == 710
    tables = {
        "lung_aca": simulated.ADENOCARCINOMA,
        "lung_n": simulated.BENIGN,
        "lung_scc": simulated.SQUAMOUS,
    }
    for label in audit["labels"]:
        table = tables[label["label"]]
        sizes = np.repeat(list(table), list(table.values()))
        assert sizes.sum() == label["images"] == 5000
        found = {
            "groups": len(sizes),
            "single": int((sizes == 1).sum()),
            "median": float(np.median(sizes)),
            "largest": int(sizes.max()),
        }
        assert found == label["facts"]


@pytest.mark.parametrize("icc", [0.0, 0.1, 0.5, 1.0])
def test_outcomes_have_their_chances_and_their_correlation(
    simulated: ModuleType, icc: float
) -> None:
    rng = np.random.default_rng(0)
    sizes = np.full(40_000, 10)
    counts = simulated.outcomes(rng, sizes, (0.7, 0.2, 0.1), icc)
    assert (counts.sum(axis=1) == sizes).all()
    assert counts.sum(axis=0) / sizes.sum() == pytest.approx([0.7, 0.2, 0.1], abs=0.01)
    # The variance of a count is n p (1 - p) (1 + (n - 1) icc).
    for column, chance in enumerate((0.7, 0.2, 0.1)):
        inflation = counts[:, column].var() / (10 * chance * (1 - chance))
        assert (inflation - 1) / 9 == pytest.approx(icc, abs=0.02)


def test_rare_and_correlated_outcomes_do_not_vanish(simulated: ModuleType) -> None:
    rng = np.random.default_rng(1)
    counts = simulated.outcomes(rng, np.full(200_000, 20), (0.998, 0.002), 0.5)
    assert counts[:, 1].sum() / counts.sum() == pytest.approx(0.002, rel=0.1)


def test_scores_have_their_auroc(simulated: ModuleType) -> None:
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(2)
    groups = simulated.lc25000_groups()
    score, true, _ = simulated.scores(rng, groups, np.sqrt(2), 0.0)
    assert roc_auc_score(true, score) == pytest.approx(0.8413, abs=0.01)


def test_confusions_fall_on_both_other_classes(simulated: ModuleType) -> None:
    rng = np.random.default_rng(3)
    counts = simulated.confusions(rng, simulated.lc25000_groups(), 0.2, 0.1).sum(axis=0)
    assert counts.sum(axis=1).tolist() == [5000] * 3
    assert counts / 5000 == pytest.approx(np.full((3, 3), 0.1) + 0.7 * np.eye(3), abs=0.03)


def test_larger_groups_can_err_more(simulated: ModuleType) -> None:
    rng = np.random.default_rng(4)
    groups = simulated.lc25000_groups()
    chance = np.minimum(0.05 * groups.weight, 0.95)
    expected = simulated.expected_confusions(groups, chance)
    drawn = np.mean([simulated.confusions(rng, groups, chance, 0.1) for _ in range(200)], axis=0)
    assert drawn.sum(axis=0) == pytest.approx(expected.sum(axis=0), rel=0.05)
    wrong = expected.sum(axis=(1, 2)) - expected.trace(axis1=1, axis2=2)
    rate = wrong / groups.sizes
    assert rate[groups.sizes == 40].max() == pytest.approx(4 * rate[groups.sizes == 20].max())


@pytest.mark.parametrize("seed_sd", [0.0, 0.015])
def test_crossed_errors_have_their_rate_and_their_spread_over_seeds(
    simulated: ModuleType, seed_sd: float
) -> None:
    rng = np.random.default_rng(5)
    sizes = np.full(300, 20)
    drawn = [simulated.crossed(rng, sizes, 0.05, 0.1, 4, seed_sd) for _ in range(100)]
    counts = np.stack(drawn).sum(axis=1) / sizes.sum()
    assert (np.stack(drawn).sum(axis=-1) == 20).all()
    for both in (counts[..., 1] + counts[..., 3], counts[..., 2] + counts[..., 3]):
        assert both.mean() == pytest.approx(0.05, abs=0.003)
        # What seeds add to the variance that groups give a network of its own.
        within = both.var(axis=1, ddof=1).mean()
        assert within == pytest.approx(seed_sd**2, abs=3e-5 + 0.2 * seed_sd**2)


def test_the_study_runs(
    study: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "statistics.md"
    page.write_text(f"before\n{study.START}\nold\n{study.END}\nafter\n", encoding="utf-8")
    small = ["--simulations", "1", "--groups", "40", "--jobs", "1", "--docs", str(tmp_path)]
    study.main([*small, "--only", "scores"])
    assert "were never run" in capsys.readouterr().out
    assert "old" in page.read_text("utf-8")
    study.main([*small, "--only", "pairs", "methods", "seeds"])
    cells = pd.read_csv(tmp_path / "study.csv")
    assert set(cells.subject) == set(study.SUBJECTS)
    assert set(cells.groups) == {40}
    assert cells.share.between(0, 1).all()
    written = page.read_text("utf-8")
    assert written.startswith("before\n")
    assert written.endswith("after\n")
    assert written.count("| accuracy 95 % | 0.5 |") == 1 + 1 + 3
    assert "Test and interval disagree in 0 of" in written


def test_the_leakage_bench_runs_without_the_data_and_without_imagededup(
    leakage: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(leakage, "DATA", tmp_path / "absent")
    monkeypatch.setattr(leakage, "DEMO_COPIES", 3)
    monkeypatch.setattr(leakage, "_has_imagededup", lambda: False)
    leakage.main(["--sizes", "18", "9"])
    printed = capsys.readouterr().out
    assert "measured on the demonstration set" in printed
    assert "imagededup is not installed" in printed
    growth, quality = (
        [line.split("│")[1:-1] for line in part.splitlines() if line.startswith("│")]
        for part in printed.split("Pairs of images in one group")
    )
    assert [int(row[0]) for row in growth] == [9, 18]
    assert all(float(cell.replace(",", "")) > 0 for row in growth for cell in (row[1], *row[5:9]))
    assert [row[9].strip().startswith("x ") and float(row[10]) > 1 for row in growth] == [True] * 2
    assert [[float(cell) for cell in row[:3]] for row in quality] == [[9, 9, 3], [18, 18, 6]]


def test_the_leakage_bench_runs_imagededup(
    leakage: ModuleType, worker: ModuleType, tmp_path: Path
) -> None:
    pytest.importorskip("imagededup")
    from lcbench.datasets.demo import create_demo

    create_demo(tmp_path / "demo", tiles_per_class=1, copies=2)
    images = sorted(f"{p.parent.name}/{p.name}" for p in (tmp_path / "demo").glob("*/*.bmp"))
    groups = [image.split("/")[0] for image in images]
    found = leakage._run(worker.Job("PHash", str(tmp_path / "demo"), images, groups))
    assert [row["threshold"] for row in found["rows"]] == list(worker.THRESHOLDS["PHash"])
    assert all(row["groups"] <= len(images) for row in found["rows"])


def test_the_leakage_bench_keeps_groups_whole(leakage: ModuleType) -> None:
    classes = {
        "a": [f"a/{n:02d}" for n in range(30)],
        "n": [f"n/{n:02d}" for n in range(30)],
    }
    groups = {image: f"group {number // 5}" for number, image in enumerate(classes["a"])}
    chosen = leakage.choose(classes, groups, 20)
    sizes = Counter(groups[image] for image in chosen if image in groups)
    assert list(sizes.values()) == [5, 5]
    assert chosen[10:] == classes["n"][:10]
    assert len(leakage.choose(classes, groups, 25)) == 25
    assert len(leakage.choose(classes, groups, 100)) == 60


def test_the_leakage_bench_scores_pairs(worker: ModuleType) -> None:
    published = np.array([0, 0, 0, 1, 1])
    scores = worker.score(np.array([7, 7, 8, 8, 8]), published)
    # Published pairs: 3 + 1; found pairs: 1 + 3; in both: the first two and the last two images.
    assert (scores.recall, scores.precision, scores.groups) == (0.5, 0.5, 2)
    pairs = np.array([(0, 1), (1, 0), (2, 3), (4, 5)])
    named = np.array(["a", "a", "a", "b", "b", ""])
    assert worker._direct(pairs, named) == (0.25, 0.5)


@pytest.mark.parametrize("icc", [0.0, 1.0])
def test_the_simulated_confidences_are_off_by_the_error_asked_for(
    calibration: ModuleType, simulated: ModuleType, icc: float
) -> None:
    sure, truth = calibration.population(3.0, 0.02)
    gap = calibration.expit(sure) - calibration.expit(truth.slope * sure)
    assert gap.mean() == pytest.approx(0.02, abs=1e-6)
    assert gap.min() > -0.03  # below a half only, which is rare, is it the other way round
    assert 0.5 < truth.slope < 1
    assert truth.intercept < 0
    groups = simulated.lc25000_groups().first(60)
    *covered, corrected, plain = calibration.simulated(0, groups, 3.0, icc, truth)
    assert set(covered) <= {0.0, 1.0}
    assert 0 <= corrected < plain < 0.3
