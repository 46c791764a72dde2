"""What benches found on a machine: measured, written as JSON, shown as a table."""

from __future__ import annotations

import json
import time
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import psutil
import torch
from frame import Ratio, Skipped
from rich.table import Table

from lcbench.console import out
from lcbench.errors import first_line
from lcbench.provenance import commit, machine, now, versions

BEGIN, END = "<!-- table: make bench -->\n", "<!-- end of table -->\n"
"""Between which the page has the table."""
COLUMNS = ("measure", "beside", "ratio", "goal", "ours", "theirs", "repeats", "spread", "limit")


def rows(measures: dict[str, dict[str, Any]]) -> Iterable[tuple[str, ...]]:
    """Return the lines of the table: one a ratio, or the reason why there is none.

    Parameters
    ----------
    measures
        What `measured` gives of each bench.
    """
    for bench, result in measures.items():
        if result["skipped"]:
            yield bench, "", "", "", "", "", "", "", f"not measured: {result['skipped']}"
        for ratio in result["ratios"]:
            yield (
                ratio["name"],
                ratio["beside"],
                f"{ratio['ratio']:.3g}",
                "" if ratio["goal"] is None else f"{ratio['goal']:g}",
                f"{ratio['ours']:,g} {ratio['unit']}",
                f"{ratio['theirs']:,g} {ratio['unit']}",
                str(ratio["repeats"]),
                f"{ratio['lowest']:.3g} to {ratio['highest']:.3g}",
                ratio["limit"],
            )


def table(measures: dict[str, dict[str, Any]]) -> Table:
    """Return the table for a terminal."""
    drawn = Table(title="Ratios above 1: ours is better")
    for column in COLUMNS:
        drawn.add_column(column, overflow="fold")
    for row in rows(measures):
        drawn.add_row(*row)
    return drawn


def markdown(measures: dict[str, dict[str, Any]]) -> str:
    """Return the table for `docs/performance.md`."""
    lines = [COLUMNS, ("---",) * len(COLUMNS), *rows(measures)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def with_table(page: str, found: dict[str, Any]) -> str:
    """Return the page with the table of what was found."""
    start, rest = page.split(BEGIN)
    end = rest.split(END)[1]
    return f"{start}{BEGIN}\n{_origin(found)}\n\n{markdown(found['measures'])}\n{END}{end}"


def _origin(found: dict[str, Any]) -> str:
    made = found["measures"].values()
    dates = sorted({result["date"][:10] for result in made})
    commits = sorted({result["commit"] for result in made})
    return (
        f"{found['machine']['words']}, of the instructions that matter "
        f"{', '.join(found['machine']['instructions'])}; torch {found['versions']['torch']}; "
        f"{' and '.join(dates)}, commit {', '.join(commits)}."
    )


def processor() -> dict[str, Any]:
    """Describe the machine by what it can do, not by its name."""
    known = ("avx2", "avx512_f", "avx512_vnni", "avx512_bf16", "amx_bf16", "bf16", "sve")
    flags = torch.cpu.get_capabilities()
    devices = [torch.cuda.get_device_name()] if torch.cuda.is_available() else []
    return {
        "words": ", ".join([machine(), *devices]),
        "instructions": [name for name in known if flags.get(name)],
    }


def before(path: Path, *, quick: bool) -> dict[str, Any]:
    """Return what an earlier call found on this machine, or the frame for it."""
    empty = {"machine": processor(), "versions": versions(), "quick": quick, "measures": {}}
    if not path.is_file():
        return empty
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found if all(found.get(key) == empty[key] for key in list(empty)[:3]) else empty


def measured(name: str, work: Callable[[], list[Ratio]]) -> dict[str, Any]:
    """Do a bench; return its ratios, or the reason why there are none."""
    out.print(f"{name} ...")
    load, started = psutil.getloadavg()[0], time.perf_counter()
    ratios: list[Ratio] = []
    skipped = failure = ""
    try:
        ratios = work()
    except Skipped as reason:
        skipped = str(reason)
    except Exception as error:  # noqa: BLE001 - what others measure is worth having
        skipped = failure = first_line(error)
        traceback.print_exc()
    return {
        "commit": commit(),
        "date": now(),
        "load": round(load, 1),  # processes that wanted a core in the minute before
        "seconds": round(time.perf_counter() - started, 1),
        "skipped": skipped,
        "failed": bool(failure),
        "ratios": [ratio.as_json() for ratio in ratios],
    }


def failed(measures: dict[str, dict[str, Any]]) -> bool:
    """Tell whether a bench broke off."""
    return any(result["failed"] for result in measures.values())


def write(path: Path, found: dict[str, Any]) -> None:
    """Write what was found as JSON."""
    path.write_text(json.dumps(found, indent=1, allow_nan=False) + "\n", encoding="utf-8")
