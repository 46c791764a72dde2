"""One pair of models, one event: every paired test and every size of effect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from lcbench.statistics.bootstrap import RESAMPLES
from lcbench.statistics.choices import Method
from lcbench.statistics.effects import Effects, effects_panel, read_effects
from lcbench.statistics.events import Events
from lcbench.statistics.models import model_intervals
from lcbench.statistics.paired_tests import (
    PairedGroups,
    TestResult,
    durkalski,
    mcnemar_corrected,
    mcnemar_exact,
    mcnemar_mid_p,
    obuchowski,
    pair_groups,
    sign_flip,
    yang,
)
from lcbench.statistics.power import detectable_after
from lcbench.statistics.tree import Codes


class TestName(StrEnum):
    """The paired tests, by the names under which they are reported."""

    mcnemar_exact = "mcnemar-exact"
    mcnemar_mid_p = "mcnemar-mid-p"
    mcnemar_corrected = "mcnemar-corrected"
    obuchowski = "obuchowski"
    durkalski = "durkalski"
    yang = "yang"
    sign_flip = "sign-flip"

    @property
    def assumes_independent_images(self) -> bool:
        """Whether the test takes every image as evidence of its own."""
        return self in PLAIN_TESTS


TestName.__test__ = False  # type: ignore[attr-defined] # not a test case for pytest
DEFAULT_TEST = TestName.sign_flip
"""The test to read: docs/statistics.md has the simulation behind the choice."""
PLAIN_TESTS = {
    TestName.mcnemar_exact: mcnemar_exact,
    TestName.mcnemar_mid_p: mcnemar_mid_p,
    TestName.mcnemar_corrected: mcnemar_corrected,
}
CLUSTERED_TESTS = {
    TestName.obuchowski: obuchowski,
    TestName.durkalski: durkalski,
    TestName.yang: yang,
    TestName.sign_flip: sign_flip,
}


@dataclass(frozen=True)
class Discordance:
    """Rows on which an event happens under one of two models only.

    Parameters
    ----------
    only_a, only_b
        Rows with the event under A only, and under B only.
    rows
        Rows compared.
    """

    only_a: int
    only_b: int
    rows: int


@dataclass(frozen=True)
class PairedComparison:
    """Two models on one event.

    Parameters
    ----------
    discordance
        All rows: every seed and fold of every image.
    independent
        The rows of the plain McNemar tests, in which every image counts once.
    groups
        Source groups compared.
    tests
        Result of each test.
    effects
        Sizes of the difference, B against A.
    detectable
        Smallest difference of the rates that could have been shown with a chance of 80 %.
    """

    discordance: Discordance
    independent: Discordance
    groups: int
    tests: dict[TestName, TestResult]
    effects: Effects
    detectable: float

    def rows_of(self, test: TestName) -> Discordance:
        """Return the rows that a test looked at."""
        return self.independent if test.assumes_independent_images else self.discordance


def compare_with_each(
    event_a: Events,
    events: Mapping[str, Events],
    groups: Codes,
    once: Events,
    *,
    method: Method = "score",
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, PairedComparison]:
    """Compare one model with each of several on an event, all on the same resampled groups.

    Parameters
    ----------
    event_a
        (N,) whether the event happens under A; several seeds of an image are several rows.
    events
        The same for each other model, by its name.
    groups
        (N,) codes of the source groups.
    once
        (N,) rows for the plain McNemar tests, such as those of the first seed: repeated
        predictions of an image would count as new evidence there.
    method, resamples, seed
        As for `lcbench.statistics.intervals.intervals`.

    Raises
    ------
    ValueError
        If the lengths differ.
    """
    pairs = {name: pair_groups(event_a, event_b, groups) for name, event_b in events.items()}
    panels = {name: effects_panel(one) for name, one in pairs.items()}
    found = model_intervals(panels, method=method, resamples=resamples, seed=seed).own
    single = {
        name: _totals(pair_groups(event_a[once], event_b[once], groups[once]))
        for name, event_b in events.items()
    }
    return {
        name: PairedComparison(
            discordance=_totals(one),
            independent=single[name],
            groups=len(one.size),
            tests=_tests(one, single[name]),
            effects=read_effects(found[name], one),
            detectable=detectable_after(one),
        )
        for name, one in pairs.items()
    }


def _tests(pairs: PairedGroups, single: Discordance) -> dict[TestName, TestResult]:
    plain = {name: test(single.only_a, single.only_b) for name, test in PLAIN_TESTS.items()}
    return plain | {name: test(pairs) for name, test in CLUSTERED_TESTS.items()}


def _totals(pairs: PairedGroups) -> Discordance:
    return Discordance(int(pairs.only_a.sum()), int(pairs.only_b.sum()), pairs.rows)
