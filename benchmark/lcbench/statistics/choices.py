"""What a user can choose: method of the intervals, adjustment of p-values.

Only names stand here, without numpy, so that the command line can offer them at once.
"""

from __future__ import annotations

from typing import Literal

Method = Literal["score", "percentile", "bca"]
"""How limits are found; docs/statistics.md has their coverage."""
METHODS: tuple[Method, ...] = ("score", "percentile", "bca")
"""All of them, the default first."""

Adjustment = Literal["holm", "bh"]
"""How a family of p-values is adjusted.

`holm` holds the family-wise error rate: the chance of a single false rejection stays below 5 %.
`bh` holds the false discovery rate: of the rejections, at most 5 % are false on average.
"""
ADJUSTMENT_AUTHORS: dict[Adjustment, str] = {"holm": "Holm", "bh": "Benjamini-Hochberg"}
"""After whom each is called."""
