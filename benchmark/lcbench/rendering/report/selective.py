"""Selective prediction in words: what can be signed out, at which risk, and what that rests on."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from lcbench.analysis.results import ProtocolResult, Results
from lcbench.analysis.selective_scores import (
    OperatingPoint,
    SelectiveLevel,
    SelectiveResult,
    SelectiveScores,
)
from lcbench.rendering import formats
from lcbench.rendering.markdown import Table
from lcbench.rendering.report.leakage import leaks
from lcbench.rendering.words import called, capital, label, node_words, protocol_short
from lcbench.statistics.interval_model import Interval
from lcbench.taxonomy import Taxonomy

_NAMED = 4
"""So many classes of a level are named."""
SUBTYPE = "the subtype"
"""What the level is called whose classes are the subtypes of a node, beside negative ones."""
_NO_ERROR = 3.0
"""So many independent trials without an error, divided by a risk, show that it is lower: e^-3 is
5 % (Hanley, J. A. and Lippman-Hand, A. (1983). If nothing goes wrong, is everything all right?
JAMA 249, 1743-1745)."""


class SelectivePart(NamedTuple):
    """Selective prediction under one protocol, as text."""

    protocol: str
    """Title of the protocol, short, as it begins a sentence."""
    sentences: list[str]
    """What the reference can sign out, what that rests on, and what is missing."""
    table: Table
    """Every baseline at every level."""


def selective_parts(results: Results) -> list[SelectivePart]:
    """Return a part for each protocol, the strictest first."""
    protocols = sorted(results.protocols, key=lambda one: one is not results.strictest)
    return [
        SelectivePart(
            capital(protocol_short(one.protocol)),
            list(_sentences(results, one, one.selective)),
            _table(results, one.selective),
        )
        for one in protocols
        if one.selective is not None and one.selective.levels
    ]


def level_words(tree: Taxonomy, level: SelectiveLevel) -> str:
    """Return what is answered at a level: `the subtype`, `benign / malignant`, or its place."""
    findings = [
        node
        for node in level.classes
        if not any(tree.is_under(node, negative) for negative in tree.negative)
    ]
    if tree.subtypes_of and all(tree.parents[node] == tree.subtypes_of for node in findings):
        return SUBTYPE
    if len(level.classes) <= _NAMED:
        return " / ".join(map(node_words, level.classes))
    if level.level == tree.height:
        return "the class itself"
    return f"one of the {len(level.classes)} nodes of level {level.level}"


def sure_share(found: Interval) -> str:
    """Return a share with its interval: `100 %` where it has none."""
    if found.low is None:
        return formats.share(found.value)
    return formats.share_interval(found, unit=True)


def target_words(target: float) -> str:
    """Return a risk that thresholds are chosen for: `1 %`."""
    return f"{100 * target:g} %"


def _sentences(results: Results, protocol: ProtocolResult, found: SelectiveResult) -> Iterator[str]:
    name = results.reference
    if any(one.model == name for one in found.answers):
        for target in found.targets:
            yield _signed_out(results, found, target)
            yield from _as_deep_as_sure(results, found, target)
        for target in found.targets:
            yield from _carried_over(results, found, target)
    yield from _swing(results, found)
    yield from _of_all_images(results, found)
    yield from _of_leaky_validation(protocol)
    yield from _validation(found)
    yield from _missing(results, found)


def _signed_out(results: Results, found: SelectiveResult, target: float) -> str:
    """Return which share of the images the reference answers at each level, the leaves first."""
    parts: list[str] = []
    for level in reversed(found.levels):
        scores = level.scores(results.reference)
        point = scores.at(target) if scores else None
        if point is not None:
            parts.append(_at_level(level_words(results.tree, level), point, first=not parts))
    who = called(results, results.reference)
    return f"Aiming at {target_words(target)} risk, {who} signs out {formats.listing(parts)}."


def _at_level(level: str, point: OperatingPoint, *, first: bool) -> str:
    silent = sum(threshold is None for threshold in point.thresholds)
    if silent == len(point.thresholds):
        why = f"no threshold keeps {target_words(point.target)} on the validation images"
        return f"nothing at {level} ({why})"
    share = sure_share(point.coverage)
    images = " of the images" if first else ""
    models = formats.plural(len(point.thresholds), "trained model")
    some = f"; {silent} of {models} without a threshold answer nothing" if silent else ""
    return f"{share}{images} at {level} ({_risk_words(point.risk, point.target)}{some})"


def _risk_words(risk: Interval, target: float) -> str:
    if risk.value is None:
        return "no test image is answered"
    return f"realised risk {sure_share(risk)}: {_verdict(risk, target)}"


def _verdict(risk: Interval, target: float) -> str:
    """Return whether an interval shows that a risk keeps its target."""
    if risk.high is not None and risk.high <= target:
        return f"within {target_words(target)}"
    if risk.low is not None and risk.low > target:
        return f"above {target_words(target)}"
    return f"shown to be neither within {target_words(target)} nor above it"


def _as_deep_as_sure(results: Results, found: SelectiveResult, target: float) -> Iterator[str]:
    """Yield what hierarchical answers give; nothing where the tree has one level."""
    point = found.hierarchical(results.reference, target)
    if point is None or len(point.levels) < 2 or not point.answered.value:
        return
    words = {one.level: level_words(results.tree, one) for one in found.levels}
    parts = [
        f"{formats.share(one.share.value)} at {words[one.level]}{'' if number == 0 else ' alone'}"
        for number, one in enumerate(reversed(point.levels))
    ]
    silent = formats.share(1.0 - point.answered.value)
    yield (
        f"Answered as deep as it is sure enough for {target_words(target)}: "
        f"{', '.join(parts)}, and {silent} not at all; of all these answers "
        f"{sure_share(point.risk)} are wrong."
    )


def _carried_over(results: Results, found: SelectiveResult, target: float) -> Iterator[str]:
    """Yield what the thresholds of the flattering protocol hold here, at the leaves."""
    flattering, level = results.roles.flattering, found.levels[-1]
    scores = level.scores(results.reference)
    point = scores.at(target) if scores else None
    if flattering is None or point is None or point.carried_over is None:
        return
    carried = point.carried_over
    if not carried.coverage.value or carried.risk.value is None:
        return
    held = carried.risk.high is not None and carried.risk.high <= target
    broken = carried.risk.low is not None and carried.risk.low > target
    ending = (
        "what was promised there holds here"
        if held
        else "what was promised there does not hold here"
        if broken
        else "whether what was promised there holds here is not shown"
    )
    yield (
        f"At the thresholds that the {protocol_short(flattering)} gave for "
        f"{target_words(target)}, {called(results, results.reference)} signs out "
        f"{sure_share(carried.coverage)} of these images at "
        f"{level_words(results.tree, level)}, and {sure_share(carried.risk)} of these answers are "
        f"wrong: {ending}."
    )


def _swing(results: Results, found: SelectiveResult) -> Iterator[str]:
    """Yield how far the thresholds of the reference's trained models lie apart, at the leaves."""
    scores = found.levels[-1].scores(results.reference)
    for target in found.targets:
        point = scores.at(target) if scores else None
        known = [] if point is None else [one for one in point.thresholds if one is not None]
        if len(set(known)) > 1:
            yield (
                f"For {target_words(target)} the thresholds of its {len(known)} trained models at "
                f"{level_words(results.tree, found.levels[-1])} lie between {min(known):.3f} and "
                f"{max(known):.3f}: what other validation images would have chosen is in no "
                "interval here."
            )


def _of_all_images(results: Results, found: SelectiveResult) -> Iterator[str]:
    """Yield that images without a subtype count at its level, too."""
    level = found.levels[-1]
    if level_words(results.tree, level) != SUBTYPE:
        return
    others = [
        node for node in level.classes if results.tree.parents[node] != results.tree.subtypes_of
    ]
    if others:
        named = formats.listing([node_words(node) for node in others])
        yield (
            f"At {SUBTYPE} all images count, those of {named} too, which have none: of the other "
            "images alone, coverage and risk can be worse."
        )


def _of_leaky_validation(protocol: ProtocolResult) -> Iterator[str]:
    if leaks(protocol):
        yield (
            "Validation and test images share their tissue with training images here, so that "
            "neither a threshold nor a realised risk says anything about new tissue."
        )


def _validation(found: SelectiveResult) -> Iterator[str]:
    """Yield what the thresholds rest on, and what so few groups can show."""
    if found.validation_images is None:
        return
    images = formats.plural(found.validation_images, "validation image")
    if found.validation_groups is None:
        yield f"Each trained model has thresholds from {images} or more; source groups unknown."
        return
    groups = formats.plural(found.validation_groups, "source group")
    needed = {target: math.ceil(_NO_ERROR / target) for target in found.targets}
    few = [target for target in found.targets if found.validation_groups < needed[target]]
    sentence = f"Each trained model has thresholds from {images} of {groups}, or more"
    if few:
        wanted = [f"{formats.integer(needed[target])} for {target_words(target)}" for target in few]
        sentence += (
            ": too few to show a risk, which takes about "
            f"{formats.listing(wanted)} without a single error, so that a threshold is a choice "
            "and no promise"
        )
    yield f"{sentence}."


def _missing(results: Results, found: SelectiveResult) -> Iterator[str]:
    over_seeds = {
        one.baseline
        for one in results.baselines
        if one.is_ensemble and (one.recipe or {}).get("over") != "baselines"
    }
    averages = [name for name in found.without_validation if name in over_seeds]
    runs = [name for name in found.without_validation if name not in over_seeds]
    if averages:
        yield (
            f"No thresholds for {formats.listing(averages)}: what one seed holds back for "
            "validation, the others train on or test, so that an average over seeds has no "
            "validation images of its own."
        )
    if runs:
        yield (
            "No thresholds, as runs have no predictions on their validation images: "
            f"{formats.listing(runs)}. Older versions stored none; lcbench run with --fresh does."
        )


class _Cells(NamedTuple):
    """One row before its decimals are known."""

    names: tuple[str, str]
    area: Interval
    area_difference: Interval | None
    points: Sequence[OperatingPoint | None]


def _table(results: Results, found: SelectiveResult) -> Table:
    rows = [
        _cells(results, level, scores, found.targets)
        for one in results.baselines
        for level in reversed(found.levels)
        if (scores := level.scores(one.baseline)) is not None
    ]
    minus = f"minus {results.reference}, points"
    columns = [
        _shares("area, %", [row.area for row in rows]),
        *_points(f"area {minus}", [row.area_difference for row in rows]),
    ]
    for number, target in enumerate(found.targets):
        points = [row.points[number] for row in rows]
        at = f"at {target_words(target)}"
        columns += [
            _shares(f"answered {at}, %", [None if one is None else one.coverage for one in points]),
            *_points(
                f"answered {at} {minus}",
                [None if one is None else one.coverage_difference for one in points],
            ),
            _shares(f"risk {at}, %", [None if one is None else one.risk for one in points]),
        ]
    headers = ["baseline", "level", *(header for header, _ in columns)]
    body = [
        [*row.names, *(cells[number] for _, cells in columns)] for number, row in enumerate(rows)
    ]
    return Table(headers, body, "llr")


def _cells(
    results: Results, level: SelectiveLevel, scores: SelectiveScores, targets: Sequence[float]
) -> _Cells:
    return _Cells(
        (label(results, scores.model), level_words(results.tree, level)),
        scores.area,
        scores.area_difference,
        [scores.at(target) for target in targets],
    )


def _shares(header: str, found: Sequence[Interval | None]) -> tuple[str, list[str]]:
    decimals = formats.share_decimals(one.value for one in found if one and one.value not in (0, 1))
    return header, [formats.share_interval(one, decimals=decimals) for one in found]


def _points(header: str, found: Sequence[Interval | None]) -> list[tuple[str, list[str]]]:
    """Return a column of differences; none where there is no difference at all."""
    if not any(found):
        return []
    decimals = formats.points_decimals(one.value for one in found if one and one.value)
    cells = [
        formats.NONE if one is None else formats.points_interval(one, decimals=decimals)
        for one in found
    ]
    return [(header, cells)]
