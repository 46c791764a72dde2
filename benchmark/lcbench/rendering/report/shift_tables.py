"""How an external folder differs from the training images: tables and rows."""

from __future__ import annotations

from collections.abc import Iterator

from lcbench.analysis.external_results import ExternalResult
from lcbench.analysis.results import Results
from lcbench.analysis.shift_results import Sureness, SurenessShift
from lcbench.analysis.shift_verdict import adjusted, every
from lcbench.rendering.formats import (
    MINUS,
    NONE,
    integer,
    number,
    p_value,
    points_interval,
    share,
    share_interval,
)
from lcbench.rendering.markdown import Table
from lcbench.rendering.report.external import plural_of
from lcbench.rendering.report.external_columns import Titled
from lcbench.rendering.report.shift import space_words
from lcbench.rendering.report.tidy_rows import Place, Row, estimate_rows, row
from lcbench.rendering.words import label, node_words, protocol_short
from lcbench.runs.shift_records import ColourRecord, ShiftRecord, Vector
from lcbench.statistics.interval_model import Interval
from lcbench.taxonomy import ROOT

_COLOUR = (
    "Means over images, ± the standard deviation between images. L, a, b: CIE Lab (D65) of the "
    "mean colour of an image. Stains: optical densities of red, green and blue, of unit length, by "
    "the method of Macenko et al. (ISBI 2009), the mean over the images in which two could be "
    "told; a grey image has none."
)
_SPACES = (
    "Energy distance: over twice the mean distance between the sides, 0 where both have one "
    "distribution, 1 where neither varies (Székely and Rizzo 2013); one image of each group, and "
    "the mix of classes counts too. p: of dealing the groups anew, adjusted for all spaces (Holm). "
    "Parts of training: the same distance between two parts of the training images. "
    "Outside: farther from the nearest training image than 99 % of held-out training images of "
    "other source groups, with 95 % intervals over the groups here. Farther than typical: the "
    "nearest training image is farther away than two training images of different groups are from "
    "each other in the median. Distances are Euclidean, of colour histograms Hellinger's."
)
_SURENESS = (
    "Confidence: mean probability of the most probable leaf, on all images but those set aside to "
    "calibrate on; the gap is it minus the accuracy, and ECE the expected calibration error, both "
    "on images whose label is a leaf. "
    "Above 0, a gap says that the model is surer than right. Change: of the mean confidence, here "
    "minus on the test images. In brackets: 95 % intervals over the groups of either side, of "
    "these networks."
)


def shift_tables(results: Results, folder: ExternalResult) -> Iterator[Titled]:
    """Yield the tables of a folder beside the training images; none where nothing is known."""
    shift = folder.record.shift
    if shift is not None and shift.training is not None and shift.external is not None:
        sides = (("training", shift.training), (folder.record.name, shift.external))
        what = "images, or tiles" if folder.record.tiling else "images"
        headers = ("side", what, "L", "a", "b", "with two stains", "haematoxylin", "eosin")
        rows = [_colour(name, side) for name, side in sides]
        yield Titled("Colour, beside the training images", Table(headers, rows), _COLOUR)
    if shift is not None and shift.spaces:
        yield Titled("Distance from the training images", _spaces(folder, shift), _SPACES)
        yield Titled("Outside the training range, by label, %", _by_label(folder, shift))
    if folder.sureness:
        title = "Confidence and calibration, on own test images and here"
        yield Titled(title, _sureness(results, folder), _SURENESS)


def _colour(name: str, side: ColourRecord) -> list[str]:
    lab = [
        f"{number(mean)} ± {number(spread)}"
        for mean, spread in zip(side.mean, side.spread, strict=True)
    ]
    stained = f"{integer(side.stained)} ({share(side.stained / side.images)})"
    return [
        name, integer(side.images), *lab, stained, _vector(side.haematoxylin), _vector(side.eosin)
    ]  # fmt: skip


def _vector(values: Vector | None) -> str:
    if values is None:
        return NONE
    return ", ".join(f"{value:.2f}".replace("-", MINUS) for value in values)


def _groups(folder: ExternalResult) -> str:
    """Return what distances take as independent here."""
    return plural_of(folder.record.unit or "source group")


def _spaces(folder: ExternalResult, shift: ShiftRecord) -> Table:
    here = f"{_groups(folder)} here" if folder.record.unit else "here"
    headers = (
        "space", "energy distance", "p", "parts of training", f"source groups, training / {here}",
        "outside, %", "farther than typical, %",
    )  # fmt: skip
    rows = [
        [
            space_words(space), number(space.distance, 3), p_value(p),
            number(space.among_training, 3),
            f"{integer(space.groups[0])} / {integer(space.groups[1])}",
            share_interval(every(space).outside), share(space.farther, unit=False),
        ]
        for space, p in zip(shift.spaces, adjusted(shift.spaces), strict=True)
    ]  # fmt: skip
    return Table(headers, rows)


def _what(folder: ExternalResult) -> str:
    """Return what is compared: images, or the tiles that they were cut into."""
    return "tiles" if folder.record.tiling else "images"


def _by_label(folder: ExternalResult, shift: ShiftRecord) -> Table:
    labels = {one.label: one for one in shift.spaces[-1].outside if one.label}
    shares = [{one.label: one.outside for one in space.outside} for space in shift.spaces]
    rows = [
        [
            "without a class" if name == ROOT else node_words(name),
            integer(one.images), integer(one.groups),
            *(share_interval(of.get(name)) for of in shares),
        ]
        for name, one in labels.items()
    ]  # fmt: skip
    names = [space_words(space) for space in shift.spaces]
    return Table(("label", _what(folder), _groups(folder), *names), rows)


def _sureness(results: Results, folder: ExternalResult) -> Table:
    headers = (
        "model", "its training", "confidence on test images, %", "here, %", "change, points",
        "gap on test images, points", "here, points", "ECE on test images, %", "here, %",
    )  # fmt: skip
    rows = [
        [
            label(results, one.baseline), protocol_short(one.protocol),
            share_interval(one.test.confidence), share_interval(one.external.confidence),
            points_interval(one.change), _points(one.test.gap), _points(one.external.gap),
            share(one.test.calibration_error, unit=False),
            share(one.external.calibration_error, unit=False),
        ]
        for one in folder.sureness
    ]  # fmt: skip
    return Table(headers, rows, "llr")


def _points(found: Interval | None) -> str:
    return NONE if found is None else points_interval(found)


def shift_rows(folder: ExternalResult) -> Iterator[Row]:
    """Yield the rows of the tidy table on a folder beside the training images."""
    place = Place(f"external:{folder.record.name}:shift")
    shift = folder.record.shift
    if shift is not None:
        yield from _record_rows(place, shift)
    for one in folder.sureness:
        yield from _sureness_rows(place, one)


def _record_rows(place: Place, shift: ShiftRecord) -> Iterator[Row]:
    for side, colour in (("training", shift.training), ("external", shift.external)):
        if colour is None:
            continue
        for axis, mean, spread in zip("Lab", colour.mean, colour.spread, strict=True):
            yield row(place, f"colour_{axis}", mean, side, n=colour.images)
            yield row(place, f"colour_{axis}_spread", spread, side, n=colour.images)
        yield row(place, "images_with_two_stains", colour.stained, side, n=colour.images)
    for space, p in zip(shift.spaces, adjusted(shift.spaces) if shift.spaces else (), strict=True):
        of = space_words(space)
        for metric, value in (
            ("energy_distance", space.distance), ("p", space.p), ("p_adjusted", p),
            ("energy_distance_among_training", space.among_training),
            ("farther_than_typical", space.farther),
        ):  # fmt: skip
            yield row(place, metric, value, of)
        for one in space.outside:
            yield row(place, "outside_training_range", one.outside, of, extra=one.label)


def _sureness_rows(place: Place, one: SurenessShift) -> Iterator[Row]:
    own = place._replace(protocol=one.protocol, baseline=one.baseline)
    yield row(own, "confidence_change", one.change)
    for side, found in (("test", one.test), ("external", one.external)):
        yield from _side_rows(own, side, found)


def _side_rows(place: Place, side: str, found: Sureness) -> Iterator[Row]:
    yield from estimate_rows(place, "confidence", found.confidence, side)
    if found.accuracy is not None:
        yield from estimate_rows(place, "accuracy", found.accuracy, side)
    if found.gap is not None:
        yield row(place, "confidence_minus_accuracy", found.gap, side)
    if found.calibration_error is not None:
        yield row(place, "calibration_error", found.calibration_error, side, n=found.labelled)
