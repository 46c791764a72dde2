"""A small suite, and what every command's answer must be like."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from click.testing import Result

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
