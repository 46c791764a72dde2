"""Reading built pages: what they load, where they lead, what they say."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

_LOADS = {("script", "src"), ("img", "src"), ("link", "href"), ("iframe", "src")}
_UNSEEN = {"div", "span", "thead", "tbody"}


class Page(HTMLParser):
    """A page, or a part of one."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: set[str] = set()
        self.links: set[str] = set()
        self.anchors: set[str] = set()
        self.tags: set[str] = set()
        self.handlers: set[str] = set()
        self.inline: list[str] = []
        self.structure: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            if (tag, name) in _LOADS:
                self.loads.add(value or "")
            if (tag, name) == ("a", "href"):
                self.links.add(value or "")
            if name in ("id", "name"):
                self.anchors.add(value or "")
            if name.startswith("on"):
                self.handlers.add(name)
        if tag == "script" and "src" not in dict(attrs):
            self.inline.append(tag)
        if tag not in _UNSEEN:
            self.structure.append(f"<{tag}>")

    def handle_endtag(self, tag: str) -> None:
        if tag not in _UNSEEN:
            self.structure.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        words = " ".join(data.split())
        if words and self.structure and not self.structure[-1].startswith("<"):
            self.structure[-1] += f" {words}"
        elif words:
            self.structure.append(words)


class _Table(HTMLParser):
    """Cells of tables as text."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self._inside = False

    def handle_starttag(self, tag: str, _: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self._inside = True

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.rows[-1][-1] += data


def rows(text: str) -> list[list[str]]:
    """Return the cells of the first table of a page as text."""
    table = _Table()
    table.feed(text[text.index("<table") : text.index("</table>")])
    return table.rows


def lost(page: Path, target: str, pages: dict[Path, Page]) -> bool:
    """Tell whether a link of a page leads to no file, or to no anchor in it."""
    parts = urlsplit(target)
    if parts.scheme or parts.netloc:
        return False
    file = (page.parent / unquote(parts.path)).resolve() if parts.path else page
    if not file.is_file():
        return True
    anchor = unquote(parts.fragment)
    return bool(anchor) and file in pages and anchor not in pages[file].anchors
