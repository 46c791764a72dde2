"""A small suite, and what every command's answer must be like."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from lcbench.cli import app

SUITE = """
name = "quick"
purpose = "A test"
reference = "reference"
backbone = "test_resnet"
protocols = ["paper"]
seeds = 1
[[baselines]]
name = "majority"
kind = "majority"
purpose = "The floor"
[[baselines]]
name = "knn"
kind = "neighbours"
purpose = "Neighbours"
[[baselines]]
name = "reference"
kind = "network"
purpose = "The reference"
epochs = 2
hidden = 8
"""


Lcbench = Callable[..., Result]


def typed_in(folder: Path, patch: pytest.MonkeyPatch) -> Lcbench:
    """Go to an empty folder with the quick suite, and type commands there."""
    patch.chdir(folder)
    patch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(folder / "no hub"))
    Path("quick.toml").write_text(SUITE)

    def invoke(*words: object) -> Result:
        return CliRunner().invoke(app, [str(word) for word in words])

    return invoke


def quick_run(data: Path) -> tuple[object, ...]:
    """The words of `lcbench run` for the quick suite on a demonstration set."""
    return (
        "run", "--suite", "quick.toml", "--data", data, "--groups", data / "groups.csv",
        "--weights", "random", "--offline", "--device", "cpu", "--precision", "32", "--jobs", 1,
    )  # fmt: skip


def require_one_message(result: Result, *said: str, code: int | None = None) -> None:
    """One message on standard error, an exit code of 1 or 2, nothing on standard output."""
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code in ((1, 2) if code is None else (code,)), result.stderr
    assert len(re.findall(r"^Error: |─ Error ─", result.stderr, re.MULTILINE)) == 1, result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""
    for words in said:
        assert words in result.stderr


def written() -> list[str]:
    """What lies in the current folder, but for what the tests put there."""
    return sorted(path.name for path in Path().iterdir() if path.name != "quick.toml")
