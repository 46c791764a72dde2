"""Checks of explanations that the pictures and sentences are tested on."""

from __future__ import annotations

import numpy as np

from lcbench.explanations.checks import MethodChecks
from lcbench.explanations.judging import (
    describe_tissue,
    judge_agreement,
    judge_infidelity,
    judge_perturbation,
    judge_randomisation,
    judge_sensitivity,
)
from lcbench.explanations.perturbation import Curves
from lcbench.explanations.randomisation import Randomised, Stage
from lcbench.explanations.tissue import TissueShares
from lcbench.statistics.groups import ClusterCodes, cluster_codes

COUNT = 120
STAGES = (Stage("head.1", ("head.1",), 0.04), Stage("blocks.3", (), 0.5), Stage("stem", (), 1.0))


def groups(count: int = COUNT) -> ClusterCodes:
    """Two images a source group."""
    return cluster_codes([f"{number // 2:03}" for number in range(count)], [""] * count)


def checks(
    method: str = "saliency", like: float = 0.93, gain: float = -0.1, *, stained: bool = True
) -> MethodChecks:
    """All checks of a method, by how alike its maps stay and by what it gains over chance."""
    random = np.random.default_rng(0)

    def around(value: float) -> np.ndarray:
        return np.clip(random.normal(value, 0.04, COUNT), -1, 1)

    likeness = [{"rank": around(like - 0.1 * place)} for place in range(len(STAGES))]
    shares = np.linspace(0, 1, 6)
    lines = [3 * shares**power + random.normal(0, 0.3, (COUNT, 1)) for power in (1, 1 - gain)]
    chance, own = (Curves(shares, one, one[:, ::-1] - 2 * gain) for one in lines)
    own = Curves(shares, own.insertion, chance.deletion - gain * np.sin(np.pi * shares) * 3)
    areas = random.dirichlet([3, 5, 2], COUNT)
    looked = areas * [1.4, 1.0, 0.5]
    looked /= looked.sum(axis=1, keepdims=True)
    if not stained:
        areas[:], looked[:] = np.nan, np.nan
    right = np.arange(COUNT) % 4 < 2
    own_groups = groups()
    return MethodChecks(
        model="reference",
        method=method,
        title={"saliency": "gradient saliency", "grad-cam": "Grad-CAM"}.get(method, method),
        question="why squamous cell carcinoma and not adenocarcinoma",
        randomisation=judge_randomisation(
            [Randomised(stage, one) for stage, one in zip(STAGES, likeness, strict=True)],
            own_groups,
            around(0.6),
        ),
        perturbation=judge_perturbation(own, chance, own_groups, "log-odds"),
        infidelity=judge_infidelity(around(0.3) + gain, around(0.2), own_groups),
        sensitivity=judge_sensitivity(around(0.4), own_groups),
        agreements=(
            judge_agreement("seeds", around(0.8), own_groups),
            judge_agreement("turns", around(0.45 + gain), own_groups),
            judge_agreement("copies", np.where(right, np.nan, around(0.7)), own_groups),
        ),
        tissue=describe_tissue(
            TissueShares(areas, looked),
            {"right answers": right, "adenocarcinoma taken for squamous": ~right},
            own_groups,
        ),
    )
