"""An audit as a Markdown page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lcbench.audit.findings import KINDS
from lcbench.audit.results import NEAR_COPY, AuditResults, Pair, PairList, Published
from lcbench.leakage import candidates, grouping, registration
from lcbench.rendering import audit_words as words
from lcbench.rendering import formats as wording
from lcbench.rendering import markdown as md

_MEANINGS = {
    "same file": "the same bytes",
    "same pixels": "other bytes, the same pixels after decoding",
    "near copy": f"registered, at least {100 * NEAR_COPY:.0f} % of the smaller image in both",
    "overlapping field": "registered, less than that: fields of view that overlap",
}


def render(
    results: AuditResults,
    plots: Sequence[tuple[str, str]],
    pictures: Mapping[Pair, str],
    telling: Sequence[tuple[str, Pair]],
) -> str:
    """Return the page.

    Parameters
    ----------
    results
        What was found.
    plots
        File and description of each plot.
    pictures
        The file of each pair that was drawn.
    telling
        Pairs to show, each with what it is an example of.
    """
    names = wording.listing([md.escape(folder.name) for folder in results.folders])
    return (
        md.paragraphs(
            f"# Audit of {names}",
            md.bullets(md.escape(text) for text in words.statements(results)),
            _crossings(results),
            _groups(results),
            _pairs(results),
            *(md.picture(file, text) for file, text in plots),
            _telling(telling, pictures),
            _exact_copies(results),
            _two_labels(results, pictures),
            _published(results.published, pictures),
            _doubtful(results, pictures),
            _left_out(results),
            _method(),
            _provenance(results),
        )
        + "\n"
    )


def _crossings(results: AuditResults) -> str:
    if not results.crossings:
        return ""
    rows = [
        [
            md.escape_cell(one.side),
            md.escape_cell(one.other),
            f"{wording.integer(one.with_sibling)} of {wording.integer(one.images)}",
            wording.share(one.with_sibling / one.images),
            f"{wording.integer(one.groups_shared)} of {wording.integer(one.groups)}",
            wording.integer(one.exact),
        ]
        for one in results.crossings
    ]
    headers = [
        "images of", "with a sibling in", "images", "share", "source groups", "exact copies",
    ]  # fmt: skip
    return md.paragraphs(
        f"## Across {md.escape(results.divided_by)}",
        md.table(headers, rows, "llr"),
        "Counts of every image, not estimates: there is no sample and no interval. A sibling is an "
        "image of the same source group.",
        _folded_pairs("Pairs that cross", results.crossing_pairs),
    )


def _groups(results: AuditResults) -> str:
    rows = [
        [
            md.escape_cell(label.label),
            wording.integer(label.images),
            wording.integer(label.facts.groups),
            wording.integer(label.facts.single),
            f"{label.facts.median:g}",
            wording.integer(label.facts.largest),
        ]
        for label in results.labels
    ]
    facts = results.groups
    rows.append(
        [
            "all",
            wording.integer(results.images),
            wording.integer(facts.groups),
            wording.integer(facts.single),
            f"{facts.median:g}",
            wording.integer(facts.largest),
        ]
    )
    headers = [
        "label", "images", "source groups", "of one image", "median images a group", "largest",
    ]  # fmt: skip
    return md.paragraphs("## Source groups", md.table(headers, rows, "lr"))


def _pairs(results: AuditResults) -> str:
    rows = [[kind, _MEANINGS[kind], wording.integer(results.pairs[kind])] for kind in KINDS]
    between = ""
    if results.lowest_joined is not None and results.highest_rejected is not None:
        between = (
            f" The lowest correlation of a pair that joins is {results.lowest_joined:.3f}; the "
            f"highest of one that was rejected is {results.highest_rejected:.3f}."
        )
    return md.paragraphs(
        "## Pairs",
        md.table(["kind", "what it is", "pairs"], rows, "llr"),
        "A pair whose images were in one group already was not registered again: a group of n "
        f"images has n − 1 pairs. {wording.plural(results.tried, 'candidate')} "
        f"{'was' if results.tried == 1 else 'were'} registered.{between}",
    )


def _telling(telling: Sequence[tuple[str, Pair]], pictures: Mapping[Pair, str]) -> str:
    shown = [(name, pair) for name, pair in telling if pair in pictures]
    if not shown:
        return ""
    parts = ["## The most telling pairs"]
    for name, pair in shown:
        parts.append(f"{md.escape(name)}: {md.escape(words.pair_names(pair))}")
        parts.append(md.picture(pictures[pair], f"{name}: {words.pair_names(pair)}"))
    return md.paragraphs(*parts)


def _exact_copies(results: AuditResults) -> str:
    if not results.exact.total:
        return ""
    names = [f"{words.pair_names(pair)} ({pair.kind})" for pair in results.exact.shown]
    return md.paragraphs("## Exact copies", md.long_list(names), _more(results.exact))


def _two_labels(results: AuditResults, pictures: Mapping[Pair, str]) -> str:
    if not results.two_labels.total:
        return ""
    return md.paragraphs(
        "## Tissue under two labels",
        pair_table(results.two_labels.shown, pictures, labels=True),
        _more(results.two_labels),
    )


def _published(published: Published | None, pictures: Mapping[Pair, str]) -> str:
    if published is None:
        return ""
    rows = [
        [
            md.escape_cell(merge.first_group),
            md.escape_cell(merge.second_group),
            _named(merge.pair, pictures),
            md.escape_cell(merge.pair.second.name),
            md.escape_cell(merge.pair.transform or merge.pair.kind),
            words.percent(merge.pair.overlap),
            f"{merge.pair.correlation:.3f}",
        ]
        for merge in published.merges
    ]
    headers = ["group", "group", "image", "image", "how they lie", "overlap", "correlation"]
    apart = [
        [
            md.escape_cell(split.group),
            " + ".join(wording.integer(size) for size in split.sizes),
            md.escape_cell(", ".join(split.apart[:5]) + (", …" if len(split.apart) > 5 else "")),
        ]
        for split in published.splits
    ]
    return md.paragraphs(
        f"## Beside the groups of {md.escape(published.file)}",
        md.bullets(md.escape(text) for text in words.published_words(published)),
        "### Published groups that pixels join" if rows else "",
        md.table(headers, rows, "lllllrr") if rows else "",
        "One pair for each link; links that were needless because the groups were joined already "
        "were not looked for."
        if rows
        else "",
        "### Published groups that pixels do not hold together" if apart else "",
        md.table(["group", "images", "apart"], apart, "lrl") if apart else "",
    )


def _doubtful(results: AuditResults, pictures: Mapping[Pair, str]) -> str:
    if not results.doubtful.total:
        return ""
    return md.paragraphs(
        "## Doubtful pairs",
        f"Correlation between {grouping.DOUBTFUL} and {grouping.CERTAIN}, and no second pair that "
        "agrees: their groups stay apart. Look at them.",
        pair_table(results.doubtful.shown, pictures),
        _more(results.doubtful),
    )


def _folded_pairs(title: str, pairs: PairList) -> str:
    if not pairs.total:
        return ""
    table = pair_table(pairs.shown, {}, labels=True)
    return md.details(title, md.paragraphs(table, _more(pairs)))


def _more(pairs: PairList) -> str:
    return f"And {wording.integer(pairs.more)} more in pairs.csv." if pairs.more else ""


def pair_table(pairs: Sequence[Pair], pictures: Mapping[Pair, str], *, labels: bool = False) -> str:
    """Return a table of pairs; the first image links to the picture where there is one."""
    rows = []
    for pair in pairs:
        names = [_named(pair, pictures), md.escape_cell(pair.second.name)]
        if labels:
            names += [md.escape_cell(pair.first.label), md.escape_cell(pair.second.label)]
        rows.append(
            [
                *names,
                pair.kind,
                md.escape_cell(pair.transform),
                words.percent(pair.overlap),
                f"{pair.correlation:.3f}",
            ]
        )
    headers = ["first", "second", *(["label", "label"] if labels else []), "kind", "how they lie"]
    align = "l" * len(headers) + "r"
    return md.table([*headers, "overlap", "correlation"], rows, align)


def _named(pair: Pair, pictures: Mapping[Pair, str]) -> str:
    if pair in pictures:
        return md.link(pair.first.name, pictures[pair]).replace("|", "\\|")
    return md.escape_cell(pair.first.name)


def _left_out(results: AuditResults) -> str:
    parts = []
    if results.unreadable:
        parts += ["## Files that cannot be read", md.long_list(results.unreadable)]
    if results.incomparable:
        parts += ["## Images of too little structure", md.long_list(results.incomparable)]
    return md.paragraphs(*parts)


def _method() -> str:
    return md.paragraphs(
        "## How it was done",
        md.bullets(
            (
                "Exact copies: equal SHA-256 of the files, or equal decoded pixels.",
                "Candidates: SIFT keypoints of each image are aggregated to one vector (VLAD), for "
                "the image and for its mirror image; an approximate nearest-neighbour graph gives "
                f"{candidates.NEIGHBOURS} neighbours an image, and in a second round up to "
                f"{candidates.OUTSIDE} outside its own group.",
                "Proof: keypoint matches propose an affine map (at least "
                f"{registration.MIN_INLIERS} matches and "
                f"{100 * registration.MIN_INLIER_SHARE:.0f} % of the keypoints in the overlap "
                "agree), which is refined on the grey values. Judged is the correlation of the "
                f"overlapping area, at least {100 * registration.MIN_OVERLAP:.0f} % of the "
                "smaller image.",
                f"Groups: a correlation from {grouping.CERTAIN} joins two groups. From "
                f"{grouping.DOUBTFUL} it does so only if a second pair of images of the same two "
                "groups agrees.",
                "Neighbouring slices of one scan register like near copies: they are not the same "
                "image, but they are the same patient.",
            )
        ),
    )


def _provenance(results: AuditResults) -> str:
    libraries = ", ".join(f"{name} {version}" for name, version in results.versions.items())
    rows = [
        ["command", md.code_cell(results.command)],
        ["made", md.escape_cell(results.created)],
        ["commit", md.escape_cell(results.commit or "outside a checkout")],
        ["versions", md.escape_cell(libraries)],
        [
            "cost",
            f"{wording.number(results.seconds)} s, peak memory "
            f"{wording.integer(results.peak_memory_mb)} MB (less where the cache knew the images)",
        ],
        [
            "files",
            f"groups.csv, pairs.csv, {'merges.csv, ' if results.published else ''}audit.json",
        ],
    ]
    return md.paragraphs(
        "## Provenance",
        md.table(["", ""], rows, "ll"),
        "Research use only, not a medical device.",
    )
