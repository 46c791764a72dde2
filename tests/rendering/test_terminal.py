"""What is printed of a plan and of an external folder."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from lcbench.leakage.siblings import Siblings
from lcbench.protocols import Split
from lcbench.rendering.terminal import protocol_words
from lcbench.runs.plan import PlannedSplit


def planned(
    protocol: str, seed: int, fold: int, siblings: Siblings | None, proven: Siblings | None = None
) -> PlannedSplit:
    return PlannedSplit(Split(protocol, seed, fold, np.array(["test"]), ("a",)), siblings, proven)


def paper(*shared: int) -> list[PlannedSplit]:
    """A split a seed, each with so many of 2,000 test images that have a sibling in training."""
    return [
        planned("paper", seed, 0, Siblings(2000, images, 672, 671))
        for seed, images in enumerate(shared)
    ]


@pytest.mark.parametrize(
    ("splits", "said"),
    [
        (
            paper(1999, 2000, 1999),
            "random split (the paper's): 671 of 672 source groups in test also in train "
            "(seed 0; 3 seeds alike: 99.97 % of test images)",
        ),
        (
            paper(1999),
            "random split (the paper's): 671 of 672 source groups in test also in train "
            "(99.95 % of test images)",
        ),
        (
            paper(1000, 1500),
            "random split (the paper's): 671 of 672 source groups in test also in train "
            "(seed 0; 2 seeds: 50.0 to 75.0 % of test images)",
        ),
        (
            [
                planned("grouped", seed, fold, Siblings(100, 0, 20, 0))
                for seed in range(3)
                for fold in range(5)
            ],
            "leakage-free (by source group): 0 of 100 source groups in test also in train "
            "(seed 0; 3 seeds alike: 0 % of test images)",
        ),
        (
            [planned("grouped", 0, 0, Siblings(90, 0, 20, 0, 10), Siblings(100, 25, 20, 3))],
            "leakage-free (by source group): 0 of 20 source groups in test also in train "
            "(0 % of test images); the source of 10 more test images is unknown; by pixels: 25.0 % "
            "of test images",
        ),
        ([planned("paper", 0, 0, None)], "random split (the paper's): source groups unknown"),
    ],
)
def test_a_protocol_is_one_line_whatever_its_seeds_and_folds(
    splits: Sequence[PlannedSplit], said: str
) -> None:
    assert protocol_words(splits) == said
