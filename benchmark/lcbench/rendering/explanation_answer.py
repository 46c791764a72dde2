"""Whether decisions align with what pathologists look at: what explanations can say, and cannot."""

from __future__ import annotations

from collections.abc import Sequence

from lcbench.explanations.checks import MethodChecks, TissueCheck, TissueLook, TissuePart
from lcbench.rendering import formats
from lcbench.rendering.words import capital
from lcbench.statistics.interval_model import Interval

_COARSE = ("grad-cam", "occlusion")
_BY_COLOUR = "integrated-gradients"


def answer(methods: Sequence[MethodChecks]) -> list[str]:
    """Return what the methods say together of one model at one decision, the answer first.

    Parameters
    ----------
    methods
        Their checks.
    """
    passing = [one for one in methods if one.verdict == "passes"]
    if passing:
        titles = formats.listing([one.title for one in passing])
        word = "passes" if len(passing) == 1 else "pass"
        told = [f"{capital(titles)} {word} every check on this model."]
    else:
        told = [
            "No method passes every check on this model: none of these maps is evidence of why it "
            "answers, and they can neither show nor refute that it decides by pathological "
            "features."
        ]
    shown = passing or methods
    looks = [(one.title, _nuclei(one.tissue)) for one in shown if one.tissue and one.tissue.looks]
    told += [f"{capital(title)}: {words}." for title, words in looks]
    if looks:
        told.append(
            "Nuclei are what colour deconvolution takes for nuclei, a coarse stand-in for what a "
            "pathologist looks at."
        )
    coarse = [one.title for one in shown if one.method in _COARSE]
    if looks and coarse:
        told.append(
            f"{capital(formats.listing(coarse))} cannot tell nuclei from what lies beside them: "
            "squares wider than a nucleus have one number each."
        )
    if looks and any(one.method == _BY_COLOUR for one in shown):
        told.append(
            "Integrated gradients multiply by how far a colour lies from the image's mean: dark "
            "nuclei and white background get more of them, whatever the model looks at."
        )
    return told


def nuclei_sentence(check: TissueCheck) -> str:
    """Return what nuclei have of the attribution beside their area, and how images differ in it."""
    differences = [
        f"in {look.images} this differs from {check.looks[0].images} by "
        f"{formats.points_interval(part.than_first, unit=True)}"
        for look in check.looks
        if (part := _part(look)).than_first is not None and part.than_first.value is not None
    ]
    return f"{capital('; '.join((_nuclei(check), *differences)))}."


def _nuclei(check: TissueCheck | None) -> str:
    """Return `of right answers, nuclei have less of the attribution than of the area (...)`."""
    return "; ".join(
        f"in {look.images}, nuclei have {_beside(_part(look).surplus)}"
        for look in (check.looks if check else ())
    )


def _beside(surplus: Interval) -> str:
    estimate = formats.points_interval(surplus, unit=True)
    groups = formats.plural(surplus.groups, "source group")
    if surplus.low is not None and surplus.low > 0:
        words = "more of the attribution than of the area"
    elif surplus.high is not None and surplus.high < 0:
        words = "less of the attribution than of the area"
    else:
        words = "neither more nor less of the attribution than of the area, as far as can be told"
    return f"{words} ({estimate}, {groups})"


def _part(look: TissueLook) -> TissuePart:
    return next(part for part in look.parts if part.compartment == "nuclei")
