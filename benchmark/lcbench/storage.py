"""Files and folders that appear whole or not at all, one writer at a time, and content hashes."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import platformdirs

from lcbench.errors import UserError, at_places

_NEW = ".lcbench-new-"
_OLD = ".lcbench-old-"
_LOCK = ".lcbench-lock-"
"""Before a random word and a name: what is being written, what it replaces, who may write."""
UNFINISHED = ".lcbench-unfinished-"
"""Before a key and a name: what a fit that was interrupted left, for the same command."""
_RANDOM = 8
"""Characters of the random word."""
_PATIENCE_SECONDS = 0.3
"""Before anybody is told of a wait: whoever only asks whether a place is held has it for less."""


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a temporary file beside `path`; move it there when the block succeeds.

    The folder of `path` is created; the temporary file is removed when the block raises.

    Raises
    ------
    UserError
        If the system refuses to write there.
    """

    def make() -> str:
        number, name = tempfile.mkstemp(f"-{path.name}", _NEW, path.parent)
        os.close(number)
        return name

    with _whole(path, make, lambda temporary: temporary.unlink(missing_ok=True)) as temporary:
        yield temporary
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Give a temporary folder beside `path`; move it there, instead of what stands there.

    What stood there is moved aside before, and removed after: whoever is killed between the two
    has lost nothing, see `sweep`.

    Raises
    ------
    UserError
        If the system refuses to write there.
    """

    def make() -> str:
        return tempfile.mkdtemp(f"-{path.name}", _NEW, path.parent)

    with _whole(path, make, _remove) as temporary:
        yield temporary
        temporary.chmod(0o777 & ~_umask())
        aside = path.with_name(f"{_OLD}{secrets.token_hex(_RANDOM // 2)}-{path.name}")
        try:
            if path.is_dir():
                path.replace(aside)
            temporary.replace(path)
        except BaseException:
            if aside.exists() and not path.exists():
                aside.replace(path)
            raise
        _remove(aside)


@contextmanager
def _whole(path: Path, make: Callable[[], str], remove: Callable[[Path], None]) -> Iterator[Path]:
    with at_places(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(make())
    try:
        with at_places(temporary, path):
            yield temporary
    except BaseException:
        remove(temporary)
        raise


@contextmanager
def held(place: Path, wait: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Keep other processes from writing a file or folder while the block runs.

    Waits for one that writes it now. What a killed one left beside `place` is removed. The lock is
    the system's: it ends with the process that holds it. Within one process it is held once, by
    whoever asked first; what that one calls may ask again.

    Parameters
    ----------
    wait
        Called once where another process is there first, to say so.

    Raises
    ------
    UserError
        If the system refuses to write there.
    """
    from filelock import FileLock, Timeout

    place = Path(os.path.abspath(place))  # noqa: PTH100 - follows no link
    file = _lock_file(place)
    with at_places(place.parent):
        place.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(file, thread_local=False, is_singleton=True)
        try:
            lock.acquire(timeout=_PATIENCE_SECONDS)
        except Timeout:
            wait()
            lock.acquire()
    try:
        if lock.lock_counter == 1:
            _sweep(place.parent, f"-{place.name}")
        yield
    finally:
        if lock.lock_counter == 1:
            file.unlink(missing_ok=True)  # while it is held: whoever waits notices, and asks again
        lock.release()


def is_held(place: Path) -> bool:
    """Tell whether another process holds a file or folder now, without waiting for it."""
    from filelock import FileLock, Timeout

    file = _lock_file(Path(os.path.abspath(place)))  # noqa: PTH100
    if not file.is_file():
        return False
    lock = FileLock(file, thread_local=False, is_singleton=True)
    try:
        with lock.acquire(timeout=0):
            if lock.lock_counter == 1:
                file.unlink(missing_ok=True)  # left by a process that was killed
    except Timeout:
        return True
    except OSError:  # nobody writes where the system lets nobody write
        return False
    return False


def _lock_file(place: Path) -> Path:
    return place.with_name(f"{_LOCK}{place.name}")


def sweep(folder: Path) -> None:
    """Remove what killed processes left in a folder that is held, and in folders below it.

    A folder that was moved aside and never replaced is moved back.
    """
    for inside, _, _ in os.walk(folder):
        _sweep(Path(inside), "")


def _sweep(folder: Path, end: str) -> None:
    """Remove leftovers of names that end so; `end` is empty for all, or a dash and the name."""
    for path in sorted(folder.glob(".lcbench-*")):
        kind = next((one for one in (_NEW, _OLD) if path.name.startswith(one)), None)
        if kind is None or (end and path.name[len(kind) + _RANDOM :] != end):
            continue
        name = path.name[len(kind) + _RANDOM + 1 :]
        if kind == _OLD and name and not (folder / name).exists():
            path.replace(folder / name)
        else:
            _remove(path)


def inside(folder: Path, *names: str) -> Path:
    """Return a path below a folder, from names that a file gives.

    Raises
    ------
    UserError
        If it leads out of the folder, by dots or by a link.
    """
    path = folder.joinpath(*names)
    if not path.resolve().is_relative_to(folder.resolve()):
        raise UserError(
            f"{path}: leads out of {folder}",
            "It was not written so by lcbench: do not use these files.",
        )
    return path


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 text file, whole or not at all."""
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, value: Any) -> None:  # noqa: ANN401 - whatever JSON can hold
    """Write a JSON file, whole or not at all; NaN is refused because JSON has none."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def content_hash(*parts: str | bytes) -> str:
    """Return a 16-digit hexadecimal hash of the parts, in order and told apart."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.hexdigest()[:16]


def cache_folder() -> Path:
    """Return the folder for what can be computed again: `LCBENCH_CACHE` or the user's cache.

    A user without a home, as in some containers, has one among the temporary files.

    Raises
    ------
    UserError
        If that one is another user's.
    """
    override = os.environ.get("LCBENCH_CACHE")
    if override:
        return Path(override)
    if home_is_unknown():
        folder = Path(tempfile.gettempdir()) / f"lcbench-{os.getuid()}"
        if folder.exists() and folder.stat().st_uid != os.getuid():
            raise UserError(f"{folder} is another user's", "Set LCBENCH_CACHE to a folder.")
        return folder
    return Path(platformdirs.user_cache_dir("lcbench"))


def home_is_unknown() -> bool:
    """Tell whether there is no place that the user's cache could be in."""
    if os.environ.get("LCBENCH_CACHE"):
        return False
    try:
        platformdirs.user_cache_dir("lcbench")
    except RuntimeError:
        return True
    return False


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
