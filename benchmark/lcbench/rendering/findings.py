"""The findings: sentences in plain words, chosen by the data."""

from __future__ import annotations

from collections.abc import Iterator

from lcbench.analysis.measures import BaselineScores, Comparison, Drop, Estimate, ProtocolResult
from lcbench.analysis.results import Results
from lcbench.rendering.formats import (
    integer,
    listing,
    p_equals,
    points,
    points_interval,
    reduction_interval,
    share,
    share_interval,
)
from lcbench.statistics.events import Event

ALPHA = 0.05
_PAPER = "paper"
_GROUPED = "grouped"
_COLOUR = "colour"
MAJORITY = "majority"
GROUPS_UNKNOWN = "source groups unknown: images resampled, intervals too narrow"


def findings(results: Results) -> tuple[str, ...]:
    """Return the findings, a sentence or two each, as plain text."""
    parts = (_best(results), _leakage(results), _colour(results), _hierarchy(results))
    return (*(part for part in parts if part), *_warnings(results))


def called(results: Results, name: str) -> str:
    """Return how a baseline is called in a sentence: the reference is pointed out."""
    if name != results.reference:
        return name
    return "the reference" if name == "reference" else f"the reference ({name})"


def data_words(results: Results) -> str:
    """Return the data's name, with a warning where they are synthetic."""
    synthetic = ", synthetic demonstration data" if results.dataset.synthetic else ""
    return f"{results.dataset.name}{synthetic}"


def strictest(results: Results) -> ProtocolResult:
    """Return `grouped` where it was run, else the first protocol."""
    return results.protocol(_GROUPED) or results.protocols[0]


def _best(results: Results) -> str:
    result = strictest(results)
    ranked = sorted(result.baselines, key=lambda scores: -(_accuracy(scores).value or 0.0))
    top = _accuracy(ranked[0])
    leaders = [scores for scores in ranked if _accuracy(scores).value == top.value]
    names = listing([called(results, scores.baseline) for scores in leaders])
    verb = "scores" if len(leaders) == 1 else "score"
    first = f"{_where(result)}, {names} {verb} highest in accuracy, with {_percent(top)}"
    return f"{first}; {_beside_the_best(results, result, ranked, leaders)}."


def _beside_the_best(
    results: Results,
    result: ProtocolResult,
    ranked: list[BaselineScores],
    leaders: list[BaselineScores],
) -> str:
    reference = scores_of(result, results.reference)
    if reference is None:
        return f"{called(results, results.reference)} has no finished run"
    if reference not in leaders:
        return f"{called(results, results.reference)} reaches {_percent(_accuracy(reference))}"
    rest = ranked[len(leaders) :]
    if not rest:
        return "there is no other baseline to set beside"
    return f"next comes {rest[0].baseline} with {_percent(_accuracy(rest[0]))}"


def _where(result: ProtocolResult) -> str:
    if result.protocol == _GROUPED:
        return "Under the grouped protocol, with no source group on two sides"
    if result.protocol == _PAPER:
        return "On the random split of images (paper protocol; there is no grouped run)"
    return f"Under the {result.protocol} protocol"


def _leakage(results: Results) -> str:
    paper, grouped = results.protocol(_PAPER), results.protocol(_GROUPED)
    if paper is None:
        return "There is no run of the paper protocol, so nothing is said here about leakage."
    overlap = leakage_statement(paper)
    if grouped is None and not paper.groups_known:
        return f"{overlap} The grouped protocol needs them."
    if grouped is None:
        return f"{overlap} What that is worth cannot be said without the grouped protocol."
    drop = _telling_drop(results)
    return f"{overlap} {_drop_sentence(results, drop)}" if drop else overlap


def leakage_statement(result: ProtocolResult) -> str:
    """Return how many source groups and images of the test side stand in training too."""
    records = [split.record for split in result.splits]
    first, seed = records[0], result.splits[0].seed
    if first.test_groups is None or first.test_groups_in_train is None:
        return (
            f"Source groups are unknown, so how much of the {result.protocol} protocol's test "
            "images is also in training cannot be said."
        )
    groups = f"{integer(first.test_groups_in_train)} of {integer(first.test_groups)} source groups"
    images = "test images of known source" if first.test_of_unknown_source else "test images"
    return (
        f"In the {result.protocol} protocol's split {groups} in test are also in training "
        f"(seed {seed}), and {share(sibling_share(result))} of the {images} have an image of "
        f"the same source there.{_unknown_source(result)}{proven_words(result)}"
    )


def _unknown_source(result: ProtocolResult) -> str:
    records = [split.record for split in result.splits]
    unknown = sum(record.test_of_unknown_source for record in records)
    if not unknown:
        return ""
    rest = share(unknown / sum(record.test for record in records))
    return f" The source of the other test images ({rest}) is unknown."


def proven_words(result: ProtocolResult) -> str:
    """Return what pixels say where the groups are the user's own."""
    records = [split.record for split in result.splits]
    proven = [record.test_with_proven_siblings for record in records]
    known = [count for count in proven if count is not None]
    if len(known) < len(proven):
        return ""
    part = share(sum(known) / sum(record.test for record in records))
    return f" By pixels, {part} of the test images have a proven sibling in training."


def sibling_share(result: ProtocolResult) -> float | None:
    """Return the share of test images with an image of their group in training, over all splits."""
    records = [split.record for split in result.splits]
    test = sum(record.test - record.test_of_unknown_source for record in records)
    siblings = [record.test_with_siblings for record in records]
    known = [count for count in siblings if count is not None]
    return sum(known) / test if len(known) == len(siblings) and test else None


def _telling_drop(results: Results) -> Drop | None:
    """Return the drop of the reference, or of the best baseline where there is no reference."""
    by_name = {drop.baseline: drop for drop in results.drops}
    if results.reference in by_name:
        return by_name[results.reference]
    return max(results.drops, key=lambda drop: drop.grouped.value or 0.0, default=None)


def _drop_sentence(results: Results, drop: Drop) -> str:
    name = called(results, drop.baseline)
    both = f"{share(drop.paper.value)} against {share(drop.grouped.value)}"
    interval = points_interval(drop.drop, unit=True)
    if not excludes_zero(drop.drop):
        return (
            f"For {name}, no difference between paper and grouped is shown: {both}, "
            f"a difference of {interval}."
        )
    direction = "higher" if (drop.drop.value or 0.0) > 0 else "lower"
    subject = name[0].upper() + name[1:] if name.startswith("the reference") else name
    return (
        f"{subject} scores {direction} under paper than under grouped: {both}, "
        f"a difference of {interval}."
    )


def _colour(results: Results) -> str:
    result = strictest(results)
    scores = scores_of(result, _COLOUR)
    if scores is None:
        return ""
    text = f"The colours alone, without any shape, reach {_percent(_accuracy(scores))}"
    paper = results.protocol(_PAPER)
    random = scores_of(paper, _COLOUR) if paper is not None else None
    if random is not None and paper is not result:
        text += f" under {result.protocol} and {_percent(_accuracy(random))} under paper"
    majority = scores_of(result, MAJORITY)
    if majority is None:
        return f"{text}."
    floor = share(_accuracy(majority).value)
    return f"{text}; always answering the commonest class reaches {floor}."


def _hierarchy(results: Results) -> str:
    arms = {one.baseline for one in results.baselines if one.hierarchical}
    result = strictest(results)
    compared = result.comparisons_on(Event.subtype_confusion)
    found = [one for one in compared if one.baseline in arms]
    if not arms:
        return "There is no run of a hierarchical baseline."
    if found:
        return " ".join(_hierarchy_sentences(found, results, result))
    if results.taxonomy.subtypes_of is None:
        return "The class tree names no subtypes on which hierarchical baselines could be compared."
    return "The hierarchical baselines could not be compared with the reference."


def _hierarchy_sentences(
    found: list[Comparison], results: Results, result: ProtocolResult
) -> Iterator[str]:
    task = subtype_words(results)
    reference = called(results, results.reference)
    for one in found:
        if one.test().p_adjusted < ALPHA:
            word = "fewer" if (one.difference.value or 0.0) < 0 else "more"
            yield (
                f"{one.baseline} makes {word} {task} confusions than {reference} under "
                f"{result.protocol}: {_difference_words(one, results)}.{_at_odds(one)}"
            )
    quiet = [one for one in found if one.test().p_adjusted >= ALPHA]
    if quiet:
        each = "; ".join(f"{one.baseline} {_difference_words(one, results)}" for one in quiet)
        yield (
            f"No difference in {task} confusions from {reference} is shown under "
            f"{result.protocol} for: {each}."
        )


def _at_odds(one: Comparison) -> str:
    if excludes_zero(one.difference):
        return ""
    return " Test and interval are computed in different ways: the interval still holds 0."


def _difference_words(one: Comparison, results: Results) -> str:
    return (
        f"{points_interval(one.difference, unit=True)}, {fewer_words(one.relative_reduction)} "
        f"({results.adjustment.author} {p_equals(one.test().p_adjusted)}; smallest difference that "
        f"could have been shown with a chance of 80 %: {points(one.detectable)})"
    )


def fewer_words(reduction: Estimate) -> str:
    """Return a relative reduction in words: `12 % fewer [−3, 25]`, or `8 % more [...]`."""
    if reduction.value is None:
        return "none under the reference"
    if reduction.value >= 0:
        return f"{reduction_interval(reduction, unit=' % fewer')}"
    turned = reduction.model_copy(
        update={
            "value": -reduction.value,
            "low": None if reduction.high is None else -reduction.high,
            "high": None if reduction.low is None else -reduction.low,
        }
    )
    return reduction_interval(turned, unit=" % more")


def subtype_words(results: Results) -> str:
    """Return the subtypes' names with slashes between them, or "subtype"."""
    parent = results.taxonomy.subtypes_of
    children = [node for node, above in results.taxonomy.parents.items() if above == parent]
    return "/".join(child.replace("_", " ") for child in children) or "subtype"


def _warnings(results: Results) -> Iterator[str]:
    random = [one.baseline for one in results.baselines if one.random_weights]
    if random:
        verb = "uses" if len(random) == 1 else "use"
        yield (
            f"Warning: {listing(random)} {verb} random weights, as was asked for; "
            "these scores say nothing about trained networks."
        )
    unknown = [one.protocol for one in results.protocols if not one.groups_known]
    if unknown:
        yield (
            f"Source groups unknown under {listing(unknown)}: images resampled, "
            "intervals too narrow."
        )


def excludes_zero(estimate: Estimate) -> bool:
    """Tell whether an interval lies on one side of zero."""
    if estimate.low is None or estimate.high is None:
        return False
    return estimate.low > 0 or estimate.high < 0


def scores_of(result: ProtocolResult, name: str) -> BaselineScores | None:
    """Return the scores of a baseline, or None where it has none."""
    return next((scores for scores in result.baselines if scores.baseline == name), None)


def _accuracy(scores: BaselineScores) -> Estimate:
    return scores.metrics.accuracy


def _percent(estimate: Estimate) -> str:
    return share_interval(estimate, unit=True)
