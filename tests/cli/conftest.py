"""Commands typed in an empty folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from lcbench.cli import app

from .commands import SUITE, Lcbench


@pytest.fixture
def lcbench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lcbench:
    """Type a command in an empty folder: lcbench("run", "--data", folder)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "no hub"))
    Path("quick.toml").write_text(SUITE)

    def invoke(*words: object) -> Result:
        return CliRunner().invoke(app, [str(word) for word in words])

    return invoke


@pytest.fixture
def run(lcbench: Lcbench, small_demo: Path) -> Lcbench:
    """Type `lcbench run` for the quick suite on the small demonstration set."""

    def invoke(*words: object) -> Result:
        return lcbench(
            "run", "--suite", "quick.toml", "--data", small_demo, "--groups",
            small_demo / "groups.csv", "--weights", "random", "--offline", "--device", "cpu",
            "--precision", "32", "--jobs", 1, *words,
        )  # fmt: skip

    return invoke
