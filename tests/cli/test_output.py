"""Standard output that has few characters, or no room."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

NAME = "Größe \N{MICROSCOPE} naïve.csv"
TABLE = "image,true,predicted\n" + "".join(f"{n}.png,benign,benign\n" for n in range(9))


def lcbench(*words: str, folder: Path, encoding: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "lcbench", *words], cwd=folder, capture_output=True, check=False,
        env={**os.environ, "PYTHONIOENCODING": encoding},
    )  # fmt: skip


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_names_are_printed_in_any_encoding(encoding: str, tmp_path: Path) -> None:
    (tmp_path / NAME).write_text(TABLE)
    done = lcbench("validate", NAME, folder=tmp_path, encoding=encoding)
    assert done.returncode == 0, done.stderr
    said = (done.stdout + done.stderr).decode(encoding)
    assert "Gr" in said
    assert "Traceback" not in said
    done = lcbench("validate", NAME, "--json", folder=tmp_path, encoding=encoding)
    # Click takes a terminal of ASCII alone for a mistake, and writes UTF-8.
    answer = json.loads(done.stdout.decode(encoding.replace("ascii", "utf-8")))
    assert NAME in json.dumps(answer, ensure_ascii=False)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("words", [["list", "suites"], ["list", "suites", "--json"]])
def test_a_full_disk_below_standard_output_is_named(words: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "lcbench", *words],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith("Error: standard output: No space left on device\n")
    assert "Traceback" not in done.stderr


LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv.pop(1)) * 10**6,) * 2)
sys.argv[0] = "lcbench"
from lcbench.cli import main
main()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="systems count address space in their own way")
@pytest.mark.parametrize("megabytes", [400, 900])
def test_a_limit_on_memory_is_one_message_with_a_remedy(
    megabytes: int, tmp_path: Path, small_demo: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(megabytes), "run", "--data", small_demo],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.count("Error: not enough memory (") == 1
    assert "ulimit -v" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
