"""Confusions and the images behind them: a section of the page, and the data of others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import JsonValue

from lcbench.analysis.results import Results
from lcbench.analysis.suite import compared_predictions
from lcbench.rendering import formats
from lcbench.rendering.explorer.curves import curves_section
from lcbench.rendering.explorer.document import render_html
from lcbench.rendering.explorer.explained import explained_pictures
from lcbench.rendering.explorer.image_data import (
    UNKNOWN,
    ProtocolImages,
    image_columns,
    level_data,
)
from lcbench.rendering.explorer.notes import notes_section
from lcbench.rendering.explorer.pairs import pairs_section
from lcbench.rendering.explorer.section import Section
from lcbench.rendering.explorer.subsets import subsets_section
from lcbench.rendering.explorer.thumbnails import (
    ImagePictures,
    make_thumbnails,
    no_pictures,
)
from lcbench.rendering.words import baseline_title, node_words, protocol_short
from lcbench.runs.finished import FinishedSuite
from lcbench.runs.suite_images import SuiteImages, read_suite_images
from lcbench.statistics.tree import ClassTree

SECTION = "images"


def image_sections(
    suite: FinishedSuite,
    results: Results,
    suite_folder: Path,
    folder: Path,
    *,
    thumbnails: bool,
) -> tuple[Section, ...]:
    """Return the parts of the page that speak of single images, and write their pictures.

    Parameters
    ----------
    suite
        Its finished runs.
    results
        What was computed of them.
    suite_folder
        Where the runs lie.
    folder
        Of the report: pictures go below it.
    thumbnails
        Whether the page gets small pictures of the images.

    Raises
    ------
    UserError
        If prediction files contradict each other.
    """
    images = read_suite_images(suite_folder, suite)
    protocols = protocol_images(suite, images)
    pictures = (
        make_thumbnails(images, shown_images(images, protocols), suite.plan.root, folder)
        if thumbnails
        else no_pictures(images)
    )
    if thumbnails:
        explained = explained_pictures(suite_folder, results, folder)
        pictures = replace(pictures, explanations=explained)
    of_curves = curves_section(results, suite.taxonomy, protocols)
    return (
        images_section(suite, results, images, protocols, pictures),
        pairs_section(results, suite.protocols),
        *([] if of_curves is None else [of_curves]),
        subsets_section(results, suite.taxonomy, protocols),
        notes_section(results),
    )


def protocol_images(suite: FinishedSuite, images: SuiteImages) -> tuple[ProtocolImages, ...]:
    """Return the predictions of every protocol as numbers.

    Raises
    ------
    UserError
        If prediction files contradict each other.
    """
    return tuple(
        ProtocolImages(
            number, protocol, compared_predictions(suite, protocol), images.of(protocol), images
        )
        for number, protocol in enumerate(suite.protocols)
    )


def shown_images(images: SuiteImages, protocols: Sequence[ProtocolImages]) -> NDArray[np.bool_]:
    """Return (images,) which the page can show: those that were tested, and their nearest ones."""
    shown = np.zeros(len(images.table), bool)
    for one in protocols:
        shown[one.image_of_row] = True
        nearest, _ = one.nearest()
        shown[nearest[nearest != UNKNOWN]] = True
    return shown


def images_section(
    suite: FinishedSuite,
    results: Results,
    images: SuiteImages,
    protocols: Sequence[ProtocolImages],
    pictures: ImagePictures,
) -> Section:
    """Return the section with confusion matrices, the images behind their cells, and all data.

    Parameters
    ----------
    suite
        Its finished runs.
    results
        What was computed of them.
    images
        All images of the suite.
    protocols
        The predictions of each protocol, see `protocol_images`.
    pictures
        What lies beside the page.
    """
    tree = ClassTree.of(suite.taxonomy)
    arrays = {**image_columns(images, tree), "pictures": pictures.thumbnails.astype(np.uint8)}
    for one in protocols:
        arrays |= dict(one.arrays(tree))
    html = render_html(
        "explorer-images.html.j2",
        leaks=[leak_words(one) for one in protocols],
        said=pictures.said,
    )
    data: JsonValue = {
        "reference": results.reference,
        "leaves": [node_words(leaf) for leaf in tree.leaves],
        "nodes": [node_words(node) for node in tree.nodes],
        "levels": level_data(suite.taxonomy),
        "protocols": [
            one.data([baseline_title(results, name) for name in one.aligned.names])
            for one in protocols
        ],
        "explanations": _explanations(images, pictures),
    }
    return Section(SECTION, "Confusions and their images", html, data, arrays)


def leak_words(one: ProtocolImages) -> str:
    """Return of how many test images the nearest training image shows the same tissue."""
    title = protocol_short(one.name)
    known = [split.nearest for split in one.splits if split.nearest]
    if not known:
        return f"{title}: the nearest training images were not recorded by this run."
    groups = one.images.table["group"].to_numpy()
    tested = np.concatenate([groups[found.test] for found in known])
    nearest = np.concatenate([groups[found.nearest] for found in known])
    told = (tested != "") & (nearest != "")
    same = int((told & (tested == nearest)).sum())
    splits = formats.plural(len(known), "split")
    if not told.any():
        return f"{title}: source groups are unknown, and with them which images are copies."
    return (
        f"{title}: the nearest training image is of the same source group for {same:,} of "
        f"{int(told.sum()):,} test images ({splits}; by the cosine of embeddings of "
        f"{known[0].backbone.name})."
    )


def _explanations(images: SuiteImages, pictures: ImagePictures) -> JsonValue:
    """Return the pictures of explanations by the row of their image."""
    rows = images.table.reset_index().set_index("image")["index"]
    return {
        str(rows[name]): [
            {"file": one.file, "title": one.title, "note": one.note} for one in explained
        ]
        for name, explained in pictures.explanations.items()
        if name in rows.index
    }
