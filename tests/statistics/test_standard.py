import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from lcbench.statistics.answers import Question
from lcbench.statistics.choices import METHODS
from lcbench.statistics.design import Design
from lcbench.statistics.groups import cluster_codes
from lcbench.statistics.interval_model import (
    DESCRIPTIONS,
    FIXED,
    NO_COVERAGE,
    NO_INTERVAL,
    NO_LIMIT,
    NOT_DEFINED,
    UNDEFINED,
    WILSON,
)
from lcbench.statistics.intervals import all_intervals, intervals
from lcbench.statistics.panels import difference
from lcbench.statistics.registry import METRICS, MetricKey
from lcbench.statistics.standard import confusion_panel, count_statistics, standard_panel
from lcbench.statistics.tree import ClassTree
from lcbench.taxonomy import load_taxonomy

from .helpers import slopes

TREE = ClassTree.of(load_taxonomy())
LEAF_COUNTS = count_statistics(TREE)[Question()]
GROUPS = 12
FEW = 100
seeds = st.integers(0, 10**6)


def some_rows(seed, n=90, groups=GROUPS):
    """Return labels, probabilities and groups of a model that is often right."""
    rng = np.random.default_rng(seed)
    true = rng.integers(0, 3, n)
    probabilities = rng.dirichlet([0.5, 0.5, 0.5], n) + 0.4 * np.eye(3)[true]
    return true, probabilities / 1.4, rng.integers(0, groups, n)


def panel_of(true, probabilities, units, design=None, tree=TREE):
    probabilities = np.asarray(probabilities, float).reshape(-1, 3)
    design = design or Design(int(np.max(units)) + 1)
    answers = probabilities.argmax(axis=1)
    true, units, one_model = np.asarray(true), np.asarray(units), np.zeros(len(true), int)
    return standard_panel(true, answers, probabilities, units, one_model, design, tree)


def named(panel, weights):
    names = [one.key for one in panel.measures]
    return dict(zip(names, panel.evaluate(weights)[0], strict=True))


# values


@settings(max_examples=12)
@given(seeds)
def test_a_resample_is_scikit_learns_on_the_repeated_rows(seed):
    true, probabilities, groups = some_rows(seed)
    drawn = np.random.default_rng(seed).multinomial(GROUPS, np.full(GROUPS, 1 / GROUPS))
    found = named(panel_of(true, probabilities, groups, Design(GROUPS)), drawn[None].astype(float))
    rows = np.repeat(np.arange(len(true)), drawn[groups])
    true, probabilities = true[rows], probabilities[rows]
    answers = probabilities.argmax(axis=1)
    every = {"labels": [0, 1, 2], "average": None, "zero_division": 0}
    expected = {
        "accuracy": sk.accuracy_score(true, answers),
        "balanced_accuracy": sk.balanced_accuracy_score(true, answers),
        "macro_f1": sk.f1_score(true, answers, average="macro"),
        "cohen_kappa": sk.cohen_kappa_score(true, answers),
        "matthews_correlation": sk.matthews_corrcoef(true, answers),
        ("sensitivity", "malignant"): sk.recall_score(true != 0, answers != 0),
        ("specificity", "malignant"): sk.recall_score(true == 0, answers == 0),
        ("decision_accuracy", "malignant"): np.mean(answers[true > 0] == true[true > 0]),
        ("confusion_rate", "malignant"): np.mean((answers + true == 3)[true > 0]),
        "log_loss": sk.log_loss(true, probabilities, labels=[0, 1, 2]),
        "brier_score": np.mean(((probabilities - np.eye(3)[true]) ** 2).sum(axis=1)),
        "macro_auroc": sk.roc_auc_score(true, probabilities, multi_class="ovr"),
        "macro_average_precision": sk.average_precision_score(np.eye(3)[true], probabilities),
    }
    for name, function in (
        ("precision", sk.precision_score),
        ("recall", sk.recall_score),
        ("f1", sk.f1_score),
    ):
        values = function(true, answers, **every)
        expected |= {(name, leaf): values[i] for i, leaf in enumerate(TREE.leaves)}
    for name, value in expected.items():
        key = MetricKey(name) if isinstance(name, str) else name
        assert found[key] == pytest.approx(value, abs=1e-6), name


def test_each_measure_counts_its_images():
    true, answers = np.array([0, 0, 1, 1, 1, 2]), np.array([0, 1, 1, 1, 2, 0])
    units = np.array([0, 0, 1, 2, 2, 3])
    panel = confusion_panel(true, answers, units, Design(5), TREE)
    images = {one.key: (one.images, one.groups) for one in panel.measures}
    first, second = TREE.leaves[1:]
    assert images["accuracy", ""] == images["macro_f1", ""] == (6, 4)
    assert images["specificity", "malignant"] == images["recall", "benign"] == (2, 1)
    trials = {one.key: one.trials for one in panel.measures}
    assert trials["accuracy", ""] == 4
    # Means over three classes of one, two and one groups: their variances add up.
    for metric in ("macro_f1", "balanced_accuracy"):
        assert trials[metric, ""] == pytest.approx(3**2 / (1 / 1 + 1 / 2 + 1 / 1))
    for metric in ("sensitivity", "decision_accuracy", "confusion_rate"):
        assert images[metric, "malignant"] == (4, 3)
    assert images["precision", first] == (3, 3)
    assert images["f1", first] == (4, 3)  # truth or answer: no image twice
    assert images["f1", second] == (2, 2)
    every = intervals(panel, resamples=FEW)
    for name, one in every.items():
        assert (one.count is None) == (LEAF_COUNTS[name].proportion is False)
    assert (every["accuracy", ""].count, every["confusion_rate", "malignant"].count) == (3, 1)


# influences


@settings(max_examples=25)
@given(seeds, st.integers(1, 3), st.booleans())
def test_the_influence_of_every_metric_is_its_derivative(seed, n_seeds, of_difference):
    true, probabilities, units = some_rows(seed, n=150, groups=12 * n_seeds)
    design = Design(12, n_seeds)
    panel = panel_of(true, probabilities, units, design)
    assert {metric for metric, _ in (one.key for one in panel.measures)} == {
        key for key, metric in METRICS.items() if metric.speaks_of(TREE)
    }
    if of_difference:
        panel = difference(panel, panel_of(true, some_rows(seed + 1, n=150)[1], units, design))
    # With the step of the panels: the gap of a bin has a kink at 0, which a step can lie across.
    found, expected = panel.influence(), slopes(panel, step=1e-4)
    for column, measure in enumerate(panel.measures):
        np.testing.assert_allclose(
            found[:, column], expected[:, column], atol=1e-6, err_msg=str(measure.key)
        )


# what is left out


def test_without_probabilities_only_answers_are_scored():
    true, probabilities, groups = some_rows(0)
    answers = probabilities.argmax(axis=1)
    panel = standard_panel(true, answers, None, groups, groups * 0, Design(GROUPS), TREE)
    names = [one.key for one in panel.measures]
    assert names[: len(LEAF_COUNTS)] == list(LEAF_COUNTS)
    full = [one.key for one in panel_of(true, probabilities, groups).measures]
    assert [key for key in full if key in names] == names
    behind_gates = {("true_gate_accuracy", "malignant"), ("perfect_gate_accuracy", "malignant")}
    of_level = {("level_log_loss", "level 1"), ("level_calibration_error", "level 1")}
    assert len(set(full)) == len(full) == len(names) + 5 + 8 + 5
    assert {*behind_gates, *of_level, ("path_consistency", "")} <= set(full) - set(names)


def test_coarse_labels_enter_what_they_fix_and_nothing_else():
    true, probabilities, groups = some_rows(0)
    coarse = np.full(20, len(TREE.leaves))  # malignant
    more, others = some_rows(1, n=20)[1], GROUPS + np.arange(20) % 4
    design = Design(GROUPS + 4)
    alone = panel_of(true, probabilities, groups, design)
    both = panel_of(
        np.concatenate([true, coarse]),
        np.concatenate([probabilities, more]),
        np.concatenate([groups, others]),
        design,
    )
    changed = set()
    before, after = (all_intervals(panel, resamples=FEW)["score"] for panel in (alone, both))
    for key, one in before.items():
        if after[key] != one:
            assert (after[key].n, after[key].groups) > (one.n, one.groups), key
            changed.add(key)
    assert changed == {
        ("sensitivity", "malignant"),
        ("gate_sensitivity", "malignant"),
        *((metric, "") for metric in METRICS if metric.startswith("hierarchical_")),
        *((metric, "") for metric in ("mistake_severity", "lca_height", "path_consistency")),
        *((metric, "level 1") for metric in METRICS if metric.startswith("level_")),
        *(
            (f"{part}_of_{whole}", "malignant")
            for part in ("missed", "false_alarms")
            for whole in ("all", "errors")
        ),
        *((metric, "root") for metric in ("decision_accuracy", "confusion_rate")),
        *(("confusions_of_all", node) for node in ("root", "malignant")),
        *(("confusions_of_errors", node) for node in ("root", "malignant")),
    }


# what must not matter


@settings(max_examples=10)
@given(seeds)
def test_order_of_images_and_names_of_groups_change_nothing(seed):
    true, probabilities, groups = some_rows(seed)
    order = np.random.default_rng(seed).permutation(len(true))
    names = [f"tile {2 * code + 10}" for code in groups]
    one, other = (cluster_codes(some, some) for some in (names, [f"x{name}" for name in names]))
    np.testing.assert_array_equal(one.codes, other.codes)
    found, shuffled = (
        all_intervals(panel_of(true[rows], probabilities[rows], one.codes[rows]), resamples=FEW)
        for rows in (np.arange(len(true)), order)
    )
    for method in METHODS:
        for name, result in found[method].items():
            two = shuffled[method][name]
            pair = [(x.value, x.low, x.high, x.n, x.groups) for x in (result, two)]
            assert pair[0] == pytest.approx(pair[1]), name


def test_several_seeds_have_limits_of_training_too():
    true, probabilities, groups = some_rows(1, n=200, groups=36)
    found = all_intervals(panel_of(true, probabilities, groups, Design(12, 3)), resamples=FEW)
    one_way = all_intervals(panel_of(true, probabilities, groups // 3, Design(12)), resamples=FEW)
    for method in METHODS:
        for name, two in found[method].items():
            one = one_way[method][name]
            assert two.value == pytest.approx(one.value)
            if two.method == NO_COVERAGE:
                assert name.metric.removeprefix("level_") in (
                    "calibration_error", "calibration_slope"
                )  # fmt: skip
                assert (two.low, two.high) == (None, None) == (one.low, one.high)
                continue
            assert (two.n, two.groups, one.training) == (one.n, one.groups, None)
            # Over the groups all is as if their rows were of one seed.
            assert two.error == pytest.approx(one.error, rel=1e-6)
            if method == "score":
                assert (two.low, two.high) == pytest.approx((one.low, one.high), rel=1e-5)
            assert two.training.low <= two.low <= two.value <= two.high <= two.training.high


# edge cases

RIGHT = np.array([0, 0, 1, 1, 2, 2, 1, 0])
FOUR = np.array([0, 0, 1, 1, 2, 2, 3, 3])
SURE, UNSURE = np.eye(3), np.full((3, 3), 0.15) + 0.55 * np.eye(3)
CASES = {
    "all right": (RIGHT, UNSURE[RIGHT], FOUR),
    "all right and certain": (RIGHT, SURE[RIGHT], FOUR),
    "all wrong": (RIGHT, UNSURE[(RIGHT + 1) % 3], FOUR),
    "all wrong and certain": (RIGHT, SURE[(RIGHT + 1) % 3], FOUR),
    "half of the groups wrong": (RIGHT, SURE[(RIGHT + (FOUR > 1)) % 3], FOUR),
    "one group": (RIGHT, UNSURE[RIGHT[::-1]], FOUR * 0),
    "one image": (RIGHT[:1], UNSURE[:1], FOUR[:1]),
    "two groups": (RIGHT, UNSURE[RIGHT[::-1]], FOUR // 2),
    "one class": (RIGHT * 0 + 1, UNSURE[RIGHT], FOUR),
    "one class and one answer": (RIGHT * 0 + 1, UNSURE[RIGHT * 0 + 2], FOUR),
    "a class without images": (RIGHT % 2, UNSURE[RIGHT], FOUR),
    "a class in one group": (np.array([2, 2, 1, 1, 0, 1, 1, 0]), UNSURE[RIGHT], FOUR),
    "one answer": (RIGHT, UNSURE[RIGHT * 0], FOUR),
    "constant probabilities": (RIGHT, np.full((8, 3), 1 / 3), FOUR),
    "groups alike": (np.tile([0, 1], 4), UNSURE[[0, 2] * 4], FOUR),
    "no rows": (RIGHT[:0], SURE[:0], FOUR[:0]),
}


def is_sound(result, bounds):
    low, high = bounds
    if result.n == 0:
        return result == NOT_DEFINED
    if result.method == NO_COVERAGE:
        return low <= result.value <= high and (result.low, result.high) == (None, None)
    if result.groups == 1:
        return (result.low, result.high, result.method) == (None, None, NO_INTERVAL)
    return low <= result.low <= result.value <= result.high <= high


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("groups", [0, 6])
def test_edge_cases_are_defined(case, groups):
    true, probabilities, units = CASES[case]
    if len(true) and not groups:
        groups = int(units.max()) + 1
    panel = panel_of(true, probabilities, units, Design(groups))
    for found in all_intervals(panel, resamples=FEW).values():
        for measure in panel.measures:
            result = found[measure.key]
            assert is_sound(result, measure.bounds), measure.key
            if result.n:
                assert 0 < result.groups <= groups
                assert result.method != UNDEFINED
                # No false certainty about a share.
                if result.method not in (*DESCRIPTIONS.values(), FIXED, NO_COVERAGE, NO_INTERVAL):
                    assert result.low < result.high


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("other", ["all right", "all wrong and certain", "one answer"])
def test_differences_of_edge_cases_are_defined(case, other):
    true, probabilities, units = CASES[case]
    second = CASES[other][1][: len(true)]
    design = Design(5)
    one, two = (panel_of(true, some, units, design) for some in (probabilities, second))
    for pair in (difference(one, two), difference(one, one)):
        for found in all_intervals(pair, resamples=FEW).values():
            for measure in pair.measures:
                result = found[measure.key]
                assert is_sound(result, measure.bounds), measure.key


def test_perfect_and_useless_models_are_not_certain():
    perfect = intervals(panel_of(*CASES["all right and certain"]), resamples=FEW)
    assert (perfect["accuracy", ""].low, perfect["accuracy", ""].method) == (
        pytest.approx(4 / (4 + 1.959964**2)),
        WILSON,
    )
    assert perfect["log_loss", ""].method == NO_LIMIT
    assert perfect["log_loss", ""].value == perfect["brier_score", ""].value == 0
    assert perfect["cohen_kappa", ""].value == perfect["matthews_correlation", ""].value == 1
    useless = intervals(panel_of(*CASES["all wrong and certain"]), resamples=FEW)
    assert (useless["accuracy", ""].value, useless["accuracy", ""].low) == (0, 0)
    assert useless["log_loss", ""].value == pytest.approx(36.0437, abs=1e-4)
    assert useless["brier_score", ""].value == useless["brier_score", ""].high == 2
    assert useless["calibration_error", ""].value == 1
