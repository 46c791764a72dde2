"""What a user can choose: method of the intervals, adjustment of p-values.

Only names stand here, without numpy, so that the command line can offer them at once.
"""

from __future__ import annotations

from enum import StrEnum


class Method(StrEnum):
    """How limits are found; `score` is the default (docs/statistics.md has their coverage)."""

    score = "score"
    percentile = "percentile"
    bca = "bca"


class Adjustment(StrEnum):
    """How a family of p-values is adjusted."""

    holm = "holm"
    """Family-wise error rate: the chance of a single false rejection stays below 5 %."""
    bh = "bh"
    """False discovery rate: of the rejections, at most 5 % are false on average."""

    @property
    def author(self) -> str:
        """Return after whom it is called."""
        return "Holm" if self is Adjustment.holm else "Benjamini-Hochberg"
