"""Markdown as GitHub would show it: tables as lists of cells, sections, folded parts."""

from __future__ import annotations

import re

from markdown_it import MarkdownIt

PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def tables(source: str) -> list[list[list[str]]]:
    """Return each table as a list of rows of cell texts."""
    found: list[list[list[str]]] = []
    for place, token in enumerate(tokens := PARSER.parse(source)):
        if token.type == "table_open":
            found.append([])
        elif token.type == "tr_open":
            found[-1].append([])
        elif token.type in ("th_open", "td_open"):
            children = tokens[place + 1].children or []
            found[-1][-1].append("".join(child.content for child in children))
    return found


def table(source: str, first_header: str, second_header: str) -> list[list[str]]:
    (found,) = [one for one in tables(source) if one[0][:2] == [first_header, second_header]]
    return found


def section(page: str, heading: str) -> str:
    """Return what stands below a heading, up to the next one of the same level or above."""
    level = len(heading) - len(heading.lstrip("#"))
    body = page.split(f"\n{heading}", 1)[1]
    return re.split(rf"\n#{{1,{level}}} ", body, maxsplit=1)[0]


def folded(page: str, summary: str) -> str:
    """Return the body of one folded part."""
    _, body = page.split(f"<summary>{summary}</summary>")
    return body.split("</details>")[0]


def column(rows: list[list[str]], header: str) -> list[str]:
    """Return the cells of one column, without its header."""
    place = rows[0].index(header)
    return [row[place] for row in rows[1:]]
