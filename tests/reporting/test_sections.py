"""The Markdown of the report: order, tables, and what it says where something is missing."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from lcbench.reporting.analysis import analyse
from lcbench.reporting.collect import read_suite
from lcbench.reporting.external_section import level_words
from lcbench.reporting.report import render
from lcbench.runs.records import TaxonomyRecord

PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
FIGURES = {"Intervals": Path("figures/intervals.png")}
WARNING = "source groups unknown: images resampled, intervals too narrow"


def tables(source):
    """Return each table as a list of rows of cell texts, as GitHub would see them."""
    found = []
    for place, token in enumerate(tokens := PARSER.parse(source)):
        if token.type == "table_open":
            found.append([])
        elif token.type == "tr_open":
            found[-1].append([])
        elif token.type in ("th_open", "td_open"):
            children = tokens[place + 1].children
            found[-1][-1].append("".join(child.content for child in children))
    return found


def table(source, first_header, second_header):
    (found,) = [one for one in tables(source) if one[0][:2] == [first_header, second_header]]
    return found


@pytest.fixture(scope="module")
def page(core_report):
    return core_report.readme.read_text()


@pytest.fixture
def rendered(tmp_path, make):
    """Return a function from a shape to its results and its page, without pictures."""

    def run(shape, resamples=100):
        suite = read_suite(make(tmp_path, shape))
        results = analyse(suite, command="", resamples=resamples, advance=lambda _: None)
        return results, render(results, FIGURES)

    return run


def test_order_of_the_sections(page):
    headings = [line for line in page.splitlines() if re.match(r"#{1,2} ", line)]
    assert headings == [
        "# Suite core on demo",
        "## Scores under the paper protocol",
        "## Scores under the grouped protocol",
        "## Paper score beside grouped score",
        "## Subtype confusions against reference",
        "## Pictures",
        "## Each class",
        "## Efficiency",
        "## The paper's claims beside what was measured",
        "## External folders",
        "## What was left out, and why",
        "## Provenance",
    ]


def test_the_first_lines(page):
    assert "synthetic demonstration data" in page[:120]
    assert page.index("Findings") < page.index("figures/intervals.png") < page.index("\n## ")
    assert "360 images (120 benign, 120 adenocarcinoma and 120 squamous cell carcinoma)" in page
    assert "; 60 source groups; protocols: " in page
    assert "Source groups: the drawing program, which knows them." in page
    assert "paper (2 seeds, 2 splits) and grouped (2 seeds, 10 splits)" in page


def test_real_data_is_not_called_synthetic(rendered, shape):
    _, page = rendered(replace(shape, synthetic=False))
    assert "synthetic" not in page


def test_every_table_is_a_table_with_full_rows(page):
    found = tables(page)
    sources = len(re.findall(r"^\| :---", page, flags=re.MULTILINE))
    assert len(found) == sources == 17
    for one in found:
        assert len(one) > 1
        assert len({len(row) for row in one}) == 1
        assert all(text for row in one for text in row)


def test_no_number_is_missing_or_raw(page):
    assert not re.search(r"\b(nan|inf|None|e-0\d)\b", page)
    assert not re.search(r"[ |\[]-\d", page), "a hyphen where a minus sign belongs"
    assert not re.search(r"\d\.\d{4,}", page.replace("arXiv 2510.16310", ""))


def test_protocol_table(page, core_results):
    for protocol in ("paper", "grouped"):
        part = page.split(f"## Scores under the {protocol} protocol")[1].split("\n## ")[0]
        (found,) = tables(part)
        assert found[0] == [
            "baseline", "accuracy, %", "macro F1, %", "benign sensitivity, %",
            "benign specificity, %", "subtype accuracy, %",
            "adenocarcinoma/squamous cell carcinoma confusions a seed", "the same, % of malignant",
        ]  # fmt: skip
        assert [row[0] for row in found[1:]] == [one.baseline for one in core_results.baselines]
        cell = re.compile(r"\d+\.\d+ \[\d+\.\d+,\u00a0\d+\.\d+\]")
        assert all(cell.fullmatch(text) for row in found[1:] for text in row[1:])
        assert "95 % interval, 400 bootstrap resamples of source groups" in part
    assert "360 distinct test images, 720 predictions a baseline over 2 seeds, 60 source" in part


def test_cells_hold_the_results(page, core_results):
    grouped = core_results.protocol("grouped")
    part = page.split("## Scores under the grouped protocol")[1].split("\n## ")[0]
    for row, scores in zip(tables(part)[0][1:], grouped.baselines, strict=True):
        accuracy = float(row[1].split(" ")[0])
        assert accuracy == pytest.approx(100 * scores.metrics.accuracy.value, abs=0.051)
        count = float(row[6].split(" ")[0])
        assert count == pytest.approx(scores.metrics.subtype_confusions.value, abs=0.051)


def test_comparison_tables(page):
    part = page.split("## Subtype confusions against reference")[1].split("\n## ")[0]
    found = tables(part)
    assert [one[0][-3:] for one in found] == 2 * [
        ["smallest difference it could show, points", "sign-flip p", "Holm p"],
        ["odds ratio b/c", "exact p", "Holm p"],
    ]
    assert {len(one) for one in found} == {7}
    assert part.count("assumes independent images") == 2
    assert part.count("the one to read when groups are known") == 2
    assert "6 comparisons (majority, colour, knn, hierarchical-cascade" in part
    assert "∞" in part


def test_class_tables_are_folded(page):
    part = page.split("## Each class")[1].split("\n## ")[0]
    assert part.count("<details>") == part.count("</details>") == 2
    assert {len(one) for one in tables(part)} == {1 + 7 * 3}


def test_efficiency(page):
    found = table(page, "baseline", "parameters")
    assert found[1] == ["majority", "1,200", "1,200", "–", "–", "11.4", "812", "cpu, bf16", "12"]
    assert found[4][:5] == ["reference", "3,564,355", "164,355", "0.38", "234"]


def test_claims(page):
    found = table(page, "claim", "protocol")
    assert len(found) == 1 + 5 * 2
    assert {row[3] for row in found[1:]} == {"cannot be judged"}
    assert "No verdict is possible here: the data are synthetic." in page
    assert "Mind that the backbone is" in page
    assert "would be 27 errors, not 17" in page


def test_external(page):
    part = page.split("## External folders")[1].split("\n## ")[0]
    assert "### chest-ct" in part
    assert part.count("On chest-ct, ") == 2
    assert "the best of 12 models" in part
    assert "238 images, of which 234 are scored; 1 byte-identical copy, resampled with" in part
    scores, labels = tables(part)
    assert len(scores) == 1 + 14
    assert labels[0] == ["label", "read as", "images"]
    assert ["large.cell.carcinoma", "malignant", "51"] in labels
    assert ["what?|<b>", "left out: unknown", "4"] in labels
    for words in (
        "normal/x.png: truncated file",
        "normal/3.png = adenocarcinoma/7.png",
        "tf_efficientnet_lite1: weights are gone",
    ):
        assert words in part
    assert WARNING in part


def test_left_out(page):
    part = page.split("## What was left out, and why")[1].split("\n## ")[0]
    assert "convnext_tiny: no weights on this machine" in part
    assert "grouped/reference-finetuned/seed0-fold0: failed: out of memory" in part
    assert "bad/broken.png: truncated file" in part


def test_provenance(page):
    part = page.split("## Provenance")[1]
    for words in (
        "lcbench run --suite core --data demo --offline",
        "lcbench report runs",
        "`0123456789abcdef`",
        "lcbench 0.1.0, python 3.11.7, torch 2.8.0",
        "`" + "d" * 64 + "`",
        "`" + "a" * 64 + "`",
        "224 px, bicubic, crop 0.875",
        "cpu, bf16",
    ):
        assert words in part
    splits = table(part, "protocol", "seed")
    assert len(splits) == 1 + 2 + 10


def test_links_point_at_files_that_exist(page, core_report):
    targets = re.findall(r"\]\(([^)]+)\)", page)
    assert len(targets) == 7
    assert all((core_report.readme.parent / target).is_file() for target in targets)


def test_one_protocol_and_one_seed(rendered, shape):
    results, page = rendered(replace(shape, protocols=("paper",)))
    assert results.drops == ()
    assert (
        "This needs a baseline with runs under both paper and grouped. There are runs under paper."
        in page
    )
    assert "paper (1 seed, 1 split)" in page
    assert "there is no grouped run" in page
    tables(page)


def test_missing_folds_are_said(tmp_path, make, shape, fail):
    folder = make(tmp_path, replace(shape, protocols=("grouped",)))
    for baseline in shape.baselines:
        fail(folder / "grouped" / baseline / "seed0-fold2")
    results = analyse(read_suite(folder), command="", resamples=50, advance=lambda _: None)
    assert results.protocols[0].notes == (
        "Not every fold is here: 96 of 120 images were tested in the seed with the fewest.",
    )
    assert "96 of 120 images were tested" in render(results, FIGURES)


def test_no_reference(rendered, shape):
    results, page = rendered(replace(shape, baselines=("majority", "colour")))
    assert all(result.comparisons == () for result in results.protocols)
    assert "The reference, reference, has no finished run, so no baseline is compared" in page
    assert {one.verdict for one in results.claims} == {"cannot be judged"}


def test_only_the_reference(rendered, shape):
    _, page = rendered(replace(shape, baselines=("reference",)))
    assert "No other baseline has test images in common with the reference." in page
    assert "there is no other baseline to set beside" in page


def test_unknown_groups_are_said_beside_every_interval(rendered, shape):
    results, page = rendered(replace(shape, groups_known=False, external="ct"))
    paper = results.protocol("paper")
    assert not paper.groups_known
    assert paper.groups == paper.images
    for heading in ("## Scores under the paper protocol", "### Under the paper protocol"):
        assert f"{heading} ({WARNING})" in page
    assert page.count(WARNING) >= 8
    assert "resamples of images with all their predictions" in page
    assert "source groups unknown" in results.findings[-1].casefold()


def test_zero_errors_have_an_interval_and_p_is_one(rendered, shape, recipe):
    perfect = {name: recipe(0.0, 0.0) for name in ("knn", "reference")}
    results, page = rendered(
        replace(shape, baselines=("knn", "reference"), recipes=perfect), resamples=50
    )
    for result in results.protocols:
        for scores in result.baselines:
            assert scores.metrics.accuracy.value == 1
            assert 0 < scores.metrics.accuracy.low < 1
            assert scores.metrics.subtype_confusions.high > 0
        (one,) = result.comparisons
        assert (one.p, one.p_holm, one.first_seed.p) == (1, 1, 1)
        assert one.difference.low < 0 < one.difference.high
    assert "knn and the reference score highest in accuracy, with 100.00 % [" in page
    assert "no errors to look at" in page
    assert not re.search(r"\b(nan|inf)\b", page)


def test_a_tree_without_negative_and_subtypes_drops_their_columns(rendered, shape):
    leaves = ("liver", "spleen", "kidney")
    taxonomy = TaxonomyRecord(
        name="organs", parents=dict.fromkeys(leaves, "root"), negative=None, subtypes_of=None
    )
    results, page = rendered(replace(shape, taxonomy=taxonomy, leaves=leaves))
    assert results.claims == ()
    part = page.split("## Scores under the grouped protocol")[1].split("\n## ")[0]
    assert tables(part)[0][0] == ["baseline", "accuracy, %", "macro F1, %"]
    assert "Confusions are" not in part
    assert "The class tree names no subtypes, so there are no confusions to compare." in page
    assert "so the claims do not apply" in page


def test_random_weights_are_flagged_in_every_table(rendered, shape):
    _, page = rendered(replace(shape, random_weights=True, external="ct"))
    for one in tables(page):
        for row in one[1:]:
            if one[0][0] == "baseline" and row[0].startswith("reference"):
                assert row[0] == "reference (random weights)"
    assert page.count("**reference (random weights)**") >= 10
    assert "Warning: reference uses random weights" in page


def test_hostile_names_stay_text(rendered, shape, recipe):
    name = "a|b<script>"
    results, page = rendered(
        replace(
            shape,
            baselines=(name, "reference"),
            recipes={name: recipe(0.2, 0.1), "reference": recipe(0.1, 0.1)},
            dataset="demo\n# heading <img src=x>",
        )
    )
    assert results.baselines[0].baseline == name
    html = PARSER.render(page)
    assert "<script>" not in html
    assert "<img src=x>" not in html
    assert "<h1>Suite core on demo # heading &lt;img src=x&gt;</h1>" in html
    for one in tables(page):
        assert len({len(row) for row in one}) == 1


def external_level(core_results, differences):
    (folder,) = core_results.external
    level = folder.levels[0]
    scores = []
    for number, (low, value, high) in enumerate(differences):
        score = level.scores[1 + number]
        accuracy = score.accuracy.model_copy(update={"value": 0.876 + value})
        difference = score.difference.model_copy(update={"value": value, "low": low, "high": high})
        scores.append(score.model_copy(update={"accuracy": accuracy, "difference": difference}))
    return level.model_copy(update={"scores": (level.scores[0], *scores)})


@pytest.mark.parametrize(
    ("differences", "words"),
    [
        (
            [(0.01, 0.04, 0.07), (-0.05, -0.03, -0.01), (-0.01, 0.0, 0.01)],
            "the best of 3 models, colour trained under paper (chosen afterwards), is 4.0 points "
            "above the majority rate [+1.0, +7.0]: 91.6 % against 87.6 % for always answering "
            "malignant. Of the 3 models, 1 are shown to be above the majority rate and 1 below",
        ),
        (
            [(-0.01, 0.02, 0.05), (-0.05, -0.03, -0.01)],
            "(chosen afterwards), is not shown to be above the majority rate, +2.0 [−1.0, +5.0] "
            "points: 89.6 % against 87.6 %",
        ),
        (
            [(-0.05, -0.02, -0.01), (-0.06, -0.03, -0.01)],
            "is 2.0 points below the majority rate [−5.0, −1.0]: 85.6 % against 87.6 %",
        ),
        ([(0.01, 0.04, 0.07)], "(234 images): colour trained under paper is 4.0 points above"),
    ],
)
def test_external_words(core_results, differences, words):
    assert words in level_words("ct", external_level(core_results, differences))
