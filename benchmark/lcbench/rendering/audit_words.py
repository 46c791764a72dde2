"""The sentences that the screen and the page of an audit share."""

from __future__ import annotations

from collections.abc import Iterator

from lcbench.audit.results import AuditResults, Crossing, Pair, Published
from lcbench.rendering import formats as wording


def headline(results: AuditResults) -> str:
    """Return the one sentence that says most."""
    groups = results.groups
    if groups.groups == results.images:
        return f"{wording.plural(results.images, 'image')}: no two show the same tissue."
    return (
        f"{wording.plural(results.images, 'image')} come from "
        f"{wording.plural(groups.groups, 'source group')}: "
        f"{wording.integer(results.images - groups.single)} images share theirs with another one."
    )


def statements(results: AuditResults) -> Iterator[str]:
    """Yield what was found, one plain sentence each."""
    yield headline(results)
    yield exact_copies(results)
    yield near_copies(results)
    yield from (crossing_words(crossing) for crossing in results.crossings)
    if results.without_side:
        yield (
            f"{wording.plural(results.without_side, 'image')} without a side in "
            f"{results.divided_by}: counted on none."
        )
    yield two_labels(results)
    if results.published is not None:
        yield from published_words(results.published)
    yield from caveats(results)


def exact_copies(results: AuditResults) -> str:
    """Return how many images are copies of another one, by bytes and by pixels."""
    files, pixels = results.pairs["same file"], results.pairs["same pixels"]
    if files + pixels == 0:
        return "No image is an exact copy of another one."
    parts = []
    if files:
        example = results.exact.shown[0]
        parts.append(
            f"{wording.plural(files, 'file is', 'files are')} byte by byte a copy of another "
            f"(e.g. {pair_names(example)})"
        )
    if pixels:
        parts.append(
            f"{wording.plural(pixels, 'image has', 'images have')} the very pixels of another in "
            "a different file"
        )
    return f"{wording.listing(parts)}."


def near_copies(results: AuditResults) -> str:
    """Return how many registered pairs join the groups."""
    near, fields = results.pairs["near copy"], results.pairs["overlapping field"]
    if near + fields == 0:
        return "No image is a near copy of another one, and no fields of view overlap."
    return (
        f"Beyond exact copies, {wording.plural(near, 'pair')} of near copies and "
        f"{wording.plural(fields, 'pair')} of overlapping fields were registered and join the "
        "groups."
    )


def crossing_words(crossing: Crossing) -> str:
    """Return what one side has of another: `test: 15 of 15 source groups are also in train`."""
    exact = f", {wording.integer(crossing.exact)} of them an exact copy" if crossing.exact else ""
    return (
        f"{crossing.side}: {wording.integer(crossing.groups_shared)} of "
        f"{wording.plural(crossing.groups, 'source group')} also in {crossing.other}; "
        f"{wording.integer(crossing.with_sibling)} of {wording.integer(crossing.images)} images "
        f"have a sibling there{exact}."
    )


def two_labels(results: AuditResults) -> str:
    """Return whether tissue stands under two labels."""
    pairs = results.two_labels
    if len({label for folder in results.folders for label in folder.labels}) < 2:
        return "All images carry one label."
    if pairs.total == 0:
        return "No image stands under two labels, as itself or as a copy."
    return (
        f"{wording.plural(results.two_label_groups, 'source group stands', 'source groups stand')} "
        f"under two labels: {pair_names(pairs.shown[0])}"
        + (f" and {wording.plural(pairs.total - 1, 'more pair')}" if pairs.total > 1 else "")
        + f" ({wording.plural(pairs.copies, 'pair')} of copies, "
        f"{wording.integer(pairs.total - pairs.copies)} of overlapping fields)."
    )


def percent(share: float) -> str:
    """Return a share of an image, which needs no decimals."""
    return f"{100 * share:.0f} %"


def pair_names(pair: Pair) -> str:
    """Return the names of a pair's images."""
    return f"{pair.first.name} and {pair.second.name}"


def published_words(published: Published) -> Iterator[str]:
    """Yield where pixels agree and disagree with a file of groups."""
    yield (
        f"{published.file} puts {wording.integer(published.images)} of these images into "
        f"{wording.plural(published.published_groups, 'group')}; pixels put them into "
        f"{wording.integer(published.found_groups)}."
    )
    yield from _agreement(published)
    merged = {frozenset((m.first_group, m.second_group)) for m in published.merges}
    if merged:
        yield (
            f"Pixels join {wording.plural(len(merged), 'pair')} of published groups that the file "
            "keeps apart."
        )
    apart = sum(len(split.apart) for split in published.splits)
    if apart:
        yield (
            f"{wording.plural(apart, 'image')} of "
            f"{wording.plural(len(published.splits), 'published group')} could not be "
            "registered with the rest of their group."
        )
    if published.not_named:
        yield f"{wording.plural(published.not_named, 'image')} not named in {published.file}."


def _agreement(published: Published) -> Iterator[str]:
    if not published.same_group_pairs:
        return
    together = wording.integer(published.together)
    pairs = wording.integer(published.same_group_pairs)
    yield (
        f"{together} of {pairs} pairs of one published group "
        f"({wording.share(published.recall)}) are in one found group; adjusted Rand index "
        f"{published.ari:.4f}, {published.ari_after_merges:.4f} once published groups count as one "
        f"where a pair with a correlation above {published.certain} proves it."
    )


def caveats(results: AuditResults) -> Iterator[str]:
    """Yield what the audit could not see."""
    if results.doubtful.total:
        yield (
            f"{wording.plural(results.doubtful.total, 'pair')} of groups look alike without proof "
            "enough to join them; they are listed as doubtful."
        )
    if results.incomparable:
        yield (
            f"{wording.plural(len(results.incomparable), 'image')} have too little structure to be "
            "compared and were checked for exact copies only."
        )
    if results.unreadable:
        yield (
            f"{wording.plural(len(results.unreadable), 'file')} left out: not readable as images."
        )
