"""Claims of papers: which data they are about, and what the interval says of them."""

import pytest

from lcbench.analysis.claims import judge_claims, load_claims
from lcbench.errors import UserError
from lcbench.runs.finished import read_suite
from lcbench.runs.suite import find_claims

from .runfolders import make_runs

PAPER = load_claims(find_claims("akinyemi2025"))


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
    """Judge with another accuracy, backbone, data set or reference."""

    def run(accuracy=None, reference="reference", backbone="resnet50", random=False, **dataset):
        about = {"synthetic": False, "images": 15_000, "skipped": (), **dataset}
        plan = suite.plan.model_copy(
            update={"dataset": suite.plan.dataset.model_copy(update=about), "reference": reference}
        )
        runs = tuple(with_backbone(run, backbone, random) for run in suite.runs)
        changed = type(suite)(**{**vars(suite), "plan": plan, "runs": runs})
        return judge_claims(changed, [with_accuracy(one, accuracy) for one in protocols])

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


def first(papers, protocol="paper"):
    return next(one for one in papers[0].claims if one.protocol == protocol)


@pytest.mark.parametrize(
    ("limits", "verdict", "position"),
    [
        ((0.985, 0.98, 0.99), "reproduced", "inside the interval"),
        ((0.98, 0.97, 0.988), "reproduced", "inside the interval"),
        ((0.98, 0.97, 0.985), "below the claim", "above the interval"),
        ((0.995, 0.99, 1.0), "above the claim", "below the interval"),
    ],
)
def test_the_interval_decides(judge, limits, verdict, position):
    one = first(judge(limits))
    assert (one.verdict, one.position, one.obstacles) == (verdict, position, ())


@pytest.mark.parametrize("backbone", ["tf_efficientnet_lite0", "resnet50d.ra2_in1k"])
def test_another_backbone_can_be_consistent_but_reproduces_nothing(judge, backbone):
    papers = judge((0.985, 0.98, 0.99), backbone=backbone)
    assert (first(papers).verdict, papers[0].other_backbone) == ("consistent", backbone)
    assert "reproduced" not in {one.verdict for one in papers[0].claims}
    assert first(judge((0.98, 0.97, 0.985), backbone=backbone)).verdict == "below the claim"


def test_a_variant_of_the_backbone_counts_as_it(judge):
    assert judge(backbone="resnet50.tv_in1k")[0].other_backbone == ""


@pytest.mark.parametrize(
    ("changes", "obstacle"),
    [({"random": True}, "random weights"), ({"reference": "elsewhere"}, "not measured")],
)
def test_what_cannot_be_judged_says_why(judge, changes, obstacle):
    papers = judge((0.98, 0.97, 0.985), **changes)
    assert {one.verdict for one in papers[0].claims} == {"cannot be judged"}
    assert obstacle in first(papers).obstacles


@pytest.mark.parametrize("dataset", [{"synthetic": True}, {"images": 300}])
def test_claims_about_other_data_are_not_made(judge, dataset):
    assert judge(**dataset) == ()


def test_skipped_files_do_not_make_other_data(judge):
    assert len(judge(images=14_998, skipped=("a", "b"))) == 1


def test_every_claim_is_measured_under_every_protocol(judge, protocols):
    claims = judge()[0].claims
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


def test_broken_claims_are_one_message(tmp_path):
    path = tmp_path / "claims.toml"
    path.write_text('source = "x"\n[[claims]]\ntext = "y"\n')
    with pytest.raises(UserError, match="title"):
        load_claims(path)
    with pytest.raises(UserError, match="akinyemi2025"):
        find_claims("akinyemi2052")
