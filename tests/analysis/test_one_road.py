"""A report and a comparison of the same runs: one reader, one aligner, the same numbers."""

from __future__ import annotations

from itertools import combinations

import pytest

from lcbench.analysis.comparing import compare_predictions
from lcbench.analysis.scores import AnalysisSettings
from lcbench.datasets.labels import LabelReader
from lcbench.predictions.models import load_models
from lcbench.runs.finished import read_suite

from .truth import PROTOCOLS


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_report_and_compare_give_the_same_numbers_field_by_field(core_runs, core_results, protocol):
    report = core_results.protocol(protocol).comparison
    suite = read_suite(core_runs)
    names = ["reference", *(one.model for one in report.models if one.model != "reference")]
    folders = [core_runs / protocol / name for name in names]
    models = load_models(folders, LabelReader(suite.taxonomy))
    compared = compare_predictions(
        models, suite.taxonomy, AnalysisSettings(resamples=400)
    ).comparison
    for key in ("images", "predictions", "seeds", "groups", "groups_known", "coarse"):
        assert getattr(compared, key) == getattr(report, key), key
    assert {one.model: one for one in compared.models} == {one.model: one for one in report.models}
    pairs = {(one.a, one.b): one for one in compared.pairs}
    assert list(pairs) == list(combinations(names, 2))
    for pair in report.pairs:
        other = pairs[pair.a, pair.b]
        assert other.differences == pair.differences
        for one, same in zip(pair.events, other.events, strict=True):
            assert without_family(one) == without_family(same)


def without_family(event):
    """Return a comparison without the adjusted p-values: the families differ in size."""
    tests = tuple(test.model_copy(update={"p_adjusted": 1.0}) for test in event.tests)
    return event.model_copy(update={"tests": tests})
