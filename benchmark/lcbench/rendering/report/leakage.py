"""What the splits say about leakage: how much of the test side stands in training too."""

from __future__ import annotations

from lcbench.analysis.results import ProtocolResult, Results
from lcbench.rendering.formats import integer, share
from lcbench.rendering.words import capital, protocol_title


def leakage_statement(result: ProtocolResult) -> str:
    """Return how many source groups and images of the test side stand in training too."""
    first = result.splits[0].record
    title = capital(protocol_title(result.protocol))
    if first.test_groups is None or first.test_groups_in_train is None:
        return (
            f"{title}: source groups are unknown, so how many of the test images have their "
            "tissue in training cannot be said."
        )
    images = "test images of known source" if first.test_of_unknown_source else "test images"
    percentage = sibling_share(result)
    if percentage == 0:
        return (
            f"{title}: none of the {images} has an image of its source in training."
            f"{_proven_words(result)}"
        )
    groups = f"{integer(first.test_groups_in_train)} of {integer(first.test_groups)} source groups"
    return (
        f"{title}: {groups} in test are also in training (seed {result.splits[0].seed}), and "
        f"{share(percentage)} of the {images} have an image of the same source there."
        f"{_unknown_source(result)}{_proven_words(result)}"
    )


def sibling_share(result: ProtocolResult) -> float | None:
    """Return the share of test images with an image of their group in training, over all splits."""
    records = [split.record for split in result.splits]
    test = sum(record.test - record.test_of_unknown_source for record in records)
    known = [one.test_with_siblings for one in records if one.test_with_siblings is not None]
    return sum(known) / test if len(known) == len(records) and test else None


def leaks(result: ProtocolResult) -> bool:
    """Tell whether any test image has an image of its source group in training."""
    return any(split.record.test_with_siblings for split in result.splits)


def training_sizes(results: Results) -> str:
    """Return how many images the models of both sides of a drop learned from, in a sentence.

    More training images alone make a model better, so a part of a drop can come from there.
    """
    sizes = _mean_training_sizes(results)
    if sizes is None:
        return ""
    more, fewer = sizes
    if round(more) == round(fewer):
        return f"The models of both learned from {integer(more)} images, averaged over the splits."
    part = share(abs(more - fewer) / max(more, fewer))
    return (
        f"Their models learned from {integer(more)} and {integer(fewer)} images, averaged over the "
        f"splits: {'fewer' if fewer < more else 'more'} in the second by {part}, so a part of the "
        "drop can be the size of the training set."
    )


def smaller_training(results: Results) -> str:
    """Return by how much less the leakage-free models learned from; empty where they did not."""
    sizes = _mean_training_sizes(results)
    if sizes is None or round(sizes[1]) >= round(sizes[0]):
        return ""
    return f", learned from {share((sizes[0] - sizes[1]) / sizes[0])} fewer images"


def _mean_training_sizes(results: Results) -> tuple[float, float] | None:
    sides = [one for one in (results.flattering, results.leakage_free) if one and one.splits]
    if len(sides) < 2:
        return None
    first, second = (
        sum(split.record.train for split in one.splits) / len(one.splits) for one in sides
    )
    return first, second


def _unknown_source(result: ProtocolResult) -> str:
    records = [split.record for split in result.splits]
    unknown = sum(record.test_of_unknown_source for record in records)
    if not unknown:
        return ""
    rest = share(unknown / sum(record.test for record in records))
    return f" The source of the other test images ({rest}) is unknown."


def _proven_words(result: ProtocolResult) -> str:
    """Return what pixels say where the groups are the user's own."""
    records = [split.record for split in result.splits]
    proven = [one.test_with_proven_siblings for one in records]
    known = [count for count in proven if count is not None]
    if len(known) < len(proven):
        return ""
    part = share(sum(known) / sum(record.test for record in records))
    return f" By pixels, {part} of the test images have a proven sibling in training."
