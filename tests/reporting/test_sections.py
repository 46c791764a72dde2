"""The Markdown of the core report: order of the sections, tables, links."""

import re

import pytest

from .pages import column, section, table, tables


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


def test_every_table_is_a_table_with_full_rows(page):
    found = tables(page)
    sources = len(re.findall(r"^\| :---", page, flags=re.MULTILINE))
    assert len(found) == sources == 33
    for one in found:
        assert len(one) > 1
        assert len({len(row) for row in one}) == 1
        assert all(text for row in one for text in row)


def test_no_number_is_missing_or_raw(page):
    cells = " ".join(text for one in tables(page) for row in one for text in row)
    assert not re.search(r"(?i)\b(nan|inf|infinity|none|null|true|false|e-\d\d)\b", cells)
    assert not re.search(r"\b(nan|inf|None|e-\d\d)\b", page)
    assert not re.search(r"[ |\[]-\d", page), "a hyphen where a minus sign belongs"
    assert not re.search(r"\d\.\d{4,}", page.replace("arXiv 2510.16310", ""))


def test_protocol_table(page, core_results):
    for protocol in ("paper", "grouped"):
        part = section(page, f"## Scores under the {protocol} protocol")
        found = tables(part)[0]
        assert found[0] == [
            "baseline", "accuracy, %", "macro F1, %", "benign sensitivity, %",
            "benign specificity, %", "subtype accuracy, %",
            "adenocarcinoma/squamous cell carcinoma confusions a seed", "the same, % of malignant",
        ]  # fmt: skip
        assert [row[0] for row in found[1:]] == [one.baseline for one in core_results.baselines]
        cell = re.compile(r"\d+\.\d+ \[\d+\.\d+,\u00a0\d+\.\d+\]")
        assert all(cell.fullmatch(text) for row in found[1:] for text in row[1:])


def test_what_the_numbers_rest_on(page):
    part = section(page, "## Scores under the grouped protocol")
    assert (
        "n: 360 distinct test images, 720 predictions a baseline over 2 seeds, 60 source groups "
        "resampled. In brackets: 95 % score interval, its standard error from 400 bootstrap "
        "resamples of source groups with all their predictions. A share of 0 or 100 % gets "
        "Wilson's interval on source groups. Confusions are the mean count of one seed.\n"
    ) in part
    assert "Confusions are" not in section(page, "## Each class")
    assert page.count("score interval, its standard error from") == 4


def test_cells_hold_the_results(page, core_results):
    grouped = core_results.protocol("grouped")
    part = section(page, "## Scores under the grouped protocol")
    for row, scores in zip(tables(part)[0][1:], grouped.baselines, strict=True):
        accuracy = float(row[1].split(" ")[0])
        assert accuracy == pytest.approx(100 * scores.metrics.accuracy.value, abs=0.051)
        count = float(row[6].split(" ")[0])
        assert count == pytest.approx(scores.metrics.subtype_confusions.value, abs=0.051)


def test_class_tables_are_folded(page, core_results):
    part = section(page, "## Each class")
    assert part.count("<details>") == part.count("</details>") == 2
    for found, result in zip(tables(part), core_results.protocols, strict=True):
        assert found[0] == [
            "baseline", "class", "precision, %", "recall, %", "F1, %", "AUROC, %",
            "average precision, %", "found / images",
        ]  # fmt: skip
        each = [one for scores in result.baselines for one in scores.classes]
        assert column(found, "found / images") == [
            f"{one.recall.count} / {one.images}" for one in each
        ]
        never = [text == "–" for text in column(found, "precision, %")]
        assert never == [one.precision.value is None for one in each]
        assert sum(never) == 2, "majority calls nothing a subtype"


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


def test_left_out(page):
    part = section(page, "## What was left out, and why")
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
    assert len(targets) == 8
    assert all((core_report.readme.parent / target).is_file() for target in targets)
