"""How an external folder differs from the training images: sentences, before any score of it."""

from __future__ import annotations

from collections.abc import Iterator

from lcbench.analysis.external_results import ExternalResult
from lcbench.analysis.results import Results
from lcbench.analysis.shift_results import SurenessShift
from lcbench.analysis.shift_verdict import (
    adjusted,
    angle,
    colour_difference,
    every,
    look_of,
)
from lcbench.rendering.formats import (
    integer,
    listing,
    number,
    p_equals,
    plural,
    points_interval,
    share,
    share_interval,
)
from lcbench.rendering.report.external import plural_of, who
from lcbench.rendering.words import capital
from lcbench.runs.shift_records import ColourRecord, ShiftRecord, SpaceRecord

_HELD_OUT_BEYOND = 0.01
"""Of held-out training images, so many lie outside the training range by definition."""


def space_words(space: SpaceRecord) -> str:
    """Return what the distances of a space are between."""
    return space.space or "colour histograms"


def unlike_words(result: ExternalResult) -> str:
    """Return that a folder does not look like the training images at all; empty where it does."""
    shift = result.record.shift
    if shift is None or look_of(shift) != "unlike":
        return ""
    spaces = listing([space_words(space) for space in shift.spaces])
    what = "tile" if result.record.tiling else "image"
    shares = [every(space).outside.value or 0.0 for space in shift.spaces]
    these = "these" if min(shares) == 1.0 else "most of these"
    farther = _span([space.farther for space in shift.spaces])
    return (
        f"{result.record.name} does not look like the training images at all, and the models "
        f"answer something anyway: "
        f"{_outside_words(shift, what)} lie outside the training range, which "
        f"1 % of held-out training images leave, and {farther} of them are farther from the "
        "nearest training image than two training images are from each other in the median "
        f"({spaces}){_without_stain(shift)}. No image that the models learned from was like "
        f"{these}; scores on them say little about what was learned."
    )


def _outside_words(shift: ShiftRecord, what: str) -> str:
    """Return how many images lie outside the training range; spaces may hold other numbers."""
    by_size: dict[int, list[SpaceRecord]] = {}
    for space in shift.spaces:
        by_size.setdefault(every(space).images, []).append(space)
    parts = []
    for images, spaces in by_size.items():
        found = _span([every(space).outside.value or 0.0 for space in spaces])
        by = f" by {listing([*map(space_words, spaces)])}" if len(by_size) > 1 else ""
        parts.append(f"{found} of its {plural(images, what)}{by}")
    return listing(parts)


def shift_words(results: Results, result: ExternalResult) -> Iterator[str]:
    """Yield how a folder differs from the training images, before its scores."""
    shift = result.record.shift
    if shift is not None and shift.reason:
        yield (
            "How far these images lie from the training images is not known, in colour or in "
            f"features: {shift.reason.rstrip('.')}."
        )
    elif shift is not None:
        unlike = unlike_words(result)
        yield unlike or _difference_words(result, shift)
        yield from _colour_words(shift)
        yield from _missing_words(shift)
    yield from _sureness_words(results, result)


def _missing_words(shift: ShiftRecord) -> Iterator[str]:
    """Yield what the distances lack: backbones that gave none, and source groups."""
    if shift.spaces and shift.without:
        whys = [f"{name or 'colour histograms'} ({why})" for name, why in shift.without.items()]
        yield f"No distance from the training images in the features of {listing(whys)}."
    unknown = {
        "training": "the folder",
        "external": "the training images",
        "neither": "either side",
    }.get(shift.groups_known)
    if shift.spaces and unknown:
        yield (
            f"The source groups of {unknown} are unknown: there, distances take every image as "
            "independent, and p is too small."
        )


def _span(values: list[float]) -> str:
    low, high = share(min(values)), share(max(values))
    return low if low == high else f"{low.removesuffix(' %')} to {high}"


def _without_stain(shift: ShiftRecord) -> str:
    here, there = shift.external, shift.training
    if here is None or there is None or not _is_stained(there) or _is_stained(here):
        return ""
    return (
        f"; no stain can be told in {integer(here.images - here.stained)} of "
        f"{plural(here.images, 'image')}, where {share(there.stained / there.images)} of the "
        "training images have two"
    )


def _is_stained(colour: ColourRecord) -> bool:
    return 2 * colour.stained >= colour.images


def _difference_words(result: ExternalResult, shift: ShiftRecord) -> str:
    """Return whether a difference is shown, with the numbers of every space."""
    name, unit = result.record.name, result.record.unit or "source group"
    if not shift.spaces:
        why = "; ".join(shift.without.values()) or "no space of features could be compared"
        return f"Whether {name} differs from the training images was not tested: {why}."
    ps = adjusted(shift.spaces)
    parts = [
        f"{space_words(space)}: {p_equals(p)}, {share_interval(every(space).outside, unit=True)} "
        "outside the training range"
        for space, p in zip(shift.spaces, ps, strict=True)
    ]
    family = f"; p adjusted for {plural(len(ps), 'test')}" if len(ps) > 1 else ""
    known, here = shift.spaces[-1].groups
    of_training = "" if unit == "source group" else f" {plural_of('source group')}"
    each = "source group" if unit == "source group" else f"source group or {unit}"
    shown = (
        f"{name} differs from the training images"
        if look_of(shift) == "differs"
        else f"No difference between {name} and the training images is shown"
    )
    beyond = [
        space_words(space)
        for space in shift.spaces
        if (every(space).outside.low or 0.0) > _HELD_OUT_BEYOND
    ]
    yet = (
        f"; by {listing(beyond)} more lie outside here all the same"
        if beyond and look_of(shift) != "differs"
        else ""
    )
    return (
        f"{shown} (energy distance of one image a {each}, {plural(here, unit)} here against "
        f"{integer(known)}{of_training}{family}): {'; '.join(parts)}. Of held-out "
        f"training images, 1 % lie outside that range{yet}."
    )


def _colour_words(shift: ShiftRecord) -> Iterator[str]:
    here, there = shift.external, shift.training
    if here is None or there is None:
        return
    apart = colour_difference(shift)
    parts = [f"Mean colours are {number(apart)} apart in CIE Lab (2.3 is just noticeable)"]
    if _without_stain(shift) and look_of(shift) == "unlike":
        yield f"{parts[0]}."  # that there is no stain was said with the rest
        return
    turned = [
        f"{name} turns by {number(found, 0)}°"
        for name, found in (
            ("haematoxylin", angle(here.haematoxylin, there.haematoxylin)),
            ("eosin", angle(here.eosin, there.eosin)),
        )
        if found is not None
    ]
    if _is_stained(here) and _is_stained(there):
        parts += turned
        yield f"{'; '.join(parts)}{' from training' if turned else ''}."
        return
    which = [
        f"{integer(side.images - side.stained)} of {plural(side.images, 'image')} {where}"
        for side, where in ((here, "here"), (there, "of the training images"))
        if not _is_stained(side)
    ]
    yield (
        f"{parts[0]}; no stain can be told in {listing(which)}: grey, or without tissue, or with "
        "one colour alone."
    )


def _sureness_words(results: Results, result: ExternalResult) -> Iterator[str]:
    """Yield how sure the reference is on both sides, and how often rightly."""
    shown = _shown(results, result)
    if shown is None:
        return
    here, there = shown.external, shown.test
    right = (
        ""
        if here.accuracy is None or there.accuracy is None
        else f"; where the label is a leaf of the class tree "
        f"({plural(here.labelled, 'image')}, "
        f"{plural(here.accuracy.groups, 'independent group')}), it is right on "
        f"{share_interval(here.accuracy, unit=True)}, against "
        f"{share(there.accuracy.value)} there"
    )
    yield (
        f"{capital(who(shown.baseline, shown.protocol))} gives its most probable class "
        f"{share(here.confidence.value)} on average here, against {share(there.confidence.value)} "
        f"on its own test images ({points_interval(shown.change, unit=True)}){right}."
    )


def _shown(results: Results, result: ExternalResult) -> SurenessShift | None:
    """Return the reference under the strictest protocol, or the nearest to it that there is."""
    aside = results.roles.aside

    def rank(one: SurenessShift) -> tuple[bool, bool, bool]:
        strict = one.protocol == results.strictest.protocol
        return one.baseline == results.reference, strict, one.baseline not in aside

    return max(result.sureness, key=rank, default=None)
