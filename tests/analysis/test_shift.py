"""How sure models are on both sides, and whether a folder looks like the training images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score

from lcbench.analysis.results import Results
from lcbench.analysis.shift_verdict import adjusted, angle, look_of
from lcbench.runs.reading import read_suite
from lcbench.runs.shift_records import OutsideRecord, ShiftRecord, SpaceRecord
from lcbench.statistics.interval_model import Interval


def space(*, p: float = 0.5, outside: float = 0.01, farther: float = 0.0) -> SpaceRecord:
    share = Interval(value=outside, low=None, high=None, n=9, groups=9, method="")
    return SpaceRecord(
        space="",
        distance=0.1,
        p=p,
        permutations=999,
        groups=(9, 9),
        among_training=0.0,
        limit=1.0,
        typical=2.0,
        farther=farther,
        outside=(OutsideRecord(label="", images=9, groups=9, outside=share),),
        held_out=(0.1, 0.2, 0.3, 0.4, 0.5),
        external=(0.1, 0.2, 0.3, 0.4, 0.5),
    )


@pytest.mark.parametrize(
    ("spaces", "look"),
    [
        ((), "unknown"),
        ((space(), space()), "not shown"),
        ((space(p=0.03), space(p=0.04)), "not shown"),  # Holm: .06
        ((space(p=0.001), space()), "differs"),
        ((space(p=0.001, outside=1, farther=0.2),), "differs"),
        ((space(p=0.001, outside=1, farther=1), space(p=0.001)), "differs"),
        ((space(p=0.001, outside=1, farther=1), space(outside=0.8, farther=0.6)), "unlike"),
    ],
)
def test_a_folder_is_unlike_where_every_space_says_so(
    spaces: tuple[SpaceRecord, ...], look: str
) -> None:
    assert look_of(ShiftRecord(spaces=spaces)) == look


def test_nothing_is_known_of_older_records() -> None:
    assert look_of(None) == "unknown"
    assert look_of(ShiftRecord(reason="gone")) == "unknown"


def test_p_values_are_those_of_holm() -> None:
    assert adjusted([space(p=0.01), space(p=0.04)]) == pytest.approx([0.02, 0.04])


def test_angles_are_in_degrees() -> None:
    assert angle((1, 0, 0), (0, 2, 0)) == pytest.approx(90)
    assert angle((1, 2, 3), (1, 2, 3)) == pytest.approx(0, abs=1e-4)
    assert angle(None, (1, 2, 3)) is None


def test_confidence_and_gap_are_those_of_the_predictions(
    core_runs: Path, core_results: Results
) -> None:
    suite = read_suite(core_runs)
    shift = next(
        one
        for one in core_results.external[0].sureness
        if (one.protocol, one.baseline) == ("grouped", "reference")
    )
    test = next(model for model in suite.models("grouped") if model.name == "reference")
    outside = [
        run.predictions
        for run in suite.external[0].runs
        if (run.protocol, run.baseline) == ("grouped", "reference")
    ]
    assert shift.runs == len(outside)
    for side, models in ((shift.test, [test]), (shift.external, outside)):
        table = pd.concat([one.table for one in models], ignore_index=True)
        chances = np.concatenate([one.probabilities for one in models])
        leaf = table["true"].isin(suite.taxonomy.leaves).to_numpy()
        likeliest = np.array(suite.taxonomy.leaves)[chances.argmax(axis=1)]
        right = accuracy_score(table["true"][leaf], likeliest[leaf])
        assert side.confidence.value == pytest.approx(chances.max(axis=1).mean())
        assert side.labelled == table["image"][leaf].nunique()
        assert side.accuracy is not None
        assert side.accuracy.value == pytest.approx(right)
        assert side.gap is not None
        assert side.gap.value == pytest.approx(chances[leaf].max(axis=1).mean() - right)
        assert side.gap.low <= side.gap.value <= side.gap.high
    assert shift.change.value == pytest.approx(
        shift.external.confidence.value - shift.test.confidence.value
    )
    assert shift.change.low < shift.change.value < shift.change.high
