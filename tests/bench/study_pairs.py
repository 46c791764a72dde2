"""Two models whose true difference is known: intervals of its sizes, and the paired tests."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np
from simulated import Groups, outcomes
from study_cells import INDEPENDENT, SCORE, Cell, Outcome, Place, Seen, holds
from study_scores import RESAMPLES, groups_at

from lcbench.statistics.choices import METHODS
from lcbench.statistics.effects import effects_panel, read_effects
from lcbench.statistics.intervals import all_intervals
from lcbench.statistics.paired_tests import PairedGroups
from lcbench.statistics.pairwise import CLUSTERED_TESTS, DEFAULT_TEST, PLAIN_TESTS, TestName

ALPHA = 0.05


@dataclass(frozen=True)
class Pair:
    """What is true of two models, and what to look at.

    Parameters
    ----------
    only_a, only_b, both
        Chances that an image goes wrong under A only, under B only, under both.
    rows
        Names of the rows of the difference, the odds ratio and the relative reduction.
    tests
        Table of the tests: "level" where the models are equal, "power" where not, or none.
    kind
        Of the groups: uneven, even, or informative, where larger ones err more under either.
    scattered
        Whether B's errors fall on single images, while A's heap in groups.
    """

    only_a: float
    only_b: float
    both: float = 0.02
    rows: tuple[tuple[str, str], ...] = ()
    tests: str = ""
    kind: str = "uneven"
    scattered: bool = False

    def chances(self, groups: Groups) -> np.ndarray:
        """Return the (G, 4) chances: none, A only, B only, both."""
        weight = groups.weight if self.kind == "informative" else np.ones(len(groups.sizes))
        wrong = np.outer(weight, (self.only_a, self.only_b, self.both))
        wrong *= np.minimum(1.0, 0.95 / wrong.sum(axis=1))[:, None]
        return np.column_stack([1.0 - wrong.sum(axis=1), wrong])

    def truths(self, groups: Groups) -> dict[str, float]:
        """Return the true sizes of the difference."""
        _, only_a, only_b, both = groups.sizes @ self.chances(groups) / groups.sizes.sum()
        return {
            "difference": only_b - only_a,
            "odds_ratio": only_a / only_b,
            "relative_reduction": 1.0 - (only_b + both) / (only_a + both),
        }

    def draw(self, rng: np.random.Generator, groups: Groups, icc: float) -> PairedGroups:
        """Draw the paired errors of each group."""
        if self.scattered:
            chances = (1.0 - self.only_a, self.only_a)
            only_a = outcomes(rng, groups.sizes, chances, icc)[:, 1]
            drawn = rng.binomial(groups.sizes, self.only_b)
            only_b, both = np.minimum(drawn, groups.sizes - only_a), np.zeros_like(only_a)
        else:
            _, only_a, only_b, both = outcomes(rng, groups.sizes, self.chances(groups), icc).T
        return PairedGroups(only_a, only_b, both, groups.sizes, groups.strata)


PAIRS = {
    "no difference, discordance 4 %": Pair(
        0.02, 0.02, tests="level",
        rows=(
            ("difference", "difference 0 points, discordance 4 %"),
            ("odds_ratio", "odds ratio 1, discordance 4 %"),
        ),
    ),
    "no difference, discordance 1 %": Pair(
        0.005, 0.005, tests="level",
        rows=(("difference", "difference 0 points, discordance 1 %"),),
    ),
    "equal rates, A's errors heaped, B's scattered, 4 %": Pair(
        0.02, 0.02, 0.0, tests="level", scattered=True,
        rows=(("difference", "difference 0 points, A heaped, 4 %"),),
    ),
    "equal rates, A's errors heaped, B's scattered, 1 %": Pair(
        0.005, 0.005, 0.0, tests="level", scattered=True,
        rows=(("difference", "difference 0 points, A heaped, 1 %"),),
    ),
    "A alone errs on 2.5 %, B alone on 1.5 %": Pair(
        0.025, 0.015, tests="power",
        rows=(("difference", "difference 1 point, discordance 4 %"),),
    ),
    "A alone errs on 6 %, B alone on 2 %": Pair(
        0.06, 0.02, tests="power",
        rows=(("difference", "difference 4 points, discordance 8 %"),),
    ),
    "4 against 2 %": Pair(
        0.03, 0.01, 0.01,
        rows=(
            ("odds_ratio", "odds ratio 3, discordance 4 %"),
            ("relative_reduction", "relative reduction 50 %, 4 against 2 %"),
        ),
    ),
    "even": Pair(
        0.02, 0.02, kind="even",
        rows=(("difference", "difference 0 points, even groups"),),
    ),
    "informative": Pair(
        0.025, 0.015, kind="informative",
        rows=(("difference", "difference, larger groups err more"),),
    ),
}  # fmt: skip
_BOOTSTRAPPED = tuple(PAIRS)[:2]


def pair_cells(groups: Sequence[int], correlations: Sequence[float]) -> Iterator[Cell]:
    """Yield the cells of the default intervals and of the tests."""
    for place in (Place(count, icc) for count in groups for icc in correlations):
        for name in PAIRS:
            yield Cell(name, place, partial(_draw, name))


def pair_method_cells(groups: Sequence[int], correlations: Sequence[float]) -> Iterator[Cell]:
    """Yield the cells in which the methods of the difference's interval are compared."""
    for place in (Place(count, icc) for count in groups for icc in correlations):
        for name in _BOOTSTRAPPED:
            yield Cell(f"methods {name}", place, partial(_draw_methods, name), share=0.5)


def _draw(name: str, rng: np.random.Generator, place: Place) -> Seen:
    pair, groups = PAIRS[name], groups_at(place, PAIRS[name].kind)
    pairs = pair.draw(rng, groups, place.icc)
    effects = read_effects(all_intervals(effects_panel(pairs), ("score",))["score"])
    truths = pair.truths(groups)
    seen = {
        Outcome("coverage", row, SCORE): holds(getattr(effects, size), truths[size])
        for size, row in pair.rows
    }
    if pair.tests:
        p_values = _p_values(pairs)
        apart = (p_values[DEFAULT_TEST] < ALPHA) == holds(effects.difference, 0.0)
        seen |= {Outcome("agreement", name, DEFAULT_TEST.value): apart}
        seen |= {Outcome(pair.tests, name, test.value): p < ALPHA for test, p in p_values.items()}
    return seen


def _p_values(pairs: PairedGroups) -> dict[TestName, float]:
    b, c = int(pairs.only_a.sum()), int(pairs.only_b.sum())
    plain = {name: _plain(name, b, c) for name in PLAIN_TESTS}
    return plain | {name: test(pairs).p for name, test in CLUSTERED_TESTS.items()}


@lru_cache(100_000)
def _plain(name: TestName, b: int, c: int) -> float:
    return PLAIN_TESTS[name](b, c).p


def _draw_methods(name: str, rng: np.random.Generator, place: Place) -> Seen:
    pair, groups = PAIRS[name], groups_at(place)
    pairs = pair.draw(rng, groups, place.icc)
    every = all_intervals(effects_panel(pairs), METHODS, resamples=RESAMPLES, seed=1)
    (_, row), *_ = pair.rows
    return {
        Outcome("methods", row, INDEPENDENT): _holds_over_images(pairs),
        **{
            Outcome("methods", row, one): holds(read_effects(every[one]).difference, 0.0)
            for one in METHODS
        },
    }


def _holds_over_images(pairs: PairedGroups) -> bool:
    """Return whether Wald's interval for independent images holds 0."""
    n, d = pairs.rows, float(pairs.difference.sum())
    discordant = float((pairs.only_a + pairs.only_b).sum())
    return abs(d) <= 1.96 * math.sqrt(max(discordant - d**2 / n, 0.0))
