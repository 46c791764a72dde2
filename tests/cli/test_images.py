"""Images that change, end or never end while a command reads them: one message, no traceback."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .commands import Lcbench, require_one_message


@pytest.fixture
def images(small_demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Images of a test's own, and a cache that knows none of them."""
    monkeypatch.setenv("LCBENCH_CACHE", str(tmp_path / "cache"))
    shutil.copytree(small_demo, tmp_path / "data")
    return tmp_path / "data"


def damaging_after(scan: str, victim: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let an image be cut off as soon as a function has read them all."""
    module, _, name = scan.rpartition(".")
    genuine: Callable[..., Any] = vars(__import__(module, fromlist=[name]))[name]

    def scanned(*args: Any, **options: Any) -> Any:
        found = genuine(*args, **options)
        victim.write_bytes(victim.read_bytes()[:1000])
        return found

    monkeypatch.setattr(scan, scanned)


def test_an_image_damaged_between_scan_and_decoding_is_named(
    images: Path, lcbench: Lcbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    (victim, *_) = sorted(images.rglob("*.bmp"))
    whole = victim.read_bytes()
    run = (
        "run", "--suite", "quick.toml", "--data", images, "--groups", images / "groups.csv",
        "--weights", "random", "--offline", "--device", "cpu", "--only", "knn", "--jobs", 1,
    )  # fmt: skip
    cases = {
        "lcbench.audit.command.collect": ("audit", images),
        "lcbench.runs.plan.load_dataset": run,
        "lcbench.runs.plan.know_sources": run,
    }
    for scan, words in cases.items():
        with monkeypatch.context() as patch:
            damaging_after(scan, victim, patch)
            result = lcbench(*words)
        require_one_message(result, victim.name, "changed", "Run the command again", code=1)
        victim.write_bytes(whole)
    assert lcbench(*run).exit_code == 0


def test_files_that_never_end_are_named_and_the_audit_goes_on(
    images: Path, lcbench: Lcbench
) -> None:
    os.mkfifo(images / "pipe.png")
    (images / "zero.png").symlink_to("/dev/zero")
    with (images / "sparse.png").open("wb") as file:
        file.truncate(30 * 10**9)
    result = lcbench("audit", images, "--no-pictures")
    assert result.exit_code == 3
    for words in ("pipe.png: not a regular file", "zero.png: not a regular file", "30,000,000,000"):
        assert words in result.stdout + Path("audit/README.md").read_text()
