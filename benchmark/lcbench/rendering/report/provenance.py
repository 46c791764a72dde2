"""Where the numbers of a report come from, and how to make them again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from lcbench.analysis.results import Results
from lcbench.rendering import formats, words


class Origin(NamedTuple):
    """One line of the table of provenance."""

    what: str
    """What is told."""
    value: str = ""
    """Its value."""
    codes: tuple[str, ...] = ()
    """Names for machines, such as hashes, that follow."""


def provenance_rows(results: Results) -> list[Origin]:
    """Return where the numbers come from."""
    dataset = results.dataset
    started = sorted(run.started for run in results.runs)
    devices = sorted({f"{run.device}, {run.precision}" for run in results.runs})
    commits = sorted({run.commit for run in results.runs})
    drawn = words.units(results.strictest.comparison)
    return [
        Origin("suite", f"{results.suite}, begun {results.created}"),
        Origin("runs", f"{formats.integer(len(started))}, begun {started[0]} to {started[-1]}"),
        *(
            Origin("external evaluation", f"{one.record.name}, {one.record.created}")
            for one in results.external
        ),
        *(
            Origin(
                "model from a prediction file", f"{one.model}: {one.file}, sha256", (one.sha256,)
            )
            for one in results.given
        ),
        Origin("machine", results.machine),
        Origin("device and precision", "; ".join(devices)),
        Origin("code commit", codes=tuple(commits)),
        Origin("versions", ", ".join(_versions(results))),
        Origin("report written by", f"lcbench {results.lcbench_version}"),
        Origin("dataset", dataset.name),
        Origin("dataset hash", codes=(dataset.sha256,)),
        Origin("source groups from", dataset.groups_source or "unknown"),
        Origin("class tree", results.taxonomy.name),
        Origin("intervals", f"score interval over {drawn}"),
    ]


def commands(results: Results) -> tuple[str, ...]:
    """Return the commands that make the numbers again, in their order."""
    external = (one.record.command for one in results.external)
    found = (*results.run_commands, *external, results.report_command)
    return tuple(command for command in found if command)


def _versions(results: Results) -> Iterator[str]:
    """Yield the software of the runs, with all versions of each."""
    found: dict[str, set[str]] = {}
    for run in results.runs:
        for name, version in run.versions.items():
            found.setdefault(name, set()).add(version)
    yield from (f"{name} {' and '.join(sorted(found[name]))}" for name in sorted(found))
