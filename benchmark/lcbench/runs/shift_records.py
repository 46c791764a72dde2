"""What `lcbench evaluate` stores about how an external folder differs from the training images."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from lcbench.runs.records import Record
from lcbench.statistics.interval_model import Interval

Vector = tuple[float, float, float]
Range = tuple[float, float, float, float, float]
RANGE = (0.05, 0.25, 0.5, 0.75, 0.95)
"""The quantiles of a `Range`."""


class ColourRecord(Record):
    """The colour of some images.

    `images`: how many were looked at. `mean` and `spread`: of the images' mean colours in CIE Lab,
    lightness, a and b; the spread is the standard deviation between images. `stained`: images whose
    two stains could be told; `haematoxylin` and `eosin`: the mean of their optical densities of
    red, green and blue, of unit length, None where there are none. `cloud`: a and b of some of the
    images, for the picture.
    """

    images: int
    mean: Vector
    spread: Vector
    stained: int
    haematoxylin: Vector | None = None
    eosin: Vector | None = None
    cloud: tuple[tuple[float, float], ...] = ()


class OutsideRecord(Record):
    """How many images lie outside the training range; `label`: their label, empty for all."""

    label: str
    images: int
    groups: int
    outside: Interval


class SpaceRecord(Record):
    """Two sets of images in one space of features, by Euclidean distance.

    `space`: a backbone, whose embeddings these are; empty for colour histograms, whose distances
    are Hellinger's.

    `distance`: energy distance over twice the mean distance between the two sides, with one image a
    source group: 0 where both have one distribution, 1 where neither varies. `p`: of dealing the
    source groups anew, `permutations` times. `groups`: of either side. `among_training`: the same
    `distance` between two parts of the training images; None where a part has a single group.

    `limit`: the distance to the nearest training image that 99 % of held-out training images, of
    other source groups, do not exceed. `outside`: the images beyond it, first all, then by label.
    `farther`: share of the images whose nearest training image is farther away than two training
    images of different source groups are from each other in the median, which is `typical`.
    `held_out` and `external`: quantiles `RANGE` of the distances to the nearest training image.
    """

    space: str
    distance: float
    p: float
    permutations: int
    groups: tuple[int, int]
    among_training: float | None
    limit: float
    typical: float
    farther: float
    outside: tuple[OutsideRecord, ...]
    held_out: Range
    external: Range


class ShiftRecord(Record):
    """How an external folder differs from the images that a suite's models learned from.

    `reason`: why the two were not compared; empty where they were. `images`: external images that
    were compared, `contaminated`: others that show tissue of the training images and were left out.
    `training_images` and `training_groups`: the sample that they were compared with, of it
    `held_out` images of `held_out_groups` groups to see how far training images lie from each
    other. `groups`: which side's source groups are known. `without`: why a backbone gives no space.
    """

    reason: str = ""
    images: int = 0
    contaminated: int = 0
    training_images: int = 0
    training_groups: int = 0
    held_out: int = 0
    held_out_groups: int = 0
    groups_known: Literal["both", "training", "external", "neither"] = "both"
    training: ColourRecord | None = None
    external: ColourRecord | None = None
    spaces: tuple[SpaceRecord, ...] = ()
    without: dict[str, str] = Field(default_factory=dict)
