"""A dataset ready for use: a checked manifest with its origin."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import pandas as pd

from lcbench.caching.entries import open_entry
from lcbench.caching.place import cache_folder
from lcbench.console import progress, warn
from lcbench.datasets.canonical.groups import CanonicalGroups
from lcbench.datasets.groups import match_images, read_groups, unnamed_words
from lcbench.datasets.images import ImageFile
from lcbench.datasets.labels import LEAVE_OUT, OUT_OF_DISTRIBUTION, LabelReader
from lcbench.datasets.listing import (
    Listing,
    decode_all,
    grey_rules,
    list_images,
    manifest_hash,
    require_known_labels,
)
from lcbench.errors import UserError
from lcbench.storage.hashes import content_hash
from lcbench.taxonomy import ROOT, Taxonomy

OnBad = Literal["stop", "skip"]
DEMO = "demo"
_SHOWN = 10


@dataclass(frozen=True)
class Drawn:
    """That images were drawn, in whole source groups, and from what.

    `asked`: how many images were asked for; `images`, `source_groups`: how many there were, the
    latter None where groups are unknown.
    """

    asked: int
    images: int
    source_groups: int | None

    def __str__(self) -> str:
        if self.source_groups is None:
            return f"drawn at random from {self.images:,}, each class with its share"
        return (
            f"drawn at random from {self.images:,} in whole source groups "
            f"({self.source_groups:,}), each class with its share"
        )


@dataclass(frozen=True)
class Dataset:
    """Images with labels.

    Parameters
    ----------
    name
        Name of the folder or file, or of the demonstration set.
    root
        The folder that image paths are relative to.
    manifest
        One row an image, sorted by image, all readable; see `lcbench.datasets.listing`.
    groups_source
        Where source groups come from, in words; empty where they are unknown.
    skipped
        "file: reason" of each image that was left out because it cannot be read.
    synthetic
        Whether the images were drawn by code.
    sha256
        Hash of the images' contents, names and labels.
    groups_certain
        Whether nothing can be learned about source groups from pixels: they were drawn.
    unknown_source
        Images that a groups file does not name: each counts as a group of its own.
    drawn
        From what the images were drawn; None if they are all there are.
    canonical
        The canonical source groups that the images are in; None where they come from elsewhere.
    tiling
        By which rule the images are tiles of others, in words; empty where they are whole.
    """

    name: str
    root: Path
    manifest: pd.DataFrame
    groups_source: str
    skipped: tuple[str, ...]
    synthetic: bool
    sha256: str
    groups_certain: bool = False
    unknown_source: frozenset[str] = frozenset()
    drawn: Drawn | None = None
    canonical: CanonicalGroups | None = None
    tiling: str = ""

    @property
    def groups_known(self) -> bool:
        """Whether every image has a source group."""
        return bool(self.groups_source)

    @cached_property
    def groups_sha256(self) -> str:
        """Hash of the source group of each image; empty where they are unknown."""
        return content_hash(*self.manifest["group"]) if self.groups_known else ""

    @property
    def groups_words(self) -> str:
        """Where source groups come from, and which images have none."""
        return self.groups_source + unnamed_words(self.manifest["label"][~self.source_known])

    @property
    def source_known(self) -> pd.Series:
        """(images,) whether an image's group says where it comes from."""
        return ~self.manifest["image"].isin(self.unknown_source)

    @property
    def decoding(self) -> tuple[str, ...]:
        """The rules by which grey values became 8 bits; empty where all images had 8 bits."""
        return tuple(sorted(grey_rules(self.manifest)))

    def path(self, image: str) -> Path:
        """Return where an image of the manifest lies."""
        return self.root / image

    def files(self) -> list[ImageFile]:
        """Return where each image lies, and the hash of the bytes that were read."""
        rows = zip(self.manifest["image"], self.manifest["sha256"], strict=True)
        return [ImageFile(self.path(image), sha256) for image, sha256 in rows]


def load_dataset(
    data: str, reader: LabelReader, groups: Path | None = None, on_bad: OnBad = "stop"
) -> Dataset:
    """Scan training data: a folder, a CSV, or `demo`.

    Raises
    ------
    UserError
        If nothing is there, a class name is unknown, a class has no image, an image cannot be
        read and `on_bad` is "stop", or the groups file does not fit.
    """
    synthetic = data == DEMO
    source = demo_folder(reader) if synthetic else Path(data)
    listing = list_images(source, reader)
    require_known_labels(source, listing, reader)
    require_classes(source, listing)
    require_every_leaf(source, listing.rows, reader.taxonomy)
    with progress("Reading images", len(listing.rows)) as advance:
        manifest = decode_all(listing, advance)
    manifest, skipped = drop_unreadable(source, manifest, on_bad)
    require_every_leaf(source, manifest, reader.taxonomy)
    drawn = synthetic and groups is None
    if drawn:
        manifest, _, unknown = _with_groups(manifest, source / "groups.csv")
        groups_source = "the source tiles that it was drawn from"
    else:
        manifest, groups_source, unknown = _with_groups(manifest, groups)
    return Dataset(
        name=DEMO if synthetic else source.resolve().name,
        root=listing.root,
        manifest=manifest,
        groups_source=groups_source,
        skipped=skipped,
        synthetic=synthetic,
        sha256=manifest_hash(manifest),
        groups_certain=drawn,
        unknown_source=unknown,
    )


def require_classes(source: Path, listing: Listing) -> None:
    """Raise a UserError if the label map calls images to train on out of distribution."""
    outside = sorted(set(listing.rows["given"][listing.rows["label"] == ROOT]))
    if outside:
        raise UserError(
            f"{source}: the label map calls {', '.join(outside)} {OUT_OF_DISTRIBUTION}: there "
            "is no class to train or test such images on",
            f'Say "{LEAVE_OUT}" here; lcbench evaluate predicts them.',
        )


def drop_unreadable(
    source: Path, manifest: pd.DataFrame, on_bad: OnBad
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return the readable rows, and "file: reason" of the others, which are also printed.

    Raises
    ------
    UserError
        If there are unreadable images and `on_bad` is "stop".
    """
    bad = manifest[manifest["problem"] != ""]
    skipped = tuple(f"{row.image}: {row.problem}" for row in bad.itertuples())
    if not skipped:
        return manifest, ()
    shown = "\n".join(f"  {line}" for line in skipped[:_SHOWN])
    if len(skipped) > _SHOWN:
        shown += f"\n  and {len(skipped) - _SHOWN} more"
    message = f"{source}: {len(skipped)} of {len(manifest)} images cannot be read:\n{shown}"
    if on_bad == "stop":
        raise UserError(message, "Mend or remove them, or leave them out with --on-bad skip.")
    warn(message)
    return manifest[manifest["problem"] == ""].reset_index(drop=True), skipped


def require_every_leaf(source: Path, images: pd.DataFrame, taxonomy: Taxonomy) -> None:
    """Raise a UserError if a leaf of the class tree has no image.

    `images` has the column label; where it has given, the labels as found, the message shows them.
    """
    found = set(images["label"])
    missing = [leaf for leaf in taxonomy.leaves if leaf not in found]
    if missing:
        seen = ", ".join(sorted(set(images.get("given", images["label"])))) or "none"
        raise UserError(
            f"{source}: no images of {', '.join(missing)}",
            f"Class names seen: {seen}. Training needs images of every class: map a name to it "
            "(--labels MAP.toml), or take a class tree without it (--taxonomy FILE).",
        )


def demo_folder(reader: LabelReader) -> Path:
    """Return the folder of the demonstration set of a class tree, drawing it at first use.

    It holds the drawn classes whose names the reader knows.

    Raises
    ------
    UserError
        If a leaf of the tree cannot be drawn.
    """
    from lcbench.datasets.demo import COPIES, DEMO_VERSION, LUNG, TILES, create_demo

    classes = drawn_classes(reader)

    def build(folder: Path) -> dict[str, str]:
        count = len(classes) * TILES * COPIES
        with progress("Drawing the demonstration set", count) as advance:
            create_demo(folder, classes=classes, advance=advance)
        return {}

    name = f"demo-{DEMO_VERSION}"
    key: tuple[str, ...] = ("demonstration set", DEMO_VERSION)
    if classes != LUNG:
        name, key = "_".join((name, *classes)), (*key, *classes)
    return open_entry(cache_folder() / name, key, build).folder


def drawn_classes(reader: LabelReader) -> tuple[str, ...]:
    """Return the classes of the demonstration set that a reader knows.

    Raises
    ------
    UserError
        If a leaf of the tree cannot be drawn.
    """
    from lcbench.datasets.demo import DRAWN

    known = {name: node for name in DRAWN if (node := reader.read(name)) is not None}
    missing = [leaf for leaf in reader.taxonomy.leaves if leaf not in known.values()]
    if missing:
        raise UserError(
            f"the demonstration set has no images of {', '.join(missing)}, "
            f"classes of taxonomy {reader.taxonomy.name!r}",
            f"It can draw {', '.join(DRAWN)}: give these names to classes as aliases in the "
            "tree's file or in a --labels map, choose a tree of `lcbench list taxonomies`, or "
            "use images of your own.",
        )
    return tuple(known)


def _with_groups(
    manifest: pd.DataFrame, groups: Path | None
) -> tuple[pd.DataFrame, str, frozenset[str]]:
    """Return the manifest with groups, where they come from, and the images of unknown source."""
    if groups is not None:
        found = match_images([manifest["image"]], read_groups(groups), groups.name)
        source = f"{groups.name} ({int(found.notna().sum()):,} images)"
        unknown = frozenset(manifest["image"][found.isna()])
        return manifest.assign(group=found.fillna("alone:" + manifest["image"])), source, unknown
    empty = manifest["group"] == ""
    if empty.all():
        return manifest, "", frozenset()
    if empty.any():
        first = manifest.loc[empty, "image"].iloc[0]
        raise UserError(
            f"{int(empty.sum())} images have an empty group, e.g. {first}",
            "Fill the group column, remove it, or give the groups with --groups CSV.",
        )
    return manifest, "the group column of the data's CSV", frozenset()
