"""What the checks of an explanation say, in sentences, and in a line for every picture of it."""

from __future__ import annotations

from lcbench.explanations.checks import (
    AgreementCheck,
    InfidelityCheck,
    MethodChecks,
    PerturbationCheck,
    RandomisationCheck,
    SensitivityCheck,
    StageLikeness,
    TissueCheck,
    TissueLook,
    Verdict,
)
from lcbench.rendering import formats
from lcbench.rendering.explanation_answer import nuclei_sentence
from lcbench.rendering.words import capital, node_words
from lcbench.statistics.interval_model import Interval

_BETWEEN = {
    "seeds": "maps of networks that differ by their seed alone",
    "turns": "maps of an image and of the same image turned",
    "copies": "maps of two copies of one tile, laid on each other,",
}
_VERDICTS: dict[Verdict, str] = {
    "passes": "passes",
    "fails": "fails",
    "undecided": "is left open",
}
NOT_STAINED = (
    "No image shows stained tissue, so whether the model looks at nuclei, other tissue or "
    "background cannot be asked."
)


def verdict_line(checks: MethodChecks) -> str:
    """Return the line that stands on every picture of a method: what it fails, or that it passes.

    `fails its checks: randomisation, agreement between turns`.
    """
    verdicts = checks.verdicts
    if not verdicts:
        return "not checked"
    if checks.verdict == "passes":
        return f"passes its {formats.plural(len(verdicts), 'check')}"
    word: Verdict = "fails" if checks.verdict == "fails" else "undecided"
    named = ", ".join(name for name, one in verdicts.items() if one == word)
    if word == "fails":
        return f"fails its checks: {named}"
    return f"not proven by its checks: {named}" if named else "not all checks were made"


def verdict_count(checks: MethodChecks) -> str:
    """Return the same in a few words: `fails 2 of 7 checks`."""
    verdicts = list(checks.verdicts.values())
    every = formats.plural(len(verdicts), "check")
    if "fails" in verdicts:
        return f"fails {verdicts.count('fails')} of {every}"
    if checks.verdict == "passes" or not verdicts:
        return f"passes {every}" if verdicts else "not checked"
    return f"passes {verdicts.count('passes')} of {every}, none fails"


def sentences(checks: MethodChecks) -> list[str]:
    """Return a sentence on each check that was made, the verdict on all of them first."""
    about = f"{capital(checks.title)} on {checks.model}, {node_words(checks.question)}"
    found = [f"{about}: {verdict_line(checks)}."]
    if checks.randomisation is not None:
        found.append(_of_randomisation(checks.randomisation))
    if checks.perturbation is not None:
        found.append(_of_perturbation(checks.perturbation))
    if checks.infidelity is not None:
        found.append(_of_infidelity(checks.infidelity))
    if checks.sensitivity is not None:
        found.append(_of_sensitivity(checks.sensitivity))
    found += [_of_agreement(one) for one in checks.agreements]
    if checks.tissue is not None:
        found += _of_tissue(checks.tissue)
    return found


def stage_words(stage: StageLikeness, *, first: bool) -> str:
    """Return how far a network is spoilt: `the head`, `all down to blocks.3`."""
    if first and stage.share < 1:
        return "the head"
    return "the whole network" if stage.share == 1 else f"all down to {stage.name}"


def _of_tissue(check: TissueCheck) -> list[str]:
    """Return where the model looks, a sentence for each set of images."""
    if not check.looks:
        return [NOT_STAINED]
    found = [*(_of_look(look) for look in check.looks), nuclei_sentence(check)]
    if check.unstained:
        count = formats.plural(check.unstained, "image")
        found.append(f"{count} without stained tissue {_is(check.unstained)} left out.")
    return found


def _of_randomisation(check: RandomisationCheck) -> str:
    stages = [one for one in check.stages if one.likeness["rank"].value is not None]
    if not stages:
        return "Randomisation is left open: no map has any contrast."
    worst = max(stages, key=lambda one: one.likeness["rank"].value or 0.0)
    rank = worst.likeness["rank"]
    spoilt = stage_words(worst, first=worst is check.stages[0])
    still = "still " if check.verdict == "fails" else ""
    text = (
        f"Randomisation: it {_VERDICTS[check.verdict]}. With {spoilt} randomised, the maps "
        f"{still}correlate {_estimate(rank)} with those of the trained network"
    )
    beyond = worst.beyond_seeds
    if beyond is not None and beyond.value is not None:
        text += f"; {formats.value_interval(beyond, signed=True)} beside the maps of another seed"
    return f"{text} ({_groups(rank)})."


def _of_perturbation(check: PerturbationCheck) -> str:
    gains = [
        formats.value_interval(one, signed=True)
        for one in (check.insertion_gain, check.deletion_gain)
    ]
    told = _of_gains(check.verdict, check.insertion_gain, check.deletion_gain)
    return (
        f"Insertion and deletion: it {told}. In area under the {check.score}, "
        f"its order gains {gains[0]} over random order while parts are put back, and {gains[1]} "
        f"while they are taken away ({_groups(check.insertion_gain)})."
    )


def _of_gains(verdict: Verdict, *gains: Interval) -> str:
    """Return a verdict on gains; a failure because too few groups prove one is told as such."""
    open_yet = all(one.high is not None and one.high > 0 for one in gains)
    return f"{_VERDICTS[verdict]}{' for want of proof' * (verdict == 'fails' and open_yet)}"


def _of_infidelity(check: InfidelityCheck) -> str:
    return (
        f"Infidelity: it {_of_gains(check.verdict, check.gain)}. The maps foretell "
        f"{formats.share_interval(check.explained, unit=True)} of what taking parts away changes, "
        f"their shuffled parts {formats.share_interval(check.shuffled, unit=True)} "
        f"({_groups(check.gain)})."
    )


def _of_sensitivity(check: SensitivityCheck) -> str:
    return (
        f"Sensitivity: it {_VERDICTS[check.verdict]}. Noise that nobody sees changes the maps by "
        f"{_estimate(check.change)} of their length ({_groups(check.change)})."
    )


def _of_agreement(check: AgreementCheck) -> str:
    out = ""
    if check.left_out:
        out = f"; {formats.integer(check.left_out)} could not be compared"
    if check.likeness.value is None:
        return f"Agreement between {check.between} is left open: nothing could be compared{out}."
    return (
        f"Agreement between {check.between}: it {_VERDICTS[check.verdict]}. "
        f"{capital(_BETWEEN[check.between])} correlate {_estimate(check.likeness)} "
        f"({_groups(check.likeness)}{out})."
    )


def _of_look(look: TissueLook) -> str:
    parts = "; ".join(
        f"{part.compartment} {formats.share_interval(part.area, unit=True)} of the area, "
        f"{formats.share_interval(part.share, unit=True)} of the attribution, "
        f"{formats.ratio_interval(part.ratio)} times as much"
        for part in look.parts
    )
    return f"{capital(look.images)}: {parts} ({_groups(look.parts[0].area)})."


def _estimate(estimate: Interval) -> str:
    return formats.value_interval(estimate)


def _groups(estimate: Interval) -> str:
    return formats.plural(estimate.groups, "source group")


def _is(count: int) -> str:
    return "is" if count == 1 else "are"
