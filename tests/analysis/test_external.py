"""External folders: every number against scikit-learn and numpy, and what must never be scored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk

from lcbench.analysis.external import score_external
from lcbench.analysis.external_results import ExternalResult
from lcbench.analysis.external_units import common_label
from lcbench.analysis.scores import AnalysisSettings
from lcbench.analysis.thresholds import Thresholds
from lcbench.predictions.table import predictions_table
from lcbench.runs.external_records import ExternalRecord, LabelCount, OverlapRecord
from lcbench.runs.finished import ExternalFolder, ExternalRun, FinishedSuite
from lcbench.runs.reading import read_suite
from lcbench.runs.records import StoredFile
from lcbench.taxonomy import ROOT, load_taxonomy

from .runfolders import LEAVES, Shape, make_runs

BASELINES = ("majority", "colour", "reference")
CELLS = [("paper", 0, 0), ("paper", 1, 0)] + [
    ("grouped", seed, fold) for seed in (0, 1) for fold in range(5)
]
COUNTS = {"benign": 24, "adenocarcinoma": 20, "squamous_cell_carcinoma": 20, "malignant": 12}
TREE = load_taxonomy("lung")
Draw = Callable[..., np.ndarray]


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> FinishedSuite:
    shape = Shape(tiles=15, copies=2, baselines=BASELINES, varied=True)
    return read_suite(make_runs(tmp_path_factory.mktemp("runs"), shape))


def images_of(counts: dict[str, int], per_group: int = 2) -> pd.DataFrame:
    """Return the table of a folder with so many images of each label."""
    rows = [
        {
            "image": f"{label}/{number:02d}.png", "given": label, "label": label,
            "group": f"{label}-{number // per_group}", "unit": "", "contaminated": "", "role": "",
        }
        for label, count in counts.items()
        for number in range(count)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def drawn(images: pd.DataFrame, baseline: str, seed: int, fold: int) -> np.ndarray:
    """Return probabilities that lean to the label of each image."""
    if baseline == "majority":
        return np.tile([0.5, 0.3, 0.2], (len(images), 1))
    lean = np.ones((len(images), 3))
    for row, label in enumerate(images["label"]):
        under = [k for k, leaf in enumerate(LEAVES) if TREE.is_under(leaf, label)]
        lean[row, under] += 1.5 / len(under)
    generator = np.random.default_rng([seed, fold, *baseline.encode()])
    return np.stack([generator.dirichlet(one) for one in lean])


def folder_of(images: pd.DataFrame, draw: Draw = drawn, **record: Any) -> ExternalFolder:
    """Return a folder whose runs answered all images."""
    manifest = images.assign(sha256=images["image"])
    runs = tuple(
        ExternalRun(
            protocol,
            baseline,
            predictions_table(
                manifest, draw(images, baseline, seed, fold), LEAVES,
                protocol=protocol, seed=seed, fold=fold, baseline=baseline,
            ),
        )
        for baseline in BASELINES
        for protocol, seed, fold in CELLS
    )  # fmt: skip
    labels = tuple(
        LabelCount(
            label=label, node="" if node == ROOT else node, images=len(rows),
            fate="unknown" if node == ROOT else "scored",
        )
        for (label, node), rows in images.groupby(["given", "label"])
    )  # fmt: skip
    parts: dict[str, Any] = {
        "name": "there", "command": "", "created": "", "labels": labels, "images": len(images),
        "scored": len(images), "copies": 0, "contradictions": (), "unreadable": (),
        "left_out": (), "table": StoredFile(size=1, sha256="0" * 64), **record,
    }  # fmt: skip
    return ExternalFolder(ExternalRecord(**parts), runs, images)


def scored(suite: FinishedSuite, folder: ExternalFolder) -> ExternalResult:
    found = replace(suite, external=(folder,))
    (result,) = score_external(found, Thresholds.of(suite), AnalysisSettings(resamples=20))
    return result


@pytest.fixture(scope="module")
def images() -> pd.DataFrame:
    return images_of(COUNTS)


@pytest.fixture(scope="module")
def folder(images: pd.DataFrame) -> ExternalFolder:
    return folder_of(images)


@pytest.fixture(scope="module")
def result(suite: FinishedSuite, folder: ExternalFolder) -> ExternalResult:
    return scored(suite, folder)


def runs_of(folder: ExternalFolder, protocol: str, baseline: str) -> list[Any]:
    return [
        (one.predictions.table["true"].to_numpy(), one.predictions.probabilities)
        for one in folder.runs
        if (one.protocol, one.baseline) == (protocol, baseline)
    ]


def test_detection_is_scikit_learns(result: ExternalResult, folder: ExternalFolder) -> None:
    (node,) = result.nodes
    assert (node.node, node.positives, node.negatives) == ("malignant", 52, 24)
    for one in node.scores:
        runs = runs_of(folder, one.protocol, one.baseline)
        true = np.concatenate([labels != "benign" for labels, _ in runs])
        chance = np.concatenate([p[:, 1] + p[:, 2] for _, p in runs])
        called = chance > np.concatenate([p[:, 0] for _, p in runs])
        assert one.sensitivity.value == pytest.approx(sk.recall_score(true, called))
        assert one.specificity.value == pytest.approx(sk.recall_score(~true, ~called))
        each = [(labels != "benign", p[:, 1] + p[:, 2]) for labels, p in runs]
        aurocs = [sk.roc_auc_score(*pair) for pair in each]
        precisions = [sk.average_precision_score(*pair) for pair in each]
        assert one.auroc.value == pytest.approx(np.mean(aurocs))
        assert one.average_precision.value == pytest.approx(np.mean(precisions))
        if one.baseline == "majority":
            assert one.sensitivity.low is None  # the answer does not depend on the image


def test_every_metric_of_a_level_is_scikit_learns(
    result: ExternalResult, folder: ExternalFolder
) -> None:
    level = result.levels[0]
    (grouped,) = (one for one in level.comparisons if one.protocol == "grouped")
    found = grouped.comparison.scores("reference")
    assert found is not None
    assert grouped.runs == tuple((seed, fold) for seed in (0, 1) for fold in range(5))
    runs = runs_of(folder, "grouped", "reference")
    true = np.concatenate([labels != "benign" for labels, _ in runs]).astype(int)
    chance = np.concatenate([np.stack([p[:, 0], 1 - p[:, 0]], axis=1) for _, p in runs])
    predicted = chance.argmax(axis=1)
    for metric, value in (
        ("accuracy", sk.accuracy_score(true, predicted)),
        ("balanced_accuracy", sk.balanced_accuracy_score(true, predicted)),
        ("macro_f1", sk.f1_score(true, predicted, average="macro")),
        ("log_loss", sk.log_loss(true, chance)),
        ("brier_score", 2 * sk.brier_score_loss(true, chance[:, 1])),
    ):
        estimate = found.get(metric)
        assert estimate is not None
        assert estimate.value == pytest.approx(value)
        assert estimate.low is not None
    matrix = np.array(found.confusion) * len(runs)
    np.testing.assert_allclose(matrix, sk.confusion_matrix(true, predicted))
    (pair,) = (one for one in grouped.comparison.pairs if one.b == "colour")
    event = pair.on("any_error")
    assert event is not None
    others = np.concatenate([p[:, 0] <= 0.5 for _, p in runs_of(folder, "grouped", "colour")])
    wrong, theirs = predicted != true, others.astype(int) != true
    assert event.test().only_a == int((wrong & ~theirs).sum())
    assert event.test().p_adjusted >= event.test().p


def test_one_score_has_one_interval_wherever_it_stands(result: ExternalResult) -> None:
    level = result.levels[0]
    (node,) = (one for one in result.nodes if one.node == "malignant")
    compared = 0
    for one in level.comparisons:
        for model in one.comparison.models:
            key = (one.protocol, model.model)
            (own,) = (score for score in level.scores if (score.protocol, score.baseline) == key)
            (seen,) = (score for score in node.scores if (score.protocol, score.baseline) == key)
            for found, metric, of in (
                (own.accuracy, "accuracy", ""),
                (seen.auroc, "auroc", "malignant"),
                (seen.auroc, "macro_auroc", ""),
                (seen.sensitivity, "gate_sensitivity", "malignant"),
            ):
                same = model.get(metric, of)
                if same is None or same.value is None:
                    continue
                limits = (same.value, same.low, same.high)
                assert (found.value, found.low, found.high) == pytest.approx(limits), (key, metric)
                compared += 1
    assert compared > 12


def test_a_class_of_few_groups_is_told_beside_every_accuracy(suite: FinishedSuite) -> None:
    images = images_of({"benign": 24, "adenocarcinoma": 20, "squamous_cell_carcinoma": 20})
    one_holds_most = images["label"] == "benign"
    images.loc[one_holds_most, "group"] = ["b0"] * 20 + ["b1", "b2", "b3", "b4"]
    (level, _) = scored(suite, folder_of(images)).levels
    benign, malignant = level.groups
    assert (benign.node, benign.groups, benign.few) == ("benign", 5, True)
    assert benign.equal == pytest.approx(24**2 / (20**2 + 4))
    assert (malignant.groups, malignant.equal, malignant.few) == (20, 20.0, False)
    assert all(one.accuracy.few_groups for one in level.scores)


def test_what_a_higher_level_decides_is_not_asked_again_by_the_likeliest_leaf(
    result: ExternalResult,
) -> None:
    for one in result.levels[1].comparisons:
        kept = {(s.metric, s.of) for model in one.comparison.models for s in model.scores}
        assert not kept & {("sensitivity", "malignant"), ("decision_accuracy", "root")}
        assert ("confusion_rate", "malignant") in kept
        assert one.comparison.events == (("any_error", ""), ("confusion", "malignant"))


def test_answers_apart_are_counted(result: ExternalResult, folder: ExternalFolder) -> None:
    for score in result.levels[0].scores:
        runs = runs_of(folder, score.protocol, score.baseline)
        apart = sum(int(((p.argmax(axis=1) > 0) != (p[:, 0] < 0.5)).sum()) for _, p in runs)
        assert score.apart == apart
    assert any(score.apart for score in result.levels[0].scores)
    assert not any(score.apart for score in result.levels[1].scores)


def test_trained_models_stand_alone_and_as_an_average(
    result: ExternalResult, folder: ExternalFolder
) -> None:
    for score in result.levels[1].scores:
        runs = runs_of(folder, score.protocol, score.baseline)
        leaves = np.isin(runs[0][0], LEAVES)
        true = np.array([LEAVES.index(one) for one in runs[0][0][leaves]])
        alone = [float((p[leaves].argmax(axis=1) == true).mean()) for _, p in runs]
        assert [one.accuracy for one in score.alone] == pytest.approx(alone)
        mean = np.mean([p[leaves] for _, p in runs], axis=0).argmax(axis=1)
        assert score.average is not None
        assert score.average.value == pytest.approx((mean == true).mean())
        assert score.average.n == leaves.sum()


def test_a_threshold_of_validation_images_is_applied_outside(
    suite: FinishedSuite, result: ExternalResult, folder: ExternalFolder
) -> None:
    (score,) = (
        one for one in result.nodes[0].scores if (one.protocol, one.baseline) == ("paper", "colour")
    )
    assert score.point is not None
    limits = []
    for run in suite.runs_of(protocol="paper", baseline="colour"):
        assert run.validation is not None
        assert run.validation.probabilities is not None
        of_node = run.validation.probabilities[:, 1:].sum(axis=1)
        limits.append(np.sort(of_node[run.validation.table["true"] != "benign"])[::-1])
    expected = [one[int(np.ceil(0.95 * len(one) - 1e-9)) - 1] for one in limits]
    assert score.point.thresholds == pytest.approx(expected)
    hits = [
        (p[:, 1:].sum(axis=1) >= limit - 1e-12)[labels != "benign"]
        for (labels, p), limit in zip(runs_of(folder, "paper", "colour"), expected, strict=True)
    ]
    assert score.point.sensitivity.value == pytest.approx(np.mean(hits))
    assert score.point.chosen_sensitivity >= 0.95


def test_contaminated_images_do_not_count_and_stand_in_a_line_of_their_own(
    suite: FinishedSuite, images: pd.DataFrame, result: ExternalResult
) -> None:
    more = images_of({"benign": 10}).assign(contaminated="yes")
    more["image"] = "copy/" + more["image"]
    more["group"] = "copy-" + more["group"]
    both = pd.concat([images, more], ignore_index=True)

    def right_on_copies(of: pd.DataFrame, *who: Any) -> np.ndarray:
        rows = (of["contaminated"] == "").to_numpy()
        chances = np.tile([0.98, 0.01, 0.01], (len(of), 1))
        chances[rows] = drawn(of[rows], *who)
        return chances

    overlap = OverlapRecord(training_images=9, images=86, with_sibling=10, contaminated=10)
    found = scored(suite, folder_of(both, right_on_copies, overlap=overlap))
    assert [level.scores for level in found.levels] == [level.scores for level in result.levels]
    assert found.nodes == result.nodes
    assert found.counts is not None
    assert (found.counts.scored, found.counts.contaminated) == (76, 10)
    clean, dirty = found.levels[0].scores[1], found.contaminated[0].scores[1]
    assert (dirty.accuracy.value or 0) > (clean.accuracy.value or 1)
    assert result.contaminated == ()


def test_where_all_is_contaminated_nothing_is_headlined(
    suite: FinishedSuite, images: pd.DataFrame
) -> None:
    found = scored(suite, folder_of(images.assign(contaminated="yes")))
    assert (found.levels, found.nodes, found.one_class) == ((), (), ())
    assert found.contaminated
    assert found.counts is not None
    assert found.counts.scored == 0


def test_an_older_record_that_does_not_say_which_are_contaminated_has_no_clean_number(
    suite: FinishedSuite, images: pd.DataFrame
) -> None:
    overlap = OverlapRecord(training_images=9, images=76, with_sibling=3)
    old = folder_of(images, overlap=overlap, table=None)
    found = scored(suite, replace(old, images=None))
    assert found.levels == ()
    assert found.counts is not None
    assert (found.counts.contaminated, found.counts.contaminated_known) == (3, False)


def test_one_class_alone_has_no_accuracy_and_one_answer(suite: FinishedSuite) -> None:
    def torn(of: pd.DataFrame, *_: Any) -> np.ndarray:
        return np.tile([0.4, 0.3, 0.3], (len(of), 1))  # likeliest benign, and more malignant

    found = scored(suite, folder_of(images_of({"benign": 40}), torn))
    assert found.levels == ()
    (level,) = found.one_class  # the leaf that ends at level 1 is asked for there alone
    assert (level.level, level.node, level.images) == (1, "benign", 40)
    assert {one.called.value for one in level.scores} == {0.0}
    assert all((one.called.high or 0) > 0.05 for one in level.scores)
    (node,) = found.nodes
    assert {one.specificity.value for one in node.scores} == {0.0}
    assert {one.sensitivity.value for one in node.scores} == {None}
    assert {one.auroc.value for one in node.scores} == {None}


def test_what_is_said_of_images_without_a_truth(suite: FinishedSuite, images: pd.DataFrame) -> None:
    odd = images_of({"granuloma": 6}).assign(label=ROOT)
    both = pd.concat([images, odd], ignore_index=True)
    found = scored(suite, folder_of(both))
    assert found.counts is not None
    assert (found.counts.answered, found.counts.scored, found.counts.unscored) == (82, 76, 6)
    (label,) = found.answers
    assert (label.label, label.fate, label.images) == ("granuloma", "unknown", 6)
    for model in label.models:
        for level in model.levels:
            shares = [one.share.value or 0.0 for one in level.answers]
            assert sum(shares) == pytest.approx(1.0)
            assert all(one.share.low is not None for one in level.answers)
            assert [one.target for one in level.sure] == [0.01, 0.05]
    folder = folder_of(both)
    runs = runs_of(folder, "paper", "colour")
    tops = np.concatenate([p[labels == ROOT].max(axis=1) for labels, p in runs])
    (model,) = (m for m in label.models if (m.protocol, m.baseline) == ("paper", "colour"))
    assert model.levels[1].confidence.value == pytest.approx(tops.mean())


def test_images_set_aside_are_never_scored_and_a_temperature_mends_what_is_too_sure(
    suite: FinishedSuite, images: pd.DataFrame, result: ExternalResult
) -> None:
    aside = images_of({"benign": 30, "adenocarcinoma": 30}).assign(role="calibration")
    aside["image"] = "aside/" + aside["image"]
    aside["group"] = "aside-" + aside["group"]
    both = pd.concat([images, aside], ignore_index=True)

    def apart(of: pd.DataFrame, *who: Any) -> np.ndarray:
        rows = (of["role"] == "").to_numpy()
        return np.concatenate([drawn(of[rows], *who), drawn(of[~rows], *who)])

    found = scored(suite, folder_of(both, apart))
    assert [level.scores for level in found.levels] == [level.scores for level in result.levels]
    assert found.counts is not None
    assert (found.counts.calibration, found.counts.scored) == (60, 76)
    assert found.sureness == result.sureness
    (one,) = (c for c in found.calibration if (c.protocol, c.baseline) == ("grouped", "colour"))
    assert (one.images, one.groups) == (60, 30)
    values = {
        (when, score.metric): score.estimate.value
        for when in ("before", "after")
        for score in getattr(one.levels[0], when)
    }
    assert (values["after", "log_loss"] or 9) < (values["before", "log_loss"] or 0)
    assert {score.metric for score in one.levels[0].difference} >= {"log_loss", "brier_score"}
    assert [node.node for node in one.nodes] == ["malignant"]
    assert one.nodes[0].point.chosen_sensitivity >= 0.95


def test_patients_have_one_answer_from_the_mean_of_their_images(
    suite: FinishedSuite, images: pd.DataFrame
) -> None:
    patients = images.assign(unit=images["group"], group=images["group"])
    patients.loc[patients["image"] == "benign/00.png", ["unit", "group"]] = "adenocarcinoma-0"
    folder = folder_of(patients, unit="patient")
    units = scored(suite, folder).units
    assert units is not None
    assert (units.unit, units.images, units.contradictory) == ("patient", 76, 1)
    level = units.levels[0]
    assert level.images == patients["unit"].nunique() - 1  # the one of two branches
    (score,) = (s for s in level.scores if (s.protocol, s.baseline) == ("paper", "colour"))
    right = []
    for _, p in runs_of(folder, "paper", "colour"):
        means = pd.DataFrame(p).groupby(patients["unit"].to_numpy()).mean()
        means = means.drop("adenocarcinoma-0")
        malignant = ~means.index.str.startswith("benign")
        right.append((means[0].to_numpy() < 0.5) == malignant)
    assert score.accuracy.value == pytest.approx(np.mean(right))
    assert score.accuracy.groups == level.images
    assert score.accuracy.low is not None


@given(st.sets(st.sampled_from(TREE.nodes), min_size=1))
def test_the_common_label_is_above_or_on_the_path_of_all(labels: set[str]) -> None:
    found = common_label(labels, TREE)
    if found in labels:
        assert all(TREE.is_under(found, one) or TREE.is_under(one, found) for one in labels)
    else:
        assert found == ROOT or all(TREE.is_under(one, found) for one in labels)


def test_without_units_nothing_is_said_by_unit(result: ExternalResult) -> None:
    assert result.units is None
    assert result.groups_known
