"""Pages from templates: Jinja2 with the escaping of Markdown.

A page is a file in `templates/` that reads like the page. What `{{ ... }}` writes is escaped,
whatever a template does with it: only `markdown.Markdown` is written as it stands, which nothing
but the functions of `markdown` and the macros of a template make. So a name from outside cannot
bring mark-up along because somebody forgot a filter; where Jinja2's own filters (`safe`, `join`,
`~`) lose the type, too much is escaped and never too little.

Filters are the functions of `formats` and of `words` by their names (`{{ n | integer }}`, `{{ n |
plural("image") }}`) and `cell`, `code`, `code_cell`, `link` and `address`. Functions are
`table(found)`, and `details` around a folded part: `{% call details("Title") %} ... {% endcall %}`.
Only text can be written: a number without a filter is an error, and so is a value that is missing.
Spaces around a value are lost: write them in the template. `macros.md.j2` holds what several pages
share.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable
from functools import cache
from types import ModuleType
from typing import Any

import jinja2

from lcbench.rendering import formats, words
from lcbench.rendering import markdown as md


def render_page(template: str, **values: object) -> str:
    """Return a page: text that ends in one line break.

    Any number of empty lines between two parts counts as one, so that a template can leave parts
    out without a care for the lines around them.

    Parameters
    ----------
    template
        Name of a file in `templates/`.
    values
        What the template names.

    Raises
    ------
    jinja2.UndefinedError
        If the template names a value that is not there.
    TypeError
        If it writes what is not text.
    """
    return tidy(environment().get_template(template).render(**values))


def tidy(page: str) -> str:
    """Return a page with one empty line between its parts and one line break at its end."""
    return re.sub(r"\n{3,}", "\n\n", page).strip("\n") + "\n"


@cache
def environment() -> jinja2.Environment:
    """Return the one environment of all pages."""
    pages = _Environment(
        loader=jinja2.PackageLoader("lcbench.rendering"),
        autoescape=False,  # that of HTML; `finalize` escapes Markdown, and HTML with it
        finalize=_finalize,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    pages.filters |= (
        functions_of(formats)
        | functions_of(words)
        | {
            "cell": md.escape_cell,
            "code": md.code,
            "code_cell": md.code_cell,
            "link": md.link,
            "address": md.address,
        }
    )
    pages.globals |= {"table": md.table, "details": _details}
    return pages


class _Environment(jinja2.Environment):
    """What a template, a macro or a block has put together is escaped already."""

    @staticmethod
    def concat(parts: Iterable[str]) -> md.Markdown:
        return md.Markdown("".join(parts))


def _finalize(value: object) -> str:
    """Escape what a template writes, unless it is Markdown."""
    if isinstance(value, jinja2.Undefined):
        return str(value)  # raises
    if not isinstance(value, str):
        raise TypeError(f"a page holds text only, and {value!r} has gone through no filter")
    return md.escape(value)


def functions_of(module: ModuleType) -> dict[str, Callable[..., Any]]:
    """Return the public functions that a module defines, by their names."""
    return {
        name: function
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__ and not name.startswith("_")
    }


def _details(summary: str, caller: Callable[[], str]) -> md.Markdown:
    # Without an empty line after it, what follows would be read as HTML.
    return md.Markdown(f"\n\n{md.details(summary, caller().strip())}\n\n")
