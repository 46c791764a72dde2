"""Claims of papers: which data they are about, and what both errors say of them."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import binomtest, fisher_exact
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from lcbench.analysis.claims import (
    claim_limits,
    design_effect_of_one_seed,
    difference_from,
    judge_claims,
    verdict_on,
)
from lcbench.runs.claims import load_claims
from lcbench.runs.reading import read_suite
from lcbench.statistics.intervals import NOT_DEFINED, Interval
from lcbench.statistics.limits import wilson

from .runfolders import make_runs

PAPER = load_claims("akinyemi2025")
SHARES = st.floats(0.0, 1.0)
SIZES = st.integers(1, 100_000)


def independent(successes, n, design_effect=1.0):
    """Return a share of images of which `design_effect` each are worth one."""
    share, worth = successes / n, n / design_effect
    low, high = wilson(share * worth, worth)
    error = math.sqrt(share * (1 - share) / worth) or None
    return Interval(
        value=share, low=low, high=high, n=n, groups=n, method="", error=error, count=successes
    )


def verdict(claimed, n, measured, *, effect=None, other_backbone=False):
    difference = difference_from(claimed, claim_limits(claimed, n, effect), measured)
    return verdict_on(claimed, measured, difference, other_backbone=other_backbone)


# what decides


@pytest.mark.parametrize(
    ("right", "measured", "claimed", "fisher", "binomial"),
    [(2247, 2250, 750, 0.578, 0.37), (68, 72, 17, 1.0, 0.38)],
)
def test_a_perfect_score_on_fewer_images_is_consistent_with_a_few_errors(
    right, measured, claimed, fisher, binomial
):
    """Oracles: Fisher's exact test of the two samples, the chance of no error at our rate."""
    table = [[right, measured - right], [claimed, 0]]
    assert fisher_exact(table).pvalue == pytest.approx(fisher, abs=0.0005)
    chance = binomtest(claimed, claimed, right / measured, alternative="greater").pvalue
    assert chance == pytest.approx(binomial, abs=0.005)
    found = independent(right, measured)
    assert found.high < 1.0  # by our interval alone, 100 % would be out of reach
    assert verdict(1.0, claimed, found, effect=1.0) == "consistent"


@pytest.mark.parametrize(
    ("right", "n", "claimed", "of"),
    [(2247, 2250, 750, 750), (68, 72, 17, 17), (949, 1000, 988, 1000), (30, 40, 12, 40)],
)
def test_limits_are_those_of_statsmodels(right, n, claimed, of):
    limits = claim_limits(claimed / of, of, None)
    assert limits == pytest.approx(proportion_confint(claimed, of, method="wilson"))
    found = difference_from(claimed / of, limits, independent(right, n))
    newcombe = confint_proportions_2indep(right, n, claimed, of, method="newcomb")
    assert (found.low, found.high) == pytest.approx(newcombe)
    assert found.value == pytest.approx(right / n - claimed / of)


def test_what_both_errors_cannot_explain_is_contradicted():
    measured = independent(949, 1000)
    assert fisher_exact([[949, 51], [2223, 27]]).pvalue < 0.001
    assert verdict(0.988, 2250, measured) == "contradicted"
    assert verdict(0.988, 2250, measured, other_backbone=True) == "differs"
    assert verdict(0.94, 2250, measured) == "reproduced"
    assert verdict(0.94, 2250, measured, other_backbone=True) == "consistent"


@pytest.mark.parametrize("n", [17, 1_500, 10**9])
def test_all_are_not_contradicted_where_the_limit_prints_as_all(n):
    measured = Interval(value=0.9998, low=0.9955, high=0.99996, n=2250, groups=90, method="")
    assert f"{100 * measured.high:.2f}" == "100.00"
    assert verdict(1.0, n, measured) == "reproduced"
    below = measured.model_copy(update={"high": 0.9999})
    assert verdict(1.0, 10**9, below) == "contradicted"


@given(SHARES, SIZES, SIZES, st.integers(1, 5000), st.data())
def test_more_claimed_images_never_turn_contradicted_into_consistent(claimed, n, more, size, data):
    measured = independent(data.draw(st.integers(0, size)), size)
    assume(verdict(claimed, n, measured) == "contradicted")
    assert verdict(claimed, n + more, measured) == "contradicted"


@given(SHARES, SIZES, st.floats(1, 100), st.integers(1, 5000), st.data())
def test_clustered_claims_are_not_contradicted_more_easily(claimed, n, effect, size, data):
    measured = independent(data.draw(st.integers(0, size)), size)
    narrow, wide = claim_limits(claimed, n, 1.0), claim_limits(claimed, n, effect)
    assert wide[0] <= narrow[0] + 1e-12
    assert wide[1] >= narrow[1] - 1e-12
    if verdict(claimed, n, measured) != "contradicted":
        assert verdict(claimed, n, measured, effect=effect) != "contradicted"


@given(SHARES, SIZES, st.integers(1, 5000), st.data())
def test_what_the_measured_interval_holds_is_reproduced_whatever_the_claim_s_size(
    claimed, n, size, data
):
    measured = independent(data.draw(st.integers(0, size)), size)
    inside = measured.low <= claimed <= measured.high
    assert not inside or verdict(claimed, n, measured) == "reproduced"


# the claim's own error


def test_the_design_effect_is_that_of_one_seed():
    heaped = independent(2700, 3000).model_copy(update={"design_effect": 7.5})
    assert design_effect_of_one_seed(heaped) == 7.5
    scattered = heaped.model_copy(update={"design_effect": 0.7})
    assert design_effect_of_one_seed(scattered) == 1.0


def test_without_variance_the_design_effect_is_not_known():
    assert design_effect_of_one_seed(independent(50, 50)) is None
    assert design_effect_of_one_seed(NOT_DEFINED) is None
    assert claim_limits(0.9, 100, None) == claim_limits(0.9, 100, 1.0)
    assert claim_limits(0.9, 100, 4.0) == pytest.approx(wilson(22.5, 25))


# a whole suite


@pytest.fixture(scope="module")
def folder(tmp_path_factory, shape):
    return make_runs(tmp_path_factory.mktemp("claims"), shape)


@pytest.fixture(scope="module")
def suite(folder):
    return read_suite(folder)


@pytest.fixture(scope="module")
def protocols(folder, analysed):
    return analysed(folder).protocols


@pytest.fixture
def judge(suite, protocols):
    """Judge with another accuracy, backbone, data set, reference or names of claims."""

    def run(
        accuracy=None,
        reference="reference",
        backbone="resnet50",
        random=False,
        only=("paper", "grouped"),
        claims=("akinyemi2025",),
        **dataset,
    ):
        about = {"synthetic": False, "images": 15_000, "skipped": (), **dataset}
        plan = suite.plan.model_copy(
            update={
                "dataset": suite.plan.dataset.model_copy(update=about),
                "reference": reference,
                "roles": suite.roles.model_copy(update={"claims": claims}),
            }
        )
        runs = tuple(with_backbone(run, backbone, random) for run in suite.runs)
        changed = type(suite)(**{**vars(suite), "plan": plan, "runs": runs})
        found = [with_accuracy(one, accuracy) for one in protocols if one.protocol in only]
        return judge_claims(changed, found)

    return run


def with_backbone(run, name, random):
    old = run.config.backbone
    new = old and old.model_copy(update={"name": name, "random": random})
    return type(run)(**{**vars(run), "config": run.config.model_copy(update={"backbone": new})})


def with_accuracy(result, limits):
    """Return the protocol's result with other limits of every model's accuracy."""
    if limits is None:
        return result
    changed = dict(zip(("value", "low", "high"), limits, strict=True))
    models = []
    for model in result.comparison.models:
        scores = [
            one.model_copy(update={"estimate": one.estimate.model_copy(update=changed)})
            if one.metric == "accuracy"
            else one
            for one in model.scores
        ]
        models.append(model.model_copy(update={"scores": tuple(scores)}))
    comparison = result.comparison.model_copy(update={"models": tuple(models)})
    return result.model_copy(update={"comparison": comparison})


def first(judged, protocol="paper"):
    return next(one for one in judged.papers[0].claims if one.protocol == protocol)


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ((0.985, 0.98, 0.99), "reproduced"),
        ((0.98, 0.97, 0.988), "reproduced"),
        ((0.98, 0.97, 0.987), "consistent"),
        ((0.9, 0.89, 0.91), "contradicted"),
        ((0.9999, 0.9998, 1.0), "contradicted"),
    ],
)
def test_both_intervals_decide(judge, limits, said):
    one = first(judge(limits))
    assert (one.verdict, one.obstacles) == (said, ())


@pytest.mark.parametrize("backbone", ["tf_efficientnet_lite0", "resnet50d.ra2_in1k"])
def test_another_backbone_reproduces_and_contradicts_nothing(judge, backbone):
    judged = judge((0.985, 0.98, 0.99), backbone=backbone)
    assert (first(judged).verdict, judged.papers[0].other_backbone) == ("consistent", backbone)
    every = {one.verdict for one in judged.papers[0].claims}
    assert not every & {"reproduced", "contradicted"}
    assert first(judge((0.9, 0.89, 0.91), backbone=backbone)).verdict == "differs"


def test_a_variant_of_the_backbone_counts_as_it(judge):
    assert judge(backbone="resnet50.tv_in1k").papers[0].other_backbone == ""


@pytest.mark.parametrize(
    ("changes", "obstacle"),
    [({"random": True}, "random weights"), ({"reference": "elsewhere"}, "not measured")],
)
def test_what_cannot_be_judged_says_why(judge, changes, obstacle):
    judged = judge((0.98, 0.97, 0.985), **changes)
    assert {one.verdict for one in judged.papers[0].claims} == {"not comparable"}
    assert obstacle in first(judged).obstacles


@pytest.mark.parametrize("dataset", [{"synthetic": True}, {"images": 300}])
def test_claims_about_other_data_are_not_made(judge, dataset):
    assert judge(**dataset).papers == ()


def test_skipped_files_do_not_make_other_data(judge):
    assert len(judge(images=14_998, skipped=("a", "b")).papers) == 1


def test_every_claim_is_measured_under_every_protocol(judge, protocols):
    claims = judge().papers[0].claims
    assert [one.claim for one in claims[::2]] == [claim.text for claim in PAPER.claims]
    assert [one.protocol for one in claims[:2]] == ["paper", "grouped"]
    scores = protocols[1].comparison.scores("reference")
    measured = {one.claim: one.measured for one in claims if one.protocol == "grouped"}
    accuracy, sensitivity, specificity, count, of_errors = measured.values()
    assert accuracy == scores.accuracy
    assert sensitivity == scores.get("specificity", "malignant")
    assert specificity == scores.get("sensitivity", "malignant")
    of_all = scores.get("confusions_of_all", "malignant")
    assert count.value == pytest.approx(2250 * of_all.value)
    assert count.high == pytest.approx(2250 * of_all.high)
    assert of_errors == scores.get("confusions_of_errors", "malignant")


def test_the_claim_s_error_comes_from_the_paper_s_protocol_alone(judge, protocols):
    pairs = zip(*[iter(judge().papers[0].claims)] * 2, strict=True)
    for paper, grouped in pairs:
        assert paper.design_effect == grouped.design_effect
        assert (paper.claim_low, paper.claim_high) == (grouped.claim_low, grouped.claim_high)
    accuracy = protocols[0].comparison.scores("reference").accuracy
    assert first(judge()).design_effect == design_effect_of_one_seed(accuracy)
    alone = judge(only=("grouped",)).papers[0].claims
    assert {one.design_effect for one in alone} == {None}
    assert (alone[0].claim_low, alone[0].claim_high) == pytest.approx(wilson(2223, 2250))


def test_a_count_is_judged_as_its_share_and_written_as_a_count(judge):
    (count,) = (
        one for one in judge().papers[0].claims if one.unit == "count" and one.protocol == "paper"
    )
    share = claim_limits(17 / 2250, 2250, count.design_effect)
    assert (count.claim_low, count.claim_high) == pytest.approx([2250 * one for one in share])
    assert count.difference.value == pytest.approx(count.measured.value - 17)
    assert count.difference.low <= count.measured.low - 17
    assert count.difference.high >= count.measured.high - 17


def test_unreadable_claims_cost_themselves_alone(judge, tmp_path):
    gone, broken = tmp_path / "gone.toml", tmp_path / "broken.toml"
    broken.write_text("source = ")
    keys = (str(gone), "akinyemi2025", str(broken), "nope")
    judged = judge(claims=keys)
    assert [paper.key for paper in judged.papers] == ["akinyemi2025"]
    assert [one.key for one in judged.unreadable] == [str(gone), str(broken), "nope"]
    assert all(one.key in one.reason for one in judged.unreadable)
    about_others = judge(claims=keys, images=300)
    assert (about_others.papers, about_others.unreadable) == ((), judged.unreadable)
