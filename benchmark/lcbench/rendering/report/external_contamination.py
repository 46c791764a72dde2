"""Whether the models were trained on tissue of an external folder: said before any score."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from lcbench.analysis.external_results import ExternalResult
from lcbench.rendering.formats import integer, plural, share, share_interval
from lcbench.rendering.report.external import LevelBest, best_at, key_of, overlap_words, who
from lcbench.rendering.words import node_words


def contaminated_images(result: ExternalResult) -> int:
    """Return how many images with a class show tissue that the models were trained on."""
    if result.counts is not None:
        return result.counts.contaminated
    return result.record.overlap.with_sibling if result.record.overlap else 0


def is_not_external(result: ExternalResult) -> bool:
    """Tell whether no image with a class is left that the models have not been trained on."""
    return (
        bool(contaminated_images(result))
        and result.counts is not None
        and not (result.counts.scored)
    )


def contamination_words(result: ExternalResult) -> str:
    """Return whether the models were trained on tissue of these images, and what follows."""
    overlap, images = result.record.overlap, contaminated_images(result)
    if overlap is not None and result.counts is not None and overlap.with_sibling and not images:
        return (
            f"{plural(overlap.with_sibling, 'image')} show tissue that is among the "
            f"{integer(overlap.training_images)} training images, and none of them is scored."
        )
    if overlap is None or result.counts is None or not images:
        return overlap_words(overlap) if overlap else ""
    training = f"the {integer(overlap.training_images)} training images"
    copies = f"{plural(overlap.exact, 'exact copy', 'exact copies')} among them"
    if not result.counts.contaminated_known:
        return (
            f"{plural(images, 'image')} show tissue that is among {training}, {copies}, and an "
            "older version did not store which: no score on this folder is external. Give it to "
            "lcbench evaluate again for scores without them."
        )
    if not result.counts.scored:
        return (
            f"All {plural(images, 'image')} to score show tissue that is among {training} "
            f"({copies}), or belong to groups of which that is so: nothing here is external, and "
            "no score says how the models do on other people's images."
        )
    return (
        f"{integer(images)} of {plural(images + result.counts.scored, 'image')} to score show "
        f"tissue that is among {training} ({copies}), or belong to groups of which that is so: the "
        "scores are without them, unless it is said."
    )


def contaminated_words(result: ExternalResult, floor: Collection[str]) -> Iterator[str]:
    """Yield what the models reach with the images that they were trained on tissue of."""
    clean = {level.level: best_at(level, floor) for level in result.levels}
    for level in result.contaminated:
        best = best_at(level, floor).score
        if level.level in clean:  # the same model, so that the two can be set side by side
            own = clean[level.level].score
            same = (one for one in level.scores if key_of(one) == key_of(own))
            best = next(same, best)
        yield (
            f"With the contaminated images ({plural(level.images, 'image')}, not external), "
            f"{LevelBest(level, best, ()).classes}: {who(best.baseline, best.protocol)} reaches "
            f"{share_interval(best.accuracy, unit=True)} against {share(level.majority_rate)} for "
            f"always answering {node_words(level.majority_class)}."
        )
