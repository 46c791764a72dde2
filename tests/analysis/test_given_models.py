"""Prediction files of other tools in a suite's results: beside the baselines, never among them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lcbench.analysis.given_models import place_given, read_given
from lcbench.analysis.given_results import GivenModel
from lcbench.analysis.results import Results
from lcbench.analysis.scores import AnalysisSettings
from lcbench.analysis.suite import analyse
from lcbench.errors import UserError
from lcbench.runs.finished import FinishedSuite
from lcbench.runs.reading import read_suite
from lcbench.storage.hashes import file_sha256

from .runfolders import Shape, make_runs

SEEN = 50
"""Images of the file that the baselines have predicted, too."""


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> FinishedSuite:
    """Two baselines and two seeds under both protocols."""
    shape = Shape(tiles=10, copies=4, seeds=2, baselines=("colour", "reference"))
    return read_suite(make_runs(tmp_path_factory.mktemp("given") / "runs", shape))


@pytest.fixture(scope="module")
def table(suite: FinishedSuite) -> pd.DataFrame:
    """What another tool says of all images: right, but for those of every third row."""
    (first, *_) = suite.models("grouped")
    rows = first.table[first.table["seed"] == 0].sort_values("image", ignore_index=True)
    rows = rows[["image", "true"]].sample(frac=1.0, random_state=1, ignore_index=True)
    wrong = np.where(rows["true"] == "benign", "adenocarcinoma", "benign")
    return rows.assign(predicted=np.where(rows.index % 3 == 0, wrong, rows["true"]))


@pytest.fixture
def csv(tmp_path: Path) -> Callable[[pd.DataFrame], Path]:
    """Write a prediction file."""

    def write(table: pd.DataFrame) -> Path:
        path = tmp_path / "mine.csv"
        table.to_csv(path, index=False)
        return path

    return write


def with_given(suite: FinishedSuite, *paths: Path) -> Results:
    settings = AnalysisSettings(resamples=20)
    given = read_given(paths, suite.plan)
    return analyse(suite, settings, advance=lambda _: None, given=given)


def place(suite: FinishedSuite, path: Path) -> dict[str, int]:
    """Put a file beside the baselines; return the number of rows by protocol."""
    by_protocol = {name: suite.models(name) for name in suite.protocols}
    (placed,) = place_given(read_given([path], suite.plan), by_protocol, suite)
    return {name: len(one.rows) for name, one in placed.aligned.items()}


def test_a_given_file_changes_no_other_number(
    suite: FinishedSuite, table: pd.DataFrame, csv: Callable[[pd.DataFrame], Path]
) -> None:
    strangers = table[:4].assign(image=[f"new/{number}.png" for number in range(4)])
    path = csv(pd.concat([table[:SEEN], strangers]))
    found = with_given(suite, path)
    assert found.model_copy(update={"given": ()}) == with_given(suite)

    (given,) = found.given
    assert (given.model, given.file, given.sha256) == ("mine", str(path), file_sha256(path))
    assert (given.images, given.predictions, given.seeds) == (SEEN + 4, SEEN + 4, (0,))
    assert given.is_partial
    assert not any("group" in note for note in given.notes)  # they are those of the suite
    assert [one.protocol for one in given.comparisons] == ["paper", "grouped"]
    _, grouped = given.comparisons
    part = grouped.comparison
    assert (part.images, part.seeds, part.groups_known) == (SEEN, (0,), True)
    assert [(pair.a, pair.b) for pair in part.pairs] == [("colour", "mine"), ("reference", "mine")]
    assert {one.model: one.images for one in part.unmatched}["mine"] == 4
    require_numbers_of_hand(suite, table[:SEEN], given)
    assert Results.model_validate_json(found.model_dump_json()) == found


def require_numbers_of_hand(suite: FinishedSuite, own: pd.DataFrame, given: GivenModel) -> None:
    """The accuracies and discordant predictions are those of a plain join of the two tables."""
    (reference,) = (one for one in suite.models("grouped") if one.name == "reference")
    theirs = reference.table[reference.table["seed"] == 0]
    joined = own.merge(theirs, on="image", suffixes=("", "_theirs"))
    right = joined["predicted"] == joined["true"]
    others = joined["predicted_theirs"] == joined["true"]
    part = given.comparisons[-1].comparison
    for name, flags in (("mine", right), ("reference", others)):
        scores = part.scores(name)
        assert scores is not None
        assert scores.accuracy.value == pytest.approx(flags.mean())
    errors = part.pairs[-1].on("any_error")
    assert errors is not None
    test = errors.test()
    assert (test.only_a, test.only_b) == ((right & ~others).sum(), (others & ~right).sum())
    assert errors.difference.value == pytest.approx(others.mean() - right.mean())
    # A family of two pairs: the smaller p is taken twice.
    every = [event.test() for pair in part.pairs if (event := pair.on("any_error"))]
    least = min(every, key=lambda one: one.p)
    assert least.p_adjusted == pytest.approx(min(1.0, 2 * least.p))


def test_a_file_that_names_its_protocol_stands_under_that_alone(
    suite: FinishedSuite, table: pd.DataFrame, csv: Callable[[pd.DataFrame], Path]
) -> None:
    path = csv(table.assign(protocol="grouped", baseline="reference"))
    assert place(suite, path) == {"grouped": len(table)}
    (given,) = read_given([path], suite.plan)
    assert given.predictions.name == "reference (mine.csv)"  # not the suite's own


def test_what_fits_nowhere_is_refused_with_the_reason(
    suite: FinishedSuite, table: pd.DataFrame, csv: Callable[[pd.DataFrame], Path]
) -> None:
    unlike = np.where(table["true"] == "benign", "adenocarcinoma", "benign")
    for changed, said, remedy in (
        (table.assign(image="a/" + table["image"].str.replace("/", "-")), "no image in", "root"),
        (table.assign(seed=42), "its seeds are 42, those of the baselines 0, 1", "column seed"),
        (table.assign(true=unlike), "different true classes", "--labels"),
    ):
        with pytest.raises(UserError, match=said) as caught:
            place(suite, csv(changed))
        assert "mine.csv" in caught.value.message
        assert remedy in caught.value.remedy
    with pytest.raises(UserError, match="unknown class: 'soul'"):
        read_given([csv(table.assign(predicted="soul"))], suite.plan)
