"""Processes of Python that need not import the libraries: forked from one that has."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

LIBRARIES = (
    "numpy", "pandas", "pandera.pandas", "pyarrow.parquet", "scipy.stats",
    "scipy.cluster.hierarchy", "sklearn.neighbors", "statsmodels.stats.multitest", "cv2",
    "torch", "torch._dynamo", "torchvision", "timm", "accelerate", "lightgbm",
    "matplotlib.figure", "matplotlib.backends.backend_agg", "typer", "rich.live", "jinja2",
)  # fmt: skip
"""What takes long to import, or is imported by every command."""

_SERVER = """
import importlib, json, os, sys
for library in sys.argv[1:]:
    importlib.import_module(library)
for line in sys.stdin:
    child = os.fork()
    if not child:
        break
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
else:
    sys.exit()
os.setsid()
print(os.getpid(), flush=True)
wanted = json.loads(line)
os.chdir(wanted["folder"])
os.environ.clear()
os.environ.update(wanted["environment"])
known = wanted["environment"].get("PYTHONPATH", "").split(os.pathsep)
sys.path[1:1] = [one for one in known if one and one not in sys.path]
sys.argv[1:] = wanted["arguments"]
writes = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
for number, (path, flags) in enumerate(
    [(os.devnull, os.O_RDONLY), (wanted["out"], writes), (wanted["err"], writes)]
):
    os.dup2(os.open(path, flags, 0o644), number)
exec(wanted["code"])
"""


@dataclass
class Fork:
    """A forked process: as much of `subprocess.Popen` as the tests use."""

    pid: int
    server: subprocess.Popen[str]
    returncode: int | None = None

    def poll(self) -> int | None:
        """Return the exit code, or None while it runs."""
        return self._ended(0)

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it has ended; return its exit code."""
        code = self._ended(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(self.server.args, timeout or 0)
        return code

    def kill(self) -> None:
        """Kill it, unless it has ended: its number may be another's by now."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)

    def _ended(self, timeout: float | None) -> int | None:
        if self.returncode is None:
            said = self.server.stdout
            assert said is not None
            if select.select([said], [], [], timeout)[0]:
                self.returncode = int(said.readline())
        return self.returncode


def forked(
    code: str,
    arguments: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    out: Path,
    err: Path,
) -> Fork:
    """Run code as `python -c code arguments` does, in a session of its own; one at a time.

    Processes that are forked one after another have the same seed of hashes.
    """
    server = _server()
    wanted = {
        "code": code, "arguments": list(arguments), "folder": str(folder),
        "environment": dict(environment), "out": str(out), "err": str(err),
    }  # fmt: skip
    assert server.stdin is not None
    assert server.stdout is not None
    out.touch()
    err.touch()
    print(json.dumps(wanted), file=server.stdin, flush=True)
    return Fork(int(server.stdout.readline()), server)


@cache
def _server() -> subprocess.Popen[str]:
    """Start what forks; it ends when its standard input does, with this process."""
    return subprocess.Popen(
        [sys.executable, "-c", _SERVER, *LIBRARIES],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
