"""The opening of the report, the claims, the external folders, and where it all comes from."""

from __future__ import annotations

from lcbench.analysis.claims import PAPER, PAPER_TITLE
from lcbench.analysis.results import ClaimResult, Results
from lcbench.rendering import formats as wording
from lcbench.rendering import markdown as md
from lcbench.rendering.findings import GROUPS_UNKNOWN, called
from lcbench.rendering.parts import cell, label


def opening(results: Results) -> str:
    """Return the title, what was compared, and the findings."""
    suite, dataset = md.escape(results.suite), md.escape(results.dataset.name)
    warning = (
        "> **synthetic demonstration data**: the images were drawn by a program. Nothing here says "
        "anything about real tissue."
    )
    return md.paragraphs(
        f"# Suite {suite} on {dataset}",
        warning if results.dataset.synthetic else "",
        _compared(results),
        "**Findings**",
        md.bullets(md.escape(sentence) for sentence in results.findings),
    )


def _compared(results: Results) -> str:
    dataset = results.dataset
    classes = wording.listing(
        [
            f"{wording.integer(count)} {name.replace('_', ' ')}"
            for name, count in dataset.images_by_class.items()
        ]
    )
    protocols = wording.listing(
        [
            f"{result.protocol} ({wording.plural(len(result.seeds), 'seed')}, "
            f"{wording.plural(len(result.splits), 'split')})"
            for result in results.protocols
        ]
    )
    groups = (
        f"{wording.plural(dataset.source_groups, 'source group')}"
        if dataset.source_groups is not None
        else GROUPS_UNKNOWN
    )
    baselines = wording.plural(len(results.baselines), "baseline")
    images = wording.plural(dataset.images, "image")
    where = f"Source groups: {dataset.groups_source}." if dataset.groups_source else ""
    if dataset.pixel_check:
        where += f" Checked: {dataset.pixel_check.rstrip('.')}."
    return md.escape(
        f"Compared: {baselines} on {images} ({classes}); {groups}; protocols: {protocols}. {where} "
        "Research use only, not a medical device."
    )


def baselines_section(results: Results) -> str:
    """Return what each baseline is, folded."""
    rows = [
        [
            label(results, one.baseline),
            md.escape_cell(one.purpose),
            md.escape_cell(one.backbone.name if one.backbone else ""),
        ]
        for one in results.baselines
    ]
    return md.details(
        "What each baseline is for",
        md.table(["baseline", "what it is for", "backbone"], rows, "l"),
    )


def claims_section(results: Results) -> str:
    """Return the paper's claims beside what was measured."""
    title = "## The paper's claims beside what was measured"
    if not results.claims:
        return md.paragraphs(
            title,
            "The class tree names no benign class or no subtypes, so the claims do not apply.",
        )
    obstacles = {one.obstacle for one in results.claims}
    shared = obstacles.pop() if len(obstacles) == 1 else ""
    caveat = results.claims[0].caveat
    reference = md.escape(called(results, results.reference))
    rows = [
        [
            md.escape_cell(one.claim),
            md.escape_cell(one.protocol),
            cell(_measured(one)),
            f"**{one.verdict}**",
            md.escape_cell(one.position),
        ]
        for one in results.claims
    ]
    return md.paragraphs(
        title,
        f"The claims of {PAPER} ({md.escape(PAPER_TITLE)}), as printed, and what "
        f"{reference} reached here. The paper's protocol is `paper`; "
        "`grouped` asks whether the claim holds on source groups that were not trained on.",
        md.escape(f"No verdict is possible here: {shared}.") if shared else "",
        md.escape(
            f"Mind that {caveat}: a claim inside the interval is called consistent, not reproduced."
        )
        if caveat
        else "",
        md.table(["claim", "protocol", "measured", "verdict", "where it lies"], rows, "llrl"),
        "Reproduced: the claimed value lies inside the measured 95 % interval; n, groups and "
        "method as in the tables above. The claims are stated as printed: an accuracy of 98.8 % on "
        "2,250 images would be 27 errors, not 17. The count is scaled to 2,250 test images.",
    )


def _measured(one: ClaimResult) -> str:
    if one.unit == "count":
        return wording.count_interval(one.measured)
    return wording.share_interval(one.measured, unit=True)


def left_out_section(results: Results) -> str:
    """Return what was planned and is not in the tables, and why."""
    entries = {
        "Baselines": [f"{one.baseline}: {one.reason}" for one in results.left_out],
        "Runs without usable predictions": [
            f"{one.run}: {one.reason}" for one in results.incomplete
        ],
        "Images": list(results.dataset.skipped),
    }
    parts = [
        f"{title} ({len(items)}):\n\n{md.long_list(items)}"
        for title, items in entries.items()
        if items
    ]
    return md.paragraphs(
        "## What was left out, and why", *(parts or ["Nothing: every planned run is here."])
    )
