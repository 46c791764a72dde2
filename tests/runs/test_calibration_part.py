"""What is set aside to calibrate on: whole groups, of every label, always the same ones."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lcbench.errors import UserError
from lcbench.runs.calibration_part import calibration_part
from lcbench.taxonomy import ROOT

images = st.lists(
    st.tuples(st.sampled_from(["benign", "scc", ROOT]), st.integers(0, 9), st.booleans()),
    min_size=1,
    max_size=60,
)
fractions = st.floats(0.01, 0.99)


def frame(rows: list[tuple[str, int, bool]]) -> tuple[pd.DataFrame, np.ndarray]:
    """Every group is of one label; contamination is that of its first image."""
    first = {(label, group): bad for label, group, bad in reversed(rows)}
    table = pd.DataFrame(
        [(label, f"{label} {group}") for label, group, _ in rows], columns=["label", "group"]
    )
    return table, np.array([first[label, group] for label, group, _ in rows])


@given(images, fractions)
def test_whole_clean_labelled_groups_are_set_aside_of_each_label_and_never_all(rows, fraction):
    table, contaminated = frame(rows)
    usable = (table["label"] != ROOT) & ~contaminated
    groups = table[usable].groupby("label")["group"].nunique()
    if not (groups > 1).any():
        with pytest.raises(UserError, match="no label has two groups"):
            calibration_part(table, contaminated, fraction)
        return
    chosen = calibration_part(table, contaminated, fraction)
    assert not chosen[~usable].any()
    assert not set(table["group"][chosen]) & set(table["group"][~chosen])
    taken = table[chosen].groupby("label")["group"].nunique().reindex(groups.index, fill_value=0)
    for label, count in groups.items():
        assert taken[label] == (0 if count == 1 else np.clip(round(fraction * count), 1, count - 1))


@given(images, fractions, st.randoms())
def test_which_groups_depends_on_their_names_alone(rows, fraction, random):
    table, contaminated = frame(rows)
    try:
        chosen = calibration_part(table, contaminated, fraction)
    except UserError:
        return
    order = random.sample(range(len(table)), len(table))
    other = table.iloc[order].reset_index(drop=True)
    again = calibration_part(other, contaminated[order], fraction)
    assert (again == chosen[order]).all()


def test_a_group_of_two_labels_counts_for_the_one_that_most_of_it_has():
    table = pd.DataFrame(
        {"label": ["a", "a", "b", "a", "b", "b"], "group": ["1", "1", "1", "2", "3", "4"]}
    )
    chosen = calibration_part(table, np.zeros(6, bool), 0.5)
    aside = set(table["group"][chosen])
    assert len(aside & {"1", "2"}) == len(aside & {"3", "4"}) == 1
