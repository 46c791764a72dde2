"""The Markdown page: everything is in it, and names from outside stay text."""

from __future__ import annotations

import re

import numpy as np
import pytest
from markdown_it import MarkdownIt

from lcbench.rendering.compare_page import render

from .foreign import LEAVES, Model, compare, random_model


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Three models with groups; the last one has no probabilities, and not every image."""
    folder = tmp_path_factory.mktemp("page")
    models = [random_model(seed, groups=30, chances=seed != 3) for seed in (1, 2, 3)]
    paths = [model.write(folder / f"m{seed}.csv") for seed, model in enumerate(models, start=1)]
    lines = paths[2].read_text().splitlines()
    paths[2].write_text("\n".join([lines[0], *lines[8:]]) + "\n")
    return compare(*paths)


@pytest.fixture(scope="module")
def page(results):
    return render(results, "lcbench compare m1.csv m2.csv m3.csv")


def tables(page):
    """Return every table as rows of cells; the first row is the headers."""
    blocks = re.findall(r"(?:^\|.*\n)+", page, re.MULTILINE)
    split = [[re.split(r"(?<!\\) \| ", line[2:-2]) for line in b.splitlines()] for b in blocks]
    return [[rows[0], *rows[2:]] for rows in split]


def table_under(page, heading):
    return tables(page.split(f"{heading}\n", 1)[1])[0]


def test_it_has_every_part_once(page):
    headings = [line for line in page.splitlines() if line.startswith("#")]
    assert headings == [
        "# Comparison of m1, m2 and m3",
        "## Metrics",
        "## Paired comparisons",
        "### Errors of any kind",
        "### Subtype confusions: one subtype taken for another",
        "### Errors between benign and the rest",
        "## Provenance",
    ]
    assert page.count("<details>") == page.count("</details>") == 5
    assert page.endswith("```sh\nlcbench compare m1.csv m2.csv m3.csv\n```\n")
    assert not re.search(r"\b(nan|None|inf)\b", page)
    assert "not a medical device" in page


def test_it_says_what_the_numbers_rest_on(page):
    bullets = [line[2:] for line in page.split("## Metrics")[0].splitlines() if line[:2] == "- "]
    assert bullets[:2] == [
        "113 images that all models have, matched by image name; 113 predictions of each model.",
        "30 source groups, resampled 200 times.",
    ]
    assert "95 %" in bullets[2]
    names = ", ".join(f"x/{number:04d}.png" for number in range(5))
    assert bullets[3] == f"7 images of m1 without a partner, left out: {names}, and 2 more."
    assert bullets[4].startswith("7 images of m2 ")
    assert "Note: all models: no column sha256: images are matched by name." in bullets
    assert any(line.startswith("Note: m3: no columns p:&lt;class&gt;") for line in bullets)


def test_numbers_of_metrics_are_the_results(page, results):
    headers, *rows = table_under(page, "## Metrics")
    assert headers == ["metric", "m1", "m2", "m3", "count", "n", "source groups"]
    cells = {row[0]: row[1:] for row in rows}
    known = [results.metric(model, "accuracy") for model in results.models]
    for row, written in zip(known, cells["accuracy, %"][:3], strict=True):
        assert written == f"{row.value:.1%} [{row.low:.1%}, {row.high:.1%}]".replace("%", "")
    assert cells["accuracy, %"][3:] == [" · ".join(str(row.count) for row in known), "113", "30"]
    assert "benign sensitivity, %" in cells
    assert cells["log loss"][2] == "–"
    assert re.fullmatch(r"\d\.\d{3} \[\d\.\d{3}, \d\.\d{3}\]", cells["log loss"][0])


def test_every_metric_is_in_the_folded_table(page, results):
    headers, *rows = table_under(page, "<summary>Every metric</summary>")
    assert len(rows) == len({row.name for row in results.metrics})
    cells = {row[0]: dict(zip(headers, row, strict=True)) for row in rows}
    precision = cells["precision of squamous cell carcinoma, %"]
    known = [results.metric(m, f"precision:{LEAVES[2]}") for m in results.models]
    assert precision["n"] == " · ".join(str(row.n) for row in known)
    assert precision["count"] == " · ".join(str(row.count) for row in known)


def test_a_count_stands_under_its_own_model(results):
    """Also where the first model lacks what the others have."""
    rows = tuple(
        row for row in results.metrics if (row.model, row.name) != ("m1", "precision:benign")
    )
    page = render(results.model_copy(update={"metrics": rows}), "")
    headers, *found = table_under(page, "<summary>Every metric</summary>")
    cells = next(row for row in found if row[0] == "precision of benign, %")
    assert dict(zip(headers, cells, strict=True))["count"].startswith("– · ")
    assert "```" not in page


def test_a_pair_is_a_row_of_its_event(page, results):
    headers, *rows = table_under(page, "### Errors of any kind")
    assert [row[:2] for row in rows] == [["m1", "m2"], ["m1", "m3"], ["m2", "m3"]]
    effect = results.effects[0]
    test = results.test(effect, "sign-flip")
    cells = dict(zip(headers, rows[0], strict=True))
    assert (cells["only first"], cells["only second"]) == (str(test.only_a), str(test.only_b))
    assert cells["difference, points"].startswith(
        f"{100 * effect.difference.value:+.1f}".replace("-", "\N{MINUS SIGN}")
    )
    assert cells["could show, points"] == f"{100 * effect.detectable:.1f}"
    assert "sign-flip p" in cells
    assert "Holm p" in cells
    assert page.count("Cochran's Q over all 3 models") == 3


def test_every_test_of_every_pair_is_there(page, results):
    headers, *rows = table_under(page, "<summary>Every test</summary>")
    names = [str(name) for name in dict.fromkeys(test.name for test in results.tests)]
    assert [row[2] for row in rows] == names * 3
    assert {row[2]: row[3] for row in rows} == {
        name: "images" if name.startswith("mcnemar") else "source groups" for name in names
    }
    assert headers[-1] == "Holm p"


def test_each_difference_has_its_sign_and_unit(page, results):
    headers, *rows = table_under(page, "<summary>Differences of every metric</summary>")
    assert headers == ["first", "second", "metric", "difference"]
    assert len(rows) == len(results.differences)
    for row, known in zip(rows, results.differences, strict=True):
        if abs(known.value) > 0.01:
            assert row[3][0] == ("+" if known.value > 0 else "\N{MINUS SIGN}"), row
    units = {row[2].split(", ")[0]: row[2].partition(", ")[2] for row in rows}
    assert (units["accuracy"], units["F1 of benign"]) == ("points", "points")
    assert (units["Cohen's kappa"], units["log loss"]) == ("", "")


@pytest.mark.parametrize("name", ["[red]x", "a|b", "<b>x</b>", "`c`", "*d*", "![x](http://y)"])
def test_names_from_outside_stay_text(name, tmp_path):
    path = random_model(1, n=12).write(tmp_path / "one.csv")
    page = render(compare(path, path, names=(name, "two")), "")
    html = MarkdownIt("commonmark", {"html": True}).enable("table").render(page)
    for mark in ("<b>", "<em>", "<code>", "<img", "<a "):
        assert mark not in html
    headers = re.findall(r"<th[^>]*>(.*?)</th>", html)
    assert len(headers[:6]) == 6
    assert {len(row) for rows in tables(page) for row in rows[:1]} <= {4, 6, 10}
    assert all(len(row) == len(rows[0]) for rows in tables(page) for row in rows)


def test_one_model_has_metrics_and_no_comparisons(tmp_path):
    page = render(compare(random_model(1, n=12).write(tmp_path / "one.csv")), "")
    assert page.startswith("# Metrics of one\n")
    assert "## Paired comparisons" not in page
    assert "12 images; 12 predictions" in page
    assert "source groups are unknown" in page


def test_groups_of_some_images_are_said_to_be_of_some(tmp_path):
    model = random_model(1, n=12, groups=4)
    group = np.where(np.arange(12) < 3, "", [f"g{code}" for code in model.groups])
    path = model.write(tmp_path / "one.csv", group=group)
    page = render(compare(path, path), "")
    assert "7 groups and single images, resampled 200 times" in page
    assert "the source groups of 3 images are unknown" in page


def test_no_upper_limit_is_written_as_infinity(tmp_path):
    path = random_model(1, n=12, groups=1, chances=True).write(tmp_path / "one.csv")
    found = compare(path)
    assert found.metric("one", "log_loss").high is None
    cells = next(row for row in table_under(render(found, ""), "## Metrics") if "log" in row[0])
    assert cells[1].endswith(", ∞]")


def test_one_of_a_thing_is_no_plural(tmp_path):
    one = np.array([1])
    path = Model(one, one, groups=one).write(tmp_path / "one.csv")
    page = render(compare(path, path), "")
    assert "1 image that all models have" in page
    assert "1 prediction of each model" in page
    assert "\n- 1 source group, resampled" in page
