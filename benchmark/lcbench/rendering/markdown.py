"""GitHub Markdown: escaping of names from outside, tables, folded parts."""

from __future__ import annotations

import re
import unicodedata
import urllib.parse
from collections.abc import Iterable, Sequence
from typing import NamedTuple

_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
# An interval such as [97.1, 99.2] stays readable in the source: it cannot become a link.
_ALWAYS = re.compile(r"(?<![!\]])(\[[+−\d.,∞–]+ [+−\d.,∞–]+\](?![(\[]))|([\\`*\[\]|~$!#])")
_OUTER_UNDERSCORE = re.compile(r"(?<![^\W_])_|_(?![^\W_])")
_ADDRESS = re.compile(r"(?i)(https?|ftp|mailto|xmpp)(:)|(www)(\.)")
_LIST_MARK = re.compile(r"^([-=]|\+(?=\s|$))|^(\d+)([.)])(?=\s|$)")
_NUMBER_AND_INTERVAL = re.compile(r"[+−]?[\d.,∞]+( %)? \[[+−\d.,∞–]+, [+−\d.,∞–]+\]")
_SMALL_P = re.compile(r"< 0\.\d+( \(few groups\))?")
_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


class Markdown(str):
    """Text that is valid Markdown already, and that nothing escapes again.

    Whatever a method of `str` or an f-string makes of it is plain text once more.
    """

    __slots__ = ()


def escape(text: str) -> Markdown:
    """Return text that Markdown renders as it stands, on one line, with no mark-up and no links.

    Control characters and invisible ones, such as those that reverse the direction of writing,
    become U+FFFD. What is `Markdown` stays as it is.
    """
    if isinstance(text, Markdown):
        return text
    line = visible(text)
    line = "".join(_ENTITIES.get(character, character) for character in line)
    line = _ALWAYS.sub(lambda found: found[1] or f"\\{found[2]}", line)
    line = _OUTER_UNDERSCORE.sub(r"\\_", line)
    line = _ADDRESS.sub(_break_address, line)
    return Markdown(_LIST_MARK.sub(_break_list, line))


def escape_cell(text: str) -> Markdown:
    """Return text for one cell of a table: a dash where it is empty, and numbers in one piece.

    The line of a number with its interval breaks before the interval only, and `< 0.001` stays as
    it is, which is no HTML.
    """
    if _SMALL_P.fullmatch(text.strip()):
        return Markdown(text.strip())
    line = escape(text) or Markdown("–")
    whole = _NUMBER_AND_INTERVAL.fullmatch(line)
    return Markdown(line.replace(", ", ",\N{NO-BREAK SPACE}")) if whole else line


def code(text: str) -> Markdown:
    """Return an inline code span, with a fence that the text cannot close."""
    line = visible(text)
    if not line:
        return Markdown("–")
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", line)), default=0))
    padding = " " if line[0] == "`" or line[-1] == "`" else ""
    return Markdown(f"{fence}{padding}{line}{padding}{fence}")


def code_cell(text: str) -> Markdown:
    """Return an inline code span for one cell of a table, where a pipe needs a backslash."""
    return Markdown(code(text).replace("|", "\\|"))


def code_block(lines: Iterable[str], language: str = "") -> Markdown:
    """Return a fenced block, with a fence that the lines cannot close."""
    body = "\n".join(visible(line) for line in lines)
    longest = max((len(run) for run in re.findall("`+", body)), default=0)
    fence = "`" * max(3, longest + 1)
    return Markdown(f"{fence}{language}\n{body}\n{fence}")


class Table(NamedTuple):
    """A table whose columns are not known beforehand; the others stand in templates."""

    headers: Sequence[str]
    """One a column."""
    rows: Sequence[Sequence[str]]
    """One cell a column; what is plain text is escaped when the table is written."""
    align: str = "lr"
    """One letter a column, `l` or `r`; the last one holds for the columns that follow."""


def table(found: Table) -> Markdown:
    """Return a table as Markdown.

    Raises
    ------
    ValueError
        If a row has more or fewer cells than there are columns.
    """
    headers = [escape(header) for header in found.headers]
    letters = found.align.ljust(len(headers), found.align[-1])
    marks = [":---" if letter == "l" else "---:" for letter in letters]
    lines: list[Sequence[str]] = [headers, marks]
    lines += [[escape_cell(cell) for cell in row] for row in found.rows]
    for cells in lines:
        if len(cells) != len(headers):
            raise ValueError(f"{len(cells)} cells under {len(headers)} headers: {cells}")
    return Markdown("\n".join("| " + " | ".join(cells) + " |" for cells in lines))


def details(summary: str, body: str) -> str:
    """Return a part that is folded until the reader opens it."""
    return f"<details>\n<summary>{_html(summary)}</summary>\n\n{body}\n\n</details>"


def link(text: str, path: str) -> Markdown:
    """Return a link to a file of the report."""
    return Markdown(f"[{escape(text)}]({address(path)})")


def address(path: str) -> Markdown:
    """Return a relative path as an address: what is not a plain character is percent-encoded."""
    return Markdown(urllib.parse.quote(path, safe="/-_."))


def visible(text: str) -> str:
    """Return text on one line, with U+FFFD for characters that cannot be seen."""
    line = " ".join(text.split())
    if line.isprintable():
        return line
    return "".join(
        "\N{REPLACEMENT CHARACTER}" if unicodedata.category(character) in _INVISIBLE else character
        for character in line
    )


def _html(text: str) -> str:
    return "".join(_ENTITIES.get(character, character) for character in visible(text))


def _break_address(found: re.Match[str]) -> str:
    scheme, colon, prefix, dot = found.groups()
    return f"{scheme}\\{colon}" if scheme else f"{prefix}\\{dot}"


def _break_list(found: re.Match[str]) -> str:
    mark, number, end = found.groups()
    return f"\\{mark}" if mark else f"{number}\\{end}"
