"""How an external folder differs from the training images, with numbers written by hand."""

from __future__ import annotations

from lcbench.analysis.external_results import ExternalResult
from lcbench.analysis.shift_results import Sureness, SurenessShift
from lcbench.runs.shift_records import ColourRecord, OutsideRecord, ShiftRecord, SpaceRecord

from . import suites

PINK = ColourRecord(
    images=90,
    mean=(63.0, 30.0, -36.0),
    spread=(7.0, 8.0, 9.0),
    stained=88,
    haematoxylin=(0.65, 0.70, 0.29),
    eosin=(0.07, 0.99, 0.11),
    cloud=tuple((30.0 + number % 7, -36.0 + number % 5) for number in range(20)),
)
PALER = PINK.model_copy(update={"mean": (70.0, 27.0, -30.0), "haematoxylin": (0.60, 0.75, 0.29)})
GREY = ColourRecord(
    images=60, mean=(24.0, 0.0, 0.0), spread=(8.0, 0.0, 0.0), stained=0, cloud=((0.0, 0.0),) * 20
)


def space(name: str, *, p: float, outside: float, farther: float) -> SpaceRecord:
    """Return a space in which that share of the images lies outside."""
    share = suites.interval(outside, 0.0 if outside == 1 else 0.01, n=60, groups=40)
    return SpaceRecord(
        space=name,
        distance=0.3,
        p=p,
        permutations=999,
        groups=(50, 40),
        among_training=-0.001,
        limit=2.0,
        typical=4.0,
        farther=farther,
        outside=(
            OutsideRecord(label="", images=60, groups=40, outside=share),
            OutsideRecord(label="malignant", images=60, groups=40, outside=share),
        ),
        held_out=(0.5, 1.0, 1.2, 1.5, 1.9),
        external=(2.5, 3.0, 4.0, 5.0, 7.0),
    )


def folder(shift: ShiftRecord | None, name: str = "ct") -> ExternalResult:
    """Return an external folder that differs so, with models that are as sure as ever."""
    one = suites.external(name)
    sure = Sureness(
        images=60,
        confidence=suites.interval(0.966),
        labelled=60,
        accuracy=suites.interval(0.949),
        gap=suites.interval(0.017),
        calibration_error=0.016,
    )
    here = sure.model_copy(
        update={"confidence": suites.interval(0.955), "accuracy": suites.interval(0.495)}
    )
    shifts = SurenessShift(
        baseline="reference",
        protocol="grouped",
        runs=2,
        test=sure,
        external=here,
        change=suites.interval(-0.011),
    )
    record = one.record.model_copy(update={"shift": shift})
    return one.model_copy(update={"record": record, "sureness": (shifts,)})


def _shift(external: ColourRecord, *spaces: SpaceRecord) -> ShiftRecord:
    return ShiftRecord(
        images=60,
        training_images=90,
        training_groups=50,
        held_out=20,
        held_out_groups=10,
        training=PINK,
        external=external,
        spaces=spaces,
    )


UNLIKE = _shift(
    GREY,
    space("", p=0.001, outside=1, farther=0.942),
    space("net", p=0.001, outside=1, farther=0.987),
)
DIFFERENT = _shift(PALER, space("net", p=0.001, outside=0.4, farther=0.0))
ALIKE = _shift(PINK, space("net", p=0.4, outside=0.02, farther=0.0))
