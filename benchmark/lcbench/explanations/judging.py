"""From measures of each image to checks: means with intervals over source groups, and verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from lcbench.explanations.checks import (
    Agreement,
    AgreementCheck,
    Band,
    InfidelityCheck,
    PerturbationCheck,
    RandomisationCheck,
    SensitivityCheck,
    StageLikeness,
    TissueCheck,
    TissueLook,
    TissuePart,
    Verdict,
)
from lcbench.explanations.estimates import (
    ANY,
    CORRELATION,
    Flags,
    mean,
    mean_difference,
    mean_ratio,
    means,
    some,
)
from lcbench.explanations.perturbation import Curves, gains
from lcbench.explanations.randomisation import Randomised
from lcbench.explanations.tissue import COMPARTMENTS, TissueShares
from lcbench.statistics.groups import ClusterCodes
from lcbench.statistics.interval_model import Interval
from lcbench.statistics.metrics import Values

ALIKE = 0.5
"""Rank correlation from which two maps are alike: they share a quarter of what sets their ranks."""
_OWN_LENGTH = 1.0


def judge_randomisation(
    randomised: Sequence[Randomised], groups: ClusterCodes, seeds: Values | None = None
) -> RandomisationCheck:
    """Return the check of parameter randomisation.

    Parameters
    ----------
    randomised
        From the head alone to the whole network, see `lcbench.explanations.randomisation`.
    groups
        Source groups of the images.
    seeds
        (N,) rank correlation of the maps of two seeds, pixel by pixel: how alike maps of two
        networks are that know as much.
    """
    stages = []
    for one in randomised:
        rank = one.likeness["rank"]
        beyond = None if seeds is None else mean(rank - seeds, groups, ANY)
        likeness = means(one.likeness, groups, CORRELATION)
        stages.append(
            StageLikeness(
                name=one.stage.name, share=one.stage.share, likeness=likeness, beyond_seeds=beyond
            )
        )
    verdicts = [verdict for one in stages for verdict in _of_stage(one)]
    return RandomisationCheck(
        stages=tuple(stages),
        seeds=None if seeds is None else mean(seeds, groups, CORRELATION),
        verdict=_together(verdicts),
    )


def judge_perturbation(
    own: Curves, random: Curves, groups: ClusterCodes, score: str
) -> PerturbationCheck:
    """Return the check of insertion and deletion.

    Parameters
    ----------
    own, random
        In the order of the method, and in random order.
    groups
        Source groups of the images.
    score
        What falls and rises, in plain words.
    """
    insertion, deletion = (mean(one, groups, ANY) for one in gains(own, random))
    return PerturbationCheck(
        score=score,
        shares=tuple(own.shares.tolist()),
        insertion=_band(own.insertion, groups),
        deletion=_band(own.deletion, groups),
        random_insertion=_band(random.insertion, groups),
        random_deletion=_band(random.deletion, groups),
        insertion_gain=insertion,
        deletion_gain=deletion,
        verdict=_together([_is_gain(insertion), _is_gain(deletion)]),
    )


def judge_infidelity(explained: Values, shuffled: Values, groups: ClusterCodes) -> InfidelityCheck:
    """Return the check of infidelity.

    Parameters
    ----------
    explained, shuffled
        (N,) shares of the score's changes that the attributions, and their shuffled parts,
        foretell.
    groups
        Source groups of the images.
    """
    gain = mean(explained - shuffled, groups, ANY)
    return InfidelityCheck(
        explained=mean(explained, groups),
        shuffled=mean(shuffled, groups),
        gain=gain,
        verdict=_is_gain(gain),
    )


def judge_sensitivity(change: Values, groups: ClusterCodes) -> SensitivityCheck:
    """Return the check of max-sensitivity, from the (N,) largest changes of the images."""
    found = mean(change, groups, ANY)
    return SensitivityCheck(change=found, verdict=_is_below(found, _OWN_LENGTH))


def judge_agreement(between: Agreement, likeness: Values, groups: ClusterCodes) -> AgreementCheck:
    """Return the check of agreement.

    Parameters
    ----------
    between
        What should agree.
    likeness
        (N,) rank correlations of the images or pairs; NaN where it is not defined.
    groups
        Source groups of the images or pairs.
    """
    found = mean(likeness, groups, CORRELATION)
    turned = {"passes": "fails", "fails": "passes"}
    below = _is_below(found, ALIKE)
    return AgreementCheck(
        between=between,
        likeness=found,
        left_out=int(np.isnan(likeness).sum()),
        verdict=turned.get(below, below),
    )


def describe_tissue(
    shares: TissueShares, images: Mapping[str, Flags], groups: ClusterCodes
) -> TissueCheck:
    """Return where the model looks.

    Parameters
    ----------
    shares
        Of each image.
    images
        By plain words, the (N,) images that are meant; right answers first.
    groups
        Source groups of the images.
    """
    stained = shares.stained
    chosen = {words: flags & stained for words, flags in images.items()}
    shown = {words: flags for words, flags in chosen.items() if flags.any()}
    first = next(iter(chosen.values()), stained)
    looks = []
    for words, flags in shown.items():
        other = None if flags is first else first
        parts = tuple(_part(shares, number, flags, other, groups) for number in range(3))
        looks.append(TissueLook(images=words, parts=parts))
    return TissueCheck(looks=tuple(looks), unstained=int((~stained).sum()))


def _part(
    shares: TissueShares, number: int, chosen: Flags, first: Flags | None, groups: ClusterCodes
) -> TissuePart:
    area, share = shares.areas[:, number], shares.shares[:, number]
    among = some(groups, chosen)
    return TissuePart(
        compartment=COMPARTMENTS[number],
        area=mean(area[chosen], among),
        share=mean(share[chosen], among),
        surplus=mean((share - area)[chosen], among, CORRELATION),
        ratio=mean_ratio(share[chosen], area[chosen], among),
        than_first=None if first is None else mean_difference(share - area, chosen, first, groups),
    )


def _band(scores: Values, groups: ClusterCodes) -> Band:
    found = means(dict(enumerate(scores.T)), groups, ANY).values()
    return Band(
        value=tuple(np.nan if one.value is None else one.value for one in found),
        low=tuple(one.low for one in found),
        high=tuple(one.high for one in found),
    )


def _of_stage(stage: StageLikeness) -> list[Verdict]:
    alike = _is_below(stage.likeness["rank"], ALIKE)
    beyond = stage.beyond_seeds
    return [alike] if beyond is None else [alike, _is_below(beyond, 0.0)]


def _is_below(estimate: Interval, limit: float) -> Verdict:
    """Tell whether the whole interval lies below a limit (passes), or above it (fails)."""
    if estimate.low is None or estimate.high is None:
        return "undecided"
    if estimate.high < limit:
        return "passes"
    return "fails" if estimate.low >= limit else "undecided"


def _is_gain(estimate: Interval) -> Verdict:
    if estimate.low is None:
        return "undecided"
    return "passes" if estimate.low > 0 else "fails"


def _together(verdicts: Sequence[Verdict]) -> Verdict:
    """Return fails if one does, passes if all do."""
    if "fails" in verdicts:
        return "fails"
    return "passes" if verdicts and set(verdicts) == {"passes"} else "undecided"
