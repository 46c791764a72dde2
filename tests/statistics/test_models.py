import numpy as np
import pytest

from lcbench.statistics import metrics
from lcbench.statistics.choices import METHODS
from lcbench.statistics.intervals import intervals
from lcbench.statistics.models import model_intervals
from lcbench.statistics.panel import Count, count_panel
from lcbench.statistics.panels import difference

FEW = 200
PANEL = {"accuracy": Count(metrics.accuracy, proportion=True), "macro F1": Count(metrics.macro_f1)}


@pytest.fixture
def panels():
    counts = np.random.default_rng(0).integers(0, 5, (3, 12, 3, 3))
    return {name: count_panel(one, PANEL) for name, one in zip("abc", counts, strict=True)}


@pytest.mark.parametrize("method", METHODS)
def test_models_and_their_differences_are_the_same_as_one_by_one(panels, method):
    options = {"method": method, "resamples": FEW, "seed": 3}
    pairs = [("a", "b"), ("c", "b"), ("b", "a")]
    found = model_intervals(panels, pairs, **options)
    assert found.own == {name: intervals(one, **options) for name, one in panels.items()}
    assert found.differences == {
        (a, b): intervals(difference(panels[b], panels[a]), **options) for a, b in pairs
    }


def test_a_model_with_fewer_measures_takes_none_from_the_others(panels):
    counts = np.random.default_rng(0).integers(0, 5, (3, 12, 3, 3))
    less = {**panels, "b": count_panel(counts[1], {"macro F1": PANEL["macro F1"]})}
    pairs = [("a", "b"), ("b", "c"), ("a", "c")]
    found, full = (model_intervals(one, pairs, resamples=FEW) for one in (less, panels))
    assert list(found.own["b"]) == ["macro F1"]
    for name in "ac":
        assert found.own[name] == full.own[name]
    assert found.differences["a", "c"] == full.differences["a", "c"]
    for pair in pairs[:2]:
        assert found.differences[pair] == {"macro F1": full.differences[pair]["macro F1"]}


def test_differences_that_come_from_elsewhere_are_left_out(panels):
    full = model_intervals(panels, [("a", "b")])
    found = model_intervals(panels, [("a", "b")], apart={"accuracy"})
    assert found.own == full.own
    rest = {"macro F1": full.differences["a", "b"]["macro F1"]}
    assert found.differences == {("a", "b"): rest}


def test_models_may_have_any_names(panels):
    names = ["a", "a-b", "b", "a|b", "", "accuracy"]
    pairs = [(one, two) for one in names for two in names if one != two]
    found = model_intervals(dict.fromkeys(names, panels["a"]), pairs, resamples=20)
    assert (list(found.own), list(found.differences)) == (names, pairs)


def test_models_on_other_groups_are_refused(panels):
    other = count_panel(np.ones((5, 3, 3)), PANEL)
    with pytest.raises(ValueError, match="different designs"):
        model_intervals({**panels, "other": other}, [])
