"""`lcbench cache`: what was computed and is kept."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from lcbench.caching.place import cache_folder
from lcbench.cli.base import JsonOption, app, guarded, print_json
from lcbench.errors import ExitCode, wrong_usage

_SIZES = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_TIMES = {"h": 3600, "d": 86_400, "w": 7 * 86_400}

cache = typer.Typer(
    help="Show, check or remove what was computed and is kept.", no_args_is_help=True
)
app.add_typer(cache, name="cache")


@cache.command()
@guarded
def info(as_json: JsonOption = False) -> ExitCode:
    """Say what lies in the cache, and how large it is."""
    from lcbench.caching.upkeep import kept_entries
    from lcbench.rendering.cache import cache_as_json, show_cache

    folder = cache_folder()
    entries = kept_entries(folder)
    if as_json:
        print_json(cache_as_json(folder, entries))
    else:
        show_cache(folder, entries)
    return ExitCode.DONE


@cache.command()
@guarded
def verify(as_json: JsonOption = False) -> ExitCode:
    """Read every entry and compare it with its hashes; exit with 3 if any is not whole.

    What is not is made anew when it is next used.
    """
    from lcbench.caching import upkeep
    from lcbench.console import progress
    from lcbench.rendering.cache import entry_as_json, show_verified

    entries = upkeep.kept_entries(cache_folder())
    with progress("Checking the cache", len(entries)) as advance:
        wrong = upkeep.verify(entries, advance)
    if as_json:
        damaged = [
            {**entry_as_json(kept), "reason": wrong[kept.path]}
            for kept in entries
            if kept.path in wrong
        ]
        print_json({"entries": len(entries), "damaged": damaged})
    else:
        show_verified(entries, wrong)
    return ExitCode.PARTLY_DONE if wrong else ExitCode.DONE


@cache.command()
@guarded
def clear(
    older_than: Annotated[
        str | None, typer.Option(help="Remove what was not used for so long: 12h, 30d, 8w.")
    ] = None,
    max_size: Annotated[
        str | None,
        typer.Option(help="Remove what was used least recently, until so much is left: 5GB."),
    ] = None,
    as_json: JsonOption = False,
) -> ExitCode:
    """Remove what can be computed again: everything, or what the options say."""
    from lcbench.caching import upkeep
    from lcbench.rendering.cache import cleared_as_json, show_cleared

    cleared = upkeep.clear(
        cache_folder(),
        older_than=None if older_than is None else _read("--older-than", older_than, _TIMES),
        max_size=None if max_size is None else int(_read("--max-size", max_size, _SIZES)),
    )
    if as_json:
        print_json(cleared_as_json(cleared))
    else:
        show_cleared(cleared)
    return ExitCode.PARTLY_DONE if cleared.held else ExitCode.DONE


def _read(option: str, text: str, units: dict[str, int]) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([a-z]+)", text.strip(), re.IGNORECASE)
    unit = match and next((unit for unit in units if unit.lower() == match[2].lower()), None)
    if match is None or unit is None:
        raise wrong_usage(
            f"{option} {text}: not a number with a unit", f"Units: {', '.join(units)}."
        )
    return float(match[1]) * units[unit]
