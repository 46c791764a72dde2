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
from lcbench.statistics.paired_groups import PairedGroups, RowGroups
from lcbench.statistics.paired_tests import (
    TestResult,
    clustered_score,
    clustered_score_of_training,
    durkalski,
    mcnemar_corrected,
    mcnemar_exact,
    mcnemar_mid_p,
    obuchowski,
    sign_flip,
    yang,
)
from lcbench.statistics.power import ALPHA, detectable_after


class TestName(StrEnum):
    """The paired tests, by the names under which they are reported."""

    mcnemar_exact = "mcnemar-exact"
    mcnemar_mid_p = "mcnemar-mid-p"
    mcnemar_corrected = "mcnemar-corrected"
    obuchowski = "obuchowski"
    durkalski = "durkalski"
    yang = "yang"
    sign_flip = "sign-flip"
    clustered_score = "clustered-score"

    @property
    def assumes_independent_images(self) -> bool:
        """Whether the test takes every image as evidence of its own."""
        return self in PLAIN_TESTS


TestName.__test__ = False  # type: ignore[attr-defined] # not a test case for pytest
DEFAULT_TEST = TestName.clustered_score
"""The test to read, which the interval of the difference makes: docs/statistics.md has the
simulation behind the choice."""
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
    TestName.clustered_score: clustered_score,
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
    training
        The test to read, of the way of training: over new seeds and groups; None with one seed.
    effects
        Sizes of the difference, B against A.
    detectable
        Smallest difference of the rates that could have been shown with a chance of 80 %, at the
        level of the first step of Holm's adjustment of these comparisons.
    few_groups
        Whether A or B errs alone in fewer groups than it takes to see how its errors spread; see
        `lcbench.statistics.rates.ENOUGH`.
    rate_a
        Rate of the event under A.
    """

    discordance: Discordance
    independent: Discordance
    groups: int
    tests: dict[TestName, TestResult]
    training: TestResult | None
    effects: Effects
    detectable: float
    few_groups: bool
    rate_a: float

    def rows_of(self, test: TestName) -> Discordance:
        """Return the rows that a test looked at."""
        return self.independent if test.assumes_independent_images else self.discordance


def compare_with_each(
    event_a: Events,
    events: Mapping[str, Events],
    rows: RowGroups,
    once: Events,
    *,
    family: int | None = None,
    method: Method = "score",
    resamples: int = RESAMPLES,
) -> dict[str, PairedComparison]:
    """Compare one model with each of several on an event, all over the same source groups.

    Parameters
    ----------
    event_a
        (N,) whether the event happens under A; several seeds of an image are several rows.
    events
        The same for each other model, by its name.
    rows
        Source group and seed of each of the N rows.
    once
        (N,) rows for the plain McNemar tests, such as those of the first seed: repeated
        predictions of an image would count as new evidence there.
    family
        Comparisons that are adjusted together; by default those of `events`.
    method, resamples
        As for `lcbench.statistics.intervals.intervals`.

    Raises
    ------
    ValueError
        If the lengths differ.
    """
    pairs = {name: rows.pair(event_a, event_b) for name, event_b in events.items()}
    panels = {name: effects_panel(one) for name, one in pairs.items()}
    # The images on which a pair differs are its own: no other pair tells what they are worth.
    found = model_intervals(panels, method=method, resamples=resamples, floor=set(panels)).own
    return {
        name: PairedComparison(
            discordance=Discordance(int(one.only_a.sum()), int(one.only_b.sum()), one.rows),
            independent=single,
            groups=len(one.size),
            tests=_tests(one, single),
            training=clustered_score_of_training(one),
            effects=read_effects(found[name]),
            detectable=detectable_after(one, alpha=ALPHA / max(1, family or len(events))),
            few_groups=one.rates.few_groups,
            rate_a=float((one.only_a + one.both).sum() / max(one.rows, 1)),
        )
        for name, one in pairs.items()
        for single in [_discordance(event_a[once], events[name][once])]
    }


def _tests(pairs: PairedGroups, single: Discordance) -> dict[TestName, TestResult]:
    plain = {name: test(single.only_a, single.only_b) for name, test in PLAIN_TESTS.items()}
    return plain | {name: test(pairs) for name, test in CLUSTERED_TESTS.items()}


def _discordance(event_a: Events, event_b: Events) -> Discordance:
    return Discordance(
        int((event_a & ~event_b).sum()), int((event_b & ~event_a).sum()), len(event_a)
    )
