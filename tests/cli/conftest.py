"""Commands typed in an empty folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import Result

from .commands import Lcbench, quick_run, typed_in


@pytest.fixture
def lcbench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lcbench:
    """Type a command in an empty folder: lcbench("run", "--data", folder)."""
    return typed_in(tmp_path, monkeypatch)


@pytest.fixture
def run(lcbench: Lcbench, small_demo: Path) -> Lcbench:
    """Type `lcbench run` for the quick suite on the small demonstration set."""

    def invoke(*words: object) -> Result:
        return lcbench(*quick_run(small_demo), *words)

    return invoke
