"""What the simulation study draws is what it says it draws."""

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


@pytest.fixture(scope="module")
def simulated() -> ModuleType:
    path = ROOT / "tests" / "bench" / "simulated.py"
    spec = importlib.util.spec_from_file_location("simulated", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["simulated"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


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
