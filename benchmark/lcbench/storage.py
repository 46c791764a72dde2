"""Files that appear whole or not at all, and content hashes."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import platformdirs

from lcbench.errors import at_places


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
        number, name = tempfile.mkstemp(path.suffix, f".{path.stem}-", dir=path.parent)
        os.close(number)
        return name

    with _whole(path, make, lambda temporary: temporary.unlink(missing_ok=True)) as temporary:
        yield temporary
        temporary.chmod(0o666 & ~_umask())


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Give a temporary folder beside `path`; move it there, instead of what stands there.

    Raises
    ------
    UserError
        If the system refuses to write there.
    """

    def make() -> str:
        return tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent)

    with _whole(path, make, lambda place: shutil.rmtree(place, ignore_errors=True)) as temporary:
        yield temporary
        temporary.chmod(0o777 & ~_umask())
        if path.exists():
            shutil.rmtree(path)


@contextmanager
def _whole(path: Path, make: Callable[[], str], remove: Callable[[Path], None]) -> Iterator[Path]:
    with at_places(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(make())
    try:
        with at_places(temporary, path):
            yield temporary
            temporary.replace(path)
    except BaseException:
        remove(temporary)
        raise


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
    """Return the folder for what can be computed again: `LCBENCH_CACHE` or the user's cache."""
    override = os.environ.get("LCBENCH_CACHE")
    return Path(override) if override else Path(platformdirs.user_cache_dir("lcbench"))


def build_once(path: Path, build: Callable[[Path], None]) -> Path:
    """Return `path`, a folder that `build` fills if it does not stand there yet."""
    if not path.is_dir():
        with whole_folder(path) as temporary:
            build(temporary)
    return path


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
