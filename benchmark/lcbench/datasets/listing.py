"""The table of a dataset's images: one row an image, each decoded once."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from lcbench.console import Advance, no_progress
from lcbench.datasets.images import SUFFIXES, UnreadableImageError, decode_rgb, read_image
from lcbench.datasets.labels import LEAVE_OUT, MAP_HELP, LabelReader
from lcbench.errors import UserError, at_places
from lcbench.storage.hashes import content_hash
from lcbench.tables import read_text_table

COLUMNS = ("image", "label", "group", "sha256", "width", "height", "mode", "problem")


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
    unknown
        Images by label that stands for no class.
    left_out
        Images by label that the map leaves out.
    """

    root: Path
    rows: pd.DataFrame
    unknown: dict[str, int]
    left_out: dict[str, int]


def list_images(source: Path, reader: LabelReader) -> Listing:
    """List a folder with class subfolders, or a CSV with image, label and optional group.

    Raises
    ------
    UserError
        If `source` does not exist, cannot be read, or holds no image.
    """
    with at_places(source):
        listing = _list(source, reader)
    if listing.rows.empty and not listing.unknown and not listing.left_out:
        raise UserError(
            f"{source}: no images found",
            f"Expected class subfolders with files ending in {', '.join(sorted(SUFFIXES))}.",
        )
    return listing


def _list(source: Path, reader: LabelReader) -> Listing:
    if source.is_dir():
        return _list_folder(source, reader)
    if source.suffix.lower() == ".csv" and source.is_file():
        return _list_csv(source, reader)
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
    manifest = pd.concat([listing.rows.reset_index(drop=True), facts], axis=1)
    return manifest[list(COLUMNS)]


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


def _list_folder(root: Path, reader: LabelReader) -> Listing:
    records = []
    for relative in image_files(root):
        given, node = reader.read_path(relative.parts[:-1])
        records.append((relative.as_posix(), given, node, ""))
    return _listing(root, records)


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


def _list_csv(file: Path, reader: LabelReader) -> Listing:
    remedy = "It needs the columns image and label, and may have group."
    table = read_image_table(file, ("image", "label"), remedy)
    images = table["image"]
    groups = table["group"] if "group" in table else pd.Series("", index=table.index)
    records = [
        (image, label, reader.read(label), group)
        for image, label, group in zip(images, table["label"], groups, strict=True)
    ]
    return _listing(file.parent, records)


def _listing(root: Path, records: Iterable[tuple[str, str, str | None, str]]) -> Listing:
    unknown: Counter[str] = Counter()
    left_out: Counter[str] = Counter()
    kept = []
    for record in sorted(records):
        node = record[2]
        if node is None:
            unknown[record[1]] += 1
        elif node == LEAVE_OUT:
            left_out[record[1]] += 1
        else:
            kept.append(record)
    rows = pd.DataFrame(kept, columns=["image", "given", "label", "group"], dtype=object)
    return Listing(root, rows, dict(unknown), dict(left_out))


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
