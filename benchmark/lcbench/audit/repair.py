"""The nearest split that keeps source groups whole."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lcbench.audit.collection import Collection
from lcbench.audit.results import RepairedSide, RepairFacts
from lcbench.errors import UserError


@dataclass(frozen=True)
class Repair:
    """A split in which no source group stands on two sides.

    Parameters
    ----------
    table
        image and side of each image that had a side.
    facts
        What was changed.
    """

    table: pd.DataFrame
    facts: RepairFacts


def repair(collection: Collection, groups: NDArray[np.intp]) -> Repair:
    """Return the nearest split that keeps source groups whole.

    Each group goes to the side that holds most of its images. Then whole groups are moved, one at
    a time, always the one that brings the counts of the classes on all sides nearest to what they
    were (the sum of absolute differences; of equal moves the one that changes the side of fewest
    images), until no move brings them nearer.

    Parameters
    ----------
    collection
        The images, with sides; those without one are left out.
    groups
        (images,) source group of each image.

    Raises
    ------
    UserError
        If no image has a side.
    """
    sided = (collection.images["side"] != "").to_numpy()
    if not sided.any():
        raise UserError(f"{collection.split}: no image has a side", "There is nothing to repair.")
    images = collection.images[sided]
    sides, old = np.unique(images["side"].to_numpy(dtype=str), return_inverse=True)
    labels, label = np.unique(images["label"].to_numpy(dtype=str), return_inverse=True)
    numbers, group = np.unique(groups[sided], return_inverse=True)
    held = _count((group, old), (len(numbers), len(sides)))
    contents = _count((group, label), (len(numbers), len(labels)))
    wanted = _count((old, label), (len(sides), len(labels)))
    home = _place(held, contents, wanted)
    new = home[group]
    return Repair(
        table=pd.DataFrame({"image": images["name"].to_numpy(), "side": sides[new]}),
        facts=RepairFacts(
            images=len(images),
            moved=int((new != old).sum()),
            divided=int(((held > 0).sum(axis=1) > 1).sum()),
            sides=tuple(
                RepairedSide(
                    side=str(side),
                    before=_by_label(images["given"][old == number]),
                    after=_by_label(images["given"][new == number]),
                )
                for number, side in enumerate(sides)
            ),
        ),
    )


def _place(
    held: NDArray[np.int64], contents: NDArray[np.int64], wanted: NDArray[np.int64]
) -> NDArray[np.intp]:
    """Return the side of each group.

    Parameters
    ----------
    held
        (groups, sides) images of each group on each side.
    contents
        (groups, labels) images of each group with each label.
    wanted
        (sides, labels) images that each side had.
    """
    home: NDArray[np.intp] = held.argmax(axis=1)
    counts = np.stack([contents[home == side].sum(axis=0) for side in range(held.shape[1])])
    rows = np.arange(len(home))
    while True:
        surplus = counts - wanted
        leaving = _nearer(surplus[home], -contents)
        entering = _nearer(surplus[None, :, :], contents[:, None, :])
        gain = leaving[:, None] + entering
        gain[rows, home] = 0
        kept = held - held[rows, home][:, None]  # images that are back on their own side
        tied = np.where(gain == gain.max(), kept, np.iinfo(np.int64).min)
        one, side = np.unravel_index(tied.argmax(), gain.shape)
        if gain[one, side] <= 0:
            return home
        counts[home[one]] -= contents[one]
        counts[side] += contents[one]
        home[one] = side


def _nearer(surplus: NDArray[np.int64], change: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return by how much a change brings counts nearer to what they should be."""
    return np.asarray((np.abs(surplus) - np.abs(surplus + change)).sum(axis=-1))


def _count(
    where: tuple[NDArray[np.intp], NDArray[np.intp]], shape: tuple[int, int]
) -> NDArray[np.int64]:
    counts = np.zeros(shape, dtype=np.int64)
    np.add.at(counts, where, 1)
    return counts


def _by_label(given: pd.Series) -> dict[str, int]:
    return {str(label): int(count) for label, count in given.value_counts().sort_index().items()}
