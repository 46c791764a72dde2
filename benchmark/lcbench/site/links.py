"""Pages of the repository as pages of the site: the same Markdown, with links that hold there."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from urllib.parse import quote, unquote

_FENCE = re.compile(r"^(```+|~~~+).*?^\1[`~]*[ \t]*$", re.MULTILINE | re.DOTALL)
_CODE_OR_LINK = re.compile(
    r"(?P<code>(?<![\\`])(?P<tick>`+)(?!`)(?:[^\n]|\n(?!\n))*?(?<!`)(?P=tick)(?!`))"
    r"|(?P<picture>!?)\[(?P<words>(?:\\.|!\[[^\]]*\]\([^)]*\)|[^\[\]\\]|\[[^\[\]]*\])*)\]"
    r"\((?P<target>[^()\s]+)\)",
    re.DOTALL,
)
_ELSEWHERE = re.compile(r"(?i)[a-z][a-z0-9+.-]*:|//|#")
_FOLDED = re.compile(r"^<details>$", re.MULTILINE)
NOT_SHOWN = "*(a picture that is not part of this site)*"


def placed_page(
    page: str, source: str, placed: Mapping[str, str], known: AbstractSet[str] = frozenset()
) -> str:
    """Return a page with its links led to where things stand on the site.

    A link to what is known and is no part of the site becomes its words, a picture a remark; so
    does one that leaves its tree of sources, for reports and documentation can be shown without
    each other. A link to what nobody knows stays as it is: building the site refuses it. Folded
    parts are marked as Markdown, which Python-Markdown wants to be told.

    Parameters
    ----------
    page
        Markdown.
    source
        Path of the page among the sources, with forward slashes; the first part is its tree.
    placed
        Where each source that is part of the site stands on it.
    known
        Other sources, and folders that sources lie in.
    """
    here = posixpath.dirname(placed[source]) or "."

    def lead(found: re.Match[str]) -> str:
        if found["code"] is not None or _ELSEWHERE.match(found["target"]):
            return found[0]
        path, mark, anchor = found["target"].partition("#")
        wanted = posixpath.normpath(posixpath.join(posixpath.dirname(source), unquote(path)))
        if wanted in placed:
            target = quote(posixpath.relpath(placed[wanted], here))
            return f"{found['picture']}[{found['words']}]({target}{mark}{anchor})"
        leaves = wanted.split("/", 1)[0] != source.split("/", 1)[0]
        if leaves or wanted in known:
            return NOT_SHOWN if found["picture"] else found["words"]
        return found[0]

    return _outside_fences(
        page, lambda text: _FOLDED.sub('<details markdown="1">', _CODE_OR_LINK.sub(lead, text))
    )


def _outside_fences(page: str, change: Callable[[str], str]) -> str:
    parts, end = [], 0
    for fence in _FENCE.finditer(page):
        parts += [change(page[end : fence.start()]), fence[0]]
        end = fence.end()
    return "".join([*parts, change(page[end:])])
