"""What the simulation study draws is what it says it draws; the benches run."""

from __future__ import annotations

import importlib.util
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
def worker() -> ModuleType:
    return _load("leakage_worker")


@pytest.fixture(scope="module")
def leakage(worker: ModuleType) -> ModuleType:
    assert sys.modules["leakage_worker"] is worker  # which the script imports by this name
    return _load("leakage")


def test_the_sizes_are_those_of_lc25000(simulated: ModuleType) -> None:
    groups = simulated.lc25000_groups()
    assert len(groups.sizes) == 740
    assert [int(groups.sizes[groups.classes == one].sum()) for one in range(3)] == [5000] * 3
    if not GROUPS.exists():
        pytest.skip("the source groups lie in shared/ beside the checkout, which is not here")
    table = pd.read_csv(GROUPS)
    folders = table["image"].str.split("/").str[0]
    for folder, sizes in (
        ("lung_aca", simulated.ADENOCARCINOMA),
        ("lung_scc", simulated.SQUAMOUS),
    ):
        found = table[folders == folder].groupby("group").size()
        assert dict(Counter(found.tolist())) == sizes


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
