"""Small suites, and what it takes to run them on the small demonstration set."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lcbench.runs.execute import execute
from lcbench.runs.plan import Plan, RunOptions, make_plan

from .recipes import KNN, MAJORITY, OWN_KINDS, REFERENCE, suite_text

Baseline = dict[str, Any]
WriteSuite = Callable[..., str]


@pytest.fixture
def write_suite(tmp_path: Path) -> WriteSuite:
    """Write a suite of given baselines and return its path: write_suite(REFERENCE, name="own")."""

    def write(*baselines: Baseline, **top: Any) -> str:
        path = tmp_path / f"{top.get('name', 'tiny')}.toml"
        path.write_text(suite_text(*baselines, **top))
        return str(path)

    return write


@pytest.fixture
def options(small_demo: Path) -> Callable[..., RunOptions]:
    """What `lcbench run` would be asked for: options(suite, seeds=2, ...)."""
    return options_for(small_demo)


def options_for(small_demo: Path) -> Callable[..., RunOptions]:
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


@pytest.fixture
def own_kinds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Kinds of a user's own can be imported; the name of their module."""
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "lcbench_test_own_kinds.py").write_text(OWN_KINDS)
    monkeypatch.syspath_prepend(tmp_path / "own")
    monkeypatch.delitem(sys.modules, "lcbench_test_own_kinds", raising=False)
    return "lcbench_test_own_kinds"


@pytest.fixture(scope="session")
def finished(small_demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a suite in which everything finished; copy it before changing it."""
    folder = tmp_path_factory.mktemp("finished")
    suite = folder / "tiny.toml"
    suite.write_text(
        suite_text(REFERENCE, KNN, MAJORITY, protocols=["paper", "grouped"], flattering="paper")
    )
    plan = make_plan(options_for(small_demo)(str(suite)))
    return execute(plan, folder / "runs", jobs=1).folder
