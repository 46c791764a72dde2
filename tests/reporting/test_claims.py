import pytest

from lcbench.analysis.claims import CLAIMS, judge_claims
from lcbench.analysis.context import Context
from lcbench.analysis.pools import pools
from lcbench.analysis.reporting import analyse
from lcbench.runs.finished import read_suite


@pytest.fixture(scope="module")
def suite(tmp_path_factory, make, shape):
    return read_suite(make(tmp_path_factory.mktemp("claims"), shape))


@pytest.fixture(scope="module")
def results(suite):
    return analyse(suite, command="", resamples=100, advance=lambda _: None)


@pytest.fixture
def judge(suite, results):
    """Judge with another backbone, data set or reference."""

    def run(reference="reference", backbone="resnet50", random=False, measured=None, **dataset):
        context = Context(suite.taxonomy, 100)
        protocols = measured or results.protocols
        return judge_claims(
            list(zip(pools(suite), protocols, strict=True)),
            reference,
            results.baseline("reference").backbone.model_copy(
                update={"name": backbone, "random": random}
            ),
            suite.plan.dataset.model_copy(
                update={"synthetic": False, "images": 15_000, "skipped": (), **dataset}
            ),
            context,
        )

    return run


def accuracy(claims, protocol):
    return next(one for one in claims if one.protocol == protocol)


def with_accuracy(results, value, low, high):
    changed = []
    for result in results.protocols:
        baselines = []
        for scores in result.baselines:
            new = scores.metrics.accuracy.model_copy(
                update={"value": value, "low": low, "high": high}
            )
            metrics = scores.metrics.model_copy(update={"accuracy": new})
            baselines.append(scores.model_copy(update={"metrics": metrics}))
        changed.append(result.model_copy(update={"baselines": tuple(baselines)}))
    return changed


@pytest.mark.parametrize(
    ("interval", "verdict"),
    [
        ((0.985, 0.98, 0.99), "reproduced"),
        ((0.98, 0.97, 0.988), "reproduced"),
        ((0.98, 0.97, 0.985), "below the claim"),
        ((0.995, 0.99, 1.0), "above the claim"),
    ],
)
def test_the_interval_decides(judge, results, interval, verdict):
    one = accuracy(judge(measured=with_accuracy(results, *interval)), "paper")
    assert one.verdict == verdict
    assert one.obstacle == ""


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"random": True}, "the weights are random"),
        ({"synthetic": True}, "the data are synthetic"),
        ({"images": 300}, "other data (300 images; the paper had 15,000)"),
    ],
)
def test_what_cannot_be_judged_says_why_and_where_the_claim_lies(judge, results, changes, words):
    claims = judge(measured=with_accuracy(results, 0.98, 0.97, 0.985), **changes)
    assert {one.verdict for one in claims} == {"cannot be judged"}
    assert words in claims[0].obstacle
    assert accuracy(claims, "paper").position == "measured below the claim"


@pytest.mark.parametrize("backbone", ["tf_efficientnet_lite0", "resnet50d.ra2_in1k"])
def test_another_backbone_can_be_consistent_but_reproduces_nothing(judge, results, backbone):
    inside = judge(backbone=backbone, measured=with_accuracy(results, 0.985, 0.98, 0.99))
    assert accuracy(inside, "paper").verdict == "consistent"
    assert accuracy(inside, "paper").caveat == f"the backbone is {backbone}, not ResNet-50"
    assert "reproduced" not in {one.verdict for one in inside}
    below = judge(backbone=backbone, measured=with_accuracy(results, 0.98, 0.97, 0.985))
    assert accuracy(below, "paper").verdict == "below the claim"


def test_skipped_files_do_not_make_other_data(judge):
    claims = judge(images=14_998, skipped=("a", "b"))
    assert all("other data" not in one.obstacle for one in claims)


def test_a_variant_of_resnet50_counts_as_resnet50(judge):
    assert {one.caveat for one in judge(backbone="resnet50.tv_in1k")} == {""}


def test_without_the_reference_nothing_can_be_judged(judge):
    claims = judge(reference="elsewhere")
    assert {one.verdict for one in claims} == {"cannot be judged"}
    assert {one.measured for one in claims} == {None}
    assert {one.obstacle for one in claims} == {"the reference was not run"}


def test_every_claim_is_judged_under_every_protocol(judge):
    claims = judge()
    assert [one.claim for one in claims[::2]] == [claim.text for claim in CLAIMS]
    assert [one.protocol for one in claims[:2]] == ["paper", "grouped"]
