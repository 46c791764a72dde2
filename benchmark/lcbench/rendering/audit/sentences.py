"""What an audit says: plain sentences that the screen and the page share."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from lcbench.audit.results import (
    KINDS,
    AuditResults,
    Crossing,
    Doubt,
    Kind,
    Pair,
    Published,
    RepairFacts,
    UnrelatedFacts,
)
from lcbench.rendering.formats import integer, listing, plural, share

_DEGREES = 1.0
_RIGHT_ANGLE = 90.0
_SCALE = 0.03
_STRETCH = 1.05
_GREY_LEVELS = 6.0
_FULL = 0.97
_NAMED = 3
_LEAST_RATE = 0.0001
_REGISTERED: dict[Kind, str] = {
    "near copy": "near copies",
    "near copy or neighbouring slice": "near copies or neighbouring slices of one scan",
    "neighbouring slice": "neighbouring slices of one scan",
    "overlapping field": "overlapping fields",
}
_DOUBTS: dict[Doubt, str] = {
    "the detail differs": "Alike as a whole, but the detail differs",
    "fits as well turned over": "Alike, but as well with one image turned over",
}


def statements(results: AuditResults) -> Iterator[str]:
    """Yield what was found, one plain sentence each, the one that says most first."""
    yield _headline(results)
    if results.divided:
        yield _crossing_pairs(results)
    yield from map(_crossing, results.crossings)
    if results.without_side:
        without = plural(results.without_side, "image")
        yield f"{without} without a side in {division(results)}: counted on none."
    if results.repair is not None:
        yield from _repaired(results.repair)
    yield _exact_copies(results)
    yield _near_copies(results)
    if results.doubtful.total:
        yield _doubtful(results)
    yield _two_labels(results)
    if results.unrelated is not None and results.lowest_local is not None:
        yield _proof(results.unrelated, results.lowest_local, results.highest_rate)
    if results.published is not None:
        yield from published_statements(results.published)
    yield from _caveats(results)


def published_statements(published: Published) -> Iterator[str]:
    """Yield where pixels agree and disagree with a file of groups."""
    yield (
        f"{published.file} puts {integer(published.images)} of these images into "
        f"{plural(published.published_groups, 'group')}; pixels put them into "
        f"{integer(published.found_groups)}."
    )
    if published.same_group_pairs:
        yield (
            f"{integer(published.together)} of {integer(published.same_group_pairs)} pairs of one "
            f"published group ({share(published.recall)}) are in one found group; adjusted Rand "
            f"index {published.ari:.4f}, {published.ari_after_merges:.4f} once published groups "
            "count as one where a registered pair proves it."
        )
    merged = {frozenset((merge.first_group, merge.second_group)) for merge in published.merges}
    if merged:
        pairs = plural(len(merged), "pair")
        yield f"Pixels join {pairs} of published groups that the file keeps apart."
    apart = sum(len(split.apart) for split in published.splits)
    if apart:
        yield (
            f"{plural(apart, 'image')} of {plural(len(published.splits), 'published group')} could "
            "not be registered with the rest of their group."
        )
    if published.not_named:
        yield f"{plural(published.not_named, 'image')} not named in {published.file}."


def division(results: AuditResults) -> str:
    """Return what the sides of the images are."""
    return "folders" if results.split is None else f"the split {results.split}"


def pair_names(pair: Pair) -> str:
    """Return the names of a pair's images."""
    return f"{pair.first.name} and {pair.second.name}"


def percent(part: float) -> str:
    """Return a share of an image, which needs no decimals."""
    return f"{100 * part:.0f} %"


def how_they_lie(pair: Pair) -> str:
    """Return how the second image differs, e.g. `mirrored, turned by 24°, scaled by 1.20, cropped`.

    Small differences are passed over; nothing is said of exact copies.
    """
    if not pair.registered:
        return ""
    parts = [*_moved(pair)]
    if min(pair.overlap_first, pair.overlap_second) < _FULL:
        parts.append("cropped")
    if abs(pair.brightness) >= _GREY_LEVELS:
        parts.append("brighter" if pair.brightness > 0 else "darker")
    if pair.recoloured:
        parts.append("recoloured")
    return ", ".join(parts) or "in place, stored anew"


def _moved(pair: Pair) -> Iterator[str]:
    degrees = abs(pair.rotation)
    if pair.mirrored and degrees > _RIGHT_ANGLE:  # a flip from top to bottom, turned by less
        yield "mirrored upside down"
        degrees = 2 * _RIGHT_ANGLE - degrees
    elif pair.mirrored:
        yield "mirrored"
    if degrees >= _DEGREES:
        yield f"turned by {degrees:.0f}°"
    if abs(math.log(pair.scale)) >= _SCALE:
        yield f"scaled by {pair.scale:.2f}"
    if pair.stretch >= _STRETCH:
        yield f"stretched by {pair.stretch:.2f}"


def _headline(results: AuditResults) -> str:
    groups, images = results.groups, plural(results.images, "image")
    if groups.groups == results.images:
        return f"{images}: no two show the same tissue."
    return (
        f"{images} come from {plural(groups.groups, 'source group')}: "
        f"{integer(results.images - groups.single)} images share theirs with another one."
    )


def _exact_copies(results: AuditResults) -> str:
    files, pixels = results.pairs["same file"], results.pairs["same pixels"]
    if files + pixels == 0:
        return "No image is an exact copy of another one."
    parts = []
    if files:
        parts.append(
            f"{plural(files, 'file is', 'files are')} byte by byte a copy of another "
            f"(e.g. {pair_names(results.exact.shown[0])})"
        )
    if pixels:
        parts.append(
            f"{plural(pixels, 'image has', 'images have')} the very pixels of another in a "
            "different file"
        )
    return f"{listing(parts)}."


def _near_copies(results: AuditResults) -> str:
    counts = [(kind, results.pairs.get(kind, 0)) for kind in KINDS if kind in _REGISTERED]
    parts = [f"{plural(count, 'pair')} of {_REGISTERED[kind]}" for kind, count in counts if count]
    if not parts:
        return "No image is a near copy of another one, and no fields of view overlap."
    return f"Beyond exact copies, {listing(parts)} were registered and join the groups."


def _crossing_pairs(results: AuditResults) -> str:
    pairs = results.crossing_pairs
    if not pairs.total:
        return f"No pair crosses {division(results)}."
    examples = [f"{pair_names(pair)} ({pair.kind})" for pair in pairs.shown[:_NAMED]]
    more = ", and others in pairs.csv" if pairs.total > len(examples) else ""
    return (
        f"{plural(pairs.total, 'pair crosses', 'pairs cross')} {division(results)}, "
        f"{integer(pairs.copies)} of them exact or near copies: {'; '.join(examples)}{more}."
    )


def _repaired(found: RepairFacts) -> Iterator[str]:
    if not found.divided:
        yield "No source group stands on two sides: the repaired split is the same."
        return
    yield (
        f"The repaired split keeps every source group whole ({integer(found.divided)} stood on two "
        f"sides): {integer(found.moved)} of {plural(found.images, 'image')} moved."
    )
    for one in found.sides:
        before, after = sum(one.before.values()), sum(one.after.values())
        labels = [
            f"{label or 'no label'} {share(_part(one.before, label))} before, "
            f"{share(_part(one.after, label))} after"
            for label in sorted(one.before.keys() | one.after.keys())
        ]
        yield (
            f"{one.side}: {plural(before, 'image')} before the repair, {integer(after)} after "
            f"({'; '.join(labels)})."
        )


def _part(counts: Mapping[str, int], label: str) -> float:
    total = sum(counts.values())
    return counts.get(label, 0) / total if total else 0.0


def _doubtful(results: AuditResults) -> str:
    parts = []
    for doubt, count in results.doubts.items():
        example = next((pair for pair in results.doubtful.shown if pair.doubt == doubt), None)
        of = f" ({pair_names(example)})" if example is not None else ""
        parts.append(f"{_DOUBTS.get(doubt, 'without proof')}: {integer(count)}{of}")
    reasons = f" {'; '.join(parts)}." if parts else ""
    return (
        f"{plural(results.doubtful.total, 'pair of groups looks', 'pairs of groups look')} "
        f"alike without proof enough to join them: listed as doubtful.{reasons}"
    )


def _proof(unrelated: UnrelatedFacts, lowest: float, rate: float | None) -> str:
    words = f"Every registered pair that joins agrees in detail with {lowest:.2f} or better"
    if unrelated.highest is None:
        return f"{words}; there are too few images to tell what unrelated ones reach."
    words += (
        f"; of {plural(unrelated.pairs, 'unrelated pair')} of these images, 98 % stay below "
        f"{unrelated.highest:.2f}"
    )
    if rate is not None:
        limit = f"about {rate:.1g}" if rate >= _LEAST_RATE else f"under {_LEAST_RATE:g}"
        words += f" (false-discovery rate {limit}, by the order of magnitude: a fitted normal tail)"
    if unrelated.most is None or unrelated.most < lowest:
        return f"{words}."
    return f"{words}; the most alike of them reaches {unrelated.most:.2f}: see the weakest joins."


def _crossing(crossing: Crossing) -> str:
    exact = f", {integer(crossing.exact)} of them an exact copy" if crossing.exact else ""
    return (
        f"{crossing.side}: {integer(crossing.groups_shared)} of "
        f"{plural(crossing.groups, 'source group')} also in {crossing.other}; "
        f"{integer(crossing.with_sibling)} of {integer(crossing.images)} images have a sibling "
        f"there{exact}."
    )


def _two_labels(results: AuditResults) -> str:
    pairs = results.two_labels
    labels = {label for folder in results.folders for label in folder.labels}
    if labels == {""}:
        return "No image has a label."
    if len(labels - {""}) < 2:
        return "All labelled images carry one label."
    if pairs.total == 0:
        return "No image stands under two labels, as itself or as a copy."
    more = f" and {plural(pairs.total - 1, 'more pair')}" if pairs.total > 1 else ""
    return (
        f"{plural(results.two_label_groups, 'source group stands', 'source groups stand')} under "
        f"two labels: {pair_names(pairs.shown[0])}{more} ({plural(pairs.copies, 'pair')} of "
        f"copies, {integer(pairs.total - pairs.copies)} of slices or overlapping fields)."
    )


def _caveats(results: AuditResults) -> Iterator[str]:
    """Yield what the audit could not see."""
    if results.incomparable:
        count = len(results.incomparable)
        yield (
            f"{plural(count, 'image has', 'images have')} too little structure to be compared: "
            "checked for exact copies only."
        )
    if results.unreadable:
        yield f"{plural(len(results.unreadable), 'file')} left out: not readable as images."
