"""Curves and what is answered at a threshold: in the browser as the analysis has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lcbench.rendering.explorer.curves import NOT_ASKED, ProtocolCurves, Steps, curves_section
from lcbench.rendering.explorer.images import protocol_images
from lcbench.runs.suite_images import read_suite_images
from lcbench.statistics.selective import Answers

from .conftest import Explored, WholePage

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

COUNT = """async () => {
  const images = await lcbench.images();
  const data = JSON.parse(document.getElementById("data-curves").textContent);
  const found = [];
  for (const [p, {models}] of data.protocols.entries())
    for (const [b, levels] of Object.entries(models))
      for (const [level, model] of levels.entries()) {
        const one = await lcbench.thresholds(images, p, Number(b), level);
        const last = one.stops.length - 1;
        found.push({
          p, b: Number(b), level,
          curve: one.curve(data.coverages, ""),
          points: model.points.map(({reached}) => one.share(reached, "")),
          stops: [0, last >> 1, last].map((k) => [one.stops[k], one.share(one.atStop(k), "")]),
          seeds: ["0", "1"].map((of) => one.share(one.atStop(last >> 1), of).answers),
        });
      }
  return found;
}"""


def test_the_browser_finds_the_curves_and_points_of_the_analysis(
    open_whole: WholePage, explored: Explored
) -> None:
    found: list[dict[str, Any]] = open_whole().evaluate(COUNT)
    images = read_suite_images(explored.folder, explored.suite)
    protocols = protocol_images(explored.suite, images)
    assert len(found) == 2 * 3 * 2  # protocols, baselines, levels
    points = 0
    for one in found:
        result, aligned = explored.results.protocols[one["p"]], protocols[one["p"]].aligned
        assert result.selective is not None
        level = result.selective.levels[one["level"]]
        scores = level.scores(aligned.names[one["b"]])
        assert scores is not None
        assert one["curve"] == pytest.approx(scores.curve, abs=1e-12)
        assert len(one["points"]) == len(scores.points)
        for point, counted in zip(scores.points, one["points"], strict=True):
            points += 1
            assert counted["coverage"] == pytest.approx(point.coverage.value)
            assert counted["risk"] == pytest.approx(point.risk.value)
            assert counted["errors"] == (point.risk.count or 0)
        chances = aligned.probabilities[aligned.names[one["b"]]]
        assert chances is not None
        confidence = np.stack([chances[:, 0], chances[:, 1:].sum(axis=1)], axis=1)
        confidence = (confidence if one["level"] == 0 else chances).max(axis=1)
        for stop, counted in one["stops"]:
            assert counted["answered"] == (confidence >= stop - 1e-12).sum()
        assert sum(one["seeds"]) == one["stops"][0][1]["answers"] == len(aligned.rows)
    assert points > 12


@settings(max_examples=60)
@given(st.data())
def test_what_is_equally_sure_stands_or_falls_together(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 40))
    some = np.random.default_rng(data.draw(st.integers(0, 999)))
    confidence = some.choice([0.5, 0.7, 0.7 + 1e-13, 0.9, 1.0], size)
    answers = Answers(confidence, some.random(size) < 0.4, some.random(size) < 0.9)
    split = some.integers(0, 2, size)
    steps = Steps.of(answers, split, 2)
    asked = steps.code != NOT_ASKED
    assert (asked == answers.known).all()
    assert ((steps.code[asked] & 1) == answers.wrong[asked]).all()
    for stop, reached in zip(steps.stops, steps.reached, strict=True):
        answered = (steps.code >> 1) < reached[split]
        assert (answered[asked] == (confidence >= stop)[asked]).all()


def test_reliability_at_the_leaves_is_that_of_the_results(explored: Explored) -> None:
    images = read_suite_images(explored.folder, explored.suite)
    for number, one in enumerate(protocol_images(explored.suite, images)):
        data: Any = ProtocolCurves(explored.suite.taxonomy, one).data(explored.results)
        for place, model in enumerate(explored.results.protocols[number].comparison.models):
            wanted = [
                [bin_.confidence, bin_.right.value, bin_.right.low, bin_.right.high]
                for bin_ in model.reliability
            ]
            (upper, leaves) = data["models"][str(place)]
            assert np.array(leaves["reliability"], float) == pytest.approx(
                np.array(wanted, float), abs=1e-6, nan_ok=True
            )
            assert upper["reliability"]


def number(section: Locator, name: str) -> float:
    return float(section.locator(f"[data-number={name}]").get_attribute("data-value") or "nan")


def redrawn(page: Page, act: Any) -> None:
    drawn = page.locator("#curves").get_attribute("data-drawn")
    act()
    page.wait_for_function(
        "before => document.querySelector('#curves').dataset.drawn !== before", arg=drawn
    )


def test_the_threshold_moves_by_keyboard_and_opens_its_images(
    open_whole: WholePage, explored: Explored
) -> None:
    nowhere = "curves.show=constructor&curves.of=9.9&curves.at=x&subsets.part=__proto__"
    page = open_whole(f"#curves.protocol=1&curves.baseline=1&{nowhere}")
    assert (
        page.locator(":is(#curves, #subsets, #notes) :is(article, .warning):visible").count() == 0
    )
    section = page.locator("#curves")
    slider = section.get_by_role("slider", name="Least confidence that is answered")
    assert "everything is answered: 100 % answered" in str(slider.get_attribute("aria-valuetext"))
    assert number(section, "coverage") == 1.0
    slider.focus()
    slider.press("End")
    surest = number(section, "coverage")
    for key in ["PageDown"] * 8 + ["ArrowLeft"] * 6:  # faster than anything could be drawn
        page.keyboard.press(key)
    page.wait_for_function("() => document.querySelector('[data-number=errors]').dataset.value > 0")
    assert surest < number(section, "coverage") < 1.0
    assert page.evaluate("document.activeElement.id") == "curves-threshold"
    page.wait_for_function("() => location.hash.includes('curves.at=')")
    scores = explored.results.protocols[1].selective
    assert scores is not None
    point = scores.levels[-1].models[1].at(0.05)
    assert point is not None
    redrawn(page, section.locator("[data-target='0.05']").click)
    assert number(section, "coverage") == pytest.approx(point.coverage.value)
    assert number(section, "risk") == pytest.approx(point.risk.value)
    section.locator("[data-list=silent]").click()
    section.locator("article.image").first.wait_for()
    assert page.evaluate("document.activeElement.tagName") == "H3"
    heading = section.locator("h3").first.inner_text()
    assert heading.startswith(f"Images without an answer: {number(section, 'silent'):.0f} images")
    redrawn(page, lambda: section.get_by_label("Splits").select_option("0"))
    assert section.locator("svg.plot .point").count() == 0  # the points are of all splits


def test_without_probabilities_there_is_no_section(explored: Explored) -> None:
    images = read_suite_images(explored.folder, explored.suite)
    protocols = protocol_images(explored.suite, images)
    for one in protocols:
        one.aligned.probabilities.update(dict.fromkeys(one.aligned.names))
    assert curves_section(explored.results, explored.suite.taxonomy, protocols) is None
