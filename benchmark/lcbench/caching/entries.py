"""Cache entries: folders that are made once, checked once a process, and made anew if damaged."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lcbench.caching.place import cache_folder, home_is_unknown
from lcbench.caching.seals import (
    FACTS,
    DamagedError,
    Seal,
    UnsealedError,
    check_files,
    file_facts,
    read_seal,
    seal,
)
from lcbench.console import warn
from lcbench.storage.hashes import content_hash
from lcbench.storage.locks import held, waiting
from lcbench.storage.whole import whole_folder

Build = Callable[[Path], Mapping[str, Any]]
"""Fills an empty folder, and returns what to know when it is read: what JSON can hold."""

_checked: set[str] = set()
"""Entries whose files were hashed by this process, or by the one that started it."""

_said: set[str] = set()


@dataclass(frozen=True)
class Entry:
    """A folder of the cache that is what was written.

    Parameters
    ----------
    folder
        Where its files lie.
    facts
        What its maker wanted to be known.
    """

    folder: Path
    facts: Mapping[str, Any]


def open_entry(folder: Path, key: Sequence[str], build: Build) -> Entry:
    """Return an entry of the cache, made now if it is not there, damaged or without hashes.

    Hashing costs a core about a second for 1.5 GB where the processor has instructions for SHA
    (LC25000's embeddings: .07 s, its pixels: 1.5 s), and is done once a process. Another process
    that makes the same entry is waited for.

    Parameters
    ----------
    folder
        Of the entry alone.
    key
        Everything that it depends on, in words.
    build
        Makes it; what stands in `folder` is replaced when it succeeds.

    Raises
    ------
    UserError
        If the system refuses to write there.
    """
    entry = _read(folder, key)
    if entry is None:
        with held(folder, lambda: warn(waiting(folder))):
            entry = _read(folder, key) or _make(folder, key, build)
    _touch(folder)
    return entry


def stored_entry(folder: Path, key: Sequence[str]) -> Entry | None:
    """Return an entry of the cache; None where it is not there, damaged or without hashes."""
    entry = _read(folder, key)
    if entry is not None:
        _touch(folder)
    return entry


def checked_entries() -> frozenset[str]:
    """Return what is known of entries here, for processes that are to believe it."""
    return frozenset(_checked)


def believe(checked: Iterable[str]) -> None:
    """Take over which entries another process has hashed; a file that changed since is not."""
    _checked.update(checked)


def _read(folder: Path, key: Sequence[str]) -> Entry | None:
    """Return an entry that is whole; otherwise say what is wrong with what stands there."""
    if not folder.exists():
        return None
    try:
        found = read_seal(folder, key)
        _check_once(folder, found)
    except UnsealedError:
        _say_once(
            "unsealed",
            f"{folder} carries no hashes, as entries of earlier versions: made anew, and so are "
            "others like it",
        )
        return None
    except DamagedError as error:
        _say_once(f"{folder}: {error}", f"cache entry {folder} is damaged ({error}): made anew")
        return None
    return Entry(folder, found.facts)


def _make(folder: Path, key: Sequence[str], build: Build) -> Entry:
    if home_is_unknown():
        _say_once("home", f"no home folder is known: the cache is in {cache_folder()}; set "
                  "LCBENCH_CACHE to choose another place")  # fmt: skip
    if folder.exists() and not folder.is_dir():
        folder.unlink()
    with whole_folder(folder) as temporary:
        facts = build(temporary)
        seal(temporary, key, facts)
    _checked.add(_state(folder, read_seal(folder, key)))
    return Entry(folder, facts)


def _check_once(folder: Path, found: Seal) -> None:
    state = _state(folder, found)
    if state not in _checked:
        check_files(folder, found)
        _checked.add(state)


def _state(folder: Path, found: Seal) -> str:
    """Return what an entry's files look like from outside; it changes whenever one of them does."""
    files = [file_facts(folder, name) for name in found.files]
    return content_hash(str(folder), repr(found), repr(files))


def _touch(folder: Path) -> None:
    """Note that the entry was used: `lcbench cache clear` removes what was not for long."""
    try:
        os.utime(folder / FACTS)
    except OSError:  # a cache that may only be read
        return


def _say_once(what: str, words: str) -> None:
    if what not in _said:
        _said.add(what)
        warn(words)
