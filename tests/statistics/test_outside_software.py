"""Variances, limits and adjustments beside those of R, whose script lies in outside/oracles.R."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from lcbench.statistics.design import Design
from lcbench.statistics.effects import effects_panel
from lcbench.statistics.intervals import intervals
from lcbench.statistics.limits import wilson
from lcbench.statistics.metrics import ratio
from lcbench.statistics.paired_groups import PairedGroups
from lcbench.statistics.panel import Count, count_panel
from lcbench.statistics.rates import GroupedRate
from lcbench.statistics.several import adjust
from lcbench.statistics.variance import variance

HERE = Path(__file__).parent / "outside"
DATA, R = (json.loads((HERE / f"{name}.json").read_text("utf-8")) for name in ("data", "oracles"))
DESIGNS = pytest.mark.parametrize(
    ("name", "classes"),
    [
        # survey::svydesign(ids = ~group, strata = ~class), postStratify by the images of each class
        ("within_classes", True),
        # survey::svydesign(ids = ~group)
        ("one_stratum", False),
    ],
)


def table(column):
    return np.array([group[column] for group in DATA["groups"]])


def design_of(classes):
    strata = tuple(table("class").tolist()) if classes else ()
    return Design(len(table("size")), 1, strata, tuple(table("size").tolist()))


def pairs_of(classes):
    counts = (table(name) for name in ("only_a", "only_b", "both", "size"))
    return PairedGroups(*counts, design_of(classes).strata)


@DESIGNS
def test_a_rate_has_the_standard_error_of_a_survey(name, classes):
    size = table("size").astype(float)
    events = (table("only_a") + table("both")).astype(float)
    rate = GroupedRate(events, size, design_of(classes))
    assert math.sqrt((rate.influence**2).sum()) == pytest.approx(R[name]["a"], rel=1e-9)


@DESIGNS
def test_sizes_of_a_difference_have_the_standard_errors_of_a_survey(name, classes):
    found = intervals(effects_panel(pairs_of(classes)))
    assert found["rate"].error == pytest.approx(R[name]["difference"], rel=1e-6)
    assert found["share"].error == pytest.approx(R[name]["share_of_a"], rel=1e-6)
    # The interval of the ratio is symmetric on the logarithm.
    ratio_of_rates = found["ratio"]
    assert ratio_of_rates.error / ratio_of_rates.value == pytest.approx(
        R[name]["log_ratio"], rel=1e-6
    )


def test_crossed_components_are_those_of_a_mixed_model():
    # lme4::lmer(rate ~ 1 + (1 | group) + (1 | seed)), REML; groups and seeds are balanced.
    rates = np.array(DATA["rates"])
    groups, seeds = rates.shape
    sums = np.stack([rates.ravel(), np.ones(rates.size)], axis=1)
    mean = Count(lambda totals: ratio(totals[..., 0], totals[..., 1]), lambda s: s[..., 1])
    design = Design(groups, seeds)
    panel = count_panel(sums, {"mean": mean}, design)
    found = variance(panel.influence()[:, 0], design)
    parts = R["crossed"]
    within = parts["residual"] / rates.size
    assert found.groups == pytest.approx(parts["group"] / groups + within, rel=1e-4)
    assert found.training == pytest.approx(parts["seed"] / seeds, rel=1e-4)
    assert found.groups + found.training == pytest.approx(parts["error"] ** 2, rel=1e-4)


def test_wilsons_limits_are_those_of_prop_test():
    for (successes, n), limits in zip(DATA["proportions"], R["wilson"], strict=True):
        assert wilson(successes, n) == pytest.approx(limits, abs=1e-9)


def test_adjusted_p_values_are_those_of_p_adjust():
    assert adjust(DATA["p_values"]) == pytest.approx(R["holm"])
    assert adjust(DATA["p_values"], "bh") == pytest.approx(R["bh"])
