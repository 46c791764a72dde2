"""The first page: every published report and audit in a table that sorts."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

import lcbench
from lcbench.rendering import formats
from lcbench.rendering.markdown import Markdown, Table, escape
from lcbench.rendering.pages import render_page
from lcbench.site.published import EXPLORER, Found, Published, PublishedAudit, PublishedReport

REPORT_PAGE = "report.md"
"""What the README of a report is called on the site: a report may have an index of its own."""


def overview_page(found: Found, picture: str | None) -> str:
    """Return the first page as Markdown.

    Parameters
    ----------
    found
        What is published.
    picture
        Address of the picture of all accuracies, or None.
    """
    return render_page(
        "site-home.md.j2",
        version=lcbench.__version__,
        picture=picture or "",
        reports=_reports(found.reports) if found.reports else None,
        audits=_audits(found.audits) if found.audits else None,
    )


def place_of(one: Published) -> str:
    """Return the folder of a report on the site."""
    return f"reports/{one.name}"


def _link(words: str, one: Published, page: str) -> Markdown:
    return Markdown(f"[{escape(words)}]({quote(f'{place_of(one)}/{page}')})")


def _links(one: Published) -> Markdown:
    links = [_link(one.name, one, REPORT_PAGE)]
    if one.explorable:
        links.append(_link("explore", one, EXPLORER))
    return Markdown(" · ".join(links))


def _reports(reports: Sequence[PublishedReport]) -> Table:
    headers = [
        "report", "suite", "data", "protocols", "backbone of the reference", "images",
        "source groups", "accuracy, flattering protocol, %", "accuracy, leakage-free protocol, %",
        "begun", "lcbench",
    ]  # fmt: skip
    return Table(headers, [_report(one) for one in reports], "lllllrrrrll")


def _report(one: PublishedReport) -> list[str]:
    results = one.results
    return [
        _links(one),
        results.suite,
        results.dataset.name,
        ", ".join(result.protocol for result in results.protocols),
        one.backbone,
        formats.integer(results.dataset.images),
        formats.integer(results.dataset.source_groups),
        formats.share_interval(one.flattering, decimals=2),
        formats.share_interval(one.leakage_free, decimals=2),
        results.created[:10],
        results.lcbench_version,
    ]


def _audits(audits: Sequence[PublishedAudit]) -> Table:
    headers = [
        "audit", "folders", "images", "source groups", "pairs of the same tissue",
        "groups under two labels", "begun", "lcbench",
    ]  # fmt: skip
    return Table(headers, [_audit(one) for one in audits], "llrrrrll")


def _audit(one: PublishedAudit) -> list[str]:
    results = one.results
    return [
        _links(one),
        ", ".join(folder.name for folder in results.folders),
        formats.integer(results.images),
        formats.integer(results.groups.groups),
        formats.integer(sum(results.pairs.values())),
        formats.integer(results.two_label_groups),
        results.created[:10],
        results.versions.get("lcbench", ""),
    ]
