"""Pictures exist, are not blank, and depend on the data alone."""

from dataclasses import replace

import matplotlib
import numpy as np
import pytest
from PIL import Image

from lcbench.analysis.reporting import analyse
from lcbench.rendering.plots.confusions import draw_confusions
from lcbench.rendering.plots.curves import draw_curves
from lcbench.rendering.plots.differences import draw_differences
from lcbench.rendering.plots.intervals import draw_intervals
from lcbench.runs.finished import read_suite
from lcbench.runs.records import TaxonomyRecord


def ink(path):
    """Return the share of pixels that are not white, and the size."""
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("L"))
    return (pixels < 250).mean(), pixels.shape


@pytest.fixture
def made(tmp_path, make):
    def run(shape):
        suite = read_suite(make(tmp_path, shape))
        return suite, analyse(suite, command="", resamples=50, advance=lambda _: None)

    return run


def test_every_picture_exists_and_is_not_blank(core_report):
    assert [path.name for path in core_report.figures] == [
        "intervals.png", "differences.png", "confusion-paper.png", "learning-curves-paper.png",
        "confusion-grouped.png", "learning-curves-grouped.png",
    ]  # fmt: skip
    for path in core_report.figures:
        share, (height, width) = ink(path)
        assert share > 0.02
        assert width == 1512
        assert 400 < height < 3000


def test_pictures_carry_no_date_and_no_version(core_report):
    for path in core_report.figures:
        with Image.open(path) as image:
            assert set(image.info) <= {"dpi"}


def test_a_picture_does_not_depend_on_the_users_settings(core_results, tmp_path):
    first = draw_intervals(core_results, tmp_path / "a.png").read_bytes()
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "black"}):
        second = draw_intervals(core_results, tmp_path / "b.png").read_bytes()
        assert matplotlib.rcParams["font.size"] == 30
    assert first == second


def test_names_with_markup_long_names_and_one_protocol(made, shape, recipe, tmp_path):
    names = ("$x^{2$", "a" * 60, "reference")
    recipes = {name: recipe(0.1, 0.1, epochs=True) for name in names}
    suite, results = made(replace(shape, baselines=names, recipes=recipes, protocols=("grouped",)))
    result = results.protocols[0]
    for path in (
        draw_intervals(results, tmp_path / "a.png"),
        draw_confusions(results, result, tmp_path / "b.png"),
        draw_differences(results, tmp_path / "d.png"),
        draw_curves(suite, results, "grouped", tmp_path / "c.png"),
    ):
        assert ink(path)[0] > 0.01


@pytest.mark.parametrize("count", [7, 12])
def test_many_classes(made, shape, tmp_path, count):
    leaves = tuple(f"class number {number}" for number in range(count))
    taxonomy = TaxonomyRecord(
        name="many", parents=dict.fromkeys(leaves, "root"), negative=None, subtypes_of=None
    )
    _, results = made(
        replace(
            shape, taxonomy=taxonomy, leaves=leaves, protocols=("paper",), baselines=("colour",)
        )
    )
    path = draw_confusions(results, results.protocols[0], tmp_path / "a.png")
    assert ink(path)[0] > 0.02


@pytest.mark.parametrize("baselines", [("reference",), ("majority", "colour")])
def test_no_comparisons_no_differences(made, shape, tmp_path, baselines):
    _, results = made(replace(shape, baselines=baselines, protocols=("paper",)))
    assert draw_differences(results, tmp_path / "a.png") is None
    assert not (tmp_path / "a.png").exists()


def test_no_epochs_no_curves(made, shape, tmp_path):
    suite, results = made(replace(shape, baselines=("majority", "colour"), protocols=("paper",)))
    assert draw_curves(suite, results, "paper", tmp_path / "a.png") is None
    assert not (tmp_path / "a.png").exists()


@pytest.mark.parametrize("losses", [(0.0, 1e-9, 0.5), (0.0, 0.0, 0.0), (1e-8, 1e-7, 1e-6)])
def test_extreme_losses(made, shape, tmp_path, losses):
    suite, results = made(replace(shape, baselines=("reference",), protocols=("paper",)))
    for run in suite.runs:
        run.history["train_loss"] = np.resize(losses, len(run.history))
        run.history.loc[0, "validation_loss"] = np.nan
    path = draw_curves(suite, results, "paper", tmp_path / "a.png")
    assert ink(path)[0] > 0.01
