"""Files and folders that appear whole or not at all."""

from __future__ import annotations

import json
import os
import secrets
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lcbench.errors import at_places
from lcbench.storage.leftovers import NEW, OLD, RANDOM, remove


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
        number, name = tempfile.mkstemp(f"-{path.name}", NEW, path.parent)
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
    has lost nothing, see `leftovers.sweep`.

    Raises
    ------
    UserError
        If the system refuses to write there.
    """

    def make() -> str:
        return tempfile.mkdtemp(f"-{path.name}", NEW, path.parent)

    with _whole(path, make, remove) as temporary:
        yield temporary
        temporary.chmod(0o777 & ~_umask())
        aside = path.with_name(f"{OLD}{secrets.token_hex(RANDOM // 2)}-{path.name}")
        try:
            if path.is_dir():
                path.replace(aside)
            temporary.replace(path)
        except BaseException:
            if aside.exists() and not path.exists():
                aside.replace(path)
            raise
        remove(aside)


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


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 text file, whole or not at all."""
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, value: Any) -> None:  # noqa: ANN401 - whatever JSON can hold
    """Write a JSON file, whole or not at all; NaN is refused because JSON has none."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
