"""What things are called: baselines, protocols, metrics, parts of the class tree."""

from __future__ import annotations

from typing import NamedTuple

from lcbench.analysis.results import ProtocolResult, Results
from lcbench.analysis.scores import (
    AnalysisSettings,
    EventComparison,
    EventKind,
    MetricInfo,
    ModelComparison,
)
from lcbench.protocols import PROTOCOLS
from lcbench.rendering import formats
from lcbench.rendering import markdown as md
from lcbench.statistics.choices import ADJUSTMENT_AUTHORS
from lcbench.statistics.interval_model import Interval
from lcbench.taxonomy import NOT, OR, Taxonomy, none_of

GROUPS_UNKNOWN = "source groups unknown: images taken as independent, intervals too narrow"
ONE_GROUP = (
    "A value without brackets has no interval: one group gives none, nor does what the numbers of "
    "each class fix, such as the same answer to every image."
)


def protocol_title(name: str) -> str:
    """Return what a protocol is called: `leakage-free (by source group)`."""
    return PROTOCOLS[name].title if name in PROTOCOLS else name


def protocol_short(name: str) -> str:
    """Return its title without what stands in brackets: `leakage-free`."""
    return protocol_title(name).split(" (")[0]


def capital(text: str) -> str:
    """Return a text that begins a sentence."""
    return text[:1].upper() + text[1:]


def called(results: Results, name: str) -> str:
    """Return how a baseline is called in a sentence: the reference is pointed out."""
    if name != results.reference:
        return name
    return "the reference" if name == "reference" else f"the reference ({name})"


def baseline_title(results: Results, name: str) -> str:
    """Return a baseline's name, marked where it is an ensemble or its weights are random."""
    baseline = results.baseline(name)
    random = baseline is not None and baseline.random_weights
    if baseline is not None and baseline.is_ensemble:
        return f"{name} (ensemble)"
    return f"{name} (random weights)" if random else name


def label(results: Results, name: str) -> md.Markdown:
    """Return a baseline's name for a table, the reference in bold."""
    text = md.escape_cell(baseline_title(results, name))
    return md.Markdown(f"**{text}**") if name == results.reference else text


def data_words(results: Results) -> str:
    """Return the data's name, with a warning where they are synthetic."""
    synthetic = ", synthetic demonstration data" if results.dataset.synthetic else ""
    return f"{results.dataset.name}{synthetic}"


def node_words(node: str) -> str:
    """Return the name of a class or of an inner node."""
    if node.startswith(NOT):
        parts = node_words(node.removeprefix(NOT)).split(OR)
        return f"not {parts[0]}" if len(parts) == 1 else f"neither {' nor '.join(parts)}"
    return node.replace("_", " ")


def options_words(tree: Taxonomy, node: str) -> str:
    """Return what a decision chooses between: `adenocarcinoma / squamous cell carcinoma`."""
    options = tree.children(node)
    if not options and node.startswith(NOT):
        options = (node.removeprefix(NOT), node)
    return " / ".join(node_words(option) for option in options)


def metric_title(tree: Taxonomy, info: MetricInfo, of: str = "", *, share: str = "%") -> str:
    """Return a metric's name with what it speaks of and the unit: `share` where it is a share."""
    what = options_words(tree, of) if info.level == "decision" else node_words(of)
    unit = share if info.unit == "share" else ""
    return ", ".join(part for part in (info.title, what, unit) if part)


def event_words(tree: Taxonomy, kind: EventKind, node: str) -> str:
    """Return what goes wrong: `any error`, or which classes are taken for each other."""
    return "any error" if kind == "any_error" else f"{options_words(tree, node)} confusions"


class EffectCells(NamedTuple):
    """What a comparison found on an event, as text."""

    only_a: str
    """Discordant predictions of the first model."""
    only_b: str
    """Discordant predictions of the second model."""
    difference: str
    """In points, of these networks."""
    reduction: str
    """Relative reduction in per cent."""
    odds_ratio: str
    """Of the discordant predictions."""
    p: str
    """Of the test to read."""
    p_adjusted: str
    """The same, adjusted for the family."""
    training: str
    """The difference in points with the limits for the way of training; a dash with one seed."""
    training_p: str
    """Its adjusted p-value; a dash with one seed."""
    detectable: str
    """Smallest difference that could have been shown, in points."""


def effect_cells(
    effect: EventComparison, settings: AnalysisSettings, decimals: int | None = None
) -> EffectCells:
    """Return what a comparison found on an event, one text each.

    A test of a difference that the numbers of each class fix asks nothing: a dash.

    `decimals`: of the points, where the column has others.
    """
    test = effect.test(settings.default_test)
    trained = formats.of_training(effect.difference)
    fixed = formats.is_fixed(effect.difference)
    return EffectCells(
        only_a=formats.integer(test.only_a),
        only_b=formats.integer(test.only_b),
        difference=formats.points_interval(effect.difference, decimals=decimals),
        reduction=formats.reduction_interval(effect.relative_reduction),
        odds_ratio=formats.ratio_interval(effect.odds_ratio),
        p=formats.NONE if fixed else formats.p_value(test.p),
        p_adjusted=formats.NONE if fixed else formats.p_value(test.p_adjusted),
        training=formats.NONE
        if trained is None
        else formats.points_interval(trained, decimals=decimals),
        training_p=formats.NONE
        if effect.training is None or fixed
        else formats.p_value(effect.training.p_adjusted),
        detectable=formats.NONE
        if fixed
        else formats.points(effect.detectable, decimals).removesuffix(" points"),
    )


def verdict_words(effect: EventComparison, settings: AnalysisSettings) -> str:
    """Return the verdict on a difference of these networks, and whether few groups carry it."""
    if formats.is_fixed(effect.difference):
        return "fixed by the numbers of each class"
    margin = margin_words(settings)
    words = {
        "different": "different",
        "different within the margin": f"different, by less than {margin}",
        "equivalent": f"equivalent within {margin}",
        "not shown": "not shown",
    }[effect.verdict]
    return f"{words} (few groups)" if effect.few_groups else words


def margin_words(settings: AnalysisSettings) -> str:
    """Return the suite's margin, such as `1 point`; empty without one."""
    if settings.margin is None:
        return ""
    size = f"{100 * settings.margin:g}"
    return f"{size} point{'' if size == '1' else 's'}"


def null_hypotheses(drawn: str) -> str:
    """Return in words what the test to read asks."""
    return (
        f"p asks whether these networks would err equally often on new {drawn}, however the errors "
        "of either are heaped; it is the level at which the interval of the difference ends at 0, "
        "so that the two agree."
    )


def headline(results: Results) -> str | None:
    """Return the decision to read first: that of the subtypes, where confusions were counted."""
    node = results.taxonomy.subtypes_of
    models = results.strictest.comparison.models
    if node is None or not any(model.get("confusion_rate", node) for model in models):
        return None
    return node


def headline_event(results: Results) -> tuple[EventKind, str]:
    """Return the event to read first: confusions at the headline decision, else any error."""
    node = headline(results)
    return ("any_error", "") if node is None else ("confusion", node)


def without_floor(results: Results) -> str:
    """Return that counts of baselines leave out the floor; empty where there is none."""
    names = [one.model for one in results.strictest.comparison.models]
    floor = [name for name in names if name in results.roles.floor]
    if not floor or len(floor) == len(names):
        return ""
    return (
        "A baseline is counted as wrong on an image where more than half of its answers to it are; "
        f"{formats.listing(floor)}, the floor, is left out of such counts."
    )


def screening_node(tree: Taxonomy) -> str | None:
    """Return the node that is looked for in screening: all that is not negative."""
    if not tree.negative:
        return None
    negative = {leaf for node in tree.negative for leaf in tree.leaves_under(node)}
    positive = set(tree.leaves) - negative
    alike = (node for node in tree.nodes if set(tree.leaves_under(node)) == positive)
    return next(alike, none_of(tree.negative))


def units(comparison: ModelComparison) -> str:
    """Return what is taken as independent, in words."""
    if comparison.groups_known:
        return "source groups"
    without = comparison.images_without_group
    return "images" if without == comparison.images else "groups and single images"


def coarse_words(comparison: ModelComparison) -> list[str]:
    """Return what became of predictions whose label is no leaf; empty where there are none."""
    labels = [
        f"{node_words(node)} ({formats.integer(count)})"
        for node, count in comparison.coarse.items()
    ]
    if not labels:
        return []
    return [
        "Predictions for a label that is no leaf of the class tree, "
        f"{formats.listing(labels)}, count only where that label decides."
    ]


def unmatched_words(comparison: ModelComparison) -> list[str]:
    """Return what did not match, a sentence a model."""
    found = []
    for one in comparison.unmatched:
        with_them = f" with {formats.plural(one.predictions, 'prediction')}"
        more = one.images - len(one.examples)
        found.append(
            f"{formats.plural(one.images, 'image')} of {one.model} without a partner, left out"
            f"{'' if one.predictions == one.images else with_them}: {', '.join(one.examples)}"
            f"{f', and {formats.integer(more)} more' if more > 0 else ''}."
        )
    return found


def unknown_groups(results: Results) -> tuple[ProtocolResult, ...]:
    """Return the protocols whose images were taken as independent for want of source groups."""
    return tuple(one for one in results.protocols if not one.comparison.groups_known)


def author(settings: AnalysisSettings) -> str:
    """Return after whom the adjustment of p-values is called."""
    return ADJUSTMENT_AUTHORS[settings.adjustment]


def excludes_zero(estimate: Interval) -> bool:
    """Tell whether an interval lies on one side of zero; one source group gives none."""
    if estimate.low is None or estimate.high is None or estimate.groups == 1:
        return False
    return estimate.low > 0 or estimate.high < 0
