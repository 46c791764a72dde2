"""Writes an audit: groups.csv, pairs.csv, merges.csv, audit.json, pictures, and the page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd

from lcbench.audit import findings
from lcbench.audit.command import Audit
from lcbench.audit.findings import crossing_pairs
from lcbench.audit.results import NEAR_COPY, AuditResults, Merge, Pair
from lcbench.console import progress
from lcbench.leakage import (
    agreement,
    candidates,
    grouping,
    laying,
    registration,
    unrelated,
)
from lcbench.rendering.audit import sentences
from lcbench.rendering.pages import render_page
from lcbench.rendering.places import (
    AUDIT_JSON,
    FIGURES,
    GROUPS,
    MERGES,
    PAIRS,
    PICTURES,
    PLOTS,
    README,
    check_audit_folder,
)
from lcbench.rendering.plots.audit import draw_correlations, draw_group_sizes, draw_overlaps
from lcbench.rendering.plots.pairs import draw_pair
from lcbench.runs.store import sole_writer
from lcbench.storage.whole import whole_folder, write_text
from lcbench.tables import csv_text

_FEW = 3
_MOST = 60
_COLUMNS = (
    "first", "second", "kind", "transform", "overlap", "correlation", "local", "rate", "joined",
    "doubt", "mirrored",
    "rotation", "scale", "stretch", "brightness", "inliers", "overlap_first", "overlap_second",
    "first_label", "second_label", "first_side", "second_side", "m11", "m12", "m13", "m21", "m22",
    "m23",
)  # fmt: skip


def write_audit(audit: Audit, out: Path, *, pictures: bool) -> Path:
    """Write everything that an audit found, whole or not at all; nobody else writes meanwhile.

    Parameters
    ----------
    audit
        What was found.
    out
        The folder.
    pictures
        Whether to draw pairs of images. Without, nothing that is written shows an image.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    UserError
        If the folder holds files of someone else, or the system refuses to write there.
    """
    target = out.resolve()  # a link stays one
    with sole_writer(target), whole_folder(target) as folder:
        check_audit_folder(target)  # again: another may have written meanwhile
        _write(audit, folder, pictures=pictures)
    return out / README


def _write(audit: Audit, out: Path, *, pictures: bool) -> None:
    for name, table in _tables(audit):
        write_text(out / name, csv_text(table))
    write_text(out / AUDIT_JSON, audit.results.model_dump_json(indent=2) + "\n")
    examples = list(_examples(audit)) if pictures else []
    drawn = _draw_pairs(audit, [pair for _, pair in examples], out) if pictures else {}
    plots = list(_draw_plots(audit, out))
    write_text(out / README, audit_page(audit.results, plots, examples, drawn))


def audit_page(
    results: AuditResults,
    plots: Sequence[tuple[str, str]] = (),
    examples: Sequence[tuple[str, Pair]] = (),
    pictures: Mapping[Pair, str] | None = None,
) -> str:
    """Return the page.

    Parameters
    ----------
    results
        What was found.
    plots
        File and description of each plot.
    examples
        Pairs to show, each with what it is an example of.
    pictures
        The file of each pair that was drawn, all examples among them.
    """
    published = results.published
    return render_page(
        "audit.md.j2",
        results=results,
        statements=sentences.statements(results),
        published_statements=sentences.published_statements(published) if published else (),
        exact_copies=[f"{sentences.pair_names(p)} ({p.kind})" for p in results.exact.shown],
        plots=plots,
        examples=examples,
        pictures=pictures or {},
        sentences=sentences,
        thresholds=_thresholds(),
    )


def _thresholds() -> dict[str, str]:
    return {
        "slice": str(findings.SLICE),
        "sure_copy": str(findings.COPY),
        "near_copy": sentences.percent(NEAR_COPY),
        "neighbours": str(candidates.NEIGHBOURS),
        "outside": str(candidates.OUTSIDE),
        "inliers": str(registration.MIN_INLIERS),
        "inlier_share": sentences.percent(registration.MIN_INLIER_SHARE),
        "overlap": sentences.percent(registration.MIN_OVERLAP),
        "correlation": str(laying.MIN_CORRELATION),
        "local": str(grouping.MIN_LOCAL),
        "local_mirrored": str(grouping.MIN_LOCAL_MIRRORED),
        "window": f"1/{round(1 / agreement.WINDOW)}",
        "rate": str(unrelated.MAX_RATE),
    }


def _tables(audit: Audit) -> Iterator[tuple[str, pd.DataFrame]]:
    order = dict.fromkeys(audit.sources.groups.tolist())
    numbers = {group: f"g{number:05}" for number, group in enumerate(order, start=1)}
    groups = [numbers[group] for group in audit.sources.groups.tolist()]
    yield GROUPS, pd.DataFrame({"image": audit.collection.images["name"], "group": groups})
    yield PAIRS, pairs_table(audit.pairs)
    if audit.results.published is not None:
        yield MERGES, merges_table(audit.results.published.merges)


def pairs_table(pairs: Iterable[Pair]) -> pd.DataFrame:
    """Return pairs as a table, one column a value."""
    return pd.DataFrame([_row(pair) for pair in pairs], columns=list(_COLUMNS))


def merges_table(merges: Sequence[Merge]) -> pd.DataFrame:
    """Return pairs of published groups, each with the pair of images that joins them."""
    table = pairs_table(merge.pair for merge in merges)
    table.insert(0, "first_group", [merge.first_group for merge in merges])
    table.insert(1, "second_group", [merge.second_group for merge in merges])
    return table


def _row(pair: Pair) -> dict[str, object]:
    row: dict[str, object] = pair.model_dump(exclude={"first", "second", "matrix", "recoloured"})
    for which, image in (("first", pair.first), ("second", pair.second)):
        row |= {which: image.name, f"{which}_label": image.label, f"{which}_side": image.side}
    row |= {"transform": sentences.how_they_lie(pair)}
    return row | dict(zip(_COLUMNS[-6:], pair.matrix, strict=True))


def _draw_plots(audit: Audit, out: Path) -> Iterator[tuple[str, str]]:
    results = audit.results
    sizes, correlations, overlaps = (f"{FIGURES}/{name}.png" for name in PLOTS)
    if results.groups.groups < results.images:
        draw_group_sizes(results, audit.sources.groups, out / sizes)
        yield sizes, "How many source groups there are of each size"
    if any(pair.registered for pair in audit.pairs):
        draw_correlations(results, audit.pairs, audit.sources.rejected, out / correlations)
        yield correlations, "Correlation of the registered pairs"
        draw_overlaps(results, audit.pairs, out / overlaps)
        yield overlaps, "Overlap and correlation of the registered pairs"


def _examples(audit: Audit) -> Iterator[tuple[str, Pair]]:
    """Yield the most telling pairs with what they are examples of, none of them twice."""
    seen: set[Pair] = set()
    for name, pairs in _findings(audit):
        fresh = [pair for pair in pairs if pair not in seen][:_FEW]
        seen |= set(fresh)
        yield from ((name, pair) for pair in fresh)


def _findings(audit: Audit) -> Iterator[tuple[str, Sequence[Pair]]]:
    """Yield the kinds of findings with their pairs, what matters most first."""
    results = audit.results
    registered = [pair for pair in audit.pairs if pair.registered and pair.joined]
    mirrored = [pair for pair in registered if pair.mirrored]
    yield "Under two labels", results.two_labels.shown
    yield f"Across {sentences.division(results)}", crossing_pairs(registered)
    yield "Doubtful", results.doubtful.shown
    yield "The least overlap", sorted(registered, key=lambda pair: pair.overlap)
    yield "The lowest correlation", sorted(registered, key=lambda pair: pair.correlation)
    yield "Mirrored and turned", sorted(mirrored, key=lambda pair: -abs(pair.rotation))


def _draw_pairs(audit: Audit, examples: Iterable[Pair], out: Path) -> dict[Pair, str]:
    """Draw the examples, what stands under two labels, and every merge of given groups."""
    results = audit.results
    images = audit.collection.by_name()
    merges = results.published.merges if results.published else ()
    wanted = dict.fromkeys(
        (
            *(merge.pair for merge in merges),
            *examples,
            *results.two_labels.shown[:_MOST],
            *results.doubtful.shown[:_MOST],
        )
    )
    drawn = {}
    with progress("Drawing pairs", len(wanted)) as advance:
        for number, pair in enumerate(wanted, start=1):
            drawn[pair] = f"{PICTURES}/{number:03}.png"
            draw_pair(pair, images, out / drawn[pair])
            advance(1)
    return drawn
