"""Coverage of the intervals and error rates of the paired tests, where the truth is known.

Run by `make bench-statistics`. Every cell goes to docs/study.csv, the tables into
docs/statistics.md. What is drawn is in `study_scores`, `study_pairs` and `study_seeds`.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
from joblib import Parallel
from study_cells import Cell, run
from study_pairs import pair_cells, pair_method_cells
from study_scores import method_cells, score_cells
from study_seeds import GROUPS as GROUPS_OF_SEEDS
from study_seeds import seed_cells
from study_tables import tables

from lcbench import __version__

DOCS = Path(__file__).resolve().parents[2] / "docs"
START, END = "<!-- study: written by make bench-statistics -->", "<!-- end of study -->"
GROUPS = (10, 20, 40, 100, 240, 710)
GROUPS_OF_METHODS = (40, 710)
CORRELATIONS = (0.0, 0.1, 0.5, 1.0)
SIMULATIONS = 1_000
SUBJECTS = ("scores", "pairs", "methods", "seeds")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the study and write its tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulations", type=int, default=SIMULATIONS)
    parser.add_argument("--groups", type=int, nargs="+", help="numbers of source groups, of ours")
    parser.add_argument("--only", choices=SUBJECTS, nargs="+", default=SUBJECTS)
    parser.add_argument("--jobs", type=int, default=-1)
    parser.add_argument("--docs", type=Path, default=DOCS)
    options = parser.parse_args(arguments)
    found = []
    with Parallel(n_jobs=options.jobs) as parallel:
        for subject in options.only:
            started = time.perf_counter()
            cells = _cells(subject, options.groups)
            print(f"{subject}: {len(cells)} cells", flush=True)
            part = run(cells, options.simulations, parallel)
            minutes = (time.perf_counter() - started) / 60
            found.append(part.assign(subject=subject, minutes=round(minutes, 1)))
            print(f"  {minutes:.1f} minutes", flush=True)
    write(_with_stored(pd.concat(found), options.docs / "study.csv"), options.docs)


def _cells(subject: str, only: Sequence[int] | None) -> list[Cell]:
    def kept(groups: Sequence[int]) -> list[int]:
        return [one for one in groups if only is None or one in only]

    if subject == "scores":
        return list(score_cells(kept(GROUPS), CORRELATIONS))
    if subject == "pairs":
        return list(pair_cells(kept(GROUPS), CORRELATIONS))
    if subject == "methods":
        few = kept(GROUPS_OF_METHODS)
        return [*method_cells(few, CORRELATIONS), *pair_method_cells(few, CORRELATIONS)]
    return list(seed_cells(kept(GROUPS_OF_SEEDS)))


def _with_stored(found: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Return the cells with those of the subjects that were not run, from the stored file."""
    if path.exists():
        stored = pd.read_csv(path)
        found = pd.concat([found, stored[~stored.subject.isin(found.subject)]])
    order = {subject: number for number, subject in enumerate(SUBJECTS)}
    found = found.sort_values("subject", kind="stable", key=lambda column: column.map(order))
    return found.reset_index(drop=True)


def write(cells: pd.DataFrame, docs: Path) -> None:
    """Write the cells, and the tables into the page."""
    cells.to_csv(docs / "study.csv", index=False)
    page = docs / "statistics.md"
    before, rest = page.read_text(encoding="utf-8").split(START)
    after = rest.split(END)[1]
    if missing := set(SUBJECTS) - set(cells.subject):
        print(f"no tables yet: {sorted(missing)} were never run")
        return
    study = f"{_basis(cells)}\n\n{tables(cells)}"
    page.write_text(f"{before}{START}\n\n{study}\n\n{END}{after}", encoding="utf-8")


def _basis(cells: pd.DataFrame) -> str:
    simulations = int(cells.simulations.mode()[0])
    minutes = float(cells.groupby("subject").minutes.first().sum())
    error = 100 * math.sqrt(0.95 * 0.05 / simulations)
    again = int(cells.simulations.max())
    usual = cells.groupby("subject").simulations.agg(lambda found: int(found.mode()[0]))
    other = [f"{name} {count:,}" for name, count in usual.items() if count != simulations]
    but = f" ({', '.join(other)})" if other else ""
    return (
        f"{simulations:,} simulations a cell{but}, lcbench {__version__}, "
        f"{datetime.now(UTC):%Y-%m-%d}, {minutes:.0f} minutes. Monte Carlo standard error of a "
        f"cell near 95 % or 5 %: {error:.1f} points. A cell in which a default looked as if it "
        f"failed was drawn again {again:,} times "
        f"({error * math.sqrt(simulations / again):.1f} points), and shows these. Every cell, "
        "every test: [study.csv](study.csv)."
    )


if __name__ == "__main__":
    main()
