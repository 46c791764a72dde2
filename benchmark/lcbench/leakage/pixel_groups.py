"""Source groups of a dataset: found from its pixels, or checked by them where they are given."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lcbench.datasets.canonical.groups import recognise
from lcbench.datasets.dataset import Dataset
from lcbench.datasets.tiles import Tiles

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

    def keep(self, rows: NDArray[np.intp], fewer: Dataset) -> PixelCheck:
        """Return the same of some images in whole given groups, which are those of `fewer`.

        Parameters
        ----------
        rows
            Of the manifest, in order.
        fewer
            The dataset of these images with the given groups.
        """
        manifest = self.by_pixels.manifest.iloc[rows].reset_index(drop=True)
        groups, images = set(fewer.manifest["group"]), set(fewer.manifest["image"])
        joined = (tuple(name for name in names if name in groups) for names in self.joined)
        return PixelCheck(
            by_pixels=replace(self.by_pixels, manifest=manifest, sha256=fewer.sha256),
            joined=tuple(names for names in joined if len(names) > 1),
            apart=tuple(image for image in self.apart if image in images),
        )

    def of_tiles(self, tiles: Tiles) -> PixelCheck:
        """Return the same of the tiles that the images were cut into."""
        group = self.by_pixels.manifest["group"].to_numpy()[tiles.image_of]
        cut = tiles.dataset.manifest.assign(group=group)
        by_pixels = replace(tiles.dataset, manifest=cut, groups_source=self.by_pixels.groups_source)
        return replace(self, by_pixels=by_pixels)

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


def know_sources(dataset: Dataset) -> tuple[Dataset, PixelCheck | None]:
    """Return a dataset whose source groups are known as well as pixels tell.

    Without groups, they are found from pixels, under every protocol: intervals need them, and runs
    of several protocols can then stand in one folder. Given groups are kept; images that they do
    not name are grouped by pixels, and the rest is compared. Images of a data set with canonical
    groups, which were found from pixels once and for all, get these. This stands between the
    manifest and any division of the images.
    """
    if dataset.groups_certain:
        return dataset, None
    by_pixels = _group_by_pixels(dataset)
    if not dataset.groups_known:
        return by_pixels, None
    known = dataset.source_known
    named, pixels = dataset.manifest[known], by_pixels.manifest["group"]
    check = PixelCheck(
        by_pixels=by_pixels,
        joined=tuple(_joined(named, pixels[known])),
        apart=tuple(_apart(named, pixels[known])),
    )
    return _fill(dataset, pixels), check


def _group_by_pixels(dataset: Dataset) -> Dataset:
    """Return a dataset with its canonical groups, or with those found from its pixels now."""
    manifest = dataset.manifest
    known = recognise(manifest["image"].tolist(), dataset.files())
    if known is not None and known.groups is not None:
        return replace(
            dataset,
            manifest=manifest.assign(group=known.groups),
            groups_source=known.words,
            unknown_source=frozenset(),
            canonical=known.canonical,
        )
    groups, words = _find_by_pixels(dataset)
    return replace(
        dataset,
        manifest=manifest.assign(group=groups),
        groups_source=words if known is None else f"{words}; {known.words}",
        unknown_source=frozenset(),
    )


def _find_by_pixels(dataset: Dataset) -> tuple[NDArray[np.object_], str]:
    """Return the first image of each image's group, and where that comes from."""
    from lcbench.leakage.sources import find_sources

    sources = find_sources([dataset.files()])
    copies, pairs = len(sources.copies), len(sources.links)
    words = (
        f"pixels ({copies:,} exact {'copy' if copies == 1 else 'copies'}, "
        f"{pairs:,} registered {'pair' if pairs == 1 else 'pairs'})"
    )
    return dataset.manifest["image"].to_numpy()[sources.groups], words


def _joined(named: pd.DataFrame, pixels: pd.Series) -> list[tuple[str, ...]]:
    """Return the sets of given groups of which pixels make one."""
    sets = (tuple(sorted(set(part))) for _, part in named["group"].groupby(pixels))
    return sorted(names for names in sets if len(names) > 1)


def _apart(named: pd.DataFrame, pixels: pd.Series) -> list[str]:
    """Return images outside the largest part into which pixels divide their given group."""
    main = pixels.groupby(named["group"]).agg(lambda part: part.value_counts().index[0])
    return sorted(named["image"][pixels != named["group"].map(main)])


def _fill(dataset: Dataset, pixels: pd.Series) -> Dataset:
    """Give images without a given group the one that pixels put them in.

    Where that holds images with a given group, it is the most frequent one of these.
    """
    given, named = dataset.manifest["group"], dataset.source_known
    if named.all():
        return dataset
    names: dict[str, Counter[str]] = defaultdict(Counter)
    for pixel, name in zip(pixels[named], given[named], strict=True):
        names[pixel][name] += 1
    filled = [
        sorted(names[pixel].items(), key=lambda item: (-item[1], item[0]))[0][0]
        if pixel in names
        else f"pixels:{pixel}"
        for pixel in pixels
    ]
    return replace(
        dataset,
        manifest=dataset.manifest.assign(group=np.where(named, given, filled)),
        groups_source=(
            f"{dataset.groups_source} and, for {int((~named).sum()):,} images that it does not "
            "name, from pixels"
        ),
        unknown_source=frozenset(),
    )
