"""The images of an external folder: found, labelled, read, and put into their groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from lcbench.console import progress
from lcbench.datasets.dataset import Dataset, drop_unreadable
from lcbench.datasets.groups import match_images, read_units, unit_column
from lcbench.datasets.labels import LEAVE_OUT, OUT_OF_DISTRIBUTION, LabelReader
from lcbench.datasets.listing import Listing, decode_all, list_images, manifest_hash
from lcbench.datasets.patterns import (
    ImagePattern,
    image_pattern,
    label_pattern_for,
    require_found,
)
from lcbench.errors import UserError
from lcbench.leakage.pixel_groups import PixelCheck, know_sources
from lcbench.tables import read_text_table
from lcbench.taxonomy import ROOT

_SHOWN = 5


@dataclass(frozen=True)
class ExternalImages:
    """The images of an external folder that can be read.

    Parameters
    ----------
    listing
        What was found; the rows of unknown labels are among its rows too.
    dataset
        The readable ones. Their label is a node, or the root of the class tree where it fixes
        nothing; their group is never empty.
    given
        (images,) the labels as they were found.
    unit
        (images,) patients or slides as the user names them; empty where nobody did.
    word
        What the user calls these; empty where nobody did.
    check
        Where pixels disagree with what the user says; None where there is nothing to compare.
    """

    listing: Listing
    dataset: Dataset
    given: pd.Series
    unit: pd.Series
    word: str
    check: PixelCheck | None


@dataclass(frozen=True)
class Grouping:
    """How the user says which images belong together: a file, a pattern, or neither."""

    file: Path | None
    pattern: ImagePattern | None

    @classmethod
    def asked(cls, source: Path, groups: Path | None, group_pattern: str) -> Grouping:
        """Return what the options say; a CSV of images may have a column for it itself."""
        if groups is None and not group_pattern and _has_unit_column(source):
            groups = source
        pattern = image_pattern("--group-pattern", group_pattern) if group_pattern else None
        return cls(groups, pattern)


def list_external(
    source: Path, reader: LabelReader, label_pattern: str, *, unlabelled: bool
) -> Listing:
    """List the images of an external folder; those of unknown labels have the root's name.

    Raises
    ------
    UserError
        If there is none that can be predicted.
    """
    pattern = image_pattern("--label-pattern", label_pattern) if label_pattern else None
    listing = list_images(source, reader, pattern, unlabelled=unlabelled)
    if not unlabelled and listing.rows.empty:
        raise _no_label(source, listing, reader)
    unknown = listing.unknown_rows.assign(label=ROOT)
    rows = pd.concat([listing.rows, unknown]).sort_values("image", ignore_index=True)
    return replace(listing, rows=rows)


def read_external(source: Path, name: str, listing: Listing, grouping: Grouping) -> ExternalImages:
    """Decode the images of a listing once, and find out which of them belong together.

    Raises
    ------
    UserError
        If none can be read, or what says which belong together names none of them.
    """
    with progress("Reading images", len(listing.rows)) as advance:
        manifest = decode_all(listing, advance)
    manifest, skipped = drop_unreadable(source, manifest, "skip")
    if manifest.empty:
        raise UserError(f"{source}: none of its {len(skipped)} images can be read")
    unit, word, origin = _units(source, manifest["image"], grouping)
    named = unit != ""
    group = unit.where(named, "alone:" + manifest["image"]) if word else ""
    dataset = Dataset(
        name=name,
        root=listing.root,
        manifest=manifest.assign(group=group),
        groups_source=origin,
        skipped=skipped,
        synthetic=False,
        sha256=manifest_hash(manifest),
        unknown_source=frozenset(manifest["image"][~named]) if word else frozenset(),
    )
    known, check = know_sources(dataset)
    given = listing.rows.set_index("image")["given"].reindex(manifest["image"])
    return ExternalImages(listing, known, given.reset_index(drop=True), unit, word, check)


def _has_unit_column(source: Path) -> bool:
    if not source.is_file():
        return False
    table = read_text_table(source)
    found = unit_column(table)
    return found is not None and bool((table[found[0]] != "").any())


def _units(source: Path, images: pd.Series, grouping: Grouping) -> tuple[pd.Series, str, str]:
    """Return what the user says each image comes from, the word for it, and who says so."""
    if grouping.file is not None:
        units = read_units(grouping.file)
        root = source.resolve() if source.is_dir() else source.resolve().parent
        spellings = (f"{root.as_posix()}/" + images, f"{root.name}/" + images, images)
        found = match_images(spellings, units.of_images, str(grouping.file)).fillna("")
        return found, units.word, f"{units.word}s of {grouping.file.name}"
    if grouping.pattern is not None:
        pattern = grouping.pattern
        require_found(pattern, list(images))
        word = pattern.name or "group"
        return images.map(pattern.find), word, f"{word}s in the images' paths"
    return pd.Series("", index=images.index), "", ""


def _no_label(source: Path, listing: Listing, reader: LabelReader) -> UserError:
    """Return the error for a folder of which no image can be scored, with what helps there."""
    seen = {*listing.unknown, *listing.left_out} - {""}
    if not seen:
        return _no_folders(source, list(listing.unknown_rows["image"]), reader)
    shown = ", ".join(sorted(seen)[:_SHOWN]) + (", ..." if len(seen) > _SHOWN else "")
    name = min(seen)
    return UserError(
        f"{source}: no image has a class that the models know",
        f"Class names seen: {shown}. Say what they stand for with --labels MAP.toml:\n"
        f'  [labels]\n  "{name}" = "{reader.taxonomy.leaves[0]}"\n'
        f'(or "{LEAVE_OUT}", or "{OUT_OF_DISTRIBUTION}": predicted and not scored). Where the '
        "labels stand in the names of the files, say how with --label-pattern REGEX. To predict "
        "without any label: --unlabelled.",
    )


def _no_folders(source: Path, images: Sequence[str], reader: LabelReader) -> UserError:
    """Return the error for a flat folder, with a pattern that works on the names in it."""
    pattern = label_pattern_for(images, reader.read)
    remedy = (
        "Sort the images into folders of their classes, or give a CSV (image, label). "
        "To predict without any label: --unlabelled."
    )
    if pattern:
        found = sorted({image_pattern("", pattern).find(image) for image in images} - {""})
        unknown = [label for label in found if reader.read(label) is None]
        finds = ", ".join(found[:_SHOWN]) + (", ..." if len(found) > _SHOWN else "")
        more = " and --labels MAP.toml, which says what they stand for" if unknown else ""
        remedy = (
            f"Labels in the names of the files are found with --label-pattern '{pattern}'{more} "
            f"(here: {finds}).\n{remedy}"
        )
    return UserError(
        f"{source}: the images lie directly in the folder, so that no folder's name says what they "
        f"are (such as {images[0]})",
        remedy,
    )
