"""A gallery of explained images, for the user's own machine: it shows the user's own images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lcbench.console import progress
from lcbench.datasets.images import ImageFile, open_again
from lcbench.explanations.records import (
    CASES,
    ExplanationRecord,
    StoredExplanation,
    read_explanations,
)
from lcbench.features.decoding import ahead
from lcbench.rendering.explanation_pictures import explained_picture
from lcbench.rendering.explanation_words import sentences, verdict_line
from lcbench.rendering.explorer.document import render_html, source_hash
from lcbench.rendering.places import GALLERY, GALLERY_INDEX, GALLERY_PAGE, check_gallery
from lcbench.rendering.words import node_words
from lcbench.runs.store import EXPLANATIONS
from lcbench.storage.whole import whole_folder, write_json


@dataclass(frozen=True)
class Shown:
    """A picture of the gallery.

    Parameters
    ----------
    key
        Of the explanation, see `lcbench.explanations.records.ExplanationRecord`.
    file
        Below the gallery's folder; made of numbers and names of methods alone.
    title, note
        What it shows, and what came of the method's checks.
    """

    key: str
    file: str
    title: str
    note: str


@dataclass(frozen=True)
class Case:
    """An image of the gallery, with its pictures.

    Parameters
    ----------
    image, group
        Its name and source group.
    said
        What the label says and what the seeds answered.
    confused
        Whether it is a confusion.
    pictures
        One a method.
    """

    image: str
    group: str
    said: str
    confused: bool
    pictures: tuple[Shown, ...]


@dataclass(frozen=True)
class Chapter:
    """One baseline at one decision.

    Parameters
    ----------
    title
        Of both.
    methods
        What came of the checks of each method, in sentences.
    cases
        By source group, those with confusions first.
    """

    title: str
    methods: tuple[tuple[str, ...], ...]
    cases: dict[str, tuple[Case, ...]]


def write_gallery(suite_folder: Path, root: Path, out: Path | None = None) -> Path:
    """Write the gallery of all explanations of a suite, instead of what it was; return its page.

    Parameters
    ----------
    suite_folder, root
        The suite, and the folder of its images.
    out
        Where to; in the suite's folder by default.

    Raises
    ------
    UserError
        If an image is gone, or `out` is a folder of something else.
    """
    place = out or suite_folder / EXPLANATIONS / GALLERY
    check_gallery(place)
    stored = list(read_explanations(suite_folder))
    with whole_folder(place) as folder:
        chapters = []
        index = []
        for number, together in enumerate(_together(stored)):
            chapter = _chapter(number, together, root, folder)
            chapters.append(chapter)
            index += [
                {"image": case.image, **vars(picture)}
                for cases in chapter.cases.values()
                for case in cases
                for picture in case.pictures
            ]
        (folder / GALLERY_PAGE).write_text(_page(suite_folder.name, chapters), encoding="utf-8")
        write_json(folder / GALLERY_INDEX, index)
    return place / GALLERY_PAGE


def _together(stored: Sequence[StoredExplanation]) -> Iterator[list[StoredExplanation]]:
    """Yield the methods of each baseline and decision whose cases are the same."""
    about: dict[object, list[StoredExplanation]] = {}
    for one in stored:
        key = (*one.record.about, one.record.files[CASES].sha256)
        about.setdefault(key, []).append(one)
    yield from about.values()


def _chapter(number: int, stored: Sequence[StoredExplanation], root: Path, folder: Path) -> Chapter:
    record = stored[0].record
    cases = stored[0].cases()
    pictures: dict[int, list[Shown]] = {}
    (folder / str(number)).mkdir()
    for one in stored:
        maps = one.maps()
        title = f"{one.record.title}, {record.baseline}"
        note = verdict_line(one.record.checks)

        draw = partial(_drawn, one.record, cases, maps, root)
        with progress(f"Pictures of {title}", len(maps)) as advance:
            for row, data in zip(maps, ahead(draw, maps), strict=True):
                file = f"{number}/{row}-{one.record.method}.jpg"
                (folder / file).write_bytes(data)
                asked = f"why {node_words(cases['answer'][row])}"
                pictures.setdefault(row, []).append(
                    Shown(one.record.key, file, f"{title}: {asked}", note)
                )
                advance(1)
    between = node_words(" or ".join(record.children))
    return Chapter(
        title=f"{record.baseline} under {record.protocol}: {between}",
        methods=tuple(tuple(sentences(one.record.checks)) for one in stored),
        cases=_by_group(cases, pictures),
    )


def _drawn(
    record: ExplanationRecord,
    cases: pd.DataFrame,
    maps: Mapping[int, NDArray[np.float32]],
    root: Path,
    row: int,
) -> bytes:
    """Return a JPEG file of one case: what the network was shown, and where it looked."""
    image = open_again(ImageFile(root / cases["image"][row], cases["sha256"][row]))
    pixels = record.shown.preprocessing.to_pixels()(image)
    return explained_picture(
        np.ascontiguousarray(pixels.transpose(1, 2, 0)),
        maps[row],
        signed=record.signed,
        legend=f"why {node_words(cases['answer'][row])}",
        verdict=verdict_line(record.checks),
    )


def _by_group(cases: pd.DataFrame, pictures: dict[int, list[Shown]]) -> dict[str, tuple[Case, ...]]:
    """Return the cases of each source group, the group with most confusions first."""
    found: dict[str, list[Case]] = {}
    names = ("image", "group", "true", "right_seeds", "wrong_seeds")
    columns = (cases[name].astype(str).tolist() for name in names)
    told = zip(*columns, cases["confused"].tolist(), strict=True)
    for row, (image, group, label, right, wrong, confused) in enumerate(told):
        if row in pictures:
            said = _said(label, right, wrong)
            shown = Case(image, group, said, bool(confused), tuple(pictures[row]))
            found.setdefault(group or "unknown source", []).append(shown)
    most = sorted(found, key=lambda group: (-sum(one.confused for one in found[group]), group))
    return {group: tuple(found[group]) for group in most}


def _said(label: str, right: str, wrong: str) -> str:
    words = [f"label {node_words(label)}"]
    for seeds, what in ((right, "right"), (wrong, "wrong")):
        if seeds:
            word = "seed" if " " not in seeds else "seeds"
            words.append(f"{what} by {word} {', '.join(seeds.split())}")
    return "; ".join(words)


def _page(suite: str, chapters: Sequence[Chapter]) -> str:
    """Return the page: no script, no network, nothing but the pictures beside it."""
    style = render_html("gallery.css.j2")
    return render_html(
        "gallery.html.j2", suite=suite, chapters=chapters, style=style, policy=source_hash(style)
    )
