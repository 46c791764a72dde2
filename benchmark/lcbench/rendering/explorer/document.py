"""One HTML document from its sections: everything inside it, and a policy that forbids the rest."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import jinja2
from markupsafe import Markup

from lcbench.rendering import formats, words
from lcbench.rendering.explorer.embedding import embed, json_text
from lcbench.rendering.explorer.section import Section
from lcbench.rendering.markdown import visible
from lcbench.rendering.pages import functions_of

ASSETS = Path(__file__).with_name("assets")
_SHARED = (
    "base", "numbers", "intervals", "copies", "table", "estimates", "image-data",
    "image-choice", "image-surroundings", "image-cards", "plot", "thresholds", "curve-plots",
    "note-store", "note-card", "parts",
)  # fmt: skip
"""Scripts and styles that sections build on, in this order."""


def document(title: str, sections: Sequence[Section], files: Sequence[str]) -> str:
    """Return a page that needs no server, no network and no file beside it.

    A Content-Security-Policy lets the browser run the scripts that are written here and nothing
    else, makes it refuse text as mark-up from these scripts too (Trusted Types), and lets it load
    nothing but pictures from the page's own folder.

    Parameters
    ----------
    title
        Title and first heading.
    sections
        Its parts, in their order. Each must have an `id` of its own.
    files
        Names of files beside the page that say the same.
    """
    names = [*_SHARED, *(one.id for one in sections)]
    style = "\n".join(text for name in names if (text := _asset(f"{name}.css")))
    scripts = [text for name in names if (text := _asset(f"{name}.js"))]
    return render_html(
        "explorer.html.j2",
        title=title,
        files=files,
        policy=_policy(style, scripts),
        style=Markup(style),  # noqa: S704 - files of this package
        scripts=[Markup(one) for one in scripts],  # noqa: S704 - files of this package
        sections=sections,
        data={one.id: Markup(json_text(one.data)) for one in sections},  # noqa: S704 - escaped
        arrays={
            f"{one.id}-{name}": embed(array)
            for one in sections
            for name, array in one.arrays.items()
        },
    )


def render_html(template: str, **values: object) -> Markup:
    """Return HTML from a file in `templates/`: whatever it writes is escaped, and is visible.

    Filters are the functions of `formats` and of `words` by their names, as on Markdown pages.

    Raises
    ------
    jinja2.UndefinedError
        If the template names a value that is not there.
    TypeError
        If it writes what is not text.
    """
    return Markup(environment().get_template(template).render(**values))  # noqa: S704 - escaped


@cache
def environment() -> jinja2.Environment:
    """Return the one environment of all HTML."""
    pages = jinja2.Environment(
        loader=jinja2.PackageLoader("lcbench.rendering"),
        autoescape=True,
        finalize=_finalize,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    pages.filters |= functions_of(formats) | functions_of(words)
    return pages


def _finalize(value: object) -> str:
    """Refuse what is no text; names from outside lose what cannot be seen."""
    if isinstance(value, jinja2.Undefined | Markup):
        return value if isinstance(value, Markup) else str(value)  # the latter raises
    if not isinstance(value, str):
        raise TypeError(f"a page holds text only, and {value!r} has gone through no filter")
    return visible(value)


def _asset(name: str) -> str:
    """Return a file of `assets/`; empty where there is none."""
    path = ASSETS / name
    return path.read_text(encoding="utf-8").strip() if path.is_file() else ""


def _policy(style: str, scripts: Sequence[str]) -> str:
    run = " ".join(source_hash(one) for one in scripts)
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {run}" if run else "script-src 'none'",
            f"style-src {source_hash(style)}",
            # A page that was opened from a file may show files, and nothing that a network has.
            "img-src 'self' file: data:",
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    )


def source_hash(text: str) -> str:
    """Return how a Content-Security-Policy names a script or a style that stands in the page."""
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"
