"""What the run folders hold, read with pandas alone: the side that shares no code with lcbench."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

LEAVES = ["benign", "adenocarcinoma", "squamous_cell_carcinoma"]
SUBTYPES = LEAVES[1:]
PROTOCOLS = ["paper", "grouped"]
EVENTS = ["any-error", "subtype-confusion", "benign-malignant"]


def rows_of(predictions: pd.DataFrame, protocol: str, baseline: str) -> pd.DataFrame:
    """Return the predictions of one baseline, indexed by seed and image."""
    chosen = predictions[
        (predictions["protocol"] == protocol) & (predictions["baseline"] == baseline)
    ]
    return chosen.set_index(["seed", "image"]).sort_index()


def right(rows: pd.DataFrame) -> pd.Series:
    return rows["true"] == rows["predicted"]


def confused(rows: pd.DataFrame) -> pd.Series:
    both = rows["true"].isin(SUBTYPES) & rows["predicted"].isin(SUBTYPES)
    return both & ~right(rows)


def happens(rows: pd.DataFrame, event: str) -> pd.Series:
    """Return where an event happens, among the rows that can have it."""
    if event == "any-error":
        return ~right(rows)
    if event == "subtype-confusion":
        return confused(rows)[rows["true"].isin(SUBTYPES)]
    return (rows["true"] == "benign") != (rows["predicted"] == "benign")


def probabilities(rows: pd.DataFrame) -> np.ndarray:
    return rows[[f"p:{leaf}" for leaf in LEAVES]].to_numpy()


def protocol_of(stored: dict[str, Any], protocol: str) -> dict[str, Any]:
    (found,) = [one for one in stored["protocols"] if one["protocol"] == protocol]
    return found


def scores(stored: dict[str, Any], protocol: str, baseline: str) -> dict[str, Any]:
    baselines = protocol_of(stored, protocol)["baselines"]
    (found,) = [one for one in baselines if one["baseline"] == baseline]
    return found
