"""Audits made by hand: images, groups, copies and pairs of which everything is known."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lcbench.audit.collection import Collection, Folder
from lcbench.audit.results import ImageRef, Kind, Pair
from lcbench.leakage.grouping import Link
from lcbench.leakage.sources import Copy, Sources
from lcbench.leakage.store import FeatureStore
from lcbench.leakage.unrelated import Unrelated

from ..leakage.tissue import saved, tile

SIDE = 160


def draw(seed: int, path: str | Path, turns: int = 0) -> None:
    """Write the tissue of a seed, in quarter turns."""
    saved(np.rot90(tile(seed, SIDE), turns), Path(path))


def collection(
    sides: Sequence[str], labels: Sequence[str] | None = None, given: Sequence[str] | None = None
) -> Collection:
    """Images 0.png, 1.png, ... of one folder, on these sides and under these labels."""
    names = [f"{number}.png" for number in range(len(sides))]
    labels = [""] * len(sides) if labels is None else labels
    images = pd.DataFrame(
        {
            "folder": 0,
            "image": names,
            "given": labels if given is None else given,
            "label": labels,
            "sha256": names,
            "name": names,
            "side": list(sides),
        }
    )
    return Collection((Folder(Path("data"), "data"),), images, (), "s.csv")


def sources(
    groups: Sequence[int],
    copies: Sequence[Copy] = (),
    links: Sequence[Link] = (),
    doubtful: Sequence[Link] = (),
    features: Any = None,
) -> Sources:
    """What pixels would say if they said so."""
    return Sources(
        features=FeatureStore(()) if features is None else features,
        groups=np.array(groups, dtype=np.intp),
        copies=tuple(copies),
        links=tuple(links),
        doubtful=tuple(doubtful),
        incomparable=np.array([], dtype=np.intp),
        tried=0,
        rejected=np.array([]),
        unrelated=Unrelated(np.array([])),
        chances=0,
    )


def image(name: str, *, label: str = "", side: str = "") -> ImageRef:
    return ImageRef(name=name, label=label, side=side)


def pair(first: str | ImageRef, second: str | ImageRef, kind: Kind, **changes: Any) -> Pair:
    """A pair of images, in place where nothing else is said."""
    both = [image(one) if isinstance(one, str) else one for one in (first, second)]
    if not kind.startswith("same"):
        changes = {"inliers": 10, **changes}
    return Pair(first=both[0], second=both[1], kind=kind, **{"joined": True, **changes})
