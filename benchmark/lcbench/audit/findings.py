"""What follows from the groups and links that pixels prove: pairs, and what they add up to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import permutations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lcbench.audit.collection import Collection
from lcbench.audit.results import (
    KINDS,
    NEAR_COPY,
    Crossing,
    Doubt,
    FolderFacts,
    GroupFacts,
    ImageRef,
    Kind,
    LabelGroups,
    Pair,
    UnrelatedFacts,
)
from lcbench.leakage.grouping import MIN_LOCAL, MIN_LOCAL_MIRRORED, MIN_SURPLUS, Link
from lcbench.leakage.registration import Registration, Transform, decompose
from lcbench.leakage.sources import Sources
from lcbench.leakage.unrelated import false_discovery_rates

SLICE, COPY = 0.92, 0.95
"""Local correlations below which a grey pair in place is a neighbouring slice, and from which it
is a copy. Of chest-ct's joined pairs, 109 slices reach .574 to .919 and 12 copies .951 to .999; a
slice stored anew as JPEG of quality 10 agrees with itself at .964, reduced to a half at .971."""

_IN_PLACE_DEGREES = 3.0
_IN_PLACE_STRETCH = 1.06
_IN_PLACE_OVERLAP = 0.6
_GREY_LEVELS = 3.0
_WHOLE = 0.9
_COLOUR_LEVELS = 8.0


def find_pairs(collection: Collection, sources: Sources) -> list[Pair]:
    """Return exact copies, links that join two groups, and doubtful ones."""
    rows = collection.images[["name", "given", "side"]].itertuples(index=False)
    images = [ImageRef(name=name, label=given, side=side) for name, given, side in rows]
    rates = joining_rates(sources)
    return [
        *(
            Pair(first=images[c.first], second=images[c.second], kind=c.sameness, joined=True)
            for c in sources.copies
        ),
        *(
            _pair(link, images, sources).model_copy(update={"joined": True, "rate": rate})
            for link, rate in zip(sources.links, rates, strict=True)
        ),
        *(
            _pair(link, images, sources).model_copy(update={"doubt": _doubt(link.registration)})
            for link in sources.doubtful
        ),
    ]


def joining_rates(sources: Sources) -> list[float | None]:
    """Return the false-discovery rate of each link that joins; None where it cannot be told."""
    local = [link.registration.local for link in sources.links]
    rates = false_discovery_rates(local, sources.unrelated, sources.chances)
    return [None] * len(local) if rates is None else [float(f"{rate:.2g}") for rate in rates]


def _doubt(found: Registration) -> Doubt:
    """Return why a registration proves nothing."""
    least = MIN_LOCAL_MIRRORED if found.is_mirrored else MIN_LOCAL
    if found.local >= least and found.local - found.local_mirrored < MIN_SURPLUS:
        return "fits as well turned over"
    return "the detail differs"


def _pair(link: Link, images: Sequence[ImageRef], sources: Sources) -> Pair:
    found = link.registration
    transform = decompose(found.matrix)
    a, b, c, d, e, f = np.round(found.matrix, 4).ravel().tolist()
    return Pair(
        first=images[link.candidate.first],
        second=images[link.candidate.second],
        kind=_kind(link, transform, sources),
        joined=False,
        mirrored=transform.mirrored,
        rotation=round(transform.rotation, 2),
        scale=round(transform.scale, 4),
        stretch=round(transform.stretch, 4),
        overlap=round(found.overlap, 4),
        overlap_first=round(found.overlap_first, 4),
        overlap_second=round(found.overlap_second, 4),
        correlation=round(found.correlation, 4),
        local=round(found.local, 4),
        inliers=found.inliers,
        brightness=round(found.brightness, 2),
        recoloured=_recoloured(link, sources),
        matrix=(a, b, c, d, e, f),
    )


def _kind(link: Link, transform: Transform, sources: Sources) -> Kind:
    """Return what a registered pair is.

    Slices of one scan are grey, lie in place and differ in detail by more than storing an image
    anew does.
    """
    found = link.registration
    if found.overlap < NEAR_COPY:
        return "overlapping field"
    if not (_lies_in_place(found, transform) and _is_grey(link, sources)):
        return "near copy"
    if found.local < SLICE:
        return "neighbouring slice"
    return "near copy" if found.local >= COPY else "near copy or neighbouring slice"


def _lies_in_place(found: Registration, transform: Transform) -> bool:
    """Tell whether nothing was turned, mirrored, stretched or cropped much."""
    return (
        not transform.mirrored
        and abs(transform.rotation) <= _IN_PLACE_DEGREES
        and transform.stretch <= _IN_PLACE_STRETCH
        and min(found.overlap_first, found.overlap_second) >= _IN_PLACE_OVERLAP
    )


def _is_grey(link: Link, sources: Sources) -> bool:
    colours = (sources.features[image].colour for image in link.candidate[:2])
    return all(np.ptp(colour) <= _GREY_LEVELS for colour in colours)


def _recoloured(link: Link, sources: Sources) -> bool:
    """Tell whether mean colours differ by more than brightness; only whole images can tell."""
    found = link.registration
    if min(found.overlap_first, found.overlap_second) < _WHOLE:
        return False
    first, second, _ = link.candidate
    shift = sources.features[second].colour - sources.features[first].colour
    return bool(np.ptp(shift) > _COLOUR_LEVELS)


def count_kinds(pairs: Iterable[Pair]) -> dict[Kind, int]:
    """Return how many joined pairs there are of each kind."""
    counts = Counter(pair.kind for pair in pairs if pair.joined)
    return {kind: counts[kind] for kind in KINDS}


def count_doubts(pairs: Iterable[Pair]) -> dict[Doubt, int]:
    """Return how many doubtful pairs there are for each reason."""
    return dict(Counter(pair.doubt for pair in pairs if not pair.joined))


def exact_copies(pairs: Iterable[Pair]) -> list[Pair]:
    """Return the exact copies, same files first."""
    return _clearest(pair for pair in pairs if not pair.registered)


def crossing_pairs(pairs: Iterable[Pair]) -> list[Pair]:
    """Return the pairs whose images stand on two sides, the clearest first.

    Each group that stands on two sides has one, unless an image without a side is between them.
    """
    found = (pair for pair in pairs if pair.joined and pair.first.side and pair.second.side)
    return _clearest(pair for pair in found if pair.first.side != pair.second.side)


def two_label_pairs(pairs: Iterable[Pair], collection: Collection) -> list[Pair]:
    """Return the pairs whose images carry two labels, the clearest first.

    Spellings are one label; an image without a label contradicts nobody.
    """
    labels = dict(zip(collection.images["name"], collection.images["label"], strict=True))

    def disagree(pair: Pair) -> bool:
        first, second = labels[pair.first.name], labels[pair.second.name]
        return bool(first and second) and first != second

    return _clearest(pair for pair in pairs if pair.joined and disagree(pair))


def _clearest(pairs: Iterable[Pair]) -> list[Pair]:
    """Return pairs by kind, and the larger overlap and correlation first."""
    return sorted(pairs, key=lambda p: (KINDS.index(p.kind), -p.overlap, -p.correlation))


def two_label_groups(collection: Collection, groups: NDArray[np.intp]) -> int:
    """Return how many source groups carry more than one label."""
    labels = collection.images["label"].replace("", None).groupby(groups).nunique()
    return int((labels > 1).sum())


def folder_facts(collection: Collection) -> tuple[FolderFacts, ...]:
    """Return the folders with their images and labels."""
    found = []
    for position, folder in enumerate(collection.folders):
        own = collection.images[collection.images["folder"] == position]
        labels = Counter(own["given"].tolist())
        found.append(FolderFacts(name=folder.name, images=len(own), labels=dict(labels)))
    return tuple(found)


def unrelated_facts(sources: Sources) -> UnrelatedFacts:
    """Return what images of different groups reach."""
    found = sources.unrelated
    count = len(found.local)
    return UnrelatedFacts(
        pairs=count,
        highest=round(found.high, 4) if count else None,
        most=round(float(found.local.max()), 4) if count else None,
    )


def group_facts(groups: NDArray[np.intp]) -> GroupFacts:
    """Return how many groups there are, and of what size."""
    sizes = np.unique(groups, return_counts=True)[1]
    return GroupFacts(
        groups=len(sizes),
        single=int((sizes == 1).sum()),
        median=float(np.median(sizes)),
        largest=int(sizes.max()),
    )


def label_groups(collection: Collection, groups: NDArray[np.intp]) -> tuple[LabelGroups, ...]:
    """Return the groups of each label."""
    given = collection.images["given"].to_numpy()
    return tuple(
        LabelGroups(
            label=label,
            images=int((given == label).sum()),
            facts=group_facts(groups[given == label]),
        )
        for label in sorted(set(given.tolist()))
    )


def crossings(collection: Collection, sources: Sources) -> tuple[Crossing, ...]:
    """Return, for each two sides, what of one has a sibling on the other."""
    images = collection.images.assign(group=sources.groups, original=sources.originals)
    sides = sorted(set(images["side"]) - {""})
    return tuple(_cross(images, side, other) for side, other in permutations(sides, 2))


def _cross(images: pd.DataFrame, side: str, other: str) -> Crossing:
    here, there = images[images["side"] == side], images[images["side"] == other]
    shared = here["group"].isin(there["group"])
    return Crossing(
        side=side,
        other=other,
        images=len(here),
        with_sibling=int(shared.sum()),
        groups=here["group"].nunique(),
        groups_shared=here["group"][shared].nunique(),
        exact=int(here["original"].isin(there["original"]).sum()),
    )
