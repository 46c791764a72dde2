"""Do the intervals of selective prediction hold? `python tests/bench/study_selective.py [DRAWS]`.

Prints the share of 95 % intervals that hold the truth: area, coverage and risk at a given
threshold, and the difference of the areas of two models, on the sizes of LC25000's source groups.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from simulated import Groups, lc25000_groups

from lcbench.console import out
from lcbench.statistics.intervals import Interval
from lcbench.statistics.models import model_intervals
from lcbench.statistics.panel import Panel
from lcbench.statistics.panels import join
from lcbench.statistics.selective import Chosen, risk_coverage
from lcbench.statistics.selective_panels import area_panel, chosen_panel

GROUPS = (40, 110, 710)
ICC = (0.1, 0.5)
CERTAINTY = {"8 %": 3.8, "1 %": 6.3}
"""By how many images are wrong, how much surer than chance a model is."""
THRESHOLD = -0.8
"""In standard deviations of what a model sees: 79 % of the images are above."""
STEEP = 2.0
_LARGE = 4_000_000
Values = NDArray[np.float64]


def main(draws: int = 500) -> None:
    """Print a row for each cell."""
    for row in rows(draws):
        out.print(row)


def rows(draws: int) -> Iterator[str]:
    """Yield the rows of a Markdown table."""
    yield "| wrong | groups | ICC | area | coverage | risk | difference of areas |"
    yield "| ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    for (name, certainty), count, icc in product(CERTAINTY.items(), GROUPS, ICC):
        truth = _truth(certainty)
        rng = np.random.default_rng(12)
        held = np.zeros(4)
        for _ in range(draws):
            found = _draw(rng, lc25000_groups().first(count), icc, certainty)
            held += [_holds(one, true) for one, true in zip(found, truth, strict=True)]
        cells = " | ".join(f"{100 * share / draws:.1f}" for share in held)
        yield f"| {name} | {count} | {icc:g} | {cells} |"


def _truth(certainty: float) -> tuple[float, float, float, float]:
    """Return area, coverage, risk, and 0 for two models that are alike, of a large sample."""
    rng = np.random.default_rng(0)
    seen = rng.normal(size=_LARGE)
    wrong = rng.random(_LARGE) > expit(STEEP * seen + certainty)
    coverage, risk = risk_coverage(seen, wrong)
    area = float((np.diff(coverage, prepend=0.0) * risk).sum())
    sure = seen >= THRESHOLD
    return area, float(sure.mean()), float(wrong[sure].mean()), 0.0


def _draw(
    rng: np.random.Generator, groups: Groups, icc: float, certainty: float
) -> tuple[Interval, ...]:
    panels = {name: _panel(rng, groups, icc, certainty) for name in ("a", "b")}
    found = model_intervals(panels, [("a", "b")])
    own = [found.own["a"][key] for key in ("area", "coverage", "risk")]
    return (*own, found.differences["a", "b"]["area"])


def _panel(rng: np.random.Generator, groups: Groups, icc: float, certainty: float) -> Panel[Any]:
    """Return one model: how sure it is, images of a group have in common by the ICC."""
    codes = groups.codes
    shared = rng.normal(size=len(groups.sizes))[codes]
    seen = np.sqrt(icc) * shared + np.sqrt(1.0 - icc) * rng.normal(size=len(codes))
    wrong = rng.random(len(codes)) > expit(STEEP * seen + certainty)
    one = np.zeros(len(codes), np.int64)
    design = groups.design()
    area = area_panel("area", seen, wrong, codes, one, design)
    chosen = chosen_panel({("coverage", "risk"): Chosen(seen >= THRESHOLD, wrong)}, codes, design)
    return join([area, chosen])


def _holds(found: Interval, truth: float) -> bool:
    assert found.low is not None
    assert found.high is not None
    return found.low <= truth <= found.high


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
