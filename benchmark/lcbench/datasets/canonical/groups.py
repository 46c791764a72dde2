"""Canonical source groups: files of this package, and how a data set is recognised as theirs.

A file holds names, groups and fingerprints of images, no pixels. It was written by
`lcbench.datasets.canonical.build` from the groups of an audit.
"""

from __future__ import annotations

import hashlib
import io
import lzma
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lcbench.datasets.canonical.fingerprints import (
    MOST_DIFFERENT,
    differing_bits,
    fingerprints_of,
)
from lcbench.datasets.images import ImageFile

COLUMNS = ("image", "group", "fingerprint")
LC25000_LUNG = "LC25000 lung source groups"
LC25000_LUNG_VERSION = 1
_FILE = Path(__file__).with_name(f"lc25000-lung-v{LC25000_LUNG_VERSION}.csv.xz")


@dataclass(frozen=True)
class CanonicalGroups:
    """A version of the source groups of a data set.

    Parameters
    ----------
    name, version
        What is printed.
    sha256
        Of the table as CSV text: of every image's name, group and fingerprint.
    table
        One row an image, its key (`image_key`) as index: image (as the data set calls it), group
        (the first image of it), fingerprint.
    """

    name: str
    version: int
    sha256: str
    table: pd.DataFrame

    def __str__(self) -> str:
        return f"{self.name} v{self.version}, sha256 {self.sha256[:16]}"


@dataclass(frozen=True)
class Recognition:
    """What a data set has to do with canonical groups.

    Parameters
    ----------
    canonical
        The groups.
    groups
        Of each image; None where the images are not those of the data set, or not only those.
    words
        Where the groups come from; without groups, why they are not used.
    """

    canonical: CanonicalGroups
    groups: tuple[str, ...] | None
    words: str


def recognise(images: Sequence[str], files: Sequence[ImageFile]) -> Recognition | None:
    """Tell whether images are those of a data set with canonical groups.

    Names are compared without folder and suffix, so that another layout or format of the files
    does not count; then every image's fingerprint, so that another size does not.

    Parameters
    ----------
    images
        Their names.
    files
        The files of the images, which are read only where the names agree.

    Returns
    -------
    Recognition or None
        None where no image is called like one of such a data set.

    Raises
    ------
    UserError
        If an image changed since it was hashed.
    """
    canonical = lc25000_lung()
    keys = [image_key(image) for image in images]
    known = np.array([key in canonical.table.index for key in keys], dtype=bool)
    if not known.any():
        return None
    if not known.all():
        others = int((~known).sum())
        return _refused(
            canonical,
            f"{others:,} of {len(images):,} images are none of its images "
            f"(e.g. {images[int(np.argmin(known))]})",
        )
    expected = canonical.table.loc[keys]
    other = _show_something_else(expected, files)
    if other.any():
        return _refused(
            canonical,
            f"{int(other.sum()):,} of {len(images):,} images show something else than its images "
            f"of that name (e.g. {images[int(np.argmax(other))]}): renamed, swapped or edited",
        )
    here, total = len(set(keys)), len(canonical.table)
    extent = f"all {total:,}" if here == total else f"{here:,} of its {total:,}"
    words = f"{canonical} ({extent} images are here, recognised by name and content)"
    return Recognition(canonical, tuple(expected["group"]), words)


def image_key(image: str) -> str:
    """Return what two names of one image share: the file's own name, without suffix and case."""
    return PurePosixPath(image).stem.lower()


@cache
def lc25000_lung() -> CanonicalGroups:
    """Return the source groups of the 15,000 lung images of LC25000."""
    return read_canonical(_FILE.read_bytes(), LC25000_LUNG, LC25000_LUNG_VERSION)


def read_canonical(packed: bytes, name: str, version: int) -> CanonicalGroups:
    """Return the groups of a file's content, which `lcbench.datasets.canonical.build` wrote."""
    text = lzma.decompress(packed)
    table = pd.read_csv(io.BytesIO(text), dtype=str)
    bits = [int(one, 16) for one in table["fingerprint"]]
    keys = table["image"].map(image_key).rename("key")
    return CanonicalGroups(
        name=name,
        version=version,
        sha256=hashlib.sha256(text).hexdigest(),
        table=table.assign(fingerprint=np.array(bits, dtype=np.uint64)).set_index(keys),
    )


def _show_something_else(expected: pd.DataFrame, files: Sequence[ImageFile]) -> NDArray[np.bool_]:
    differing = differing_bits(expected["fingerprint"].to_numpy(), fingerprints_of(files))
    return np.asarray(differing > MOST_DIFFERENT)


def _refused(canonical: CanonicalGroups, reason: str) -> Recognition:
    return Recognition(canonical, None, f"{canonical} not used: {reason}")
