"""What lies in the cache, whether it is whole, and how it is made smaller.

Nothing is touched but what we wrote: entries by their place and the kind of their files, and what
killed processes left.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from lcbench.caching.seals import FACTS, DamagedError, UnsealedError, check_files, read_seal
from lcbench.console import Advance, no_progress
from lcbench.storage.leftovers import LOCK, NEW, OLD, RANDOM
from lcbench.storage.locks import held

_HASH = "[0-9a-f]" * 16
_PLACES = {
    "colour": f"colour/{_HASH}",
    "embeddings": f"embeddings/{_HASH}",
    "activations": f"activations/{_HASH}",
    "pixels": f"pixels/{_HASH}",
    "fingerprints": f"fingerprints/{_HASH}",
    "tiles": f"tiles/{_HASH}",
    "keypoints": f"keypoints/v*/{_HASH}",
    "source groups": f"sources/{_HASH}",
    "unfinished source groups": f"sources/{_HASH}.jsonl",
    "demonstration set": "demo-[0-9]*",
}
_OURS = {".npy", ".json", ".jsonl", ".bmp", ".csv", ".png"}
"""Suffixes of what we write into entries."""
_LEFTOVER = re.compile(
    rf"(?:{re.escape(NEW)}|{re.escape(OLD)})[^-]{{{RANDOM}}}-(?P<name>.+)"
    rf"|{re.escape(LOCK)}(?P<lock>.+)"
    rf"|\.(?:[0-9a-f]{{16}}|demo-\d+)-[^-]{{{RANDOM}}}"
)
"""Names that killed processes leave, those of earlier versions last."""


class _HeldError(Exception):
    """Another process makes an entry."""


@dataclass(frozen=True)
class Kept:
    """An entry of the cache.

    Parameters
    ----------
    kind
        What it holds, in words.
    path
        Where it lies.
    size
        In bytes.
    used
        When it was last read, in seconds since 1970.
    foreign
        Files in it that we did not write; it is not touched then.
    """

    kind: str
    path: Path
    size: int
    used: float
    foreign: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, ...]:
        """What the entry depends on, in words; nothing where it cannot be read."""
        try:
            return read_seal(self.path).key
        except (DamagedError, UnsealedError, OSError):
            return ()


@dataclass
class Cleared:
    """What `clear` did.

    Parameters
    ----------
    removed
        Entries that are gone.
    held
        Entries that another process makes now: left alone.
    foreign
        Entries with files of others: left alone.
    leftovers
        What killed processes had left; gone too.
    """

    removed: list[Kept] = field(default_factory=list)
    held: list[Path] = field(default_factory=list)
    foreign: list[Kept] = field(default_factory=list)
    leftovers: list[Path] = field(default_factory=list)

    @property
    def freed(self) -> int:
        """Bytes of the entries removed."""
        return sum(kept.size for kept in self.removed)


def kept_entries(cache: Path) -> list[Kept]:
    """Return the entries of the cache, those used least recently first."""
    described = (
        _describe(kind, path)
        for kind, place in _PLACES.items()
        for path in cache.glob(place)
        if _is_entry(path)
    )
    found = [kept for kept in described if kept is not None]
    return sorted(found, key=lambda kept: (kept.used, kept.path))


def verify(entries: Sequence[Kept], advance: Advance = no_progress) -> dict[Path, str]:
    """Hash every file of some entries; return what is wrong, by entry.

    What is wrong is made anew when it is next used. An unfinished entry is checked line by line
    when it is finished, and not here.
    """
    wrong = {}
    for kept in entries:
        if kept.path.is_dir() and not kept.foreign:
            try:
                check_files(kept.path, read_seal(kept.path))
            except UnsealedError:
                wrong[kept.path] = "no hashes: an earlier version wrote it, or they are lost"
            except DamagedError as error:
                wrong[kept.path] = str(error)
            except OSError as error:
                wrong[kept.path] = f"cannot be read: {error.strerror}"
        advance(1)
    return wrong


def clear(cache: Path, older_than: float | None = None, max_size: int | None = None) -> Cleared:
    """Remove entries of the cache, and what killed processes left in it.

    Parameters
    ----------
    cache
        The folder.
    older_than
        Remove what was not used for so many seconds.
    max_size
        Remove what was used least recently, until the rest is at most so many bytes. With neither,
        everything is removed.
    """
    done = Cleared()
    done.leftovers.extend(_remove_leftovers(cache))
    entries = kept_entries(cache)
    done.foreign.extend(kept for kept in entries if kept.foreign)
    for kept in _chosen([kept for kept in entries if not kept.foreign], older_than, max_size):
        if _alone(kept.path, lambda kept=kept: _remove(kept.path)):  # type: ignore[misc]
            done.removed.append(kept)
        else:
            done.held.append(kept.path)
    for parent in {kept.path.parent for kept in done.removed} - {cache}:
        with suppress(OSError):  # others are still in it
            parent.rmdir()
    return done


def _chosen(
    entries: Sequence[Kept], older_than: float | None, max_size: int | None
) -> Iterator[Kept]:
    if older_than is None and max_size is None:
        yield from entries
        return
    size = sum(kept.size for kept in entries)
    now = time.time()
    for kept in entries:
        unused = older_than is not None and now - kept.used > older_than
        if unused or (max_size is not None and size > max_size):
            size -= kept.size
            yield kept


def _is_entry(path: Path) -> bool:
    """Tell an entry from a folder of the user's that has the name of one."""
    if path.is_symlink() or path.is_dir() == (path.suffix == ".jsonl"):
        return False
    drawn = path.name.startswith("demo-")
    return not drawn or any((path / name).exists() for name in (FACTS, "groups.csv"))


def _describe(kind: str, path: Path) -> Kept | None:
    """Return what an entry is; None where another process has just removed it."""
    files = [file for file in path.rglob("*") if not file.is_dir()] if path.is_dir() else [path]
    own = [file for file in files if file.suffix in _OURS and not file.is_symlink()]
    facts = path / FACTS
    stats = {file: stat for file in (*own, path) if (stat := _stat(file)) is not None}
    if path not in stats:
        return None
    newest = [facts] if facts in stats else list(stats)
    return Kept(
        kind=kind,
        path=path,
        size=sum(stats[file].st_size for file in own if file in stats),
        used=max(stats[file].st_mtime for file in newest),
        foreign=tuple(str(file.relative_to(path)) for file in files if file not in own),
    )


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _remove_leftovers(cache: Path) -> Iterator[Path]:
    """Remove what killed processes left; what a living one writes is held by it, and stays."""
    parents = {path.parent for place in _PLACES.values() for path in cache.glob(place)}
    parents |= {cache, *(cache / place.partition("/")[0] for place in _PLACES.values())}
    for parent in sorted(parents):
        for path in sorted(parent.glob(".*")):
            match = _LEFTOVER.fullmatch(path.name)
            if match is None:
                continue
            name = match["name"] or match["lock"]
            if name is None:
                _remove(path)
            elif not _alone(parent / name, lambda: None):  # to hold a place sweeps it
                continue
            yield path


def _alone(place: Path, work: Callable[[], None]) -> bool:
    """Do something while no other process writes a place; False where one does."""

    def refuse() -> None:
        raise _HeldError

    try:
        with held(place, refuse):
            work()
    except _HeldError:
        return False
    return True


def _remove(path: Path) -> None:
    """Remove a file or folder; what the system refuses is an error, as the user asked for it."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
