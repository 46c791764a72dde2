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
        Sets of given groups that pixels prove to show the same tissue.
    apart
        Images that pixels do not join with most of their given group.
    """

    by_pixels: Dataset
    joined: tuple[tuple[str, ...], ...]
    apart: tuple[str, ...]

    def __str__(self) -> str:
        if not self.joined and not self.apart:
            return "pixels agree with the source groups given"
        parts = []
        if self.joined:
            examples = "; ".join(" and ".join(names) for names in self.joined[:_NAMED])
            count = sum(map(len, self.joined))
            parts.append(
                f"pixels join {count:,} groups that are given as different into "
                f"{len(self.joined):,} ({examples}{'; ...' if len(self.joined) > _NAMED else ''})"
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
    by_pixels = _group_by_pixels(dataset)
    if not dataset.groups_known:
        return by_pixels, None
    check = PixelCheck(
        by_pixels=by_pixels,
        joined=tuple(_joined(dataset.manifest["group"], by_pixels.manifest["group"])),
        apart=tuple(_apart(dataset.manifest, by_pixels.manifest["group"])),
    )
    return _fill(dataset, by_pixels), check


def _group_by_pixels(dataset: Dataset) -> Dataset:
    from lcbench.leakage.sources import ImageFiles, find_sources

    manifest = dataset.manifest
    paths = tuple(dataset.path(image) for image in manifest["image"])
    sources = find_sources([ImageFiles(paths, tuple(manifest["sha256"]))])
    first = manifest["image"].to_numpy()[sources.groups]
    return replace(
        dataset,
        manifest=manifest.assign(group=first),
        groups_source=(
            f"pixels ({len(sources.copies):,} exact copies, {len(sources.links):,} registered "
            "pairs)"
        ),
    )


def _joined(given: pd.Series, pixels: pd.Series) -> list[tuple[str, ...]]:
    """Return the sets of named groups of which pixels make one."""
    named = ~given.str.startswith(ALONE)
    sets = (tuple(sorted(set(part))) for _, part in given[named].groupby(pixels[named]))
    return sorted(names for names in sets if len(names) > 1)


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
