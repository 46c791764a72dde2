"""What an audit found: one typed schema, written as audit.json and read by page and screen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

from pydantic import Field

from lcbench.result_model import ResultModel

SCHEMA_VERSION = 2

Kind = Literal[
    "same file",
    "same pixels",
    "near copy",
    "near copy or neighbouring slice",
    "neighbouring slice",
    "overlapping field",
]
KINDS: tuple[Kind, ...] = get_args(Kind)

COPIES: tuple[Kind, ...] = ("same file", "same pixels", "near copy")

NEAR_COPY = 0.8
"""Overlap, as a share of the smaller image, from which a pair is called a near copy."""

Doubt = Literal["", "the detail differs", "fits as well turned over"]
"""Why a pair that is alike as a whole proves nothing."""

LISTED = 100
"""Pairs of one finding that audit.json and the page list; pairs.csv holds them all."""


class ImageRef(ResultModel):
    """An image of the audit."""

    name: str
    """Path relative to its folder; with several folders, the folder's name stands in front."""
    label: str
    """The folder that labels it, as it is spelled; empty where none does."""
    side: str
    """Its side of the split, or its folder where several are audited; empty where it has none."""


class Pair(ResultModel):
    """Two images that show the same tissue; what is left out of an exact copy is the identity."""

    first: ImageRef
    """The image that `matrix` starts from."""
    second: ImageRef
    """The image that it leads to."""
    kind: Kind
    """Equal bytes, equal pixels, or registered: with an overlap of at least or under `NEAR_COPY`,
    or grey images that lie in place and differ in detail, as slices of one scan do."""
    joined: bool
    """Whether the pair joins the images' source groups; a doubtful pair does not."""
    mirrored: bool = False
    """Whether the first image is flipped from left to right, before it is turned."""
    rotation: float = 0.0
    """Degrees, clockwise as seen on the screen, in (-180, 180]."""
    scale: float = 1.0
    """Pixels of the second image for a pixel of the first; the root of the area's factor."""
    stretch: float = 1.0
    """Larger over smaller factor of two directions; 1 where nothing is sheared."""
    overlap: float = 1.0
    """Share of the smaller image that the other one shows."""
    overlap_first: float = 1.0
    """Share of the first image that the second shows."""
    overlap_second: float = 1.0
    """Share of the second image that the first shows."""
    correlation: float = 1.0
    """Of the grey values of the overlapping area."""
    local: float | None = None
    """Mean correlation of the detail within small windows of the overlapping area; null for an
    exact copy."""
    rate: float | None = None
    """Expected share of false ones among the joined pairs whose detail agrees at least as well;
    null for an exact copy, a doubtful pair, or too few unrelated images to tell."""
    doubt: Doubt = ""
    """Why a doubtful pair proves nothing; empty for the others."""
    inliers: int | None = None
    """Keypoint matches that agree with the map; null for an exact copy, which needs none."""
    brightness: float = 0.0
    """Grey levels that the second image is brighter by."""
    recoloured: bool = False
    """Whether colours differ by more than brightness; known of whole images only."""
    matrix: tuple[float, float, float, float, float, float] = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    """(m11, m12, m13, m21, m22, m23): from pixels of the first image to those of the second."""

    @property
    def registered(self) -> bool:
        """Whether the pair was laid over each other, rather than found equal."""
        return self.inliers is not None


class PairList(ResultModel):
    """Pairs of one finding, in the order of interest."""

    total: int
    """How many there are."""
    copies: int
    """How many of them are exact or near copies, rather than slices or overlapping fields."""
    shown: tuple[Pair, ...]
    """The first `LISTED` of them."""

    @classmethod
    def of(cls, pairs: Sequence[Pair]) -> PairList:
        """Return the list of some pairs, given in the order of interest."""
        copies = sum(pair.kind in COPIES for pair in pairs)
        return cls(total=len(pairs), copies=copies, shown=tuple(pairs[:LISTED]))

    @property
    def more(self) -> int:
        """Pairs beyond those shown; they are in pairs.csv."""
        return self.total - len(self.shown)


class FolderFacts(ResultModel):
    """A folder of the audit."""

    name: str
    """Its own name, made longer where two folders share it."""
    images: int
    """Readable images in it."""
    labels: dict[str, int]
    """How many of them each label has, as it is spelled."""


class UnrelatedFacts(ResultModel):
    """What pairs of images from different groups reach when they are laid on each other."""

    pairs: int
    """How many were drawn."""
    highest: float | None
    """Local correlation that all but 2 % of them stay below; null without any."""
    most: float | None = None
    """The largest of them; null without any, and in results of older versions."""


class GroupFacts(ResultModel):
    """Sizes of source groups."""

    groups: int
    """How many there are."""
    single: int
    """How many are of one image."""
    median: float
    """Median number of images."""
    largest: int
    """Largest number of images."""


class LabelGroups(ResultModel):
    """Source groups of one label."""

    label: str
    """As it is spelled."""
    images: int
    """Images under it."""
    facts: GroupFacts
    """Their source groups, counting these images alone."""


class Crossing(ResultModel):
    """What the images of one side have in common with another side."""

    side: str
    """The side whose images are counted."""
    other: str
    """The side that they are compared with."""
    images: int
    """Images on the side."""
    with_sibling: int
    """Those with an image of the same source group on the other side."""
    groups: int
    """Source groups on the side."""
    groups_shared: int
    """Those that stand on the other side too."""
    exact: int
    """Images with an exact copy on the other side."""


class SplitGroup(ResultModel):
    """A published group that pixels do not hold together."""

    group: str
    """Its name in the file."""
    sizes: tuple[int, ...]
    """Images in each of its parts, the largest first."""
    apart: tuple[str, ...]
    """Names of the images outside the largest part."""


class Merge(ResultModel):
    """Two published groups that a pair proves to show the same tissue."""

    first_group: str
    """Published group of the pair's first image."""
    second_group: str
    """Published group of its second image."""
    pair: Pair
    """The proof."""


class Published(ResultModel):
    """Found groups beside those of a file; shares and indices are over the images that it names."""

    file: str
    """Name of the file."""
    images: int
    """Images that it puts into a group."""
    not_named: int
    """Images that it does not."""
    published_groups: int
    """Groups of the file."""
    found_groups: int
    """Source groups from pixels."""
    same_group_pairs: int
    """Pairs of images in one published group."""
    together: int
    """Those of them that are in one found group too."""
    recall: float
    """Of the pairs in one published group, those in one found group."""
    precision: float
    """Of the pairs in one found group, those in one published group."""
    ari: float
    """Adjusted Rand index of the two partitions."""
    ari_after_merges: float
    """The same, once published groups that a registered pair joins count as one."""
    certain: float | None = None
    """Correlation from which a pair was certain, in audits that measured no local correlation."""
    merges: tuple[Merge, ...]
    """Pairs between two published groups, the largest overlap first."""
    splits: tuple[SplitGroup, ...]
    """Published groups that pixels do not hold together."""


class RepairedSide(ResultModel):
    """Images of one side of a split, before and after its repair."""

    side: str
    """Its name."""
    before: dict[str, int]
    """Images of each label before."""
    after: dict[str, int]
    """Images of each label after."""


class RepairFacts(ResultModel):
    """What it took to keep source groups whole."""

    images: int
    """Images that had a side."""
    moved: int
    """Images that are on another side now."""
    divided: int
    """Source groups that stood on two sides before; none does after."""
    sides: tuple[RepairedSide, ...]
    """Every side."""


class AuditResults(ResultModel):
    """Everything that an audit found; every proven pair is in pairs.csv."""

    schema_version: int = SCHEMA_VERSION
    """Version of this schema."""
    generator: Literal["lcbench audit"] = "lcbench audit"
    """The command that writes such files."""
    command: str
    """The command line that was typed; empty where none was."""
    created: str
    """When, in UTC."""
    commit: str
    """Commit of the checkout that ran; empty outside one."""
    versions: dict[str, str]
    """Of Python, lcbench and the libraries that results depend on."""
    seconds: float
    """How long it took; less where the cache knew the images."""
    peak_memory_mb: float
    """Peak memory of the process."""
    folders: tuple[FolderFacts, ...]
    """What was audited."""
    split: str | None
    """Name of the file that divides the images; null where there is none, and folders are sides."""
    without_side: int
    """Images that the split does not name."""
    images: int
    """Readable images."""
    unreadable: tuple[str, ...]
    """Each image that cannot be read, with the reason: `name: reason`."""
    incomparable: tuple[str, ...]
    """Images of too little structure to be registered; found as exact copies only."""
    distinct: int
    """Images less exact copies."""
    tried: int
    """Candidate pairs that were registered."""
    highest_rejected: float | None
    """Highest correlation of a candidate that proved nothing; null without any."""
    lowest_joined: float | None
    """Lowest correlation of a pair that joins; null without any."""
    lowest_local: float | None = None
    """Lowest local correlation of a pair that joins; null without any."""
    highest_rate: float | None = None
    """Highest false-discovery rate of a pair that joins; null without any, or without a rate."""
    unrelated: UnrelatedFacts | None = None
    """What unrelated images of the same folders reach."""
    pairs: dict[Kind, int]
    """Pairs that join, by kind."""
    exact: PairList
    """Exact copies, same files first."""
    doubtful: PairList
    """Pairs that look alike without proof enough: their groups stay apart."""
    doubts: dict[Doubt, int] = Field(default_factory=dict)
    """How many doubtful pairs there are for each reason."""
    groups: GroupFacts
    """Source groups of all images."""
    labels: tuple[LabelGroups, ...]
    """Source groups of each label."""
    crossings: tuple[Crossing, ...]
    """Each two sides, in both directions; empty where nothing divides the images."""
    crossing_pairs: PairList
    """Pairs across two sides, the clearest first."""
    two_labels: PairList
    """Pairs across two labels, the clearest first; two spellings of a class are one label."""
    two_label_groups: int
    """Source groups under more than one label."""
    repair: RepairFacts | None = None
    """What the repair of the split changed; null where none was asked for."""
    published: Published | None = None
    """Found groups beside those of a file; null where none was given."""

    @property
    def divided(self) -> bool:
        """Whether the images have sides: those of a split, or several folders."""
        return self.split is not None or len(self.folders) > 1

    @property
    def leaks(self) -> bool:
        """Whether tissue stands on two sides; in a folder that nothing divides, at all twice."""
        if self.divided:
            return any(crossing.with_sibling for crossing in self.crossings)
        return self.groups.groups < self.images
