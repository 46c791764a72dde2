"""What the run folders hold, read with pandas alone: the side that shares no code with lcbench."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

LEAVES = ["benign", "adenocarcinoma", "squamous_cell_carcinoma"]
SUBTYPES = LEAVES[1:]
PROTOCOLS = ["paper", "grouped"]
EVENTS = [("any_error", ""), ("confusion", "malignant"), ("confusion", "root")]


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


def happens(rows: pd.DataFrame, event: tuple[str, str]) -> pd.Series:
    """Return where an event happens, among the rows that can have it."""
    if event == ("any_error", ""):
        return ~right(rows)
    if event == ("confusion", "malignant"):
        return confused(rows)[rows["true"].isin(SUBTYPES)]
    return (rows["true"] == "benign") != (rows["predicted"] == "benign")


def probabilities(rows: pd.DataFrame) -> np.ndarray:
    return rows[[f"p:{leaf}" for leaf in LEAVES]].to_numpy()


def comparison_of(stored: dict[str, Any], protocol: str) -> dict[str, Any]:
    (found,) = [one for one in stored["protocols"] if one["protocol"] == protocol]
    return found["comparison"]


def model_of(stored: dict[str, Any], protocol: str, baseline: str) -> dict[str, Any]:
    models = comparison_of(stored, protocol)["models"]
    (found,) = [one for one in models if one["model"] == baseline]
    return found


def scores_of(found: list[dict[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    """Return estimates by metric and what they speak of."""
    return {(one["metric"], one["of"]): one["estimate"] for one in found}


def scores(stored: dict[str, Any], protocol: str, baseline: str) -> dict[Any, dict[str, Any]]:
    return scores_of(model_of(stored, protocol, baseline)["scores"])


def pairs_on(
    stored: dict[str, Any], protocol: str, event: tuple[str, str]
) -> list[tuple[str, dict[str, Any]]]:
    """Return the baselines that were compared with the reference on an event, and how."""
    return [
        (pair["b"], one)
        for pair in comparison_of(stored, protocol)["pairs"]
        for one in pair["events"]
        if (one["event"], one["node"]) == event
    ]
