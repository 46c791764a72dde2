"""Markdown to a site, by ProperDocs: strict, without a single address outside."""

from __future__ import annotations

import importlib.util
import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lcbench.errors import UserError
from lcbench.site.contents import Way

TITLE = "lcbench"
_THEME = Path(__file__).parent / "theme"
_PACKAGES = ("properdocs", "properdocs_theme_mkdocs", "mkdocstrings_handlers.python", "pymdownx")
_TOLD = 10
"""Problems that are told at once."""
_LINKS = ("not_found", "anchors", "absolute_links", "unrecognized_links")


def require_builder() -> None:
    """Refuse to begin without the packages that build a site.

    Raises
    ------
    UserError
        If one of them is not installed; it says how to get it.
    """
    missing = [name for name in _PACKAGES if not _is_installed(name)]
    if missing:
        raise UserError(
            f"lcbench site needs what is not installed: {', '.join(missing)}",
            "Install it: pip install 'lcbench[site]'",
        )


def _is_installed(package: str) -> bool:
    try:
        return importlib.util.find_spec(package) is not None
    except ModuleNotFoundError:  # what it lies in is missing
        return False


def build(pages: Path, ways: Sequence[Way], out: Path) -> None:
    """Build the pages of a folder into another one, which is emptied.

    Parameters
    ----------
    pages
        Markdown, and files that are copied.
    ways
        The navigation; every page has to stand in it.
    out
        The folder of the site.

    Raises
    ------
    UserError
        If a link, an anchor or a picture leads nowhere, or a page cannot be reached.
    """
    # mkdocstrings imports MkDocs, in whose place ProperDocs stands from here on.
    import properdocs.replacement  # noqa: F401
    from properdocs.commands.build import build as build_site
    from properdocs.config import load_config
    from properdocs.exceptions import ProperDocsException

    with _heard() as problems:
        try:
            config = load_config(
                config_file=_empty_file(pages), docs_dir=str(pages), site_dir=str(out),
                **_settings(ways),
            )  # fmt: skip
            build_site(config)
        except ProperDocsException as error:
            told = "".join(f"\n{one}" for one in problems[:_TOLD])
            raise UserError(
                f"the site cannot be built: {error}{told}", "Mend what is named, and try again."
            ) from error


def _empty_file(pages: Path) -> str:
    """Return an empty configuration: without a file, one would be looked for."""
    file = pages.parent / "properdocs.yml"
    file.write_text(json.dumps({"site_name": TITLE}), encoding="utf-8")
    return str(file)


def _settings(ways: Sequence[Way]) -> dict[str, Any]:
    from pymdownx.slugs import slugify

    python = {
        "options": {
            "docstring_style": "numpy",
            "heading_level": 2,
            "show_source": False,
            "show_root_heading": True,
            "show_root_full_path": True,
            "members_order": "source",
        }
    }
    return {
        "nav": list(ways),
        "strict": True,
        "use_directory_urls": False,  # pages open from a file
        "theme": {
            "name": "mkdocs",
            "custom_dir": str(_THEME),
            "highlightjs": False,
            "color_mode": "auto",
            "user_color_mode_toggle": True,
            "navigation_depth": 3,
        },
        "extra_css": ["assets/site.css"],
        "extra_javascript": ["assets/sortable.js"],
        "validation": {
            "links": dict.fromkeys(_LINKS, "warn"),
            "nav": {"omitted_files": "warn", "not_found": "warn", "absolute_links": "warn"},
        },
        # As GitHub reads Markdown: every mark can be escaped, anchors are made alike.
        "markdown_extensions": [
            "tables", "fenced_code", "sane_lists", "md_in_html", "pymdownx.escapeall",
            {"toc": {"slugify": slugify(case="lower")}},
        ],
        "plugins": [{"mkdocstrings": {"handlers": {"python": python}}}],
    }  # fmt: skip


@contextmanager
def _heard() -> Iterator[list[str]]:
    """Collect what ProperDocs would print of what is wrong."""
    problems: list[str] = []
    logger = logging.getLogger("properdocs")
    handler = _Collecting(problems)
    propagates, logger.propagate = logger.propagate, False
    logger.addHandler(handler)
    try:
        yield problems
    finally:
        logger.removeHandler(handler)
        logger.propagate = propagates


class _Collecting(logging.Handler):
    """Keeps the text of warnings and errors."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._problems = problems

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one message."""
        self._problems.append(record.getMessage())
