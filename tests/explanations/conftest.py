"""One finished suite with every kind of network, on the small demonstration set."""

from __future__ import annotations

from pathlib import Path

import pytest

from lcbench.runs.execute import execute
from lcbench.runs.plan import make_plan

from ..runs.conftest import options_for
from ..runs.recipes import KNN, REFERENCE, suite_text

HIERARCHIES = ("cascade", "per-node", "per-level", "multi-head")
CLASSES = ["benign", "adenocarcinoma", "squamous_cell_carcinoma"]


@pytest.fixture(scope="session")
def networks_suite(small_demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a suite; copy it before changing it."""
    folder = tmp_path_factory.mktemp("networks")
    recipes = [
        REFERENCE,
        KNN,
        *({**REFERENCE, "name": name, "hierarchy": name, "epochs": 2} for name in HIERARCHIES),
        {"name": "probe", "kind": "linear-probe", "backbone": "reference"},
        {**REFERENCE, "name": "full", "tuning": "full", "epochs": 1},
        {**REFERENCE, "name": "partial", "tuning": "partial", "last_layers": 2, "epochs": 1},
        {"name": "finished", "kind": "classifier", "weights": "random", "classes": CLASSES},
    ]
    suite = folder / "networks.toml"
    suite.write_text(suite_text(*recipes, protocols=["paper"]))
    plan = make_plan(options_for(small_demo)(str(suite), seeds=2, force=True))
    return execute(plan, folder / "runs", jobs=1).folder
