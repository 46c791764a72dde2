"""Parts of the test images with their own estimates: a section of the page.

Estimates are made here for parts that were drawn without looking at answers: classes, and images
with or without copies in training. A part that is chosen by its answers ("wrong in all seeds") has
no interval that means anything, and single source groups are one case each: the page counts those
itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from pydantic import JsonValue

from lcbench.analysis.coded import CodedPredictions
from lcbench.analysis.results import Results
from lcbench.analysis.scoring import of_one_answer
from lcbench.predictions.alignment import Aligned
from lcbench.rendering.explorer.document import render_html
from lcbench.rendering.explorer.image_data import ProtocolImages
from lcbench.rendering.explorer.places import numbers
from lcbench.rendering.explorer.section import Section
from lcbench.rendering.words import GROUPS_UNKNOWN, headline, node_words, unknown_groups
from lcbench.runs.suite_images import TRAIN
from lcbench.statistics.answers import Question
from lcbench.statistics.declaration import MetricKey
from lcbench.statistics.interval_model import Interval
from lcbench.statistics.metrics import confusion_by_group
from lcbench.statistics.models import model_intervals
from lcbench.statistics.panel import Panel, count_panel
from lcbench.statistics.standard import ACCURACY, count_statistics
from lcbench.taxonomy import Taxonomy

SECTION = "subsets"
NO_COPY, COPY, NOT_KNOWN = range(3)
"""Whether an image of the same source group was in training."""
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Part:
    """A part of the predictions of a protocol that no answer had a say in.

    Parameters
    ----------
    title
        What it is called.
    rows
        (rows,) predictions in it.
    nodes
        Codes of the labels in it, see `ClassTree.nodes`; None for all.
    copies
        `COPY` or `NO_COPY`; None for both.
    """

    title: str
    rows: Flags
    nodes: tuple[int, ...] | None = None
    copies: int | None = None


def subsets_section(
    results: Results, taxonomy: Taxonomy, protocols: Sequence[ProtocolImages]
) -> Section:
    """Return the section.

    Parameters
    ----------
    results
        How intervals are computed, and which protocol is which.
    taxonomy
        The class tree.
    protocols
        In the order of the section `images`.
    """
    node = headline(results)
    names = [one.name for one in protocols]
    strict = results.strictest.protocol
    flattering = results.roles.flattering
    copies = [copies_in_training(one) for one in protocols]
    data: JsonValue = {
        "confusion": None if node is None else node_words(node),
        "protocols": [
            _protocol(results, taxonomy, one, near)
            for one, near in zip(protocols, copies, strict=True)
        ],
        "strict": names.index(strict) if strict in names else None,
        "flattering": names.index(flattering) if flattering in names else None,
    }
    arrays = {f"copies-{one.number}": near for one, near in zip(protocols, copies, strict=True)}
    unknown = GROUPS_UNKNOWN if unknown_groups(results) else ""
    html = render_html("explorer-subsets.html.j2", unknown=unknown)
    return Section(SECTION, "Parts of the images", html, data, arrays)


def copies_in_training(images: ProtocolImages) -> NDArray[np.uint8]:
    """Return (rows,) `COPY`, `NO_COPY` or `NOT_KNOWN` of the tested image in its split."""
    groups = images.images.table["group"].to_numpy()
    of_rows, cells = images.image_of_row, images.aligned.rows[["seed", "fold"]].to_numpy()
    found = np.full(len(of_rows), NOT_KNOWN, np.uint8)
    for split in images.splits:
        rows = (cells == (split.seed, split.fold)).all(axis=1) & (groups[of_rows] != "")
        if split.whole:
            trained = np.unique(groups[split.sides == TRAIN].astype(str))
            found[rows] = np.isin(groups[of_rows[rows]].astype(str), trained)
    return found


def parts_of(coded: CodedPredictions, copies: NDArray[np.uint8]) -> Iterator[Part]:
    """Yield the parts of a protocol: all, those by copies, and those by class."""
    tree, size = coded.tree, len(coded.true)
    yield Part("all test images", np.ones(size, np.bool_))
    if {NO_COPY, COPY} <= set(copies.tolist()):
        for kind, word in ((COPY, "with"), (NO_COPY, "without")):
            title = f"{word} an image of the same source group in training"
            yield Part(title, copies == kind, copies=kind)
    for node in tree.nodes:
        under = [tree.taxonomy.is_under(other, node) for other in tree.nodes]
        codes = tuple(np.flatnonzero(under).tolist())
        rows = np.isin(coded.true, codes)
        if rows.any() and not rows.all():
            yield Part(node_words(node), rows, codes)


def part_intervals(
    coded: CodedPredictions, rows: Flags, results: Results
) -> dict[str, dict[MetricKey, Interval]]:
    """Return accuracy and the rate of headline confusions on some of the rows, by model.

    They are the report's own where all rows are asked for. A model that answers every image the
    same has no interval, see `of_one_answer`.
    """
    part = CodedPredictions(_kept(coded.aligned, rows), coded.tree)
    if not part.has_leaf.any():
        return {}
    keys = [ACCURACY, *_confusion(results)]
    found = model_intervals(
        {name: _panel(part, name, keys) for name in part.aligned.names},
        method=results.settings.interval,
        resamples=results.settings.resamples,
        floor=results.roles.floor,
    ).own
    return {
        name: dict(of_one_answer(one) if coded.is_constant(name) else one)
        for name, one in found.items()
    }


def _protocol(
    results: Results, taxonomy: Taxonomy, images: ProtocolImages, copies: NDArray[np.uint8]
) -> JsonValue:
    coded = CodedPredictions.of(images.aligned, taxonomy)
    return [_part(results, coded, images, one) for one in parts_of(coded, copies)]


def _part(
    results: Results, coded: CodedPredictions, images: ProtocolImages, part: Part
) -> JsonValue:
    found = part_intervals(coded, part.rows, results)
    keys = [ACCURACY, *_confusion(results)]
    known = coded.clusters.codes[part.rows]
    return {
        "title": part.title,
        "nodes": None if part.nodes is None else list(part.nodes),
        "copies": part.copies,
        "images": len(np.unique(images.image_of_row[part.rows])),
        "groups": len(np.unique(known)) if coded.clusters.known else None,
        "answers": int(part.rows.sum()),
        "models": [
            [numbers(found[name].get(key))[:3] if name in found else [None] * 3 for key in keys]
            for name in coded.aligned.names
        ],
    }


def _confusion(results: Results) -> list[MetricKey]:
    node = headline(results)
    return [] if node is None else [MetricKey("confusion_rate", node)]


def _panel(coded: CodedPredictions, model: str, keys: Sequence[MetricKey]) -> Panel[MetricKey]:
    tree, design = coded.tree, coded.design
    every = count_statistics(tree)[Question()]
    counts = confusion_by_group(
        coded.true,
        coded.aligned.predicted[model],
        coded.units,
        len(tree.leaves),
        n_groups=design.units,
        n_nodes=len(tree.nodes),
    )
    return count_panel(counts, {key: every[key] for key in keys}, design)


def _kept(aligned: Aligned, rows: Flags) -> Aligned:
    return replace(
        aligned,
        rows=aligned.rows[rows].reset_index(drop=True),
        predicted={name: one[rows] for name, one in aligned.predicted.items()},
        probabilities=dict.fromkeys(aligned.names),
    )
