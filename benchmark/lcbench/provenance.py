"""What a reviewer needs to run a number again."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
import shlex
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

import lcbench

_PACKAGES = (
    "torch", "torchvision", "timm", "accelerate", "scikit-learn", "lightgbm", "numpy", "pandas",
    "pillow", "opencv-python-headless", "usearch",
)  # fmt: skip

_typed: ContextVar[tuple[str, ...] | None] = ContextVar("typed", default=None)


def versions() -> dict[str, str]:
    """Return the versions of Python, lcbench and the libraries that results depend on."""
    found = {"python": platform.python_version(), "lcbench": lcbench.__version__}
    return found | {name: importlib.metadata.version(name) for name in _PACKAGES}


def commit() -> str:
    """Return the commit of the checkout that this package runs from; empty outside one."""
    folder = Path(lcbench.__file__).parent
    try:
        _git(folder, "ls-files", "--error-unmatch", "__init__.py")  # else it is another's checkout
        head = _git(folder, "rev-parse", "--short=12", "HEAD")
        changed = _git(folder, "status", "--porcelain", "--untracked-files=no", "--", ".")
    except (OSError, subprocess.SubprocessError):
        return ""
    return f"{head} with uncommitted changes" if changed else head


@contextmanager
def typed(words: Sequence[str]) -> Iterator[None]:
    """Say what was typed after `lcbench`, for the records that are written meanwhile."""
    token = _typed.set(tuple(words))
    try:
        yield
    finally:
        _typed.reset(token)


def command() -> str:
    """Return the command line that runs now, as one would type it; empty where none was typed.

    What is no valid text, such as a file name in another encoding, becomes question marks.
    """
    words = _typed.get()
    line = "" if words is None else shlex.join(["lcbench", *words])
    return line.encode("utf-8", "replace").decode()


def now() -> str:
    """Return the time in UTC, to the second."""
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def machine() -> str:
    """Describe the machine without naming it: system, processor architecture and cores."""
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"


def _git(folder: Path, *arguments: str) -> str:
    finished = subprocess.run(  # noqa: S603 - fixed arguments
        ["git", *arguments],  # noqa: S607 - whichever git the user has
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=10,
        check=True,
    )
    return finished.stdout.strip()
