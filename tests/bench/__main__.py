"""Measure speed and memory on this machine: `python tests/bench [--only NAME] [--quick]`.

Writes every ratio with the machine and the commit as JSON. A bench that is measured alone replaces
its own part of a file from the same machine.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

from record import before, failed, measured, table, with_table, write

from lcbench.console import out

ROOT = Path(__file__).resolve().parents[2]
RECORD = ROOT / "docs" / "performance.json"
PAGE = ROOT / "docs" / "performance.md"
BENCHES = (
    *("start", "batches", "embedding", "finetuning", "heads", "usual_loops", "straightforward"),
    *("evaluating", "growth", "report_statistics", "explorer", "intervals", "leakage"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the table and write the files; return 1 if a bench failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", choices=BENCHES, default=BENCHES)
    parser.add_argument("--quick", action="store_true", help="toy sizes: whether it runs")
    parser.add_argument("--out", type=Path, default=ROOT / "bench.json")
    parser.add_argument("--record", action="store_true", help="write it into docs as well")
    options = parser.parse_args(arguments)
    found = before(options.out, quick=options.quick)
    for name in options.only:
        bench = importlib.import_module(name)
        found["measures"][name] = measured(name, lambda: bench.measure(options.quick))  # noqa: B023
        found["measures"] = dict(sorted(found["measures"].items(), key=_place))
        write(options.out, found)  # now: what follows may take long, and be stopped
    out.print(table(found["measures"]))
    if options.record:
        write(RECORD, found)
        PAGE.write_text(with_table(PAGE.read_text("utf-8"), found), encoding="utf-8")
    return int(failed(found["measures"]))


def _place(item: tuple[str, object]) -> int:
    return BENCHES.index(item[0])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
