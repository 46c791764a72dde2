"""What `lcbench audit` does: collect, group, compare, describe."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lcbench.audit import findings
from lcbench.audit.collection import (
    Collection,
    collect,
    column_of_sides,
    divide,
    is_listing,
)
from lcbench.audit.published import compare_with
from lcbench.audit.repair import Repair, repair
from lcbench.audit.results import AuditResults, Pair, PairList, Published
from lcbench.compute import PeakMemory
from lcbench.datasets.groups import match_images, read_groups
from lcbench.datasets.labels import read_labels_with
from lcbench.errors import wrong_usage
from lcbench.leakage.sources import Sources, find_sources
from lcbench.provenance import command, commit, now, versions
from lcbench.tables import read_text_table
from lcbench.taxonomy import load_taxonomy


@dataclass(frozen=True)
class Audit:
    """An audit's images, what pixels say of them, every pair, what follows, a repaired split."""

    collection: Collection
    sources: Sources
    pairs: list[Pair]
    results: AuditResults
    repaired: Repair | None = None


def audit_folders(
    paths: Sequence[Path],
    *,
    split: Path | None = None,
    groups: Path | None = None,
    labels: Path | None = None,
    taxonomy: Path | None = None,
    repairs: bool = False,
) -> Audit:
    """Find tissue that stands twice in some folders.

    Parameters
    ----------
    paths
        The folders; several are sides of their own. Or CSV files with the column image and, if
        known, label; of a single one, the columns side and group count like `split` and `groups`.
    split
        CSV with the columns image and side.
    groups
        CSV with the columns image and group, to compare with.
    labels, taxonomy
        TOML files of a label map and of another class tree: two spellings of a class are one.
    repairs
        Whether the nearest split is wanted that keeps source groups whole.

    Raises
    ------
    UserError
        If a folder or file cannot be used, or there is no split to repair.
    """
    started = time.perf_counter()
    reader = read_labels_with(labels, load_taxonomy(taxonomy))
    with PeakMemory("cpu") as memory:
        collection = collect(paths, reader)
        split, groups = _in_listing(paths, split, groups)
        if repairs and split is None:
            raise wrong_usage("--repair: no split", "Give the split to repair with --split CSV.")
        if split is not None:
            collection = divide(collection, split)
        names = collection.images["name"]
        given = None if groups is None else match_images([names], read_groups(groups), groups.name)
        sources = find_sources(collection.files())
        pairs = findings.find_pairs(collection, sources)
    published = None
    if groups is not None and given is not None:
        joined = [pair for pair in pairs if pair.joined]
        published = compare_with(groups.name, names, given, sources.groups, joined)
    seconds = time.perf_counter() - started
    results = _describe(collection, sources, pairs, published, seconds, memory.megabytes)
    if not repairs:
        return Audit(collection, sources, pairs, results)
    repaired = repair(collection, sources.groups)
    results = results.model_copy(update={"repair": repaired.facts})
    return Audit(collection, sources, pairs, results, repaired)


def _in_listing(
    paths: Sequence[Path], split: Path | None, groups: Path | None
) -> tuple[Path | None, Path | None]:
    """Return the files of sides and groups: those given, or the one CSV that is audited."""
    if len(paths) > 1 or not is_listing(paths[0]):
        return split, groups
    table = read_text_table(paths[0])
    if split is None and column_of_sides(table) is not None:
        split = paths[0]
    if groups is None and "group" in table and (table["group"] != "").any():
        groups = paths[0]
    return split, groups


def _describe(
    collection: Collection,
    sources: Sources,
    pairs: list[Pair],
    published: Published | None,
    seconds: float,
    megabytes: float,
) -> AuditResults:
    images = collection.images
    names = images["name"].to_numpy()
    return AuditResults(
        command=command(),
        created=now(),
        commit=commit(),
        versions=versions(),
        seconds=round(seconds, 1),
        peak_memory_mb=megabytes,
        folders=findings.folder_facts(collection),
        split=collection.split,
        without_side=0 if collection.split is None else int((images["side"] == "").sum()),
        images=len(images),
        unreadable=collection.unreadable,
        incomparable=tuple(names[sources.incomparable].tolist()),
        distinct=len(images) - len(sources.copies),
        tried=sources.tried,
        highest_rejected=float(sources.rejected.max()) if len(sources.rejected) else None,
        lowest_joined=min((link.registration.correlation for link in sources.links), default=None),
        lowest_local=min((link.registration.local for link in sources.links), default=None),
        highest_rate=max((pair.rate for pair in pairs if pair.rate is not None), default=None),
        unrelated=findings.unrelated_facts(sources),
        pairs=findings.count_kinds(pairs),
        exact=PairList.of(findings.exact_copies(pairs)),
        doubtful=PairList.of([pair for pair in pairs if not pair.joined]),
        doubts=findings.count_doubts(pairs),
        groups=findings.group_facts(sources.groups),
        labels=findings.label_groups(collection, sources.groups),
        crossings=findings.crossings(collection, sources),
        crossing_pairs=PairList.of(findings.crossing_pairs(pairs)),
        two_labels=PairList.of(findings.two_label_pairs(pairs, collection)),
        two_label_groups=findings.two_label_groups(collection, sources.groups),
        published=published,
    )
