"""Prediction files as other tools may write them."""

import pytest

from lcbench.datasets.labels import LabelReader
from lcbench.predictions.validation import inspect_predictions


@pytest.fixture(scope="session")
def reader(lung):
    """The default class tree, with a map for a few odd names."""
    return LabelReader(lung, {"na": "benign", "none": "adenocarcinoma", "colon": "leave-out"})


@pytest.fixture
def inspect(reader):
    """Inspect a path."""
    return lambda path: inspect_predictions(path, reader)


@pytest.fixture
def inspect_lines(inspect, csv_file):
    """Inspect a CSV file of these lines."""
    return lambda *lines: inspect(csv_file(*lines))


@pytest.fixture
def only_problem():
    """Expect one problem that says this, and something to do about it; return it."""

    def expect(inspection, *said):
        (problem,) = inspection.problems
        for words in said:
            assert words in problem.what
        assert problem.remedy
        assert "\n" not in problem.what
        assert inspection.predictions is None
        assert not inspection.valid
        return problem

    return expect
