"""The findings: sentences in plain words, chosen by the data."""

from __future__ import annotations

from collections.abc import Iterator

from lcbench.analysis.external_results import ExternalResult
from lcbench.analysis.results import Drop, ProtocolResult, Results
from lcbench.analysis.scores import Best, EventComparison, ModelScores, PairedTest, Rival
from lcbench.rendering.formats import (
    integer,
    listing,
    p_equals,
    plural,
    points,
    points_interval,
    reduction_words,
    says_something,
    share,
    share_interval,
)
from lcbench.rendering.report.events import errors_words, pair_with, reference_pairs, shown_words
from lcbench.rendering.report.external import (
    UNKNOWN,
    best_at,
    broadest,
    level_words,
)
from lcbench.rendering.report.external_contamination import contaminated_images
from lcbench.rendering.report.external_words import one_class_words
from lcbench.rendering.report.given_models import given_finding
from lcbench.rendering.report.hypothesis import hypothesis_finding
from lcbench.rendering.report.leakage import leakage_statement, smaller_training
from lcbench.rendering.report.shift import unlike_words
from lcbench.rendering.words import (
    author,
    called,
    capital,
    excludes_zero,
    headline_event,
    protocol_short,
    protocol_title,
    unknown_groups,
    verdict_words,
)
from lcbench.statistics.power import ALPHA

_BARELY = 5e-5
"""A lead with a limit below it is printed as 0.00 points."""


def findings(results: Results) -> tuple[str, ...]:
    """Return the findings, a sentence or two each, as plain text."""
    parts = (_best(results), hypothesis_finding(results), _leakage(results), *_shortcuts(results))
    found = (
        *parts,
        _hierarchy(results),
        *(given_finding(results, one) for one in results.given),
        *_unlike(results),
        *_external(results),
        *_warnings(results),
    )
    return tuple(part for part in found if part)


def _best(results: Results) -> str:
    result = results.strictest
    best = result.comparison.best
    if best is None:
        (only,) = result.comparison.models[:1]
        name = called(results, only.model)
        return (
            f"{capital(_where(results))}: {name} reaches {_percent(only)} accuracy; "
            f"there is no other baseline to set beside{_no_reference(results)}."
        )
    scores = next(one for one in result.comparison.models if one.model == best.model)
    return (
        f"{capital(_where(results))}: {called(results, best.model)} scores highest in accuracy, "
        f"with {_percent(scores)}; {_beside_the_best(results, best)}{_no_reference(results)}."
    )


def _no_reference(results: Results) -> str:
    if results.strictest.comparison.scores(results.reference) is not None:
        return ""
    return f"; {called(results, results.reference)} has no finished run"


def _beside_the_best(results: Results, best: Best) -> str:
    """Return how far the next and the reference are behind, and whether that is shown."""
    first = best.rivals[0]
    named = [(first, ", the next"), *((one, "") for one in best.rivals[1:])]
    parts = [
        f"{_ahead(rival)} against {called(results, rival.model)}{more}"
        for rival, more in named
        if more or rival.model == results.reference
    ]
    if best.level_with:
        level = len(best.level_with)
        verdict = "no baseline is shown to be best: " + (
            f"{called(results, best.level_with[0])} is not shown to be worse"
            if level == 1
            else f"{integer(level)} others are not shown to be worse"
        )
    else:
        verdict = f"of these {integer(len(best.rivals) + 1)} it is shown to be best"
        if min(one.difference.low or 0.0 for one in best.rivals) < _BARELY:
            verdict += ", though barely: a limit rounds to 0 points"
    return f"{', and '.join(parts)} (intervals for all pairs at once); {verdict}"


def _ahead(rival: Rival) -> str:
    return points_interval(rival.difference, unit=True)


def _where(results: Results) -> str:
    title = protocol_title(results.strictest.protocol)
    if results.leakage_free is None and results.roles.leakage_free is not None:
        return f"{title}; there is no {protocol_short(results.roles.leakage_free)} run"
    return title


def _difference(results: Results, result: ProtocolResult, name: str) -> str:
    """Return whether the accuracy differs from the reference's, as the end of a sentence."""
    pair = pair_with(results, result, name)
    difference = pair.get("accuracy") if pair else None
    errors = pair.on("any_error") if pair else None
    if difference is None or errors is None:
        return ""
    return (
        f"; {shown_words(results, errors)} ({points_interval(difference, unit=True)}, "
        f"{_adjusted(results, errors.test())}"
        f"{_of_training(results, errors)})"
    )


def _of_training(results: Results, event: EventComparison) -> str:
    """Say where the way of training is not shown to differ though these networks do."""
    if event.training is None or event.test().p_adjusted >= ALPHA:
        return ""
    if event.training.p_adjusted < ALPHA:
        return ""
    seeds = plural(len(results.strictest.comparison.seeds), "seed")
    return f"; of the way of training not shown with {seeds}, {p_equals(event.training.p_adjusted)}"


def _leakage(results: Results) -> str:
    flattering, strict = results.flattering, results.leakage_free
    role = results.roles.flattering
    if flattering is None:
        return (
            f"There is no run with the {protocol_title(role)}, so nothing is said about leakage."
            if role
            else ""
        )
    overlap = leakage_statement(flattering)
    if strict is None:
        needed = protocol_title(results.roles.leakage_free or "")
        return f"{overlap} What that is worth needs a run that is {needed}." if needed else overlap
    drop = _telling_drop(results)
    return f"{overlap} {_drop_sentence(results, drop)}" if drop else overlap


def _telling_drop(results: Results) -> Drop | None:
    """Return the drop of the reference, or of the best baseline where there is no reference."""
    by_name = {drop.baseline: drop for drop in results.drops}
    if results.reference in by_name:
        return by_name[results.reference]
    return max(results.drops, key=lambda drop: drop.leakage_free.value or 0.0, default=None)


def _drop_sentence(results: Results, drop: Drop) -> str:
    name = called(results, drop.baseline)
    flattering = protocol_short(results.roles.flattering or "")
    strict = protocol_short(results.roles.leakage_free or "")
    both = (
        f"{share(drop.flattering.value)} ({flattering}) against "
        f"{share(drop.leakage_free.value)} ({strict}{smaller_training(results)}), a difference of "
        f"{points_interval(drop.drop, unit=True)}"
    )
    if not excludes_zero(drop.drop):
        return f"For {name}, no difference between the two divisions is shown: {both}."
    word = "flatters" if (drop.drop.value or 0.0) > 0 else "disfavours"
    return f"That {word} {name}: {both}."


def _shortcuts(results: Results) -> Iterator[str]:
    """Say how far a baseline gets that should not get far, and where the floor lies."""
    result, flattering = results.strictest, results.flattering
    floor = _floor_words(results, result)
    for name in results.roles.shortcut:
        scores = result.comparison.scores(name)
        if scores is None:
            continue
        reached = f"{_percent(scores)} ({protocol_short(result.protocol)})"
        random = flattering.comparison.scores(name) if flattering else None
        if flattering is not None and random is not None and flattering is not result:
            reached += f" and {_percent(random)} ({protocol_short(flattering.protocol)})"
        yield (
            f"{name}, a shortcut that should not suffice, reaches {reached}"
            f"{_difference(results, result, name)}{floor}."
        )


def _floor_words(results: Results, result: ProtocolResult) -> str:
    """Return what the floor reaches, as the end of a sentence."""
    found = [result.comparison.scores(name) for name in results.roles.floor]
    parts = [f"{one.model}, reaches {share(one.accuracy.value)}" for one in found if one]
    return f"; the floor, {listing(parts)}" if parts else ""


def _hierarchy(results: Results) -> str:
    arms = {one.baseline for one in results.baselines if one.hierarchical}
    if not arms:
        expected = results.tree.height > 1 and results.roles.hypothesis is None
        return "There is no run of a hierarchical baseline." if expected else ""
    arms -= _asked(results)
    if not arms:
        return ""
    pairs = [pair for pair in reference_pairs(results, results.strictest) if pair.b in arms]
    found = [(pair.b, event) for pair in pairs if (event := pair.on(*headline_event(results)))]
    if not found:
        return "The hierarchical baselines could not be compared with the reference."
    return " ".join(_hierarchy_sentences(found, results))


def _asked(results: Results) -> set[str]:
    """Return the arms whose headline event the question of the suite has judged."""
    question = results.strictest.hypothesis
    if question is None or (question.event, question.node) != headline_event(results):
        return set()
    return {arm.baseline for arm in question.arms}


def _hierarchy_sentences(
    found: list[tuple[str, EventComparison]], results: Results
) -> Iterator[str]:
    task, reference = errors_words(results), called(results, results.reference)
    where = f"({protocol_short(results.strictest.protocol)})"
    for name, event in found:
        if event.test().p_adjusted < ALPHA:
            word = "fewer" if (event.difference.value or 0.0) < 0 else "more"
            yield (
                f"{name} makes {word} {task} than {reference} {where}: "
                f"{_effect_words(event, results)}."
            )
    quiet = [one for one in found if one[1].test().p_adjusted >= ALPHA]
    if quiet:
        each = "; ".join(f"{name} {_effect_words(event, results)}" for name, event in quiet)
        yield (
            f"Of the hierarchical baselines, no difference in {task} from {reference} is shown "
            f"{where} for: {each}."
        )


def _effect_words(event: EventComparison, results: Results) -> str:
    reduction = event.relative_reduction
    relative = reduction_words(reduction) if says_something(reduction) else ""
    parts = (points_interval(event.difference, unit=True), relative)
    more = _of_training(results, event)
    if event.verdict == "equivalent":
        more += f"; {verdict_words(event, results.settings)}"
    return (
        f"{', '.join(part for part in parts if part)} ({_adjusted(results, event.test())}{more}; "
        f"{points(event.detectable)} had a chance of 80 % to be shown)"
    )


def _unlike(results: Results) -> Iterator[str]:
    """Yield which external folders do not look like the training images, before their scores."""
    for one in results.external:
        yield unlike_words(one)


def _external(results: Results) -> Iterator[str]:
    """Yield what the models reach on external folders; one of a single class stands by itself."""
    yield _scored_folders(results)
    for one in results.external:
        if not one.levels and one.one_class:
            words = next(one_class_words(results, one))  # the coarsest of its levels
            yield f"On {one.record.name} {words[:1].lower()}{words[1:]}"


def _scored_folders(results: Results) -> str:
    levels = [(one, level) for one in results.external if (level := broadest(one))]
    floor = results.roles.floor
    parts = [_shared(results)]
    if len(levels) == 1:
        ((folder, level),) = levels
        parts.insert(0, level_words(folder, best_at(level, floor)))
    elif levels:
        above = [one for one, level in levels if best_at(level, floor).is_above]
        others = [one for one, _ in levels if one not in above]
        parts.insert(
            0,
            "External folders: the best model of each, chosen afterwards, is shown to be above the "
            f"majority rate on {_folders(above)}, and not on {_folders(others)} (limits adjusted "
            f"for all models of a folder{_unknown(results)}).",
        )
    unlabelled = [
        one
        for one in results.external
        if one.answers and one.counts and not (one.counts.scored or one.counts.contaminated)
    ]
    if unlabelled:
        parts.append(f"No image to score, and only answers to report: {_folders(unlabelled)}.")
    return " ".join(part for part in parts if part)


def _unknown(results: Results) -> str:
    """Return which folders' intervals are too narrow, as the end of what stands in brackets."""
    unknown = [one.record.name for one in results.external if not one.groups_known]
    return f"; {UNKNOWN} on {listing(unknown)}" if unknown else ""


def _shared(results: Results) -> str:
    """Say which folders show tissue of the training images, and that such images do not count."""
    nothing, left_out = [], []
    for one in results.external:
        images = contaminated_images(one)
        if not images:
            continue
        external = one.counts.scored if one.counts else 0
        if external:
            every = plural(images + external, "image")
            left_out.append(f"{one.record.name} ({integer(images)} of {every})")
        else:
            nothing.append(f"{one.record.name} ({plural(images, 'image')})")
    parts = [
        f"Left out of these numbers, with tissue of the training images: {listing(left_out)}."
        if left_out
        else "",
        f"Not external, and without a score, as the models were trained on its tissue: "
        f"{listing(nothing)}."
        if nothing
        else "",
    ]
    return " ".join(part for part in parts if part)


def _folders(folders: list[ExternalResult]) -> str:
    return listing([one.record.name for one in folders]) or "none"


def _warnings(results: Results) -> Iterator[str]:
    random = [one.baseline for one in results.baselines if one.random_weights]
    if random:
        verb = "uses" if len(random) == 1 else "use"
        yield (
            f"Warning: {listing(random)} {verb} random weights, as was asked for; "
            "these scores say nothing about trained networks."
        )
    finished = [one.baseline for one in results.baselines if one.has_own_head]
    if finished:
        one = len(finished) == 1
        yield (
            f"{listing(finished)} {'was' if one else 'were'} finished elsewhere and "
            f"{'is' if one else 'are'} scored as {'it is' if one else 'they are'}: lcbench does "
            f"not know what {'it was' if one else 'they were'} trained on, so leakage from that "
            "training cannot be excluded under any protocol, and a difference between protocols "
            "says nothing about it."
        )
    unknown = [protocol_short(one.protocol) for one in unknown_groups(results)]
    if unknown:
        yield (
            f"Source groups unknown ({listing(unknown)}): images taken as independent, intervals "
            "too narrow."
        )


def _adjusted(results: Results, test: PairedTest) -> str:
    return f"{author(results.settings)} {p_equals(test.p_adjusted)}"


def _percent(scores: ModelScores) -> str:
    return share_interval(scores.accuracy, unit=True)
