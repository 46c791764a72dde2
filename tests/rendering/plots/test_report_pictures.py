"""Pictures of the report: for any classes, baselines and protocols, from the data alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.special import expit

from lcbench.analysis.results import Results
from lcbench.analysis.scores import ReliabilityBin
from lcbench.rendering.plots import (
    canvas,
    confusions,
    curves,
    differences,
    intervals,
    reliability,
    risk_coverage,
)
from lcbench.runs.records import TaxonomyRecord

from ..suites import LUNG, flat_tree, interval, suite

BOTH = {
    "paper": {"majority": 0.33, "knn": 0.98, "reference": 0.99},
    "grouped": {"majority": 0.33, "knn": 0.93, "reference": 0.95},
}
LONG = {"grouped": {"$x^{2$": 0.9, "a" * 60: 0.8, "reference": 0.95}}


def classes(count: int) -> TaxonomyRecord:
    return flat_tree(*(f"a_rather_long_class_{number}" for number in range(count)))


CASES: dict[str, Results] = {
    "two protocols": suite(LUNG, BOTH),
    "one protocol": suite(LUNG, {"paper": BOTH["paper"]}),
    "one baseline": suite(LUNG, {"paper": {"reference": 0.99}}),
    "only a floor": suite(LUNG, {"paper": {"majority": 0.33}}),
    "another suite": suite(
        LUNG, {"mine": {"a": 0.5, "b": 0.6}, "yours": {"b": 0.7}}, reference="b"
    ),
    "12 classes": suite(classes(12), BOTH),
    "40 classes": suite(classes(40), BOTH),
    "unknown groups": suite(LUNG, BOTH, groups_known=False),
    "odd names": suite(LUNG, LONG, random=("a" * 60,)),
    "one source group": Results.model_validate_json(
        suite(LUNG, BOTH).model_dump_json().replace('"groups":40', '"groups":1')
    ),
    "nothing is defined": suite(LUNG, {"paper": {"knn": None, "reference": None}}),
}  # fmt: skip


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Every figure that is saved."""
    saved: list[Any] = []
    save = canvas.save
    monkeypatch.setattr(canvas, "save", lambda fig, path: saved.append(fig) or save(fig, path))
    return saved


def finished(histories: dict[str, list[pd.DataFrame]], protocol: str = "paper") -> Any:
    """A finished suite with the histories of each baseline's runs."""
    return SimpleNamespace(
        runs=[
            SimpleNamespace(
                config=SimpleNamespace(protocol=protocol, baseline=name), history=history
            )
            for name, runs in histories.items()
            for history in runs
        ]
    )


def history(*validation: float, network: str = "all") -> pd.DataFrame:
    """A history with these validation losses; the training loss is half of them."""
    losses = np.asarray(validation, np.float64)
    return pd.DataFrame(
        {
            "epoch": np.arange(1, len(losses) + 1),
            "network": network,
            "train_loss": losses / 2,
            "validation_loss": losses,
        }
    )


def sure(results: Results, *bins: tuple[float, float]) -> Results:
    """The same results, with a reliability curve of (confidence, share right) for each model."""
    curve = tuple(
        ReliabilityBin(confidence=confidence, right=interval(share, 0.01))
        for confidence, share in bins
    )
    protocols = []
    for one in results.protocols:
        models = tuple(
            model.model_copy(update={"reliability": curve}) for model in one.comparison.models
        )
        part = one.comparison.model_copy(update={"models": models})
        protocols.append(one.model_copy(update={"comparison": part}))
    return results.model_copy(update={"protocols": tuple(protocols)})


def ink(path: Path) -> float:
    """Return the share of pixels that are not white."""
    with Image.open(path) as image:
        assert image.width == 1512
        assert 300 < image.height < 9000
        assert set(image.info) <= {"dpi"}  # no date and no version
        return float((np.asarray(image.convert("L")) < 250).mean())


def require_inside(figure: Any) -> None:
    """Expect no words beyond the edges; numbers of ticks out of view are not drawn."""
    width = figure.bbox.width
    for text in figure.findobj(matplotlib.text.Text):
        if re.search(r"[a-z]", text.get_text()):
            box = text.get_window_extent()
            assert box.x0 >= -1, text.get_text()
            assert box.x1 <= width + 1, text.get_text()


DRAW: dict[str, Callable[[Results, Path], Path | None]] = {
    "intervals": intervals.draw_intervals,
    "differences": differences.draw_differences,
    "confusions": lambda found, path: confusions.draw_confusions(found, found.strictest, path),
    "reliability": lambda found, path: reliability.draw_reliability(
        sure(found, (0.4, 0.5), (0.95, 0.9), (1.0, 1.0)), path
    ),
    "risk-coverage": risk_coverage.draw_risk_coverage,
    "curves": lambda found, path: curves.draw_curves(
        finished({name.baseline: [history(1, 0.5, 0.7)] * 3 for name in found.baselines},
              found.strictest.protocol),
        found, found.strictest.protocol, path,
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("picture", "case"),
    [
        *(("intervals", case) for case in CASES if "classes" not in case),
        *(("differences", case) for case in CASES if "40" not in case),
        *(("confusions", case) for case in ("one baseline", "40 classes", "odd names")),
        *(("reliability", case) for case in CASES if "classes" not in case),
        *(("risk-coverage", case) for case in CASES if "40" not in case),
        *(("curves", case) for case in ("one protocol", "one baseline", "odd names")),
    ],
)
def test_a_picture_is_drawn_and_nothing_leaves_it(
    case: str, picture: str, tmp_path: Path, figures: list[Any]
) -> None:
    path = DRAW[picture](CASES[case], tmp_path / "new" / "a.png")
    if path is None:
        assert (picture, case) in (
            ("differences", "one baseline"),
            ("differences", "only a floor"),
            ("reliability", "only a floor"),
            ("risk-coverage", "only a floor"),
            ("risk-coverage", "nothing is defined"),
        )
        assert not (tmp_path / "new").exists()
        return
    assert ink(path) > 0.01
    require_inside(figures[-1])


@pytest.mark.parametrize("picture", DRAW)
def test_the_same_data_give_the_same_bytes_whatever_the_users_settings(
    picture: str, tmp_path: Path
) -> None:
    first = DRAW[picture](CASES["two protocols"], tmp_path / "a.png")
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "black"}):
        second = DRAW[picture](CASES["two protocols"], tmp_path / "b.png")
        assert matplotlib.rcParams["font.size"] == 30
    assert first is not None
    assert second is not None
    assert first.read_bytes() == second.read_bytes()


def rows(axes: Any) -> list[str]:
    return [label.get_text() for label in axes.get_yticklabels()]


def words(figure: Any) -> str:
    return "\n".join(text.get_text() for text in figure.findobj(matplotlib.text.Text))


def test_one_source_group_is_drawn_without_an_interval() -> None:
    one = interval(0.9)
    assert canvas.in_percent(one) == pytest.approx((90.0, 88.0, 92.0))
    assert canvas.in_percent(one.model_copy(update={"groups": 1})) == (90.0, 90.0, 90.0)


def test_intervals_are_sorted_by_the_strictest_protocol(tmp_path: Path, figures: list[Any]) -> None:
    found = suite(LUNG, {"paper": {"a": 0.9, "b": 0.99}, "grouped": {"a": 0.9, "b": 0.8}})
    intervals.draw_intervals(found, tmp_path / "a.png")
    assert rows(figures[0].axes[0]) == ["a", "b"]


def test_only_a_floor_baseline_falls_off_the_scale(tmp_path: Path, figures: list[Any]) -> None:
    intervals.draw_intervals(CASES["two protocols"], tmp_path / "a.png")
    intervals.draw_intervals(suite(LUNG, BOTH, floor=()), tmp_path / "b.png")
    near = suite(LUNG, {"paper": {"majority": 0.9, "knn": 0.92, "reference": 0.95}})
    intervals.draw_intervals(near, tmp_path / "c.png")
    assert [figure.axes[0].get_xlim()[0] > 80 for figure in figures] == [True, False, True]
    assert ["off the scale" in words(figure) for figure in figures] == [True, False, False]


def test_protocols_have_the_colours_of_their_roles() -> None:
    found = suite(
        LUNG, {"mine": {"a": 1}, "grouped": {"a": 1}, "paper": {"a": 1}, "other": {"a": 1}}
    )
    colours = [canvas.protocol_colour(found, one.protocol) for one in found.protocols]
    assert colours[1:3] == [canvas.BLUE, canvas.ORANGE]
    assert len(set(colours)) == 4


def test_differences_are_those_of_the_headline_decision_without_floor_baselines(
    tmp_path: Path, figures: list[Any]
) -> None:
    differences.draw_differences(CASES["two protocols"], tmp_path / "a.png")
    differences.draw_differences(CASES["12 classes"], tmp_path / "b.png")
    assert [rows(axes) for axes in figures[0].axes] == [["knn"], ["knn"]]
    assert "without majority" in words(figures[0])
    assert "adenocarcinoma / squamous cell carcinoma confusions" in words(figures[0])
    assert "any error, difference in points" in words(figures[1])


def test_axes_of_differences_fit_the_data(tmp_path: Path, figures: list[Any]) -> None:
    accuracies = {"reference": 0.95, "a": 0.92, "b": 0.91, "c": 0.9, "far": 0.05}
    found = suite(LUNG, {"paper": accuracies})
    differences.draw_differences(found, tmp_path / "a.png")
    start, end = figures[0].axes[0].get_xlim()
    assert -1 < start < 0
    assert 7 < end < 8
    assert "+90.00 [+88.00, +92.00]" in words(figures[0])


def test_a_matrix_says_what_it_has_room_for(tmp_path: Path, figures: list[Any]) -> None:
    for case in ("one baseline", "12 classes"):
        confusions.draw_confusions(CASES[case], CASES[case].strictest, tmp_path / "a.png")
    assert ["mean count of a seed" in words(figure) for figure in figures] == [True, False]
    assert ["30.5" in words(figure) for figure in figures] == [True, False]
    assert "\n55" in words(figures[1])


def test_no_class_name_lies_under_another_matrix(tmp_path: Path, figures: list[Any]) -> None:
    seven = {"grouped": {"reference": 0.9, **{f"model {number}": 0.8 for number in range(6)}}}
    results = suite(classes(3), seven)
    confusions.draw_confusions(results, results.protocols[0], tmp_path / "seven.png")
    (figure,) = figures
    boxes = [axes.get_window_extent() for axes in figure.axes]
    names = [label for axes in figure.axes for label in axes.get_xticklabels() if label.get_text()]
    assert len(names) == 4 * 3
    for name in names:
        assert not any(name.get_window_extent().overlaps(box) for box in boxes)


def test_curves_are_the_median_and_the_range_with_each_restored_epoch(
    tmp_path: Path, figures: list[Any]
) -> None:
    runs = [history(4, 1, 2), history(5, 3, 2, 8, 8), history(9, 8, 7)]
    curves.draw_curves(finished({"knn": runs}), CASES["two protocols"], "paper", tmp_path / "a.png")
    (axes,) = figures[0].axes
    lines = [(list(line.get_xdata()), list(line.get_ydata())) for line in axes.lines]
    median = [line[1] for line in lines if len(line[0]) > 1]
    np.testing.assert_array_equal(median[1], [5, 3, 2, np.nan, np.nan])
    assert sorted(line for line in lines if len(line[0]) == 1) == [
        ([2], [1]),
        ([3], [2]),
        ([3], [7]),
    ]
    band = axes.collections[1].get_paths()[0].vertices
    assert {tuple(point) for point in band} >= {(1, 4), (1, 9), (3, 2), (3, 7), (5, 8)}


def test_every_network_of_a_baseline_has_its_panel(tmp_path: Path, figures: list[Any]) -> None:
    run = pd.concat([history(1, 2, network="root"), history(1, 2, network="not_small")])
    curves.draw_curves(
        finished({"knn": [run]}), CASES["two protocols"], "paper", tmp_path / "a.png"
    )
    titles = [axes.get_title(loc="left") for axes in figures[0].axes]
    assert titles == ["knn, at root", "knn, at not small"]


@pytest.mark.parametrize(
    "losses", [(0.0, 1e-9, 0.5), (0.0, 0.0), (1e-8, 1e-6), (np.nan, np.inf, 0.3), (np.nan,)]
)
def test_extreme_losses(losses: tuple[float, ...], tmp_path: Path) -> None:
    runs = finished({"knn": [history(*losses)] * 2})
    path = curves.draw_curves(runs, CASES["two protocols"], "paper", tmp_path / "a.png")
    assert path is not None
    assert ink(path) > 0.01


def test_no_epochs_no_curves(tmp_path: Path) -> None:
    without = finished({"knn": [None]})  # type: ignore[list-item]
    found = CASES["two protocols"]
    assert curves.draw_curves(without, found, "paper", tmp_path / "a.png") is None
    other = finished({"knn": [history(1, 2)]})
    assert curves.draw_curves(other, found, "grouped", tmp_path / "a.png") is None
    assert not (tmp_path / "a.png").exists()


def test_reliability_shows_each_dot_and_no_floor(tmp_path: Path, figures: list[Any]) -> None:
    bins = ((0.5, 0.4), (0.9, 0.9), (0.99, 1.0))
    reliability.draw_reliability(sure(CASES["two protocols"], *bins), tmp_path / "a.png")
    assert [axes.get_title(loc="left") for axes in figures[-1].axes] == ["knn", "reference"]
    for axes in figures[-1].axes:
        diagonal, *curves_drawn = axes.lines
        assert list(diagonal.get_xdata()) == list(diagonal.get_ydata())
        assert len(curves_drawn) == 2
        for line in curves_drawn:
            x, y = (expit(np.asarray(data)) for data in line.get_data())
            assert x == pytest.approx([0.5, 0.9, 0.99])
            assert y == pytest.approx([0.4, 0.9, 0.9999])
            low, high = axes.get_xlim()
            assert low < np.min(line.get_data())
            assert np.max(line.get_data()) < high


def test_risk_and_coverage_have_a_panel_for_each_protocol_and_level(
    tmp_path: Path, figures: list[Any]
) -> None:
    found = CASES["two protocols"]
    risk_coverage.draw_risk_coverage(found, tmp_path / "a.png")
    titles = [axes.get_title(loc="left") for axes in figures[-1].axes]
    assert titles == [
        "Random split:\nthe subtype", "Random split:\nbenign / malignant",
        "Leakage-free:\nthe subtype", "Leakage-free:\nbenign / malignant",
    ]  # fmt: skip
    curves_drawn = [line for line in figures[-1].axes[2].lines if len(line.get_xdata()) == 4]
    assert list(curves_drawn[0].get_xdata()) == [25, 50, 75, 100]
    assert list(curves_drawn[0].get_ydata()) == pytest.approx([0, 1.25, 2.5, 5])
    # In grey the patterns tell the reference and the others apart; the floor is not shown.
    assert len({str(line.get_linestyle()) + str(line._dash_pattern) for line in curves_drawn}) == 2
    assert "majority" not in words(figures[-1])
    for axes in figures[-1].axes:
        marks = [line for line in axes.lines if line.get_marker() in ("o", "s")]
        assert len(marks) == 4
        assert all(mark.get_ydata()[0] < axes.get_ylim()[1] for mark in marks)


def test_the_key_of_risk_and_coverage_stands_clear_of_the_title_and_of_the_panels(
    tmp_path: Path, figures: list[Any]
) -> None:
    risk_coverage.draw_risk_coverage(CASES["two protocols"], tmp_path / "a.png")
    (figure,) = figures
    inch = figure.dpi
    (key,) = figure.legends
    around = key.get_window_extent()
    title = figure.texts[0].get_window_extent()
    assert title.y0 - around.y1 > 0.05 * inch
    for axes in figure.axes:
        for text in (axes.title, axes._left_title):
            if axes.get_visible() and text.get_text():
                assert around.y0 - text.get_window_extent().y1 > 0.05 * inch


def test_of_many_baselines_the_reference_and_those_of_the_smallest_areas_are_drawn(
    tmp_path: Path, figures: list[Any]
) -> None:
    accuracies = {"reference": 0.8, **{f"model-{n}": 0.9 + n / 100 for n in range(8)}}
    risk_coverage.draw_risk_coverage(suite(LUNG, {"grouped": accuracies}), tmp_path / "a.png")
    shown = re.findall(r"reference|model-\d", words(figures[-1]))
    assert shown == ["reference", "model-7", "model-6", "model-5", "model-4"]


def test_without_probabilities_there_is_no_reliability(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    assert reliability.draw_reliability(sure(CASES["two protocols"]), path) is None
    assert not path.exists()
