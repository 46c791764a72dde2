"""What a plan's test images can show."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lcbench.runs.plan import Plan
from lcbench.runs.power import CORRELATIONS, DISCORDANCES, detectable_differences
from lcbench.statistics.power import detectable_before

MAJORITY = {"name": "majority", "kind": "majority"}


def test_every_protocol_has_every_assumption(plan_of: Callable[..., Plan]) -> None:
    plan = plan_of(MAJORITY)
    found = detectable_differences(plan)
    assert len(found) == len(plan.protocols) * len(DISCORDANCES) * len(CORRELATIONS)
    assert {one.protocol for one in found} == set(plan.protocols)


def test_the_sizes_are_those_of_the_test_side(plan_of: Callable[..., Plan]) -> None:
    plan = plan_of(MAJORITY)
    for protocol in plan.protocols:
        splits = [
            one.split
            for one in plan.splits
            if (one.split.protocol, one.split.seed) == (protocol, plan.splits[0].split.seed)
        ]
        tested = [row for split in splits for row in split.rows("test")]
        sizes = plan.dataset.manifest["group"].iloc[tested].value_counts()
        for one in detectable_differences(plan):
            if one.protocol != protocol:
                continue
            assert (one.images, one.groups) == (len(tested), len(sizes))
            expected = detectable_before(sizes.to_numpy(), one.discordance, one.correlation)
            assert one.difference == pytest.approx(expected)
