"""Small suites, and what it takes to run them on the small demonstration set."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lcbench.runs.plan import Plan, RunOptions, make_plan

MAJORITY = {"name": "majority", "kind": "majority"}
KNN = {"name": "knn", "kind": "neighbours", "backbone": "reference", "neighbours": 3}
REFERENCE = {"name": "reference", "kind": "network", "epochs": 2, "hidden": 8}
CASCADE = {**REFERENCE, "name": "cascade", "hierarchy": "cascade"}

Baseline = dict[str, Any]
WriteSuite = Callable[..., str]


@pytest.fixture
def write_suite(tmp_path: Path) -> WriteSuite:
    """Write a suite of given baselines and return its path: write_suite(REFERENCE, name="own")."""

    def write(*baselines: Baseline, **top: Any) -> str:
        head = {
            "name": "tiny",
            "purpose": "A test",
            "reference": baselines[0]["name"],
            "backbone": "test_resnet",
            "protocols": ["paper"],
            "seeds": 1,
            **top,
        }
        tables = [head, *({"purpose": "A test", **baseline} for baseline in baselines)]
        lines = ["\n".join(f"{key} = {json.dumps(value)}" for key, value in table.items())
                 for table in tables]  # fmt: skip
        path = tmp_path / f"{head['name']}.toml"
        path.write_text("\n[[baselines]]\n".join(lines))
        return str(path)

    return write


@pytest.fixture
def options(small_demo: Path) -> Callable[..., RunOptions]:
    """What `lcbench run` would be asked for: options(suite, seeds=2, ...)."""

    def make(suite: str, **changes: Any) -> RunOptions:
        base = {
            "data": str(small_demo),
            "groups": small_demo / "groups.csv",
            "backbone": "test_resnet",
            "weights": "random",
            "offline": True,
            "device": "cpu",
            "precision": "32",
        }
        return RunOptions(suite, **{**base, **changes})

    return make


@pytest.fixture
def plan_of(write_suite: WriteSuite, options: Callable[..., RunOptions]) -> Callable[..., Plan]:
    """The plan of a suite of given baselines: plan_of(REFERENCE, KNN, seeds=2)."""

    def make(*baselines: Baseline, **changes: Any) -> Plan:
        return make_plan(options(write_suite(*baselines), **changes))

    return make


@pytest.fixture
def empty_hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine on which no weights were ever downloaded."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "no hub"))
