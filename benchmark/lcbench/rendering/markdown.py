"""GitHub Markdown: escaping of names from outside, tables, folded parts."""

from __future__ import annotations

import re
import unicodedata
import urllib.parse
from collections.abc import Iterable, Sequence

_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
# An interval such as [97.1, 99.2] stays readable in the source: it cannot become a link.
_ALWAYS = re.compile(r"(?<![!\]])(\[[+−\d.,∞–]+ [+−\d.,∞–]+\](?![(\[]))|([\\`*\[\]|~$!#])")
_OUTER_UNDERSCORE = re.compile(r"(?<![^\W_])_|_(?![^\W_])")
_ADDRESS = re.compile(r"(?i)(https?|ftp|mailto|xmpp)(:)|(www)(\.)")
_LIST_MARK = re.compile(r"^([-=]|\+(?=\s|$))|^(\d+)([.)])(?=\s|$)")
_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def escape(text: str) -> str:
    """Return text that Markdown renders as it stands, on one line, with no mark-up and no links.

    Control characters and invisible ones, such as those that reverse the direction of writing,
    become U+FFFD.
    """
    line = _visible(text)
    line = "".join(_ENTITIES.get(character, character) for character in line)
    line = _ALWAYS.sub(lambda found: found[1] or f"\\{found[2]}", line)
    line = _OUTER_UNDERSCORE.sub(r"\\_", line)
    line = _ADDRESS.sub(_break_address, line)
    return _LIST_MARK.sub(_break_list, line)


def escape_cell(text: str) -> str:
    """Return text for one cell of a table: `escape`, and a dash where it is empty."""
    return escape(text) or "–"


def code(text: str) -> str:
    """Return an inline code span, with a fence that the text cannot close."""
    line = _visible(text)
    if not line:
        return "–"
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", line)), default=0))
    padding = " " if line[0] == "`" or line[-1] == "`" else ""
    return f"{fence}{padding}{line}{padding}{fence}"


def code_cell(text: str) -> str:
    """Return an inline code span for one cell of a table, where a pipe needs a backslash."""
    return code(text).replace("|", "\\|")


def code_block(lines: Iterable[str], language: str = "") -> str:
    """Return a fenced block, with a fence that the lines cannot close."""
    body = "\n".join(_visible(line) for line in lines)
    longest = max((len(run) for run in re.findall("`+", body)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{body}\n{fence}"


def table(headers: Sequence[str], rows: Iterable[Sequence[str]], align: str) -> str:
    """Return a table.

    Parameters
    ----------
    headers, rows
        Cells that are valid Markdown already: names pass through `escape_cell` first.
    align
        One letter a column, `l` or `r`; the last one holds for the columns that follow.
    """
    letters = align.ljust(len(headers), align[-1])
    marks = [":---" if letter == "l" else "---:" for letter in letters]
    lines = [headers, marks, *rows]
    for cells in lines:
        if len(cells) != len(headers):
            raise ValueError(f"{len(cells)} cells under {len(headers)} headers: {cells}")
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def details(summary: str, body: str) -> str:
    """Return a part that is folded until the reader opens it."""
    return f"<details>\n<summary>{_html(summary)}</summary>\n\n{body}\n\n</details>"


def bullets(items: Iterable[str]) -> str:
    """Return a list; the items are valid Markdown already."""
    return "\n".join(f"- {item}" for item in items)


def long_list(items: Sequence[str], few: int = 12) -> str:
    """Return a list of texts from outside; what goes beyond the first few is folded."""
    first = bullets(escape(item) for item in items[:few])
    rest = items[few:]
    if not rest:
        return first
    return paragraphs(first, details(f"{len(rest)} more", bullets(escape(item) for item in rest)))


def picture(path: str, text: str) -> str:
    """Return an image with a text for those who cannot see it."""
    return f"![{escape(text)}]({address(path)})"


def link(text: str, path: str) -> str:
    """Return a link to a file of the report."""
    return f"[{escape(text)}]({address(path)})"


def address(path: str) -> str:
    """Return a relative path as an address: what is not a plain character is percent-encoded."""
    return urllib.parse.quote(path, safe="/-_.")


def paragraphs(*parts: str) -> str:
    """Return the parts that are not empty, with an empty line between them."""
    return "\n\n".join(part for part in parts if part)


def _visible(text: str) -> str:
    line = " ".join(text.split())
    return "".join(
        "\N{REPLACEMENT CHARACTER}" if unicodedata.category(character) in _INVISIBLE else character
        for character in line
    )


def _html(text: str) -> str:
    return "".join(_ENTITIES.get(character, character) for character in _visible(text))


def _break_address(found: re.Match[str]) -> str:
    scheme, colon, prefix, dot = found.groups()
    return f"{scheme}\\{colon}" if scheme else f"{prefix}\\{dot}"


def _break_list(found: re.Match[str]) -> str:
    mark, number, end = found.groups()
    return f"\\{mark}" if mark else f"{number}\\{end}"
