"""The one file between training and everything after it: a prediction for each test image."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lcbench.predictions.messages import Finding
from lcbench.statistics.decision_rules import LIKELIEST, RULES, DecisionRule, decide
from lcbench.storage.whole import whole_file
from lcbench.taxonomy import Taxonomy

Text = NDArray[np.object_]
"""An array of `str`; empty text is what is not there."""

SCHEMA_VERSION = 1
_VERSION_KEY = b"lcbench_predictions_schema"
_DECISION_KEY = b"lcbench_decision"
PROBABILITY = "p:"
"""What the names of probability columns begin with."""

NUMBER_COLUMNS = ("seed", "fold")
COLUMNS = (
    "image", "sha256", "group", "protocol", "seed", "fold", "baseline", "true", "predicted",
)  # fmt: skip
SUM_TOLERANCE = 1e-3
"""How far from 1 the probabilities of a row may sum; see `lcbench.predictions.rounding`."""


@dataclass(frozen=True)
class Predictions:
    """The checked predictions of one model.

    Parameters
    ----------
    name
        What the model is called.
    leaves
        The leaves of the class tree, in the order of the probabilities.
    table
        One row a prediction, with the columns of `COLUMNS`: image (a POSIX path), sha256, group
        and protocol (empty where unknown), seed, fold (0 where there is none), baseline, true (any
        node below the root), predicted (a leaf).
    probabilities
        (rows, leaves), each row summing to 1; None where the model gives none.
    notes
        What was noted when the predictions were read.
    decision
        The rule by which `predicted` follows from the probabilities.
    """

    name: str
    leaves: tuple[str, ...]
    table: pd.DataFrame
    probabilities: NDArray[np.float64] | None
    notes: tuple[Finding, ...] = ()
    decision: DecisionRule = LIKELIEST

    def decided(self, rule: DecisionRule, taxonomy: Taxonomy) -> Predictions:
        """Return the same probabilities with the answers that a rule gives.

        Raises
        ------
        ValueError
            If there are no probabilities.
        """
        if self.probabilities is None:
            raise ValueError("a decision rule needs probabilities")
        answers = decide(rule, self.probabilities, taxonomy)
        predicted = np.asarray(self.leaves, dtype=object)[answers]
        return replace(self, table=self.table.assign(predicted=predicted), decision=rule)

    def keep(self, rows: NDArray[np.bool_]) -> Predictions:
        """Return some of the rows, (rows,) True for those to keep."""
        chances = None if self.probabilities is None else self.probabilities[rows]
        table = self.table[rows].reset_index(drop=True)
        return replace(self, table=table, probabilities=chances)


def predictions_table(
    images: pd.DataFrame,
    probabilities: NDArray[np.floating],
    leaves: Sequence[str],
    *,
    protocol: str,
    seed: int,
    fold: int,
    baseline: str,
) -> Predictions:
    """Put manifest rows and leaf probabilities together.

    Parameters
    ----------
    images
        Manifest rows with image, sha256, group and label.
    probabilities
        (rows, leaves), each row summing to 1. The predicted leaf is the first of the largest.
    """
    table = pd.DataFrame(
        {
            "image": images["image"].to_numpy(),
            "sha256": images["sha256"].to_numpy(),
            "group": images["group"].to_numpy(),
            "protocol": protocol,
            "seed": seed,
            "fold": fold,
            "baseline": baseline,
            "true": images["label"].to_numpy(),
            "predicted": np.asarray(leaves, dtype=object)[probabilities.argmax(axis=1)],
        }
    )
    return Predictions(baseline, tuple(leaves), table, probabilities.astype(np.float64))


def write_predictions(path: Path, predictions: Predictions) -> None:
    """Write a Parquet file whose bytes depend on the predictions alone.

    It states the decision rule, where that is another than the usual one.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    # One schema whatever types pandas chose for its columns.
    types = [(name, pa.int64() if name in NUMBER_COLUMNS else pa.string()) for name in COLUMNS]
    table = pa.Table.from_pandas(predictions.table, pa.schema(types), preserve_index=False)
    if predictions.probabilities is not None:
        for leaf, chances in zip(predictions.leaves, predictions.probabilities.T, strict=True):
            table = table.append_column(PROBABILITY + leaf, pa.array(chances, pa.float64()))
    metadata = {_VERSION_KEY: str(SCHEMA_VERSION).encode()}
    if predictions.decision != LIKELIEST:
        metadata[_DECISION_KEY] = predictions.decision.encode()
    table = table.replace_schema_metadata(metadata)
    with whole_file(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")


def schema_version(metadata: Mapping[bytes, bytes] | None) -> int:
    """Return the version that a Parquet file's metadata names; 1 where another tool wrote it.

    Raises
    ------
    ValueError
        If what stands there is no number.
    """
    return int((metadata or {}).get(_VERSION_KEY, b"1"))


def stated_decision(metadata: Mapping[bytes, bytes] | None) -> DecisionRule:
    """Return the rule that a Parquet file's metadata states; the usual one where it states none."""
    stated = (metadata or {}).get(_DECISION_KEY, b"").decode(errors="replace")
    return next((rule for rule in RULES if rule == stated), LIKELIEST)


def image_name(name: str) -> str:
    """Return a name as a POSIX path without `./` before it, whatever system wrote it."""
    name = name.replace("\\", "/")
    while name.startswith("./"):
        name = name[2:].lstrip("/")
    return name


def base_names(names: Iterable[str]) -> Text:
    """Return the last part of each name."""
    return np.array([PurePosixPath(name).name for name in names], dtype=object)
