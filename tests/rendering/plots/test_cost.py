"""Accuracy against cost: drawn where there are costs to compare, with a name for each point."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from matplotlib.axes import Axes
from matplotlib.text import Text
from PIL import Image

from lcbench.analysis.results import Results
from lcbench.rendering.plots.cost import draw_cost

from ..suites import LUNG, suite


def many(count: int, costs: int) -> Results:
    """Baselines of nearly the same accuracy, of so many different costs."""
    names = ["reference", *(f"a-backbone-with-a-long-name-{number}" for number in range(count - 1))]
    reached = {name: 0.95 + 0.0001 * place for place, name in enumerate(names)}
    results = suite(LUNG, {"grouped": reached})
    efficiency = tuple(
        one.model_copy(update={"gmacs": 0.4 * 1.5 ** (place % costs)})
        for place, one in enumerate(results.efficiency)
    )
    return results.model_copy(update={"efficiency": efficiency})


def test_every_baseline_has_its_name_on_a_line_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places: dict[str, float] = {}
    write = Axes.text

    def noted(axes: Axes, x: float, y: float, text: str, **options: Any) -> Text:
        places[text] = y
        return write(axes, x, y, text, **options)

    monkeypatch.setattr(Axes, "text", noted)
    results = many(30, 30)
    path = draw_cost(results, tmp_path / "cost.png")
    assert path is not None
    assert len(places) == 30
    heights = sorted(places.values())
    inches = Image.open(path).height / 180
    gaps = [later - earlier for earlier, later in pairwise(heights)]
    assert min(gaps) * inches > 0.12  # a line of text of 8.5 points
    assert places["reference"] == heights[0]  # the least accurate one stands lowest


@pytest.mark.parametrize("costs", [1, 2])
def test_few_costs_are_left_to_the_table(costs: int, tmp_path: Path) -> None:
    assert draw_cost(many(6, costs), tmp_path / "cost.png") is None
    assert not list(tmp_path.iterdir())


def test_the_same_results_give_the_same_bytes(tmp_path: Path) -> None:
    first, second = (draw_cost(many(4, 4), tmp_path / f"{name}.png") for name in "ab")
    assert first is not None
    assert second is not None
    assert first.read_bytes() == second.read_bytes()
