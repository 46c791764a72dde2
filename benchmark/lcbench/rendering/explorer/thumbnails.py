"""Small pictures beside the page, from the user's own images: only of what was run on."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lcbench.console import progress, warn
from lcbench.datasets.images import ImageFile, open_again
from lcbench.errors import UserError
from lcbench.features.decoding import ahead
from lcbench.rendering.places import IMAGES
from lcbench.runs.suite_images import SuiteImages

SIDE = 176
"""Longest side of a thumbnail, in pixels: sharp at half that size on a fine screen."""
_QUALITY = 80
_REMEDY = "move the images back, or run lcbench report where they lie in that folder"


@dataclass(frozen=True)
class Explained:
    """A picture of why a model answered as it did, beside the page.

    Parameters
    ----------
    file
        Its path relative to the page; made of letters and numbers of ours, never of user text.
    title
        What it shows: of which model, by which method, for which decision.
    note
        What a reader must know of it, such as that the method failed its check.
    """

    file: str
    title: str
    note: str = ""


@dataclass(frozen=True)
class ImagePictures:
    """The pictures that lie beside the page.

    Parameters
    ----------
    thumbnails
        (images,) whether `thumbnail_file` of an image is there.
    said
        Why some or all are not, in a line; empty where every picture is there, or nobody wanted
        any.
    explanations
        Pictures by image name. This is the one place where they are handed in: whoever makes them
        writes the files into the `IMAGES` folder of the report, under names of its own, and names
        them here.
    """

    thumbnails: NDArray[np.bool_]
    said: str = ""
    explanations: Mapping[str, Sequence[Explained]] = field(default_factory=dict)


def no_pictures(images: SuiteImages, said: str = "") -> ImagePictures:
    """Return that no picture lies beside the page, and why."""
    return ImagePictures(np.zeros(len(images.table), bool), said)


def thumbnail_file(row: int) -> str:
    """Return where the thumbnail of an image lies, by its row: its name is no user's text."""
    return f"{IMAGES}/{row}.jpg"


def make_thumbnails(
    images: SuiteImages, wanted: NDArray[np.bool_], root: str, folder: Path
) -> ImagePictures:
    """Write thumbnails of images that are still what was run on.

    Parameters
    ----------
    images
        All images, with the hashes of the bytes that were decoded.
    wanted
        (images,) those to show.
    root
        The folder that names are relative to, as the runs recorded it; empty where they did not.
    folder
        Of the report.
    """
    if not root or not Path(root).is_dir():
        reason = (
            f"the images' folder {root} is gone; {_REMEDY}"
            if root
            else "the runs name no folder of images"
        )
        return _told(no_pictures(images, f"no pictures of the images: {reason}"))
    rows = np.flatnonzero(wanted)
    names, hashes = images.table["image"].to_numpy(), images.table["sha256"].to_numpy()
    made = np.zeros(len(images.table), bool)
    (folder / IMAGES).mkdir(parents=True, exist_ok=True)
    with progress("Thumbnails", len(rows)) as advance:
        found = ahead(lambda row: _thumbnail(Path(root), names[row], hashes[row]), rows.tolist())
        for row, data in zip(rows.tolist(), found, strict=True):
            if data is not None:
                (folder / thumbnail_file(row)).write_bytes(data)
                made[row] = True
            advance(1)
    lost = len(rows) - int(made.sum())
    said = (
        f"no picture of {lost:,} of {len(rows):,} images: their files in {root} are gone, or are "
        f"not what was run on; {_REMEDY}"
    )
    return _told(ImagePictures(made, said if lost else ""))


def _told(pictures: ImagePictures) -> ImagePictures:
    if pictures.said:
        warn(f"The page has {pictures.said}.")
    return pictures


def _thumbnail(root: Path, name: str, sha256: str) -> bytes | None:
    """Return a JPEG file; None where the image is not what was run on, or nobody knows that."""
    if not sha256:
        return None
    try:
        image = open_again(ImageFile(root / name, sha256))
    except (UserError, ValueError):  # the latter of a name with a zero byte
        return None
    image.thumbnail((SIDE, SIDE), Image.Resampling.BICUBIC)
    image.info.clear()  # a comment would be written again, and with it what it says of a patient
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=_QUALITY)
    return buffer.getvalue()
