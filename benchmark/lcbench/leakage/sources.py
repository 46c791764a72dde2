"""Source groups of images from their pixels: candidates, proof, components."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lcbench.caching.entries import open_entry
from lcbench.caching.place import cache_folder
from lcbench.console import progress
from lcbench.datasets.images import ImageFile
from lcbench.leakage.candidates import (
    NEIGHBOURS,
    OUTSIDE,
    VOCABULARIES,
    WIDE,
    Candidate,
    Neighbours,
    in_order,
    nearest_neighbours,
)
from lcbench.leakage.embedding import embed
from lcbench.leakage.grouping import MIN_LOCAL, SYMMETRIC, Grouping, Link
from lcbench.leakage.keypoints import ImageFeatures
from lcbench.leakage.leftovers import leftover_candidates
from lcbench.leakage.proofs import Proofs, registration_of, values_of
from lcbench.leakage.store import FeatureStore, features_of
from lcbench.leakage.unrelated import (
    PAIRS,
    Unrelated,
    false_discovery_rates,
    lay_pairs,
    least_local,
)
from lcbench.storage.hashes import content_hash
from lcbench.storage.whole import write_json

VERSION = "3"
"""Changes whenever the same images would get other candidates or other proofs."""

_FINISHED, _JOURNAL = "groups.json", "registrations.jsonl"

Sameness = Literal["same file", "same pixels"]


@dataclass(frozen=True)
class Copy:
    """An image that is the same as an earlier one.

    Parameters
    ----------
    first, second
        Numbers of the images; `first` is the earliest of them.
    sameness
        Whether the files agree byte by byte, or only the decoded pixels.
    """

    first: int
    second: int
    sameness: Sameness


@dataclass(frozen=True)
class Sources:
    """What pixels say about where images come from. Images are numbered through all folders.

    Parameters
    ----------
    features
        Of all images.
    groups
        (images,) the lowest image of each image's group.
    copies
        Exact copies, each with the first of its kind.
    links
        Proven pairs, each of which joined two groups: n different images need n - 1 of them.
    doubtful
        Pairs that are alike as a whole, but not in detail, or that fit as well when one image is
        turned over: their images are not joined.
    incomparable
        Images of too little structure for a registration; found as exact copies only.
    tried
        Candidates that were registered.
    rejected
        Correlation of the candidates for which an affine map was found, but that are not alike.
    unrelated
        What images of different groups reach: no joined pair is as low.
    chances
        Pairs of different images that candidates were chosen from.
    """

    features: FeatureStore
    groups: NDArray[np.intp]
    copies: tuple[Copy, ...]
    links: tuple[Link, ...]
    doubtful: tuple[Link, ...]
    incomparable: NDArray[np.intp]
    tried: int
    rejected: NDArray[np.float64]
    unrelated: Unrelated
    chances: int

    @property
    def false_discovery_rates(self) -> NDArray[np.float64] | None:
        """(links,) the expected share of false joins down to each link; None where unknown."""
        local = [link.registration.local for link in self.links]
        return false_discovery_rates(local, self.unrelated, self.chances)

    @property
    def originals(self) -> NDArray[np.intp]:
        """(images,) the first image with the same pixels as each image."""
        first = np.arange(len(self.groups))
        for copy in self.copies:
            first[copy.second] = first[copy.first]
        return first


def find_sources(
    folders: Sequence[Sequence[ImageFile]], queries: NDArray[np.bool_] | None = None
) -> Sources:
    """Group images that show the same tissue; what was computed before is read from the cache.

    Parameters
    ----------
    folders
        The images; folders keep their features in the cache each for itself.
    queries
        (images,) which images are compared with all others. By default all are; with fewer,
        two images that are no queries are joined only through a query.

    Returns
    -------
    Sources
        The same for the same files, whatever they are called.
    """
    total = sum(len(folder) for folder in folders)
    with progress("Finding keypoints", total) as advance:
        features = features_of(folders, advance)
    sha256s = [file.sha256 for folder in folders for file in folder]
    copies, original = _exact_copies(features, sha256s)
    comparable = np.array([image.is_comparable for image in features], dtype=bool)
    distinct = np.flatnonzero((original == np.arange(len(features))) & comparable)
    asked = original if queries is None else original[queries]
    found = _join_distinct(features.only(distinct), np.flatnonzero(np.isin(distinct, asked)))
    groups = original.copy()
    groups[distinct] = distinct[found.groups]
    return Sources(
        features=features,
        groups=groups[original],
        copies=copies,
        links=tuple(_numbered(link, distinct) for link in found.links),
        doubtful=tuple(_numbered(link, distinct) for link in found.doubtful),
        incomparable=np.flatnonzero(~comparable),
        tried=found.tried,
        rejected=np.array(found.rejected),
        unrelated=found.unrelated,
        chances=_pairs(len(distinct), int(np.isin(distinct, asked).sum())),
    )


@dataclass(frozen=True)
class _Joined:
    groups: NDArray[np.intp]
    links: list[Link]
    doubtful: list[Link]
    tried: int
    rejected: list[float]
    unrelated: Unrelated


def _exact_copies(
    features: FeatureStore, sha256s: Sequence[str]
) -> tuple[tuple[Copy, ...], NDArray[np.intp]]:
    """Return the exact copies, and for each image the first one that is the same."""
    first_file: dict[str, int] = {}
    first_pixels: dict[bytes, int] = {}
    copies = []
    original = np.arange(len(features))
    for image, sha256 in enumerate(sha256s):
        same_file = first_file.setdefault(sha256, image)
        original[image] = first_pixels.setdefault(features[image].digest, image)
        if same_file != image:
            copies.append(Copy(same_file, image, "same file"))
        elif original[image] != image:
            copies.append(Copy(int(original[image]), image, "same pixels"))
    return tuple(copies), original


def _join_distinct(images: Sequence[ImageFeatures], queries: NDArray[np.intp]) -> _Joined:
    """Group images of which no two are exact copies."""
    name = _key(images, queries)
    folder = cache_folder() / "sources" / name
    journal = folder.with_suffix(".jsonl")

    def build(place: Path) -> dict[str, int]:
        # What a killed process had proven, or what is left of an entry that was damaged.
        if not journal.exists() and (folder / _JOURNAL).is_file():
            shutil.copyfile(folder / _JOURNAL, journal)
        proofs = Proofs(images, journal, name)
        joined = _join(images, queries, proofs)
        maps = proofs.refined([link.candidate for link in joined.links])
        write_json(place / _FINISHED, {**_as_json(joined), "maps": [*map(values_of, maps)]})
        if journal.exists():
            shutil.copyfile(journal, place / _JOURNAL)
        return {"images": len(images)}

    key = (f"source groups {VERSION}", f"{len(images)} images", name)
    open_entry(folder, key, build)
    journal.unlink(missing_ok=True)
    return _read(folder / _FINISHED, Proofs(images, folder / _JOURNAL, name))


def _as_json(joined: _Joined) -> dict[str, Any]:
    return {
        "groups": joined.groups.tolist(),
        "links": [link.candidate for link in joined.links],
        "doubtful": [link.candidate for link in joined.doubtful],
        "tried": joined.tried,
        "rejected": joined.rejected,
        "unrelated": joined.unrelated.local.tolist(),
    }


def _key(images: Sequence[ImageFeatures], queries: NDArray[np.intp]) -> str:
    digests = (image.digest for image in images)
    return content_hash(VERSION, queries.astype("<i8").tobytes(), *digests)


def _read(finished: Path, proofs: Proofs) -> _Joined:
    kept = json.loads(finished.read_text(encoding="utf-8"))

    def links(name: str, maps: list[Any] | None = None) -> list[Link]:
        candidates = [Candidate(*values) for values in kept[name]]
        found = proofs.registrations(candidates) if maps is None else map(registration_of, maps)
        return [Link(c, r) for c, r in zip(candidates, found, strict=True) if r is not None]

    return _Joined(
        groups=np.array(kept["groups"], dtype=np.intp),
        links=links("links", kept["maps"]),
        doubtful=links("doubtful"),
        tried=kept["tried"],
        rejected=kept["rejected"],
        unrelated=Unrelated(np.array(kept["unrelated"], dtype=np.float64)),
    )


def _join(images: Sequence[ImageFeatures], queries: NDArray[np.intp], proofs: Proofs) -> _Joined:
    if len(images) < 2 or not len(queries):
        return _as_joined(Grouping(len(images), proofs), Unrelated(np.empty(0)))
    search = _Search(images, queries)
    # First what is clear, however alike these images are as such; then, how alike they are.
    clear = search.group(Grouping(len(images), proofs, SYMMETRIC))
    with progress("Comparing unrelated images", PAIRS) as advance:
        drawn = lay_pairs(images, np.array(clear.labels()), advance)
    unrelated = drawn.apart(np.array(clear.labels()))
    least = least_local(unrelated, _pairs(len(images), len(queries)), len(clear.links))
    grouping = search.group(Grouping(len(images), proofs, max(MIN_LOCAL, least)))
    return _as_joined(grouping, drawn.apart(np.array(grouping.labels())))


class _Search:
    """Nearest neighbours by several vocabularies, and the candidates that they make."""

    def __init__(self, images: Sequence[ImageFeatures], queries: NDArray[np.intp]) -> None:
        self._digests = [image.digest for image in images]
        self._queries = queries
        self._neighbours = [self._find(images, seed) for seed in range(VOCABULARIES)]

    def group(self, grouping: Grouping) -> Grouping:
        """Join what candidates prove: neighbours at hand, those of other groups, leftovers."""
        first = self._neighbours[0]
        at_hand = np.arange(first.images.shape[1]) < NEIGHBOURS
        _prove(grouping, in_order(first, np.broadcast_to(at_hand, first.images.shape)))
        for neighbours in self._neighbours:
            labels = np.array(grouping.labels())
            outside = labels[neighbours.images] != labels[neighbours.queries][:, None]
            _prove(grouping, in_order(neighbours, outside & (outside.cumsum(axis=1) <= OUTSIDE)))
        labels = np.array(grouping.labels())
        _prove(grouping, leftover_candidates(labels, self._queries, self._digests))
        return grouping

    def _find(self, images: Sequence[ImageFeatures], seed: int) -> Neighbours:
        with progress("Embedding keypoints", len(images)) as advance:
            embeddings = embed(images, advance, seed=seed)
        with progress("Finding candidates", len(images) + 2 * len(self._queries)) as advance:
            return nearest_neighbours(embeddings, self._queries, WIDE, advance)


def _as_joined(grouping: Grouping, unrelated: Unrelated) -> _Joined:
    return _Joined(
        groups=np.array(grouping.labels(), dtype=np.intp),
        links=grouping.links,
        doubtful=grouping.set_aside,
        tried=grouping.tried,
        rejected=grouping.rejected,
        unrelated=unrelated,
    )


def _pairs(images: int, queries: int) -> int:
    """Return how many pairs of images have a query among them."""
    return queries * (images - queries) + queries * (queries - 1) // 2


def _prove(grouping: Grouping, candidates: list[Candidate]) -> None:
    if not candidates:
        return
    with progress("Registering candidates", len(candidates)) as advance:
        grouping.prove(candidates, advance)


def _numbered(link: Link, distinct: NDArray[np.intp]) -> Link:
    first, second, mirror = link.candidate
    candidate = Candidate(int(distinct[first]), int(distinct[second]), mirror)
    return Link(candidate, link.registration)
