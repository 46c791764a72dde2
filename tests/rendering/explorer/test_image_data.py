"""What the page counts is what the results counted: every image, answer and cell."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lcbench.analysis.results import Results
from lcbench.rendering.explorer.image_data import FULL, UNKNOWN, level_data
from lcbench.rendering.explorer.images import image_sections, leak_words, protocol_images
from lcbench.rendering.explorer.section import Section
from lcbench.runs.finished import FinishedSuite
from lcbench.runs.suite_images import read_suite_images
from lcbench.statistics.tree import ClassTree

from .conftest import Explored


@pytest.fixture(scope="module")
def section(explored: Explored) -> Section:
    """The section with all data, of a run that recorded little."""
    folder, suite, results = explored.folder, explored.suite, explored.results
    return next(iter(image_sections(suite, results, folder, folder / "no", thumbnails=False)))


@pytest.fixture(scope="module")
def suite(explored: Explored) -> FinishedSuite:
    return explored.suite


@pytest.fixture(scope="module")
def results(explored: Explored) -> Results:
    return explored.results


def text(array: np.ndarray) -> list[str]:
    found: list[str] = json.loads(array.tobytes())
    return found


def test_every_cell_has_the_images_that_the_results_counted(
    section: Section, results: Results
) -> None:
    arrays, leaves = section.arrays, len(results.leaves)
    for number, protocol in enumerate(results.protocols):
        true = arrays["true"][arrays[f"rows-{number}"]]
        for place, model in enumerate(protocol.comparison.models):
            cells = np.zeros((leaves, leaves), int)
            np.add.at(cells, (true, arrays[f"answers-{number}-{place}"][-1]), 1)
            wanted = np.array(model.confusion) * len(protocol.comparison.seeds)
            assert cells.tolist() == wanted.tolist()
            assert cells.sum() > leaves**2


def test_answers_above_the_leaves_are_those_of_the_results(
    section: Section, suite: FinishedSuite, results: Results
) -> None:
    (upper, lowest) = level_data(suite.taxonomy)
    assert isinstance(upper, dict)
    assert isinstance(lowest, dict)
    assert upper["options"] == ["benign", "malignant"]
    assert lowest["of_leaf"] == list(range(len(results.leaves)))
    of_node, of_leaf = np.array(upper["of_node"]), np.array(upper["of_leaf"])
    for number, protocol in enumerate(results.protocols):
        true = section.arrays["true"][section.arrays[f"rows-{number}"]]
        for place, model in enumerate(protocol.comparison.models):
            answers = section.arrays[f"answers-{number}-{place}"][0]
            accuracy = model.get("level_accuracy", "level 1")
            assert accuracy is not None
            assert (of_node[true] == of_leaf[answers]).mean() == pytest.approx(accuracy.value)


def test_columns_are_those_of_the_predictions(section: Section, suite: FinishedSuite) -> None:
    arrays = section.arrays
    names, groups = text(arrays["names"]), text(arrays["groups"])
    tree = ClassTree.of(suite.taxonomy)
    run = suite.runs_of(protocol="grouped", baseline="colour")[7]  # of the second seed
    data = section.data
    assert isinstance(data, dict)
    grouped = data["protocols"][1]
    split = next(
        one
        for one in grouped["splits"]
        if (one["seed"], one["fold"]) == (run.config.seed, run.config.fold)
    )
    rows = slice(split["from"], split["to"])
    images = arrays["rows-1"][rows]
    table = run.predictions.table.reset_index(drop=True).sort_values("image")
    assert [names[image] for image in images] == list(table["image"])
    assert [groups[code] for code in arrays["group"][images]] == list(table["group"])
    assert [tree.nodes[code] for code in arrays["true"][images]] == list(table["true"])
    chances = run.predictions.probabilities
    assert chances is not None
    found = arrays["chances-1-1"][rows] / FULL
    assert found == pytest.approx(chances[table.index], abs=1 / FULL)
    sides = arrays["sides-1"][grouped["splits"].index(split)]
    assert sorted(np.flatnonzero(sides == 3)) == sorted(images)
    assert run.validation is not None
    assert {names[image] for image in np.flatnonzero(sides == 2)} == set(
        run.validation.table["image"]
    )


def test_runs_of_older_versions_say_that_nothing_was_recorded(
    section: Section, explored: Explored
) -> None:
    images = read_suite_images(explored.folder, explored.suite)
    (paper, _) = protocol_images(explored.suite, images)
    assert leak_words(paper).endswith("were not recorded by this run.")
    assert "not recorded" in section.html
    assert "nearest-0" not in section.arrays
    nearest, _ = paper.nearest()
    assert set(nearest) == {UNKNOWN}
