"""The table of a dataset's images: one row an image, each decoded once."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pandas as pd

from lcbench.console import Advance, no_progress, warn
from lcbench.datasets.images import SUFFIXES, UnreadableImageError, decode_rgb, read_image
from lcbench.datasets.labels import LEAVE_OUT, MAP_HELP, LabelReader
from lcbench.datasets.patterns import ImagePattern, label_pattern_for, require_found
from lcbench.errors import UserError, at_places
from lcbench.storage.hashes import content_hash
from lcbench.tables import read_text_table

COLUMNS = ("image", "label", "group", "sha256", "width", "height", "mode", "problem")
_SHOWN = 3


@dataclass(frozen=True)
class Listing:
    """Images found and labelled, not yet decoded.

    Parameters
    ----------
    root
        The folder that image paths are relative to.
    rows
        image (POSIX path relative to the root), given (the label as found), label (the node),
        group; sorted by image. Unknown labels and those to leave out are not among them.
    unknown_rows
        The same of images whose label stands for no class; their label is empty.
    left_out
        Images by label that the map leaves out.
    """

    root: Path
    rows: pd.DataFrame
    unknown_rows: pd.DataFrame
    left_out: dict[str, int]

    @property
    def unknown(self) -> dict[str, int]:
        """Images by label that stands for no class."""
        return _counted(self.unknown_rows)


def list_images(
    source: Path,
    reader: LabelReader,
    pattern: ImagePattern | None = None,
    *,
    unlabelled: bool = False,
) -> Listing:
    """List a folder with class subfolders, or a CSV with image, label and optional group.

    Parameters
    ----------
    source
        The folder or CSV.
    reader
        Reads the labels.
    pattern
        Finds the label in the path of an image, instead of in folders or the column label.
    unlabelled
        Whether to look for no labels: every image is then one of unknown label, which is empty.

    Raises
    ------
    UserError
        If `source` does not exist, cannot be read, or holds no image; if the pattern finds nothing.
    """
    labels = _Labels(reader, pattern, unlabelled)
    with at_places(source):
        listing = _list(source, labels)
    if listing.rows.empty and listing.unknown_rows.empty and not listing.left_out:
        raise UserError(
            f"{source}: no images found",
            f"Expected class subfolders with files ending in {', '.join(sorted(SUFFIXES))}.",
        )
    return listing


@dataclass(frozen=True)
class _Labels:
    """Where the label of an image is found."""

    reader: LabelReader
    pattern: ImagePattern | None
    unlabelled: bool

    @property
    def stand_beside(self) -> bool:
        """Whether they are those of folders or of a column."""
        return self.pattern is None and not self.unlabelled

    def of(self, image: str, written: str | None) -> tuple[str, str | None]:
        """Return the label of an image, and what it stands for.

        `written` is what a column says; None where the folders above the image say it.
        """
        if self.unlabelled:
            return "", None
        if self.pattern is not None:
            label = self.pattern.find(image)
            return label, self.reader.read(label)
        if written is None:
            return self.reader.read_path(PurePosixPath(image).parts[:-1])
        return written, self.reader.read(written)

    def require_found(self, images: Sequence[str]) -> None:
        """Raise a UserError if the pattern finds nothing in any image."""
        if self.pattern is not None and images:
            example = label_pattern_for(images, self.reader.read)
            remedy = f"Perhaps: {self.pattern.option} '{example}'" if example else ""
            require_found(self.pattern, sorted(images), remedy)


def _list(source: Path, labels: _Labels) -> Listing:
    if source.is_dir():
        return _list_folder(source, labels)
    if source.suffix.lower() == ".csv" and source.is_file():
        return _list_csv(source, labels)
    if source.exists():
        raise UserError(f"{source}: neither a folder nor a .csv file")
    raise UserError(f"{source}: no such file or folder", "Check the path.")


def require_known_labels(source: Path, listing: Listing, reader: LabelReader) -> None:
    """Raise a UserError if any image carries a label that stands for no class."""
    if not listing.unknown:
        return
    seen = "\n".join(
        f"  {label or '(directly in the folder)'}: {count} images"
        for label, count in sorted(listing.unknown.items())
    )
    raise UserError(
        f"{source}: unknown class names:\n{seen}",
        f"Classes: {', '.join(reader.taxonomy.nodes)} (and common aliases).\n{MAP_HELP}",
    )


def decode_all(listing: Listing, advance: Advance = no_progress) -> pd.DataFrame:
    """Decode every listed image once, in parallel.

    Returns
    -------
    pandas.DataFrame
        The manifest, with `COLUMNS`; `problem` says why an image does not decode.
    """
    facts = decode_listed(listing.root, list(listing.rows["image"]), advance)
    _warn_of_several_rules(facts)
    manifest = pd.concat([listing.rows.reset_index(drop=True), facts], axis=1)
    return manifest[list(COLUMNS)]


def grey_rules(manifest: pd.DataFrame) -> dict[str, int]:
    """Return by which rules grey values became 8 bits, and of how many images."""
    modes = manifest["mode"][manifest["mode"].str.contains(", ", regex=False)]
    return {str(rule): int(count) for rule, count in modes.value_counts().items()}


def _warn_of_several_rules(facts: pd.DataFrame) -> None:
    """Say that brightness can differ for no reason of the tissue's."""
    rules = grey_rules(facts)
    if len(rules) < 2:
        return
    shown = "; ".join(f"{rule}: {count:,} images" for rule, count in list(rules.items())[:_SHOWN])
    more = f"; and {len(rules) - _SHOWN} more" if len(rules) > _SHOWN else ""
    warn(
        f"grey values become 8 bits by {len(rules)} rules ({shown}{more}): brightness can differ "
        "for that reason alone; save the images with one depth and window"
    )


def manifest_hash(manifest: pd.DataFrame) -> str:
    """Return a hash of the images' contents, names, labels and order."""
    return content_hash(
        *(
            f"{row.image}\t{row.label}\t{row.sha256}"
            for row in manifest[["image", "label", "sha256"]].itertuples()
        )
    )


def image_files(root: Path) -> Iterator[Path]:
    """Yield the image files below a folder, relative to it.

    Links are followed once, hidden names are passed over.

    Raises
    ------
    UserError
        If a name is no valid text.
    """
    for path in _walk(root):
        relative = path.relative_to(root)
        _require_text(relative)
        yield relative


def decode_listed(
    root: Path, images: Sequence[str], advance: Advance = no_progress
) -> pd.DataFrame:
    """Decode image files once, in parallel.

    Returns
    -------
    pandas.DataFrame
        sha256, width, height, mode, problem of each image; `problem` says why one does not decode.
    """
    found = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for examined in pool.map(_examine, [root / image for image in images]):
            found.append(examined)
            advance(1)
    return pd.DataFrame(found, columns=["sha256", "width", "height", "mode", "problem"])


def _list_folder(root: Path, labels: _Labels) -> Listing:
    images = [relative.as_posix() for relative in image_files(root)]
    labels.require_found(images)
    return _listing(root, [(image, *labels.of(image, None), "") for image in images])


def _require_text(path: Path) -> None:
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        raise UserError(
            f"{path}: the name is not valid UTF-8", "Rename the file or folder."
        ) from error


def read_image_table(file: Path, needed: Sequence[str], remedy: str) -> pd.DataFrame:
    """Read a CSV of images: one row an image, paths relative to the file's folder.

    Parameters
    ----------
    file
        The CSV.
    needed
        Columns that it must have, image among them.
    remedy
        What to do where one is missing.

    Raises
    ------
    UserError
        If it cannot be read, lacks a column, or lists an image twice.
    """
    table = read_text_table(file)
    missing = set(needed) - set(table.columns)
    if missing:
        raise UserError(f"{file}: missing columns: {', '.join(sorted(missing))}", remedy)
    images = table["image"].map(lambda image: Path(image).as_posix())  # ./a.png is a.png
    repeated = images[images.duplicated()]
    if not repeated.empty:
        raise UserError(f"{file}: {len(repeated)} images are listed twice, e.g. {repeated.iloc[0]}")
    return table.assign(image=images)


def _list_csv(file: Path, labels: _Labels) -> Listing:
    remedy = "It needs the columns image and label, and may have group."
    needed = ("image", "label") if labels.stand_beside else ("image",)
    table = read_image_table(file, needed, remedy)
    images = table["image"]
    labels.require_found(list(images))
    empty = pd.Series("", index=table.index)
    columns = (images, table.get("label", empty), table.get("group", empty))
    records = [
        (image, *labels.of(image, label), group)
        for image, label, group in zip(*columns, strict=True)
    ]
    return _listing(file.parent, records)


def _listing(root: Path, records: Iterable[tuple[str, str, str | None, str]]) -> Listing:
    columns = ["image", "given", "label", "group"]
    found = pd.DataFrame(sorted(records), columns=columns, dtype=object)
    known, left_out = found["label"].notna(), found["label"] == LEAVE_OUT
    rows, unknown = found[known & ~left_out], found[~known].fillna("")
    return Listing(
        root,
        rows.reset_index(drop=True),
        unknown.reset_index(drop=True),
        _counted(found[left_out]),
    )


def _counted(rows: pd.DataFrame) -> dict[str, int]:
    return {str(label): int(count) for label, count in rows["given"].value_counts().items()}


def _walk(root: Path) -> Iterable[Path]:
    seen: set[str] = set()

    def refuse(error: OSError) -> None:
        raise error

    for folder, subfolders, files in os.walk(root, followlinks=True, onerror=refuse):
        real = os.path.realpath(folder)
        if real in seen:
            subfolders.clear()
            continue
        seen.add(real)
        subfolders[:] = sorted(
            name for name in subfolders if not name.startswith(".") and name != "__MACOSX"
        )
        for name in files:
            if not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES:
                yield Path(folder) / name


def _examine(path: Path) -> tuple[str, int, int, str, str]:
    try:
        data = read_image(path)
    except OSError as error:
        return "", 0, 0, "", error.strerror or str(error)
    except UnreadableImageError as error:
        return "", 0, 0, "", str(error)
    digest = hashlib.sha256(data).hexdigest()
    try:
        image, mode = decode_rgb(data)
    except UnreadableImageError as error:
        return digest, 0, 0, "", str(error)
    return digest, image.width, image.height, mode, ""
