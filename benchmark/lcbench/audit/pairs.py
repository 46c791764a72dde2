"""Proven pairs as rows: names, kind, transform."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from lcbench.audit.collection import Collection
from lcbench.audit.results import NEAR_COPY, ImageRef, Kind, Pair
from lcbench.leakage.grouping import Link
from lcbench.leakage.sources import Copy, Sources
from lcbench.leakage.transform import decompose, transform_words

_WHOLE = 0.9
_COLOUR_LEVELS = 8.0
_IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


class PairRows:
    """Makes rows of the pairs of an audit."""

    def __init__(self, collection: Collection, sources: Sources) -> None:
        self._sources = sources
        columns = ("name", "given", "side")
        rows = zip(*(collection.images[column] for column in columns), strict=True)
        self._images = [ImageRef(name=name, label=given, side=side) for name, given, side in rows]

    def copy(self, copy: Copy) -> Pair:
        """Return the row of an exact copy."""
        return Pair(
            first=self._images[copy.first],
            second=self._images[copy.second],
            kind=copy.sameness,
            joined=True,
            mirrored=False,
            rotation=0,
            scale=1,
            stretch=1,
            overlap=1,
            overlap_first=1,
            overlap_second=1,
            correlation=1,
            inliers=None,
            brightness=0,
            transform="",
            matrix=_IDENTITY,
        )

    def link(self, link: Link, *, joined: bool) -> Pair:
        """Return the row of a registered pair."""
        found = link.registration
        transform = decompose(found.matrix)
        kind: Kind = "near copy" if found.overlap >= NEAR_COPY else "overlapping field"
        return Pair(
            first=self._images[link.candidate.first],
            second=self._images[link.candidate.second],
            kind=kind,
            joined=joined,
            mirrored=transform.mirrored,
            rotation=round(transform.rotation, 2),
            scale=round(transform.scale, 4),
            stretch=round(transform.stretch, 4),
            overlap=round(found.overlap, 4),
            overlap_first=round(found.overlap_first, 4),
            overlap_second=round(found.overlap_second, 4),
            correlation=round(found.correlation, 4),
            inliers=found.inliers,
            brightness=round(found.brightness, 2),
            transform=transform_words(
                transform,
                found.overlap_first,
                found.overlap_second,
                found.brightness,
                recoloured=self._recoloured(link),
            ),
            matrix=_six(np.round(found.matrix, 4).ravel().tolist()),
        )

    def _recoloured(self, link: Link) -> bool:
        """Tell whether mean colours differ by more than brightness; only whole images can tell."""
        found = link.registration
        if min(found.overlap_first, found.overlap_second) < _WHOLE:
            return False
        first, second, _ = link.candidate
        shift = self._sources.features[second].colour - self._sources.features[first].colour
        return bool(np.ptp(shift) > _COLOUR_LEVELS)

    def every(self) -> Iterator[Pair]:
        """Yield copies, links and doubtful pairs."""
        sources = self._sources
        yield from (self.copy(copy) for copy in sources.copies)
        yield from (self.link(link, joined=True) for link in sources.links)
        yield from (self.link(link, joined=False) for link in sources.doubtful)


def pairs_table(pairs: Sequence[Pair]) -> pd.DataFrame:
    """Return pairs as a table, one column a value."""
    rows = []
    for pair in pairs:
        row = pair.model_dump(exclude={"first", "second", "matrix"})
        names = {
            f"{which}_{key}".replace("_name", ""): value
            for which in ("first", "second")
            for key, value in getattr(pair, which).model_dump().items()
        }
        places = ("m11", "m12", "m13", "m21", "m22", "m23")
        rows.append({**names, **row, **dict(zip(places, pair.matrix, strict=True))})
    order = [
        "first", "second", "kind", "transform", "overlap", "correlation", "joined", "mirrored",
        "rotation", "scale", "stretch", "brightness", "inliers", "overlap_first",
        "overlap_second", "first_label", "second_label", "first_side", "second_side", "m11", "m12",
        "m13", "m21", "m22", "m23",
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=order)


def _six(values: list[float]) -> tuple[float, float, float, float, float, float]:
    a, b, c, d, e, f = values
    return a, b, c, d, e, f
