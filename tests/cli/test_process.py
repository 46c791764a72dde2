"""The command in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def environment(**changes: str) -> dict[str, str]:
    forced = ("FORCE_COLOR", "PY_COLORS", "CLICOLOR_FORCE", "GITHUB_ACTIONS")
    return {**{k: v for k, v in os.environ.items() if k not in forced}, **changes}


def test_help_is_quick_because_it_imports_no_large_library() -> None:
    code = (
        "import sys\nfrom lcbench.cli import main\nsys.argv = ['lcbench', 'run', '--help']\n"
        "try:\n    main()\nfinally:\n    print('MODULES', *sys.modules, file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment(), check=True
    )
    modules = set(done.stderr.split("MODULES")[1].split())
    large = {"torch", "pandas", "numpy", "sklearn", "scipy", "timm", "matplotlib", "lightgbm"}
    assert "lcbench.cli" in modules
    assert not large & modules
    assert "--data" in done.stdout
    assert "\x1b" not in done.stdout


def test_a_mistake_in_a_process_of_its_own_is_plain_text_on_standard_error(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "lcbench", "list", "suits"],
        cwd=tmp_path, capture_output=True, text=True, env=environment(TERM="xterm-256color"),
        check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("Error: unknown listing: 'suits'\n")
    assert "\x1b" not in done.stderr
    assert not list(tmp_path.iterdir())
