"""What lies in the cache, for people and for machines."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.filesize import decimal
from rich.table import Table

from lcbench.console import err, escape, out

if TYPE_CHECKING:
    from lcbench.caching.upkeep import Cleared, Kept

_DAY = 86_400


def show_cache(folder: Path, entries: Sequence[Kept]) -> None:
    """Print how much of each kind there is, and when it was last used."""
    table = Table("kind", "entries", "size", "last used", title=escape(str(folder)))
    for kind in dict.fromkeys(kept.kind for kept in entries):
        own = [kept for kept in entries if kept.kind == kind]
        table.add_row(kind, f"{len(own):,}", _size(own), _ago(max(kept.used for kept in own)))
    table.add_section()
    table.add_row("all", f"{len(entries):,}", _size(entries), "")
    out.print(table)
    for kept in entries:
        if kept.foreign:
            _say(f"Not ours alone, left alone: {kept.path} ({_some(kept.foreign)})")


def show_verified(entries: Sequence[Kept], wrong: Mapping[Path, str]) -> None:
    """Print which entries are not what was written."""
    for path, reason in wrong.items():
        out.print(f"[red]not whole[/red] {escape(f'{path}: {reason}')}", soft_wrap=True)
    whole = len(entries) - len(wrong)
    out.print(f"{whole:,} of {len(entries):,} entries are whole")
    if wrong:
        _say("What is not whole is made anew when it is next used; nothing of it is believed.")


def show_cleared(cleared: Cleared) -> None:
    """Print what was removed, and what was left alone."""
    out.print(f"{len(cleared.removed):,} entries removed, {decimal(cleared.freed)} freed")
    if cleared.leftovers:
        _say(f"Also removed what killed processes had left: {len(cleared.leftovers):,} names")
    for path in cleared.held:
        _say(f"Left alone, because another process makes it now: {path}")
    for kept in cleared.foreign:
        _say(f"Left alone, because not all in it is ours: {kept.path} ({_some(kept.foreign)})")


def cache_as_json(folder: Path, entries: Sequence[Kept]) -> dict[str, Any]:
    """Return what lies in the cache, each entry with its key."""
    return {
        "folder": str(folder),
        "bytes": sum(kept.size for kept in entries),
        "entries": [{**entry_as_json(kept), "key": list(kept.key)} for kept in entries],
    }


def entry_as_json(kept: Kept) -> dict[str, Any]:
    """Return an entry as JSON; its last use in seconds since 1970."""
    return {
        "kind": kept.kind,
        "path": str(kept.path),
        "bytes": kept.size,
        "last_used": kept.used,
        "foreign": list(kept.foreign),
    }


def cleared_as_json(cleared: Cleared) -> dict[str, Any]:
    """Return what was removed, and what was left alone."""
    return {
        "freed": cleared.freed,
        "removed": [entry_as_json(kept) for kept in cleared.removed],
        "held": [str(path) for path in cleared.held],
        "foreign": [entry_as_json(kept) for kept in cleared.foreign],
        "leftovers": [str(path) for path in cleared.leftovers],
    }


def _say(words: str) -> None:
    err.print(escape(words), soft_wrap=True)


def _size(entries: Sequence[Kept]) -> str:
    return decimal(sum(kept.size for kept in entries))


def _ago(used: float) -> str:
    days = int((time.time() - used) / _DAY)
    return "today" if days < 1 else "a day ago" if days == 1 else f"{days} days ago"


def _some(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1:,} more"
