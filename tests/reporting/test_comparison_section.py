"""The section on paired comparisons: tables, n, and the sentence on halved confusions."""

import pytest

from lcbench.rendering.comparison_section import comparison_section

from .pages import column, folded, section, tables

PROTOCOLS = ["paper", "grouped"]
TESTS = [
    "mcnemar-exact", "mcnemar-mid-p", "mcnemar-corrected", "obuchowski", "durkalski", "yang",
    "sign-flip",
]  # fmt: skip
EFFECTS = [
    "difference, points", "fewer than the reference, %", "odds ratio", "sign-flip p", "Holm p",
    "smallest difference it could show, points",
]  # fmt: skip
FOLDED = {
    "any-error": "Errors of any kind",
    "benign-malignant": "Errors between benign and the rest",
}
CLAIM = 'A claim of "more than 50 % fewer confusions than the reference" is supported for: '


@pytest.fixture(scope="module")
def part(page):
    return section(page, "## Subtype confusions against reference")


def under(part, protocol):
    return section(part, f"### Under the {protocol} protocol")


def written(cell):
    return float(cell.split(" ")[0].replace("−", "-").replace(",", ""))


def test_three_events_and_every_test_of_them(part):
    headers = [one[0] for one in tables(part)]
    rates = ["confusion rate, %", "reference, %"]
    discordant = ["discordant, seed 0", "discordant, all seeds"]
    assert headers == 2 * [
        ["baseline", *rates, *EFFECTS],
        *2 * [["baseline", *EFFECTS]],
        *3 * [["baseline", *discordant, *TESTS]],
    ]
    assert {len(one) for one in tables(part)} == {7}
    assert part.count("<details>") == part.count("</details>") == 6


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_visible_table_holds_the_results(part, core_results, protocol):
    found = tables(under(part, protocol))[0]
    result = core_results.protocol(protocol)
    for row, one in zip(found[1:], result.comparisons_on("subtype-confusion"), strict=True):
        assert row[0] == one.baseline
        cells = dict(zip(found[0], row, strict=True))
        assert written(cells["difference, points"]) == pytest.approx(
            100 * one.difference.value, abs=0.051
        )
        assert written(cells["smallest difference it could show, points"]) == pytest.approx(
            100 * one.detectable, abs=0.051
        )
        for header, value, scale, tolerance in (
            ("fewer than the reference, %", one.relative_reduction.value, 100, 0.51),
            ("odds ratio", one.odds_ratio.value, 1, 0.051),
        ):
            if value is None:
                assert cells[header] == "–"
            elif value == float("inf"):
                assert cells[header].startswith("∞ [")
            else:
                assert written(cells[header]) == pytest.approx(scale * value, abs=tolerance)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_event_says_n_and_its_family(part, core_results, protocol):
    text = under(part, protocol)
    family = (
        "Family of tests for the Holm adjustment: 6 comparisons (majority, colour, knn, "
        "hierarchical-cascade, hierarchical-two-head and tf_efficientnet_lite1)."
    )
    assert text.count(family) == 3
    result = core_results.protocol(protocol)
    for event, images in (
        ("subtype-confusion", "images of a subtype"),
        ("any-error", "images"),
        ("benign-malignant", "images"),
    ):
        one = result.comparisons_on(event)[0]
        place = folded(text, f"{FOLDED[event]}, {protocol} protocol") if event in FOLDED else text
        assert (
            f"All seeds, source groups as the unit. n: {one.test().n} predictions for {images} in "
            f"{one.groups} source groups."
        ) in place


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_paired_test(part, core_results, protocol):
    text = folded(under(part, protocol), f"Every paired test, {protocol} protocol")
    assert "look at seed 0 alone, in which every image counts once" in text
    assert "The one to read is sign-flip" in text
    result = core_results.protocol(protocol)
    events = ("any-error", "subtype-confusion", "benign-malignant")
    for found, event in zip(tables(text), events, strict=True):
        comparisons = result.comparisons_on(event)
        assert column(found, "discordant, seed 0") == [
            f"{one.test('mcnemar-exact').only_reference} / "
            f"{one.test('mcnemar-exact').only_baseline}"
            for one in comparisons
        ]
        assert column(found, "discordant, all seeds") == [
            f"{one.test().only_reference} / {one.test().only_baseline}" for one in comparisons
        ]
    first = result.comparisons_on("subtype-confusion")[0]
    assert (
        f"*Subtype confusions*, n: {first.test('mcnemar-exact').n} predictions of seed 0, "
        f"{first.test().n} of all seeds, {first.groups} source groups"
    ) in text


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_cochrans_q_is_said_for_every_event(part, core_results, protocol):
    text = under(part, protocol)
    for one in core_results.protocol(protocol).omnibus:
        words = f"Cochran's Q over all 7 baselines: {one.statistic:,.1f}, p "
        place = (
            folded(text, f"{FOLDED[one.event]}, {protocol} protocol")
            if one.event in FOLDED
            else text
        )
        assert words in place
        assert f"from permuting the baselines within {one.groups} source groups." in place


def with_reductions(results, limits, subtype_accuracy=0.999):
    """Give the subtype confusions of some baselines other limits of the relative reduction."""

    def reduced(one):
        low = limits.get(one.baseline)
        if one.event != "subtype-confusion":
            return one
        update = {"value": 0.9, "low": low, "high": 0.95} if low is not None else {"low": None}
        estimate = one.relative_reduction.model_copy(update=update)
        return one.model_copy(update={"relative_reduction": estimate})

    def accurate(scores):
        if scores.baseline == results.reference:
            return scores
        one = scores.metrics.subtype_accuracy.model_copy(update={"value": subtype_accuracy})
        metrics = scores.metrics.model_copy(update={"subtype_accuracy": one})
        return scores.model_copy(update={"metrics": metrics})

    grouped = results.protocol("grouped")
    changed = grouped.model_copy(
        update={
            "comparisons": tuple(reduced(one) for one in grouped.comparisons),
            "baselines": tuple(accurate(scores) for scores in grouped.baselines),
        }
    )
    return results.model_copy(update={"protocols": (changed,)})


@pytest.mark.parametrize(
    ("limits", "accuracy", "supported"),
    [
        ({}, 0.999, "no baseline"),
        ({"knn": 0.5, "colour": 0.3}, 0.999, "no baseline"),
        ({"knn": 0.501}, 0.999, "knn"),
        ({"knn": 0.7, "hierarchical-cascade": 0.6}, 0.999, "knn and hierarchical-cascade"),
        ({"knn": 0.7}, 0.1, "knn (with a lower subtype accuracy)"),
    ],
)
def test_what_supports_a_claim_of_half_as_many(core_results, limits, accuracy, supported):
    text = comparison_section(with_reductions(core_results, limits, accuracy))
    assert f"{CLAIM}{supported}.\n" in text


def test_the_sentence_speaks_of_the_data(part, core_results):
    """Under grouped the reference confuses 29 of 480, majority none, hierarchical-cascade 3."""
    assert f"{CLAIM}majority (with a lower subtype accuracy).\n" in under(part, "grouped")
    assert f"{CLAIM}no baseline.\n" in under(part, "paper")
    cascade = next(
        one
        for one in core_results.protocol("grouped").comparisons_on("subtype-confusion")
        if one.baseline == "hierarchical-cascade"
    )
    assert cascade.relative_reduction.low < 0.5 < cascade.relative_reduction.value
