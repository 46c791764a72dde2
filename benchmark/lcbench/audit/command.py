"""What `lcbench audit` does: collect, group, compare, describe."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lcbench.audit.collection import Collection, collect
from lcbench.audit.findings import (
    count_kinds,
    crossing_pairs,
    crossings,
    exact_copies,
    folder_facts,
    group_facts,
    label_groups,
    two_label_groups,
    two_label_pairs,
)
from lcbench.audit.pairs import PairRows
from lcbench.audit.published import compare_with
from lcbench.audit.results import AuditResults, Pair, PairList, Published
from lcbench.audit.splits import divide
from lcbench.datasets.groups import ALONE, assign_groups, read_groups
from lcbench.datasets.labels import read_labels_with
from lcbench.leakage.sources import Sources, find_sources
from lcbench.provenance import command, commit, now, versions
from lcbench.runs.memory import PeakMemory
from lcbench.taxonomy import load_taxonomy


@dataclass(frozen=True)
class AuditOptions:
    """Options of an audit.

    Parameters
    ----------
    split
        CSV with the columns image and side.
    groups
        CSV with the columns image and group, to compare with.
    labels, taxonomy
        TOML files of a label map and of another class tree: two spellings of a class are one.
    """

    split: Path | None = None
    groups: Path | None = None
    labels: Path | None = None
    taxonomy: Path | None = None


@dataclass(frozen=True)
class Audit:
    """An audit's images, what pixels say of them, every pair, and what follows."""

    collection: Collection
    sources: Sources
    pairs: list[Pair]
    results: AuditResults


def audit_folders(paths: Sequence[Path], options: AuditOptions) -> Audit:
    """Find tissue that stands twice in some folders.

    Raises
    ------
    UserError
        If a folder or file cannot be used.
    """
    started = time.perf_counter()
    reader = read_labels_with(options.labels, load_taxonomy(options.taxonomy))
    with PeakMemory("cpu") as memory:
        collection = collect(paths, reader)
        if options.split is not None:
            collection = divide(collection, options.split)
        given = None if options.groups is None else _given_groups(collection, options.groups)
        sources = find_sources(collection.files())
        pairs = list(PairRows(collection, sources).every())
    published = None
    if options.groups is not None and given is not None:
        published = _published(options.groups.name, given, collection, sources)
    seconds = time.perf_counter() - started
    results = _describe(collection, sources, pairs, published, seconds, memory.megabytes)
    return Audit(collection, sources, pairs, results)


def _given_groups(collection: Collection, file: Path) -> list[str | None]:
    """Return each image's group in a file; None where the file does not name it."""
    manifest = collection.images.drop(columns="image").rename(columns={"name": "image"})
    column, _ = assign_groups(manifest, read_groups(file), file.name)
    return [None if group.startswith(ALONE) else group for group in column]


def _published(
    file: str, given: list[str | None], collection: Collection, sources: Sources
) -> Published:
    rows = PairRows(collection, sources)
    pairs = [
        *((c.first, c.second, rows.copy(c)) for c in sources.copies),
        *(
            (link.candidate.first, link.candidate.second, rows.link(link, joined=True))
            for link in sources.links
        ),
    ]
    return compare_with(file, given, sources.groups, pairs, list(collection.images["name"]))


def _describe(
    collection: Collection,
    sources: Sources,
    pairs: list[Pair],
    published: Published | None,
    seconds: float,
    megabytes: float,
) -> AuditResults:
    images = collection.images
    labels = dict(zip(images["name"], images["label"], strict=True))
    names = images["name"].to_numpy()
    return AuditResults(
        command=command(),
        created=now(),
        commit=commit(),
        versions=versions(),
        seconds=round(seconds, 1),
        peak_memory_mb=megabytes,
        folders=folder_facts(collection),
        divided_by=collection.divided_by,
        without_side=int((images["side"] == "").sum()) if collection.divided_by else 0,
        images=len(images),
        unreadable=collection.unreadable,
        incomparable=tuple(names[sources.incomparable].tolist()),
        distinct=len(images) - len(sources.copies),
        tried=sources.tried,
        highest_rejected=float(sources.rejected.max()) if len(sources.rejected) else None,
        lowest_joined=min((link.registration.correlation for link in sources.links), default=None),
        pairs=count_kinds(pairs),
        exact=PairList.of(exact_copies(pairs)),
        doubtful=PairList.of([pair for pair in pairs if not pair.joined]),
        groups=group_facts(sources.groups),
        labels=label_groups(collection, sources.groups),
        crossings=crossings(collection, sources),
        crossing_pairs=PairList.of(crossing_pairs(pairs)),
        two_labels=PairList.of(two_label_pairs(pairs, labels)),
        two_label_groups=two_label_groups(collection, sources.groups),
        published=published,
    )
