"""A report and a comparison of the same runs: one reader, one aligner, the same numbers."""

from __future__ import annotations

import shutil
from itertools import combinations

import pytest

from lcbench.analysis.comparing import compare_predictions
from lcbench.analysis.scores import AnalysisSettings
from lcbench.analysis.suite import analyse
from lcbench.datasets.labels import LabelReader
from lcbench.predictions.models import load_models
from lcbench.runs.reading import read_suite

from ..stored import rewrite
from .truth import PROTOCOLS

# What depends on how many pairs are compared.
OF_THE_FAMILY = ("p_adjusted", "level", "detectable", "verdict")


@pytest.fixture(scope="module")
def without_roles(core_runs, tmp_path_factory):
    """The runs of a suite that names no floor and no shortcut, as `compare` knows none."""
    folder = tmp_path_factory.mktemp("plain") / "core"
    shutil.copytree(core_runs, folder)
    rewrite(folder / "plan.json", roles={"flattering": "paper", "leakage_free": "grouped"})
    return folder


@pytest.fixture(scope="module")
def report(without_roles, analysed):
    return analysed(without_roles)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_report_and_compare_give_the_same_numbers_field_by_field(without_roles, report, protocol):
    reported = report.protocol(protocol).comparison
    suite = read_suite(without_roles)
    names = ["reference", *(one.model for one in reported.models if one.model != "reference")]
    folders = [without_roles / protocol / name for name in names]
    models = load_models(folders, LabelReader(suite.taxonomy))
    compared = compare_predictions(
        models, suite.taxonomy, AnalysisSettings(resamples=20)
    ).comparison
    for key in ("images", "predictions", "seeds", "groups", "groups_known", "coarse"):
        assert getattr(compared, key) == getattr(reported, key), key
    close = {one.model: one for one in reported.models}
    assert {one.model for one in compared.models} == set(close)
    for one in compared.models:
        assert same(one, close[one.model])
    pairs = {(one.a, one.b): one for one in compared.pairs}
    assert list(pairs) == list(combinations(names, 2))
    for pair in reported.pairs:
        assert same(pairs[pair.a, pair.b], pair)
    assert compared.best.model == reported.best.model
    rivals = [
        {rival.model: (rival.difference.low, rival.difference.high) for rival in one.best.rivals}
        for one in (compared, reported)
    ]
    # The quantile is simulated, in the order of the models.
    assert rivals[0].keys() == rivals[1].keys()
    for name, limits in rivals[0].items():
        assert limits == pytest.approx(rivals[1][name], abs=2e-3)
    assert [one.statistic for one in compared.omnibus] == pytest.approx(
        [one.statistic for one in reported.omnibus]
    )


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_brief_analysis_gives_the_same_intervals(core_runs, core_results, protocol):
    """The table after `lcbench run` and the report of the same runs never contradict each other."""
    settings = AnalysisSettings(resamples=20)
    brief = analyse(read_suite(core_runs), settings, advance=lambda _: None, brief=True)
    few, full = (one.protocol(protocol).comparison for one in (brief, core_results))
    assert (few.pairs, few.omnibus, few.best) == ((), (), None)
    assert [one.model for one in few.models] == [one.model for one in full.models]
    for one, other in zip(few.models, full.models, strict=True):
        assert (one.seeds, one.effective) == (other.seeds, other.effective)
        assert one.confusion == other.confusion
        known = {(score.metric, score.of): score.estimate for score in other.scores}
        assert len(one.scores) > 20
        for score in one.scores:
            assert score.estimate == known[score.metric, score.of]
    assert brief.drops == core_results.drops


def same(one, other):
    """Tell whether two records agree up to rounding, apart from what depends on the family."""
    return numbers(one.model_dump(mode="json")) == rounded(numbers(other.model_dump(mode="json")))


def numbers(part, name=""):
    """Return all leaves of a record by their path, without those of the family."""
    if isinstance(part, dict):
        items = part.items()
    elif isinstance(part, list | tuple):
        items = enumerate(part)
    else:
        return {name: part}
    found = {}
    for key, value in items:
        if key not in OF_THE_FAMILY:
            found |= numbers(value, f"{name}/{key}")
    return found


def rounded(leaves):
    return {
        name: pytest.approx(leaf, rel=1e-6, abs=1e-9) if isinstance(leaf, float) else leaf
        for name, leaf in leaves.items()
    }
