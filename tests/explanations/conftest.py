"""One finished suite with every kind of network, on the small demonstration set."""

from __future__ import annotations

from pathlib import Path

import pytest

from lcbench.runs import plan as planning
from lcbench.runs.execute import execute

from ..runs.conftest import options_for
from ..runs.recipes import KNN, PARTLY, REFERENCE, suite_text

CLASSES = ["benign", "adenocarcinoma", "squamous_cell_carcinoma"]


@pytest.fixture(scope="session")
def networks_suite(small_demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a suite; copy it before changing it."""
    folder = tmp_path_factory.mktemp("networks")
    recipes = [
        REFERENCE,
        KNN,
        {**REFERENCE, "name": "multi-head", "hierarchy": "multi-head", "epochs": 1},
        {"name": "probe", "kind": "linear-probe", "backbone": "reference"},
        {**REFERENCE, "name": "full", "hierarchy": "per-node", "tuning": "full", "epochs": 1},
        PARTLY,
        {"name": "finished", "kind": "classifier", "weights": "random", "classes": CLASSES},
    ]
    suite = folder / "networks.toml"
    suite.write_text(suite_text(*recipes, protocols=["paper"]))
    with pytest.MonkeyPatch.context() as patch:  # its groups are known: pixels need not tell
        patch.setattr(planning, "know_sources", lambda dataset: (dataset, None))
        plan = planning.make_plan(options_for(small_demo)(str(suite), seeds=1, force=True))
    return execute(plan, folder / "runs", jobs=1).folder
