"""A report and its repetition, number by number."""

from __future__ import annotations

import math
from typing import Literal

from lcbench import __version__
from lcbench.analysis.numbers import NOT_COMPARED, SECTIONS, Number, Section, measure, numbers_of
from lcbench.analysis.reasons import NO_REASON, Reason, known_processors, reasons_between
from lcbench.analysis.results import Results
from lcbench.result_model import ResultModel
from lcbench.statistics.interval_model import Unbounded

SCHEMA_VERSION = 1
Outcome = Literal["the same", "close", "different", "only in the report"]
Verdict = Literal["agree", "agree in part", "do not agree"]

LAST_DIGITS = 1e-9
"""Numbers whose relative difference is below this are the same: sums may be taken in another
order without any prediction being another one."""
_ZERO = 1e-12


class Compared(ResultModel):
    """One number, in the report and here."""

    place: str
    """Its address: section, protocol, baseline, metric, and what of it."""
    section: Section
    """The first step of the address."""
    report: Unbounded | str
    """What the report says."""
    here: Unbounded | str | None
    """What came out here; null where nothing did."""
    allowed: Unbounded
    """How far apart they may be on another processor; for p-values and statistics in standard
    errors."""
    outcome: Outcome
    """How they compare."""
    agrees: bool
    """Whether that is agreement: the same, or close where the processor is another."""
    reasons: tuple[str, ...]
    """Why it does not agree, as far as the two differ in what is known about them."""


class SectionAgreement(ResultModel):
    """How many numbers of one section agree."""

    section: Section
    """Its name."""
    numbers: int
    """Numbers of the report in it."""
    same: int
    """Those that are the same here."""
    close: int
    """Those that are within what another processor may change."""
    agree: int
    """Those that agree."""


class Agreement(ResultModel):
    """Whether a report's numbers came out again."""

    generator: Literal["lcbench rerun"] = "lcbench rerun"
    """Which command wrote it."""
    schema_version: int = SCHEMA_VERSION
    """Version of this schema."""
    lcbench_version: str = __version__
    """Version of lcbench."""
    suite: str
    """Name of the suite."""
    exact: bool
    """Whether numbers have to be the same: both were computed on the same kind of processor."""
    sections: tuple[SectionAgreement, ...]
    """Counts."""
    reasons: tuple[Reason, ...]
    """What the report and its repetition do not share."""
    not_compared: tuple[str, ...] = NOT_COMPARED
    """What no two machines share."""
    numbers: tuple[Compared, ...]
    """Every number of the report."""

    @property
    def apart(self) -> tuple[Compared, ...]:
        """The numbers that do not agree."""
        return tuple(one for one in self.numbers if not one.agrees)

    @property
    def verdict(self) -> Verdict:
        """Whether all, at least half or fewer of the numbers agree."""
        agree = len(self.numbers) - len(self.apart)
        if agree == len(self.numbers):
            return "agree"
        return "agree in part" if 2 * agree >= len(self.numbers) else "do not agree"


def agreement_of(report: Results, here: Results) -> Agreement:
    """Compare every number of a report with that of its repetition.

    Parameters
    ----------
    report
        The published results.
    here
        What doing the same again gave.
    """
    exact = known_processors(report, here)
    reasons = reasons_between(report, here)
    ours = numbers_of(here)
    compared = tuple(
        _compare(number, ours.get(place), reasons, exact=exact)
        for place, number in numbers_of(report).items()
    )
    return Agreement(
        suite=report.suite,
        exact=exact,
        sections=tuple(_count(section, compared) for section in SECTIONS),
        reasons=reasons,
        numbers=compared,
    )


def _compare(
    theirs: Number, ours: Number | None, reasons: tuple[Reason, ...], *, exact: bool
) -> Compared:
    outcome = _outcome(theirs, ours)
    agrees = outcome == "the same" or (outcome == "close" and not exact)
    why = () if agrees else tuple(one.name for one in reasons if one.concerns(theirs))
    return Compared(
        place=theirs.place,
        section=theirs.section,
        report=theirs.value,
        here=ours.value if ours else None,
        allowed=0.0 if exact else theirs.allowed,
        outcome=outcome,
        agrees=agrees,
        reasons=() if agrees else (why or (NO_REASON,)),
    )


def _outcome(theirs: Number, ours: Number | None) -> Outcome:
    if ours is None:
        return "only in the report"
    a, b = theirs.value, ours.value
    if isinstance(a, str) or isinstance(b, str):
        return "the same" if a == b else "different"
    if math.isclose(a, b, rel_tol=LAST_DIGITS, abs_tol=_ZERO if theirs.scale == "number" else 0.0):
        return "the same"
    apart = abs(measure(a, theirs.scale) - measure(b, theirs.scale))
    return "close" if apart <= theirs.allowed else "different"


def _count(section: Section, compared: tuple[Compared, ...]) -> SectionAgreement:
    own = [one for one in compared if one.section == section]
    return SectionAgreement(
        section=section,
        numbers=len(own),
        same=sum(one.outcome == "the same" for one in own),
        close=sum(one.outcome == "close" for one in own),
        agree=sum(one.agrees for one in own),
    )
