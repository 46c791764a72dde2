"""Where the numbers come from: commands, versions, hashes, weights, and how to get them again."""

from __future__ import annotations

from collections.abc import Iterable

from lcbench.analysis.results import Results
from lcbench.rendering import formats as wording
from lcbench.rendering import markdown as md
from lcbench.runs.records import BackboneRecord


def provenance_section(results: Results) -> str:
    """Return where the numbers come from and how to make them again."""
    commands = [command for command in (results.run_command, results.report_command) if command]
    return md.paragraphs(
        "## Provenance",
        md.table(["what", "value"], _facts(results), "l"),
        _weights(results),
        md.details("Hashes of the splits", _splits(results)),
        "To make these numbers again, with the same images and versions:",
        md.code_block(commands, "sh"),
        "Every number of this page is in [results.json](results.json), documented by "
        "`lcbench.analysis.results`, and in [results.csv](results.csv).",
    )


def _facts(results: Results) -> list[list[str]]:
    started = sorted(run.started for run in results.runs)
    external = [one.record for one in results.external]
    facts = [
        ("suite", md.escape_cell(results.suite)),
        ("suite begun", md.escape_cell(results.created)),
        ("first and last run begun", md.escape_cell(f"{started[0]} to {started[-1]}")),
        *(
            ("external evaluation", md.escape_cell(f"{one.name}, {one.created}"))
            for one in external
        ),
        ("machine", md.escape_cell(results.machine)),
        (
            "device and precision",
            _one_or_more(f"{run.device}, {run.precision}" for run in results.runs),
        ),
        ("code commit", _codes(run.commit for run in results.runs)),
        ("versions", md.escape_cell(_versions(results))),
        ("report written by", md.escape_cell(f"lcbench {results.lcbench_version}")),
        ("dataset", md.escape_cell(results.dataset.name)),
        ("dataset hash", md.code_cell(results.dataset.sha256)),
        ("source groups from", md.escape_cell(results.dataset.groups_source or "unknown")),
        ("class tree", md.escape_cell(results.taxonomy.name)),
        ("bootstrap", f"{wording.integer(results.resamples)} resamples, PCG64, seed 0"),
    ]
    return [[name, value] for name, value in facts]


def _versions(results: Results) -> str:
    found: dict[str, set[str]] = {}
    for run in results.runs:
        for name, version in run.versions.items():
            found.setdefault(name, set()).add(version)
    return ", ".join(f"{name} {' and '.join(sorted(found[name]))}" for name in sorted(found))


def _weights(results: Results) -> str:
    users: dict[BackboneRecord, list[str]] = {}
    for one in results.baselines:
        if one.backbone is not None:
            users.setdefault(one.backbone, []).append(one.baseline)
    if not users:
        return "No baseline has a network with weights from elsewhere."
    rows = [
        [
            md.escape_cell(backbone.name),
            md.escape_cell(backbone.weights) + (" (random weights)" if backbone.random else ""),
            md.code_cell(backbone.weights_sha256),
            md.escape_cell(backbone.preprocessing),
            md.escape_cell(wording.listing(names)),
        ]
        for backbone, names in users.items()
    ]
    headers = ["backbone", "weights", "SHA-256 of the weights", "preprocessing", "used by"]
    return md.table(headers, rows, "l")


def _splits(results: Results) -> str:
    rows = [
        [
            md.escape_cell(result.protocol),
            str(split.seed),
            str(split.fold),
            wording.integer(split.record.train),
            wording.integer(split.record.validation),
            wording.integer(split.record.test),
            _siblings(split.record.test_with_siblings),
            md.code_cell(split.record.sha256),
        ]
        for result in results.protocols
        for split in result.splits
    ]
    headers = [
        "protocol", "seed", "fold", "train", "validation", "test",
        "test images with a source sibling in training", "SHA-256",
    ]  # fmt: skip
    return md.table(headers, rows, "lrrrrrrl")


def _siblings(count: int | None) -> str:
    return "unknown" if count is None else wording.integer(count)


def _one_or_more(values: Iterable[str]) -> str:
    return md.escape_cell("; ".join(sorted(set(values))))


def _codes(values: Iterable[str]) -> str:
    return ", ".join(md.code_cell(value) for value in sorted(set(values))) or wording.NONE
