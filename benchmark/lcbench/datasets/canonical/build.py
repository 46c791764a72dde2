"""Writes the canonical groups of LC25000's lung images from the groups of audits.

    python -m lcbench.datasets.canonical.build lung_image_sets audit/groups.csv [audit-2/groups.csv]

What any of several audits joins is one group: each join is proven, but the search for candidates
is approximate, and one audit misses a few joins of tiles that overlap by a tenth. Version 1 unites
six: three of all classes with different vocabularies, and one of each class.

The same images and groups give the same bytes. Where groups change, `LC25000_LUNG_VERSION` does.
"""

from __future__ import annotations

import argparse
import lzma
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.cluster.hierarchy import DisjointSet

from lcbench.datasets.canonical.fingerprints import fingerprints_of
from lcbench.datasets.canonical.groups import COLUMNS, LC25000_LUNG_VERSION, image_key
from lcbench.datasets.groups import read_groups
from lcbench.datasets.images import image_now
from lcbench.datasets.listing import image_files
from lcbench.errors import UserError
from lcbench.tables import csv_text


def canonical_table(folder: Path, groups: dict[str, str]) -> pd.DataFrame:
    """Return the table of a folder's images: name, group and fingerprint.

    Parameters
    ----------
    folder
        Of the images.
    groups
        The group of each image, however it is called: its first image stands for it here.

    Raises
    ------
    UserError
        If an image has no group, cannot be read, or shares its own name with another one.
    """
    images = sorted(image.as_posix() for image in image_files(folder))
    without = [image for image in images if image not in groups]
    if without:
        raise UserError(f"{folder}: {len(without)} images have no group, e.g. {without[0]}")
    if len({image_key(image) for image in images}) < len(images):
        raise UserError(f"{folder}: two images have one name")
    found = fingerprints_of([image_now(folder / image) for image in images])
    return table_of(images, [groups[image] for image in images], found)


def table_of(
    images: list[str], groups: list[str], fingerprints: NDArray[np.uint64]
) -> pd.DataFrame:
    """Return the table of images in order, each group called after its first image."""
    first: dict[str, str] = {}
    named = [first.setdefault(group, image) for image, group in zip(images, groups, strict=True)]
    bits = [f"{one:016x}" for one in fingerprints.tolist()]
    return pd.DataFrame(dict(zip(COLUMNS, (images, named, bits), strict=True)))


def united(found: Sequence[dict[str, str]]) -> dict[str, str]:
    """Return the groups that join whatever any of several partitions joins.

    Parameters
    ----------
    found
        The group of each image, which need not be the same images.
    """
    sets: DisjointSet[str | tuple[int, str]] = DisjointSet()
    for number, groups in enumerate(found):
        for image, group in groups.items():
            sets.add(image)
            sets.add((number, group))
            sets.merge(image, (number, group))
    names: dict[str | tuple[int, str], str] = {}
    images = dict.fromkeys(image for groups in found for image in groups)
    return {image: names.setdefault(sets[image], image) for image in images}


def packed(table: pd.DataFrame) -> bytes:
    """Return a table as compressed CSV that says nothing of when it was made."""
    return lzma.compress(csv_text(table).encode(), preset=9)


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the file of the package."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("images", type=Path, help="folder with lung_aca, lung_n and lung_scc")
    parser.add_argument("groups", type=Path, nargs="+", help="CSV with the columns image and group")
    name = f"lc25000-lung-v{LC25000_LUNG_VERSION}.csv.xz"
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name(name))
    words = parser.parse_args(arguments)
    groups = united([read_groups(file) for file in words.groups])
    words.out.write_bytes(packed(canonical_table(words.images, groups)))


if __name__ == "__main__":
    main()
