"""What an audit found: one typed schema, written as JSON and read by page and screen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict

SCHEMA_VERSION = 1

Kind = Literal["same file", "same pixels", "near copy", "overlapping field"]

NEAR_COPY = 0.8
"""Overlap, as a share of the smaller image, from which a pair is called a near copy."""

LISTED = 100
"""Pairs of one finding that JSON and page list; pairs.csv holds them all."""


class Part(BaseModel):
    """Base of all parts of the results."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ImageRef(Part):
    """An image: its name in the audit, the folder that labels it, its side of the split."""

    name: str
    label: str
    side: str


class Pair(Part):
    """Two images that show the same tissue.

    `joined`: whether the pair joins their groups; a doubtful pair does not. `overlap`: share of the
    smaller image that the other one shows. `matrix`: (m11, m12, m13, m21, m22, m23), from pixels of
    the first image to pixels of the second. Exact copies have the identity, a correlation of 1
    and no inliers.
    """

    first: ImageRef
    second: ImageRef
    kind: Kind
    joined: bool
    mirrored: bool
    rotation: float
    scale: float
    stretch: float
    overlap: float
    overlap_first: float
    overlap_second: float
    correlation: float
    inliers: int | None
    brightness: float
    transform: str
    matrix: tuple[float, float, float, float, float, float]


class PairList(Part):
    """Pairs of one finding: the first `LISTED` of them, how many there are, how many are copies.

    Exact and near copies count as copies, overlapping fields do not.
    """

    total: int
    copies: int
    shown: tuple[Pair, ...]

    @classmethod
    def of(cls, pairs: Sequence[Pair]) -> PairList:
        """Return the list of some pairs, given in the order of interest."""
        copies = sum(pair.kind != "overlapping field" for pair in pairs)
        return cls(total=len(pairs), copies=copies, shown=tuple(pairs[:LISTED]))

    @property
    def more(self) -> int:
        """Pairs beyond those shown; they are in pairs.csv."""
        return self.total - len(self.shown)


class FolderFacts(Part):
    """A folder: its name, its readable images, and how many labels they carry."""

    name: str
    images: int
    labels: dict[str, int]


class GroupFacts(Part):
    """Source groups: how many, how many of one image, the median and the largest size."""

    groups: int
    single: int
    median: float
    largest: int


class LabelGroups(Part):
    """Source groups of one label."""

    label: str
    images: int
    facts: GroupFacts


class Crossing(Part):
    """What two sides share.

    `images`: images on the side `side`; `with_sibling`: those with an image of the same source
    group on the side `other`. `groups`, `groups_shared`: the same of source groups.
    """

    side: str
    other: str
    images: int
    with_sibling: int
    groups: int
    groups_shared: int
    exact: int


class SplitGroup(Part):
    """A published group that pixels do not hold together.

    `sizes`: of its parts. `apart`: images outside the largest part.
    """

    group: str
    sizes: tuple[int, ...]
    apart: tuple[str, ...]


class Merge(Part):
    """Two published groups that a pair proves to show the same tissue."""

    first_group: str
    second_group: str
    pair: Pair


class Published(Part):
    """Found groups beside those of a file.

    Shares and index are over the `images` that the file names. `recall`: of the pairs of images of
    one published group, those in one found group. `precision`: of the pairs in one found group,
    those of one published group. `ari`: adjusted Rand index; `ari_after_merges`: the same where
    published groups joined by a pair with a correlation above `certain` count as one.
    """

    file: str
    images: int
    not_named: int
    published_groups: int
    found_groups: int
    same_group_pairs: int
    together: int
    recall: float
    precision: float
    ari: float
    ari_after_merges: float
    certain: float
    merges: tuple[Merge, ...]
    splits: tuple[SplitGroup, ...]


class AuditResults(Part):
    """Everything that an audit found; every proven pair is in pairs.csv.

    `distinct`: images less exact copies. `tried`: candidates that were registered;
    `highest_rejected`, `lowest_joined`: correlations on both sides of the decision.
    """

    schema_version: int = SCHEMA_VERSION
    command: str
    created: str
    commit: str
    versions: dict[str, str]
    seconds: float
    peak_memory_mb: float
    folders: tuple[FolderFacts, ...]
    divided_by: str
    without_side: int
    images: int
    unreadable: tuple[str, ...]
    incomparable: tuple[str, ...]
    distinct: int
    tried: int
    highest_rejected: float | None
    lowest_joined: float | None
    pairs: dict[Kind, int]
    exact: PairList
    doubtful: PairList
    groups: GroupFacts
    labels: tuple[LabelGroups, ...]
    crossings: tuple[Crossing, ...]
    crossing_pairs: PairList
    two_labels: PairList
    two_label_groups: int
    published: Published | None = None

    @property
    def leaks(self) -> bool:
        """Whether tissue stands on two sides; in a folder that nothing divides, at all twice."""
        if self.divided_by:
            return any(crossing.with_sibling for crossing in self.crossings)
        return self.groups.groups < self.images
