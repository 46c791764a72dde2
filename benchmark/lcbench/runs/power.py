"""What a plan's test images can show, before anything is run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lcbench.runs.plan import Plan
from lcbench.statistics.power import detectable_before

DISCORDANCES = (0.01, 0.04, 0.1)
"""Shares of images on which two models may disagree about being right."""
CORRELATIONS = (0.0, 0.1, 0.5, 1.0)
"""Intra-group correlations of that: 0 is independent images, 1 all images of a group alike."""


@dataclass(frozen=True)
class Detectable:
    """The smallest difference in error rates that a protocol's test images can show.

    Parameters
    ----------
    protocol
        Name of the protocol.
    images, groups
        Test images of one seed, and their source groups.
    discordance, correlation
        Assumed share of images that go wrong under exactly one of two models, and its
        intra-group correlation.
    difference
        Smallest difference shown with a chance of 80 % at a two-sided level of 5 %; None where
        none is.
    """

    protocol: str
    images: int
    groups: int
    discordance: float
    correlation: float
    difference: float | None


def detectable_differences(plan: Plan) -> tuple[Detectable, ...]:
    """Return what each protocol can show under several assumptions; see `Detectable`."""
    return tuple(
        Detectable(
            protocol=protocol,
            images=int(sizes.sum()),
            groups=len(sizes),
            discordance=discordance,
            correlation=correlation,
            difference=detectable_before(sizes, discordance, correlation),
        )
        for protocol in plan.protocols
        for sizes in [_group_sizes(plan, protocol)]
        for discordance in DISCORDANCES
        for correlation in CORRELATIONS
    )


def _group_sizes(plan: Plan, protocol: str) -> NDArray[np.int64]:
    """Return how many test images of the first seed each source group has."""
    splits = [one.split for one in plan.splits if one.split.protocol == protocol]
    rows = np.concatenate([one.rows("test") for one in splits if one.seed == splits[0].seed])
    manifest = plan.dataset.manifest
    column = "group" if plan.dataset.groups_known else "image"
    return np.asarray(manifest[column].iloc[rows].value_counts(), np.int64)
