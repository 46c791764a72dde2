"""The gallery's pictures beside the page, for explanations that hold for the runs as they are."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, RootModel, ValidationError

from lcbench.analysis.results import Results
from lcbench.console import warn
from lcbench.documents import read_json
from lcbench.errors import UserError
from lcbench.rendering.explorer.thumbnails import Explained
from lcbench.rendering.places import GALLERY, GALLERY_INDEX, IMAGES
from lcbench.runs.store import EXPLANATIONS
from lcbench.storage.paths import inside


class _Picture(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    image: str
    key: str
    file: str
    title: str
    note: str


class _Index(RootModel[tuple[_Picture, ...]]):
    pass


def explained_pictures(
    suite_folder: Path, results: Results, folder: Path
) -> dict[str, Sequence[Explained]]:
    """Copy the pictures of a suite's gallery beside the page; return them by image name.

    Parameters
    ----------
    suite_folder
        Where the runs lie, and their gallery.
    results
        With the explanations that are still those of the runs.
    folder
        Of the report.
    """
    gallery = suite_folder / EXPLANATIONS / GALLERY
    current = {one.record.key for one in results.explanations or ()}
    if not current or not (gallery / GALLERY_INDEX).is_file():
        return {}
    found: dict[str, list[Explained]] = {}
    (folder / IMAGES).mkdir(parents=True, exist_ok=True)
    try:
        index = _Index.model_validate(read_json(gallery / GALLERY_INDEX)).root
        for number, one in enumerate(index):
            if one.key in current:
                file = f"{IMAGES}/0-{number}.jpg"
                shutil.copyfile(inside(gallery, one.file), folder / file)
                found.setdefault(one.image, []).append(Explained(file, one.title, one.note))
    except (UserError, ValidationError, OSError) as error:
        warn(f"{gallery}: not shown on the page: {error}; lcbench explain writes it again")
        return {}
    return dict(found)
