"""Parts that several sections share: names, cells, and what the numbers rest on."""

from __future__ import annotations

from lcbench.analysis.measures import Estimate, ProtocolResult
from lcbench.analysis.results import Results
from lcbench.rendering import formats as wording
from lcbench.rendering import markdown as md
from lcbench.rendering.findings import GROUPS_UNKNOWN


def label(results: Results, name: str) -> str:
    """Return a baseline's name for a table: the reference bold, random weights flagged."""
    text = md.escape_cell(results.title(name))
    return f"**{text}**" if name == results.reference else text


def cell(text: str) -> str:
    """Return a number with its interval for a table: the line breaks before the interval only."""
    return text.replace(", ", ",\N{NO-BREAK SPACE}")


def counted(estimate: Estimate | None) -> str:
    """Return a share as the whole numbers behind it: `2,223 / 2,250`."""
    if estimate is None or estimate.count is None:
        return wording.NONE
    return f"{wording.integer(estimate.count)} / {wording.integer(estimate.n)}"


def units(result: ProtocolResult) -> str:
    """Return what is resampled under a protocol, in words."""
    return "source groups" if result.groups_known else "images"


def basis(results: Results, result: ProtocolResult) -> str:
    """Return what the numbers of a protocol rest on: n, units, method."""
    drawn = units(result)
    where = "" if result.groups_known else f"; **{GROUPS_UNKNOWN}**"
    seeds = wording.plural(len(result.seeds), "seed")
    return (
        f"n: {wording.plural(result.images, 'distinct test image')}, "
        f"{wording.plural(result.predictions, 'prediction')} a baseline over {seeds}, "
        f"{wording.plural(result.groups, 'source group' if result.groups_known else 'image')} "
        f"resampled. In brackets: 95 % score interval, its standard error from "
        f"{wording.integer(results.resamples)} bootstrap resamples of {drawn} with all their "
        f"predictions{where}. A share of 0 or 100 % gets Wilson's interval on {drawn}."
    )
