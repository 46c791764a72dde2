"""The page as a whole, in a browser: its parts, its policy, its looks, names that would be code."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lcbench.analysis.results import Results
from lcbench.rendering import formats
from lcbench.rendering.explorer.writing import write_list
from lcbench.rendering.report.findings import findings
from lcbench.runs.plan_records import RolesRecord
from lcbench.statistics.interval_model import Interval

from .. import suites
from .conftest import PHONE, WIDE, OpenPage, Write

if TYPE_CHECKING:
    from playwright.sync_api import Browser

HOSTILE = (
    "<script>document.title='taken'</script>", '"><img src=x onerror="document.title=\'taken\'">',
    "</script><script>document.title='taken'</script>", "a\u2028b\u2029c", "javascript:alert(1)",
    "rtl \u202egnp.exe", "=1+1|x`*_[y](http://evil.example)", "{{ 7*7 }}", "' onfocus='alert(1)",
)  # fmt: skip


def test_the_first_screen(lung: Path, open_page: OpenPage) -> None:
    results = suites.lung()
    page = open_page(lung)
    assert page.locator("h1").inner_text() == "Suite small on tiles"
    assert tuple(page.locator(".findings li").all_inner_texts()) == findings(results)
    models = [one for result in results.protocols for one in result.comparison.models]
    drawn = page.locator("#overview td.picture")
    off = drawn.get_by_text("off the scale").count()
    assert off == 2  # the floor, under each protocol
    assert drawn.locator("circle").count() == len(models) - off
    reference = page.locator("#overview tr.reference")
    assert reference.locator(".number").all_inner_texts() == [
        "98.0 [96.0,\N{NO-BREAK SPACE}100.0]",
        "91.0 [89.0,\N{NO-BREAK SPACE}93.0]",
        "+7.00 [+5.00,\N{NO-BREAK SPACE}+9.00]",
    ]
    page.get_by_text("Where these numbers come from").click()
    assert page.get_by_text("lcbench run --suite small --data tiles").is_visible()


@pytest.mark.parametrize(("viewport", "scheme"), [(WIDE, "light"), (PHONE, "dark")])
def test_everybody_can_use_it(
    lung: Path, open_page: OpenPage, viewport: dict[str, int], scheme: str
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    page = open_page(lung, viewport=viewport, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    page.locator("summary").click()
    page.emulate_media(reduced_motion="reduce")
    found = axe.Axe().run(page).response["violations"]
    bad = [one for one in found if one["impact"] in ("serious", "critical")]
    assert not [(one["id"], one["nodes"][0]["html"][:200]) for one in bad]


def test_the_keyboard_reaches_everything(lung: Path, open_page: OpenPage) -> None:
    page = open_page(lung)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    assert page.evaluate(outline) == "solid"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.get_by_role("link", name="Comparisons").focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "comparisons-title"
    assert page.evaluate("location.hash") == "#at=comparisons"
    page.locator("#scores button.sort").first.focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.textContent") == "baseline"


def test_dark_light_and_print(lung: Path, open_page: OpenPage) -> None:
    page = open_page(lung, color_scheme="light")
    paper = "getComputedStyle(document.body).backgroundColor"
    button = page.get_by_role("button", name="Colours")
    light = page.evaluate(paper)
    button.click()
    assert (button.inner_text(), page.evaluate(paper)) == ("Colours: light", light)
    button.click()
    assert button.inner_text() == "Colours: dark"
    assert page.evaluate(paper) != light
    page.reload()
    assert button.inner_text() == "Colours: dark"
    page.emulate_media(media="print")
    assert page.evaluate(paper) == light
    assert not page.locator("header.top").is_visible()


def test_the_browser_refuses_the_network_and_mark_up(lung: Path, browser: Browser) -> None:
    page, heard = browser.new_page(), []
    page.on("console", lambda message: heard.append(message.text))
    page.goto(lung.as_uri())
    tried = page.evaluate(
        """async () => {
          const tried = [];
          const attempt = async (what) => {
            try { await what(); tried.push("done"); } catch (error) { tried.push(error.name); }
          };
          await attempt(() => { document.body.innerHTML = "<b>x</b>"; });
          await attempt(() => fetch("https://evil.example"));
          for (const [tag, attributes] of [
            ["a", {href: "javascript:alert(1)"}], ["a", {href: "//evil.example"}],
            ["img", {src: "https://evil.example/x.png"}], ["b", {onclick: "alert(1)"}],
          ]) await attempt(() => lcbench.el(tag, attributes));
          return tried;
        }"""
    )
    page.context.close()
    assert tried == ["TypeError"] * 2 + ["Error"] * 4
    assert any("TrustedHTML" in text for text in heard)
    assert any("connect-src" in text or "default-src" in text for text in heard)


def hostile() -> Results:
    accuracies = dict.fromkeys(HOSTILE, 0.8) | {"reference": 0.9}
    results = suites.suite(
        suites.flat_tree(*HOSTILE[:3]),
        {"grouped": accuracies},
        suite=HOSTILE[1],
        machine=HOSTILE[2],
        external=(suites.external(HOSTILE[0].replace("/", "")),),
        run_commands=HOSTILE,
        roles=RolesRecord(
            flattering="paper", leakage_free="grouped", claims=(), floor=(), shortcut=HOSTILE[:2]
        ),
    )
    dataset = results.dataset.model_copy(update={"name": HOSTILE[0], "groups_source": HOSTILE[2]})
    return results.model_copy(update={"dataset": dataset})


def test_names_from_outside_are_text(written: Write, open_page: OpenPage) -> None:
    page = open_page(written(hostile()))
    title = f"Suite {HOSTILE[1]} on {HOSTILE[0]}"
    assert page.title() == title
    assert page.locator("h1").inner_text() == title
    assert page.locator("main script, main img, [onfocus], [onerror]").count() == 0
    addresses = page.locator("a").evaluate_all("all => all.map((one) => one.getAttribute('href'))")
    assert not [one for one in addresses if not one.startswith(("#", "README", "results"))]
    shown = set(page.locator("#scores tbody th").all_inner_texts())
    assert {HOSTILE[0], HOSTILE[7], "a b c", "rtl \ufffdgnp.exe"} < shown
    page.get_by_label("Metric").select_option(label=f"recall, {HOSTILE[0]}, %")
    page.get_by_role("searchbox").first.fill("<SCRIPT>")
    assert page.locator("#scores tbody tr").count() == 2
    page.locator("#scores tbody tr .link a").first.click()
    page.reload()
    assert page.locator("#scores tr.chosen th").inner_text() == HOSTILE[0]
    assert page.title() == title


def test_what_is_missing_is_said(written: Write, open_page: OpenPage) -> None:
    deep = open_page(written(suites.deep()))
    text = deep.locator("#overview").inner_text()
    assert "Synthetic demonstration data" in text
    assert "source groups unknown" in text
    assert "Reference (random weights)".lower() in text
    flat = open_page(written(suites.flat()))
    assert flat.locator("#comparisons").count() == 0
    assert "drop" not in flat.locator("#overview thead").inner_text()


def test_the_list_of_reports(tmp_path: Path, open_page: OpenPage) -> None:
    results = suites.flat()
    found = results.model_copy(update={"findings": findings(results), "suite": HOSTILE[0]})
    page = open_page(write_list({"a b": found, HOSTILE[4]: found}, tmp_path))
    links = page.locator(".reports a")
    assert links.first.inner_text() == HOSTILE[0]
    hrefs = links.evaluate_all("all => all.map((one) => one.getAttribute('href'))")
    assert hrefs[0] == "a%20b/index.html"
    assert hrefs[2].startswith("javascript%3A")


def test_numbers_are_written_as_in_the_report(lung: Path, open_page: OpenPage) -> None:
    values = [0.0, 1.0, 0.5, 0.125, 0.375, 0.625, 0.0625, 0.99, 0.9901, 0.00995, -0.0001, -0.005,
              0.2855, 0.01015, 12.5, 13.5, 1234.5, 1234567.25, -0.0, float("inf"), float("-inf"),
              *(number / 997 for number in range(-60, 1200, 7))]  # fmt: skip
    page = open_page(lung)
    found = page.evaluate(
        """(values) => values.map(Number).map((one) => [
            lcbench.format.share(one), lcbench.format.integer(one), lcbench.format.number(one, 3),
            lcbench.format.shareInterval(one, one - 0.02, one + 0.03, {unit: true}),
            lcbench.format.pointsInterval(one, one - 0.02, one + 0.03),
            lcbench.format.plural(Math.round(Math.abs(one)), "image")])""",
        [str(one).replace("inf", "Infinity") for one in values],
    )
    for value, cells in zip(values, found, strict=True):
        estimate = Interval(
            value=value, low=value - 0.02, high=value + 0.03, n=9, groups=3, method=""
        )
        finite = abs(value) != float("inf")
        assert cells[:1] == [formats.share(value)]
        assert cells[2] == formats.number(value, 3)
        if finite:
            assert cells[1] == formats.integer(value)
            assert cells[3] == formats.share_interval(estimate, unit=True)
            assert cells[4] == formats.points_interval(estimate)
