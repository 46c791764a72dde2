"""What is known of a method of explanation on one model: each check as numbers and a verdict."""

from __future__ import annotations

from typing import Literal

from lcbench.explanations.similarity import Likeness
from lcbench.explanations.tissue import Compartment
from lcbench.result_model import ResultModel
from lcbench.statistics.interval_model import Interval

Verdict = Literal["passes", "fails", "undecided"]
"""Undecided: the interval leaves both open, or the measure is not defined on these images."""
Agreement = Literal["seeds", "turns", "copies"]


class StageLikeness(ResultModel):
    """How alike attributions are once a part of the network is random."""

    name: str
    """The deepest module that is random, as PyTorch names it."""
    share: float
    """Share of the network's parameters that are random."""
    likeness: dict[Likeness, Interval]
    """Mean over the images of each likeness; the verdict rests on `rank`."""
    beyond_seeds: Interval | None
    """By how much maps of the spoilt network are more alike than maps of another seed; null
    without another seed."""


class RandomisationCheck(ResultModel):
    """Whether the explanation changes when the model forgets: Adebayo et al. (2018).

    Fails where, at some stage, the lower limit of the rank correlation reaches .5, or maps of the
    spoilt network are at least as alike as those of another seed, the whole interval long. Passes
    where, at every stage, the upper limit stays below .5, and below what seeds share.
    """

    stages: tuple[StageLikeness, ...]
    """From the head alone to the whole network."""
    seeds: Interval | None
    """Rank correlation between seeds, pixel by pixel; null without another seed."""
    verdict: Verdict
    """Of the method on this model."""


class Band(ResultModel):
    """A mean curve and the limits at each of its points; null where there is no interval."""

    value: tuple[float, ...]
    """Mean over the images."""
    low: tuple[float | None, ...]
    """Lower limits."""
    high: tuple[float | None, ...]
    """Upper limits."""


class PerturbationCheck(ResultModel):
    """Whether the score changes most where the explanation points: Petsiuk et al. (2018).

    Passes where both gains are above 0, their whole intervals long; fails otherwise.
    """

    score: str
    """What falls and rises, in plain words, such as log-odds."""
    shares: tuple[float, ...]
    """Share of the image that was taken away or put back, the steps of all curves."""
    insertion: Band
    """Scores while the parts are put back, the most important ones first."""
    deletion: Band
    """Scores while they are taken away."""
    random_insertion: Band
    """The same in random order."""
    random_deletion: Band
    """The same in random order."""
    insertion_gain: Interval
    """Area under the insertion curve less that of random order."""
    deletion_gain: Interval
    """Area under the deletion curve of random order less the method's own."""
    verdict: Verdict
    """Of the method on this model."""


class InfidelityCheck(ResultModel):
    """Whether attributions foretell what a part is worth: Yeh et al. (2019), by Captum.

    Passes where they foretell more than their shuffled parts do, the whole interval long; fails
    otherwise.
    """

    explained: Interval
    """Share of the score's changes that the attributions foretell."""
    shuffled: Interval
    """The same of attributions whose parts changed places."""
    gain: Interval
    """The difference of the two."""
    verdict: Verdict
    """Of the method on this model."""


class SensitivityCheck(ResultModel):
    """Whether attributions bear noise that nobody sees: Yeh et al. (2019), by Captum.

    Fails where they change by more than their own length, the whole interval long; passes where
    the whole interval is below that.
    """

    change: Interval
    """Largest change over the length of the attributions."""
    verdict: Verdict
    """Of the method on this model."""


class AgreementCheck(ResultModel):
    """Whether explanations agree where they should.

    Passes where the lower limit of the rank correlation reaches .5, fails where the upper limit
    stays below.
    """

    between: Agreement
    """Seeds; the image and the image turned; or two copies of one tile."""
    likeness: Interval
    """Rank correlation at the size of structures."""
    left_out: int
    """Images or pairs for which it is not defined: copies that could not be laid on each other."""
    verdict: Verdict
    """Of the method on this model."""


class TissuePart(ResultModel):
    """What one compartment has of the images, and of their attribution."""

    compartment: Compartment
    """Nuclei, other tissue, or background."""
    area: Interval
    """Share of the area."""
    share: Interval
    """Share of the absolute attribution."""
    surplus: Interval
    """Share of the attribution less share of the area."""
    ratio: Interval
    """Share of the attribution over share of the area: at 1, it is looked at as much as its area
    takes."""
    than_first: Interval | None
    """Surplus less that of the images named first; null for these."""


class TissueLook(ResultModel):
    """Where a model looks on some images."""

    images: str
    """Which images are meant, in plain words."""
    parts: tuple[TissuePart, ...]
    """One a compartment; of each, areas and shares sum to 1."""


class TissueCheck(ResultModel):
    """Whether the model looks at tissue. No verdict: what it should look at is not known."""

    looks: tuple[TissueLook, ...]
    """Right answers first. Empty where no image shows stained tissue: the question does not
    apply."""
    unstained: int
    """Images that show no stained tissue."""


class MethodChecks(ResultModel):
    """All checks of one method on one model."""

    model: str
    """The baseline whose answers are explained."""
    method: str
    """Name of the method."""
    title: str
    """What readers call it."""
    question: str
    """What is explained, in plain words: "why squamous and not adenocarcinoma"."""
    randomisation: RandomisationCheck | None = None
    """Null where it was not made, as all below."""
    perturbation: PerturbationCheck | None = None
    """Insertion and deletion."""
    infidelity: InfidelityCheck | None = None
    """Captum's infidelity."""
    sensitivity: SensitivityCheck | None = None
    """Captum's max-sensitivity."""
    agreements: tuple[AgreementCheck, ...] = ()
    """Between seeds, turns and copies."""
    tissue: TissueCheck | None = None
    """Where it looks."""

    @property
    def verdicts(self) -> dict[str, Verdict]:
        """The verdict of each check that was made, by what it asks of the method."""
        made = {
            "randomisation": self.randomisation,
            "insertion and deletion": self.perturbation,
            "infidelity": self.infidelity,
            "sensitivity": self.sensitivity,
            **{f"agreement between {one.between}": one for one in self.agreements},
        }
        return {name: one.verdict for name, one in made.items() if one is not None}

    @property
    def verdict(self) -> Verdict:
        """Fails if one check does; passes if all do, the first two among them."""
        verdicts = self.verdicts
        if "fails" in verdicts.values():
            return "fails"
        complete = self.randomisation is not None and self.perturbation is not None
        return "passes" if complete and set(verdicts.values()) == {"passes"} else "undecided"
