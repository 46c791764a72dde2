"""Each sentence of the findings, for each outcome that the data can have."""

import pytest

from lcbench.analysis.measures import Estimate
from lcbench.rendering.findings import findings


def estimate(value, low, high):
    return Estimate(value=value, low=low, high=high, n=720, groups=60, method="m")


def changed(model, **changes):
    return model.model_copy(update=changes)


def with_protocol(results, name, change):
    protocols = tuple(change(one) if one.protocol == name else one for one in results.protocols)
    return changed(results, protocols=protocols)


def with_accuracies(results, name, values):
    def change(result):
        baselines = []
        for scores in result.baselines:
            value = values.get(scores.baseline)
            if value is not None:
                accuracy = estimate(value, value - 0.02, value + 0.01)
                metrics = changed(scores.metrics, accuracy=accuracy)
                baselines.append(changed(scores, metrics=metrics))
        return changed(result, baselines=tuple(baselines))

    return with_protocol(results, name, change)


def with_comparisons(results, values):
    """Give the subtype confusions of some baselines other numbers, and drop the other ones."""

    def change(result):
        comparisons = tuple(
            compared(one, *values[one.baseline])
            for one in result.comparisons
            if one.baseline in values and one.event == "subtype-confusion"
        )
        return changed(result, comparisons=comparisons)

    return with_protocol(results, "grouped", change)


def compared(one, difference, reduction, p):
    tests = tuple(
        changed(test, p_adjusted=p if test.name == "sign-flip" else 0.5) for test in one.tests
    )
    return changed(
        one,
        difference=estimate(*difference),
        relative_reduction=estimate(*reduction),
        tests=tests,
        detectable=0.021,
    )


def without(results, name):
    protocols = tuple(one for one in results.protocols if one.protocol != name)
    return changed(results, protocols=protocols, drops=())


def said(results):
    return "\n".join(findings(results))


def test_the_best_is_another_than_the_reference(core_results):
    results = with_accuracies(core_results, "grouped", {"reference": 0.9, "knn": 0.95})
    assert said(results).startswith(
        "Under the grouped protocol, with no source group on two sides, knn scores highest in "
        "accuracy, with 95.0 % [93.0, 96.0]; the reference reaches 90.0 % [88.0, 91.0]."
    )


def test_the_best_is_the_reference(core_results):
    results = with_accuracies(core_results, "grouped", {"reference": 0.96, "knn": 0.95})
    assert "the reference scores highest in accuracy, with 96.0 % [94.0, 97.0]; next comes knn" in (
        said(results)
    )


def test_several_are_best(core_results):
    results = with_accuracies(
        core_results, "grouped", {"reference": 0.96, "knn": 0.96, "colour": 0.8}
    )
    assert "knn and the reference score highest in accuracy" in said(results)
    assert "next comes colour with 80.0 %" in said(results)


def test_there_is_one_baseline_only(core_results):
    results = with_accuracies(core_results, "grouped", {"reference": 0.96})
    assert "; there is no other baseline to set beside." in said(results)


def test_there_is_no_reference(core_results):
    results = with_accuracies(core_results, "grouped", {"knn": 0.96, "colour": 0.8})
    results = changed(
        results, drops=tuple(drop for drop in results.drops if drop.baseline == "knn")
    )
    assert "knn scores highest in accuracy, with 96.0 % [94.0, 97.0]; the reference has no" in (
        said(results)
    )
    assert "knn scores higher under paper than under grouped" in said(results)


def test_a_reference_of_another_name_is_pointed_out(core_results):
    results = changed(core_results, reference="knn")
    assert "; the reference (knn) reaches" in said(results)
    assert "The reference (knn) scores higher under paper" in said(results)


@pytest.mark.parametrize(
    ("drop", "words"),
    [
        ((0.03, 0.01, 0.05), "The reference scores higher under paper than under grouped"),
        ((-0.03, -0.05, -0.01), "The reference scores lower under paper than under grouped"),
        (
            (0.002, -0.01, 0.02),
            "For the reference, no difference between paper and grouped is shown",
        ),
        ((0.0, 0.0, 0.0), "For the reference, no difference between paper and grouped is shown"),
    ],
)
def test_the_drop(core_results, drop, words):
    drops = tuple(
        changed(one, drop=estimate(*drop)) if one.baseline == "reference" else one
        for one in core_results.drops
    )
    assert words in said(changed(core_results, drops=drops))


def test_leakage_is_counted(core_results):
    text = said(core_results)
    assert "39 of 39 source groups in test are also in training (seed 0)" in text
    assert "100 % of the test images have an image of the same source there." in text


def test_leakage_cannot_be_counted_without_groups(core_results):
    def change(result):
        splits = tuple(
            changed(
                split,
                record=changed(
                    split.record,
                    test_with_siblings=None,
                    test_groups=None,
                    test_groups_in_train=None,
                ),
            )
            for split in result.splits
        )
        return changed(result, splits=splits, groups_known=False)

    results = without(with_protocol(core_results, "paper", change), "grouped")
    text = said(results)
    assert "Source groups are unknown, so how much of the paper protocol's test images" in text
    assert "cannot be said. The grouped protocol needs them." in text
    assert "Source groups unknown under paper: images resampled, intervals too narrow." in text
    assert "On the random split of images (paper protocol; there is no grouped run)" in text


def test_without_grouped_the_price_of_leakage_is_unknown(core_results):
    text = said(without(core_results, "grouped"))
    assert "What that is worth cannot be said without the grouped protocol." in text


def test_without_paper_nothing_is_said_about_leakage(core_results):
    text = said(without(core_results, "paper"))
    assert "There is no run of the paper protocol, so nothing is said here about leakage." in text
    assert "Under the grouped protocol, with no source group on two sides" in text


def test_colour_beside_the_majority(core_results):
    text = said(core_results)
    assert "The colours alone, without any shape, reach 86.2 % [" in text
    assert "] under paper; always answering the commonest class reaches 33.3 %." in text


def test_colour_alone(core_results):
    results = with_accuracies(without(core_results, "paper"), "grouped", {"colour": 0.8})
    assert "The colours alone, without any shape, reach 80.0 % [78.0, 81.0]." in said(results)


def test_no_colour_baseline(core_results):
    results = with_accuracies(core_results, "grouped", {"reference": 0.8})
    assert "colours" not in said(results)


FEWER = ((-0.03, -0.05, -0.01), (0.5, 0.2, 0.7), 0.004)
MORE = ((0.03, 0.01, 0.05), (-0.5, -1.2, -0.1), 0.0004)
NONE = ((-0.004, -0.02, 0.01), (0.12, -0.03, 0.25), 0.05)
NEVER = ((0.001, -0.02, 0.02), (None, None, None), 1.0)


def test_no_hierarchical_arm_differs(core_results):
    values = {"hierarchical-cascade": NONE, "hierarchical-two-head": NEVER}
    text = said(with_comparisons(core_results, values))
    assert (
        "No difference in adenocarcinoma/squamous cell carcinoma confusions from the reference is "
        "shown under grouped for: hierarchical-cascade −0.40 points [−2.00, +1.00], 12 % fewer "
        "[−3, 25] (Holm p = 0.050; smallest difference that could have been shown with a chance "
        "of 80 %: 2.1 points); hierarchical-two-head +0.10 points [−2.00, +2.00], none under the "
        "reference (Holm p = 1;"
    ) in text
    assert " makes " not in text


def test_hierarchical_arms_differ(core_results):
    values = {"hierarchical-cascade": FEWER, "hierarchical-two-head": MORE}
    text = said(with_comparisons(core_results, values))
    assert (
        "hierarchical-cascade makes fewer adenocarcinoma/squamous cell carcinoma confusions than "
        "the reference under grouped: −3.0 points [−5.0, −1.0], 50 % fewer [20, 70] (Holm p = "
        "0.004;"
    ) in text
    assert "hierarchical-two-head makes more" in text
    assert "+3.0 points [+1.0, +5.0], 50 % more [10, 120] (Holm p < 0.001;" in text
    assert "No difference in adeno" not in text


def test_only_the_test_to_read_decides(core_results):
    def change(result):
        comparisons = tuple(
            changed(
                one,
                tests=tuple(
                    changed(test, p_adjusted=1.0 if test.name == "sign-flip" else 0.001)
                    for test in one.tests
                ),
            )
            for one in result.comparisons
        )
        return changed(result, comparisons=comparisons)

    assert " makes " not in said(with_protocol(core_results, "grouped", change))


def test_other_events_are_no_confusions(core_results):
    def change(result):
        kept = tuple(one for one in result.comparisons if one.event == "any-error")
        return changed(result, comparisons=kept)

    text = said(with_protocol(core_results, "grouped", change))
    assert "The hierarchical baselines could not be compared with the reference." in text


def test_hierarchical_arms_were_not_run(core_results):
    flat = tuple(changed(one, hierarchical=False) for one in core_results.baselines)
    assert "There is no run of a hierarchical baseline." in said(
        changed(core_results, baselines=flat)
    )


def test_hierarchical_arms_cannot_be_compared(core_results):
    results = with_comparisons(core_results, {})
    assert "The hierarchical baselines could not be compared with the reference." in said(results)
    taxonomy = changed(results.taxonomy, subtypes_of=None)
    assert "The class tree names no subtypes on which" in said(changed(results, taxonomy=taxonomy))


def test_random_weights_are_a_warning(core_results):
    def randomise(one):
        backbone = one.backbone and changed(one.backbone, random=True)
        return changed(one, backbone=backbone)

    baselines = tuple(
        randomise(one) if one.baseline in ("knn", "reference") else one
        for one in core_results.baselines
    )
    text = said(changed(core_results, baselines=baselines))
    assert "Warning: knn and reference use random weights" in text
    assert "Warning" not in said(core_results)
