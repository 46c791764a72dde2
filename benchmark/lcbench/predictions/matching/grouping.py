"""Whose source groups a comparison uses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from lcbench.errors import UserError
from lcbench.predictions.reading.findings import clipped, counted
from lcbench.predictions.reading.images import base_names, image_name
from lcbench.predictions.reading.raw import Text


@dataclass(frozen=True)
class Candidate:
    """What one model says of the matched rows.

    Parameters
    ----------
    model
        Its name.
    images
        (rows,) the image names of its file.
    groups
        (rows,) its groups; empty where unknown.
    """

    model: str
    images: Text
    groups: Text


def choose_groups(candidates: Sequence[Candidate]) -> tuple[Text, tuple[str, ...]]:
    """Return the groups of the model that knows most, and what a reader should know.

    The first model that has a group for every row is taken, else the first that has some.
    """
    known = [one for one in candidates if (one.groups != "").any()]
    if not known:
        return candidates[0].groups, ()
    chosen = next((one for one in known if (one.groups != "").all()), known[0])
    notes = [
        f"{clipped(chosen.model)} and {clipped(other.model)} put the same images into different "
        f"source groups: those of {clipped(chosen.model)} are used"
        for other in known
        if not _same_partition(chosen.groups, other.groups)
    ]
    missing = _images_without(chosen.groups, chosen.images)
    if missing:
        notes.append(
            f"source groups are those of {clipped(chosen.model)}, where "
            f"{counted(missing, 'matched image')} of {len(set(chosen.images)):,} "
            f"{'has' if missing == 1 else 'have'} none"
        )
    return chosen.groups, tuple(notes)


def given_groups(
    candidates: Sequence[Candidate], groups: Mapping[str, str]
) -> tuple[Text, tuple[str, ...]]:
    """Return the groups that the user gave by image name, and what a reader should know.

    Raises
    ------
    UserError
        If none of the images is named.
    """
    lookup = {image_name(image): group for image, group in groups.items()}
    found = _look_up([one.images for one in candidates], lookup)
    notes: tuple[str, ...] = ()
    images = candidates[0].images
    if not (found != "").any():
        short = _by_base_name(lookup)
        if short and len(set(base_names(set(images)))) == len(set(images)):
            found = _look_up([base_names(images)], short)
            notes = ("source groups are found by the last part of the image names",)
    if not (found != "").any():
        raise UserError(
            f"the source groups that were given name none of the {len(set(images)):,} matched "
            "images",
            f"They name e.g. {clipped(next(iter(lookup), '(nothing)'))}; the predictions name "
            f"e.g. {clipped(images[0])}.",
        )
    missing = _images_without(found, images)
    if missing:
        notes += (
            f"{counted(missing, 'matched image')} of {len(set(images)):,} "
            f"{'is' if missing == 1 else 'are'} not in the source groups that were given",
        )
    return found, notes


def _look_up(images: Sequence[Text], lookup: Mapping[str, str]) -> Text:
    """Return the group of the first of the names of each row that is known."""
    found = np.full(len(images[0]), "", dtype=object)
    for names in images:
        here = np.array([lookup.get(name, "") for name in names], dtype=object)
        found = np.where(found == "", here, found)
    return found


def _by_base_name(lookup: Mapping[str, str]) -> dict[str, str]:
    short = dict(zip(base_names(lookup), lookup.values(), strict=True))
    return short if len(short) == len(lookup) else {}


def _images_without(groups: Text, images: Text) -> int:
    return len(set(images[groups == ""]))


def _same_partition(one: Text, other: Text) -> bool:
    """Tell whether two sets of groups differ in their names alone, where both are known."""
    both = (one != "") & (other != "")
    pairs = pd.DataFrame({"one": one[both], "other": other[both]}).drop_duplicates()
    return len(pairs) == pairs["one"].nunique() == pairs["other"].nunique()
