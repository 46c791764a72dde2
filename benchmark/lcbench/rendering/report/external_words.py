"""What a reader should know of an external folder, in sentences: contamination first."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from lcbench.analysis.external_detail_results import NodeScore, OneClassLevel
from lcbench.analysis.external_results import ExternalResult
from lcbench.analysis.results import Results
from lcbench.analysis.scores import find_score
from lcbench.rendering.formats import (
    integer,
    listing,
    number,
    plural,
    share,
    share_interval,
    value_interval,
)
from lcbench.rendering.report.external import (
    LevelBest,
    best_at,
    broadest,
    evidence_words,
    images_words,
    key_of,
    level_words,
    plural_of,
    unit_words,
    who,
)
from lcbench.rendering.report.external_contamination import (
    contaminated_words,
    contamination_words,
)
from lcbench.rendering.report.selective import sure_share, target_words
from lcbench.rendering.report.shift import shift_words
from lcbench.rendering.words import (
    GROUPS_UNKNOWN,
    capital,
    node_words,
    protocol_short,
    screening_node,
)
from lcbench.statistics.interval_model import Interval
from lcbench.statistics.scaling import TEMPERATURES
from lcbench.statistics.tree import ClassTree


def folder_words(results: Results, result: ExternalResult) -> tuple[str, ...]:
    """Return what a reader should know of one folder: a sentence each."""
    floor = results.roles.floor
    levels = [best_at(level, floor) for level in result.levels]
    found = [level_words(result, best) for best in levels]
    first = broadest(result)
    sure = _sure_words(best_at(first, floor)) if first else ""
    answered = any((result.levels, result.one_class, result.contaminated, result.answers))
    nothing = "" if answered else "No finished run has predictions on this folder."
    parts = (
        images_words(result, results.dataset), contamination_words(result),
        *shift_words(results, result), *found,
        *contaminated_words(result, floor), *one_class_words(results, result), nothing, sure,
        *apart_words(result, floor), *threshold_words(results, result),
        *units_words(result, floor), *without_truth_words(result),
        *calibrated_words(results, result), evidence_words(result), _counts_words(result),
        "" if result.groups_known else f"{capital(GROUPS_UNKNOWN)}.",
    )  # fmt: skip
    return tuple(part for part in parts if part)


def _counts_words(result: ExternalResult) -> str:
    record = result.record
    copies = (
        f"{plural(record.copies, 'byte-identical copy', 'byte-identical copies')}, counted with "
        "the original."
    )
    if result.counts is None:
        scored = f"{integer(record.scored)} of them scored"
        return f"{plural(record.images, 'image')}, {scored}; {copies}"
    counts = result.counts
    others = [
        f"{integer(number)} {what}"
        for number, what in (
            (counts.contaminated, "with tissue of the training images"),
            (counts.calibration, "set aside to calibrate on"),
            (counts.unscored, "without a label that stands for a class"),
            (record.images - counts.answered, "not predicted"),
        )
        if number
    ]
    rest = f", {listing(others)}" if others else ""
    scored = f"{integer(counts.scored)} of them scored"
    return f"{plural(record.images, 'image')}, {scored}{rest}; {copies}"


def _sure_words(best: LevelBest) -> str:
    """Return what the best model answers where it is sure enough; empty without thresholds."""
    score = best.score
    if not score.points:
        return ""
    point = score.points[0]
    who = f"{score.baseline} (training: {protocol_short(score.protocol)})"
    at = f"At its thresholds for {target_words(point.target)} risk on its own validation images"
    if not point.coverage.value or point.risk.value is None:
        return f"{at}, {who} answers none of these images at {best.classes}."
    return (
        f"{at}, {who} answers {sure_share(point.coverage)} of these images at {best.classes}, and "
        f"{sure_share(point.risk)} of these answers are wrong."
    )


def one_class_words(results: Results, result: ExternalResult) -> Iterator[str]:
    """Yield what can be said, and what cannot, where all images are of one class."""
    tree = ClassTree.of(results.tree)
    for level in result.one_class:
        models = [one for one in level.scores if one.baseline not in results.roles.floor]
        models = models or list(level.scores)
        shown = next((one for one in models if one.baseline == results.reference), models[0])
        for one in models:
            if one.baseline == shown.baseline and one.protocol == results.strictest.protocol:
                shown = one
        values = [one.called.value for one in models if one.called.value is not None]
        name = node_words(level.node)
        these = (
            "The one image whose label says so much is"
            if level.images == 1
            else f"All {plural(level.images, 'image')} whose label says so much are"
        )
        called = f"{share_interval(shown.called, unit=True)} of them {name}"
        if level.images == 1:
            called = f"it {name} in {share(shown.called.value)} of its answers"
        yield (
            f"{these} {name}: no accuracy "
            f"can be set beside a majority rate of 100 %. "
            f"{capital(who(shown.baseline, shown.protocol))} calls "
            f"{called}{_spread(values)}. "
            f"{_half_known(tree, level)}"
        )


def _spread(values: Sequence[float]) -> str:
    """Return between what shares several models lie; empty of one model."""
    if len(values) < 2:
        return ""
    low, high = share(min(values)), share(max(values))
    if low == high:
        return f", as all {integer(len(values))} models do"
    return f"; the {integer(len(values))} models lie between {low} and {high}"


def _half_known(tree: ClassTree, level: OneClassLevel) -> str:
    """Return which half of a detection images of one class tell about."""
    name = node_words(level.node)
    for node in tree.detections:
        code = tree.nodes.index(level.node)
        if node.true_option[code] == 1:
            return (
                f"That is the specificity for {node_words(node.node)}; its sensitivity cannot be "
                f"known here, for no image is of it."
            )
    return (
        f"That is the sensitivity for {name}; its specificity cannot be known here, for no image "
        "is of anything else."
    )


def apart_words(result: ExternalResult, floor: Collection[str]) -> Iterator[str]:
    """Yield where the answer at a level is another than the most probable class suggests."""
    for level in result.levels:
        best = best_at(level, floor)
        counted = [one for one in best.models if one.apart]
        if not counted:
            continue
        most = max(counted, key=lambda one: (one.apart or 0) / max(one.accuracy.n, 1))
        own = f"{integer(best.score.apart)} of {integer(best.score.accuracy.n)} answers of "
        others = (
            ""
            if key_of(most) == key_of(best.score)
            else f", and for {integer(most.apart)} of {integer(most.accuracy.n)} of "
            f"{who(most.baseline, most.protocol)}, the most of any model"
        )
        yield (
            f"The answer at {best.classes} is the largest sum of the probabilities of the classes "
            "below. It is another node than that of the most probable class for "
            f"{own}{who(best.score.baseline, best.score.protocol)}{others}: what is said of "
            "single classes and of their sums can therefore differ for one image."
        )


def threshold_words(results: Results, result: ExternalResult) -> Iterator[str]:
    """Yield what becomes of a sensitivity that was chosen on validation images."""
    for node in result.nodes:
        shown = _shown_detector(results, node.scores)
        if node.node != screening_node(results.tree) or shown is None or shown.point is None:
            continue
        point, name = shown.point, node_words(node.node)
        validation = (
            ""
            if point.chosen_specificity is None
            else f" (there with a specificity of {share(point.chosen_specificity)})"
        )
        halves = [
            f"{half} of {share_interval(found, unit=True)}"
            for half, found in (
                ("a sensitivity", point.sensitivity), ("a specificity", point.specificity),
            )
            if found.value is not None
        ]  # fmt: skip
        model = who(shown.baseline, shown.protocol)
        ranked = (
            ""
            if shown.auroc.value is None
            else f"{capital(model)} tells {name} best from the rest by AUROC, "
            f"{share_interval(shown.auroc, unit=True)}, chosen afterwards. "
        )
        yield (
            f"{ranked}At the thresholds that gave {'it' if ranked else model} a sensitivity of "
            f"{share(point.chosen_sensitivity)} for {name} on its own validation images"
            f"{validation}, it has {listing(halves)} here."
        )


def _shown_detector(results: Results, scores: tuple[NodeScore, ...]) -> NodeScore | None:
    """Return the largest AUROC, without the floor where others are; else the reference."""
    models = [one for one in scores if one.baseline not in results.roles.floor] or list(scores)
    ranked = [one for one in models if one.auroc.value is not None]
    if ranked:
        return max(ranked, key=lambda one: one.auroc.value or 0.0)
    own = [one for one in models if one.baseline == results.reference] or models
    return own[-1] if own else None


def is_by_image(result: ExternalResult) -> bool:
    """Tell whether scores by patient or slide say again what those by image say."""
    units, counts = result.units, result.counts
    scored = counts.scored if counts else None
    return units is not None and units.units == units.images == (scored or units.images)


def units_words(result: ExternalResult, floor: Collection[str]) -> Iterator[str]:
    """Yield what the models reach by patient or slide, where that is not what they do by image."""
    found = result.units
    if found is None:
        return
    if is_by_image(result):
        yield f"Every {found.unit} has one image: by {found.unit} the numbers are the same."
        return
    mixed = (
        f" {plural(found.contradictory, found.unit)} with images under labels that exclude each "
        "other: scored where the labels agree, and nowhere else."
        if found.contradictory
        else ""
    )
    alone = (result.counts.scored if result.counts else found.images) - found.images
    if alone:
        mixed += f" {plural(alone, 'scored image')} of no known {found.unit} count nowhere here."
    for level in found.levels:
        best = best_at(level, floor)
        model = who(best.score.baseline, best.score.protocol)
        yield (
            f"By {found.unit}, from the mean probabilities of its images, {best.classes} "
            f"({plural(level.images, found.unit)}): {model} reaches "
            f"{share_interval(best.score.accuracy, unit=True)} against "
            f"{share(level.majority_rate)} for always answering {node_words(level.majority_class)}."
            f"{mixed}"
        )
        mixed = ""
    if mixed:
        yield mixed.strip()


def without_truth_words(result: ExternalResult) -> Iterator[str]:
    """Yield what the models say of images whose labels stand for no class of the tree."""
    for label in result.answers:
        name = f"labelled {label.label!r}" if label.label else "without a label"
        why = (
            ": the label stands for no class of the tree"
            if label.label
            else ": what they show is not known"
        )
        coarse = [model.levels[0] for model in label.models if model.levels]
        if not coarse:
            continue
        values = [one.confidence.value for one in coarse if one.confidence.value is not None]
        sure = [
            one.sure[0].share.value
            for one in coarse
            if one.sure and one.sure[0].share.value is not None
        ]
        above = (
            f"; at their thresholds for {target_words(coarse[0].sure[0].target)} risk they would "
            f"answer between {share(min(sure))} and {share(max(sure))} of them"
            if sure and coarse[0].sure
            else ""
        )
        yield (
            f"{plural(label.images, 'image')} {name}{why}, and every model answers something all "
            f"the same. The mean confidence at the first level lies "
            f"between {share(min(values, default=None))} and {share(max(values, default=None))} "
            f"over the models{above}."
        )


def calibrated_words(results: Results, result: ExternalResult) -> Iterator[str]:
    """Yield what a temperature does to the model that is best at the level of most labels."""
    level = broadest(result)
    if level is None or not result.calibration:
        return
    best = best_at(level, results.roles.floor).score
    for one in result.calibration:
        if (one.protocol, one.baseline) != key_of(best):
            continue
        at = next((found for found in one.levels if found.level == level.level), None)
        if at is None:
            continue
        before, after, difference = (
            find_score(scores, "log_loss") for scores in (at.before, at.after, at.difference)
        )
        eces = [find_score(scores, "calibration_error") for scores in (at.before, at.after)]
        yield (
            f"Calibrated on {plural(one.images, 'image')} that were set aside "
            f"({plural(one.groups, unit_words(result), plural_of(unit_words(result)))}), "
            f"{who(one.baseline, one.protocol)} gets a temperature of "
            f"{number(one.temperature, 2)}{_at_an_end(one.temperature)}. On the rest its log loss "
            f"at {best_at(level, results.roles.floor).classes} goes from "
            f"{value_interval(_alone(before))} to {value_interval(_alone(after))} "
            f"({value_interval(difference, signed=True)}), its ECE from "
            f"{value_interval(eces[0])} to {value_interval(eces[1])}."
        )


def _alone(estimate: Interval | None) -> Interval | None:
    """Return an estimate without its interval, where the difference beside it has one."""
    return estimate and estimate.model_copy(update={"low": None, "high": None})


def _at_an_end(temperature: float) -> str:
    low, high = TEMPERATURES
    if 1.05 * low < temperature < high / 1.05:
        return ""
    return (
        ", the end of the range that is looked through: the images that were set aside do not "
        "fix it"
    )
