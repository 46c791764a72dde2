"""Source groups of a dataset: found from its pixels, or checked by them where they are given."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from lcbench.datasets.dataset import Dataset
from lcbench.datasets.groups import ALONE

_NAMED = 3


@dataclass(frozen=True)
class PixelCheck:
    """Where pixels disagree with given source groups.

    Parameters
    ----------
    by_pixels
        The dataset with groups from pixels instead of the given ones.
    joined
        Given groups that pixels prove to show the same tissue, each two of them once.
    apart
        Images that pixels do not join with most of their given group.
    """

    by_pixels: Dataset
    joined: tuple[tuple[str, str], ...]
    apart: tuple[str, ...]

    def __str__(self) -> str:
        if not self.joined and not self.apart:
            return "pixels agree with the source groups given"
        parts = []
        if self.joined:
            examples = "; ".join(f"{a} and {b}" for a, b in self.joined[:_NAMED])
            parts.append(
                f"pixels join {len(self.joined):,} pairs of groups that are given as different "
                f"({examples}{'; ...' if len(self.joined) > _NAMED else ''})"
            )
        if self.apart:
            parts.append(
                f"{len(self.apart):,} images could not be registered with the rest of their group "
                f"(e.g. {self.apart[0]})"
            )
        return "; ".join(parts) + ". 'lcbench audit --groups' shows the pairs."


def know_sources(dataset: Dataset, *, needed: bool) -> tuple[Dataset, PixelCheck | None]:
    """Return a dataset whose source groups are known as well as pixels tell.

    Without groups, they are found from pixels if they are needed. Given groups are kept; images
    that they do not name are grouped by pixels, and the rest is compared.

    Parameters
    ----------
    dataset
        With or without groups.
    needed
        Whether a protocol needs groups.
    """
    if not dataset.groups_known and not needed:
        return dataset, None
    by_pixels, pairs = _group_by_pixels(dataset)
    if not dataset.groups_known:
        return by_pixels, None
    given = dataset.manifest["group"]
    check = PixelCheck(
        by_pixels=by_pixels,
        joined=tuple(_joined(given, pairs)),
        apart=tuple(_apart(dataset.manifest, by_pixels.manifest["group"])),
    )
    return _fill(dataset, by_pixels), check


def _group_by_pixels(dataset: Dataset) -> tuple[Dataset, list[tuple[int, int]]]:
    """Return the dataset with groups from pixels, and the pairs of rows that prove them."""
    from lcbench.leakage.sources import ImageFiles, find_sources

    manifest = dataset.manifest
    paths = tuple(dataset.path(image) for image in manifest["image"])
    sources = find_sources([ImageFiles(paths, tuple(manifest["sha256"]))])
    first = manifest["image"].to_numpy()[sources.groups]
    grouped = replace(
        dataset,
        manifest=manifest.assign(group=first),
        groups_source=(
            f"pixels ({len(sources.copies):,} exact copies, {len(sources.links):,} registered "
            "pairs)"
        ),
    )
    pairs = [
        *((copy.first, copy.second) for copy in sources.copies),
        *((link.candidate.first, link.candidate.second) for link in sources.links),
    ]
    return grouped, pairs


def _joined(given: pd.Series, pairs: list[tuple[int, int]]) -> list[tuple[str, str]]:
    groups = given.to_numpy()
    found = {
        (min(groups[a], groups[b]), max(groups[a], groups[b]))
        for a, b in pairs
        if groups[a] != groups[b]
    }
    return sorted(pair for pair in found if not any(name.startswith(ALONE) for name in pair))


def _apart(manifest: pd.DataFrame, pixels: pd.Series) -> list[str]:
    """Return images outside the largest part into which pixels divide their given group."""
    named = ~manifest["group"].str.startswith(ALONE)
    parts = pixels[named].groupby(manifest.loc[named, "group"])
    main = parts.agg(lambda part: part.value_counts().index[0])
    outside = pixels[named] != manifest.loc[named, "group"].map(main)
    return sorted(manifest.loc[named, "image"][outside])


def _fill(dataset: Dataset, by_pixels: Dataset) -> Dataset:
    """Give images without a given group the one that pixels put them in.

    Where that holds images with a given group, it is the most frequent one of these.
    """
    given, pixels = dataset.manifest["group"], by_pixels.manifest["group"]
    unnamed = given.str.startswith(ALONE)
    if not unnamed.any():
        return dataset
    names: dict[str, Counter[str]] = defaultdict(Counter)
    for pixel, name in zip(pixels[~unnamed], given[~unnamed], strict=True):
        names[pixel][name] += 1
    filled = [
        sorted(names[pixel].items(), key=lambda item: (-item[1], item[0]))[0][0]
        if pixel in names
        else f"pixels:{pixel}"
        for pixel in pixels
    ]
    return replace(
        dataset,
        manifest=dataset.manifest.assign(group=np.where(unnamed, filled, given)),
        groups_source=(
            f"{dataset.groups_source} and, for {int(unnamed.sum()):,} images that it does not "
            "name, from pixels"
        ),
    )
