"""The one file between training and everything after it: a prediction for each test image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lcbench.errors import UserError
from lcbench.storage import whole_file

SCHEMA_VERSION = 1
_VERSION_KEY = b"lcbench_predictions_schema"
PROBABILITY = "p:"
"""What the names of probability columns begin with."""

_TEXT_COLUMNS = ("image", "sha256", "group", "protocol", "baseline", "true", "predicted")
_NUMBER_COLUMNS = ("seed", "fold")
COLUMNS = (
    "image", "sha256", "group", "protocol", "seed", "fold", "baseline", "true", "predicted",
)  # fmt: skip
SUM_TOLERANCE = 1e-3
"""How far from 1 the probabilities of a row may sum."""


@dataclass(frozen=True)
class Predictions:
    """A checked table of predictions.

    Parameters
    ----------
    table
        One row a prediction: image, sha256, group (empty where unknown), protocol, seed, fold
        (0 where the protocol has none), baseline, true (any node), predicted (a leaf), and
        `p:<leaf>` for each leaf, summing to 1.
    leaves
        The leaves, in the order of the probability columns.
    """

    table: pd.DataFrame
    leaves: tuple[str, ...]

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """(rows, leaves) probabilities."""
        return self.table[[PROBABILITY + leaf for leaf in self.leaves]].to_numpy(np.float64)


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
    leaves = tuple(leaves)
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
    for column, leaf in enumerate(leaves):
        table[PROBABILITY + leaf] = probabilities[:, column].astype(np.float64)
    return Predictions(table, leaves)


def write_predictions(path: Path, predictions: Predictions) -> None:
    """Write a Parquet file whose bytes depend on the predictions alone."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    # One schema whatever types pandas chose for its columns.
    types = {column: pa.string() for column in COLUMNS}
    types |= {column: pa.int64() for column in _NUMBER_COLUMNS}
    types |= {PROBABILITY + leaf: pa.float64() for leaf in predictions.leaves}
    table = pa.Table.from_pandas(predictions.table, pa.schema(types), preserve_index=False)
    table = table.replace_schema_metadata({_VERSION_KEY: str(SCHEMA_VERSION).encode()})
    with whole_file(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")


def read_predictions(path: Path) -> Predictions:
    """Read and check a prediction file, Parquet or CSV.

    Raises
    ------
    UserError
        If the file cannot be read, or breaks the contract; the message says where.
    """
    table = _read_table(path)
    missing = [column for column in COLUMNS if column not in table.columns]
    if missing:
        raise UserError(f"{path}: missing columns: {', '.join(missing)}", _CONTRACT)
    leaves = tuple(
        column.removeprefix(PROBABILITY)
        for column in table.columns
        if column.startswith(PROBABILITY)
    )
    for column in _TEXT_COLUMNS:
        table[column] = table[column].fillna("").astype(str).astype(object)
    for column in _NUMBER_COLUMNS:
        table[column] = _whole_numbers(path, table[column])
    for leaf in leaves:  # what is no number is missing, and found below
        table[PROBABILITY + leaf] = pd.to_numeric(table[PROBABILITY + leaf], errors="coerce")
    predictions = Predictions(table, leaves)
    _check_probabilities(path, predictions)
    return predictions


_CONTRACT = (
    "A prediction file has the columns " + ", ".join(COLUMNS) + " and p:<leaf> for each leaf."
)


def _read_table(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise UserError(f"{path}: no such file", "Check the path.")
    return _read_csv(path) if path.suffix.lower() == ".csv" else _read_parquet(path)


def _read_csv(path: Path) -> pd.DataFrame:
    """Read text as text: group 007 is not 7."""
    try:
        return pd.read_csv(path, dtype=dict.fromkeys(_TEXT_COLUMNS, str), keep_default_na=False)
    except ValueError as error:
        raise UserError(f"{path}: not a readable CSV file: {error}", _CONTRACT) from error


def _read_parquet(path: Path) -> pd.DataFrame:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        stored = pq.read_table(path)
        stored.validate(full=True)
        version = schema_version(stored.schema.metadata)
        table: pd.DataFrame = stored.to_pandas()
    except (ValueError, OSError, pa.ArrowException) as error:  # broken bytes raise any of them
        raise UserError(f"{path}: not a readable Parquet file: {error}", _CONTRACT) from error
    if version > SCHEMA_VERSION:
        raise UserError(
            f"{path}: written by a newer lcbench (predictions schema {version})",
            "Update lcbench.",
        )
    return table


def schema_version(metadata: Mapping[bytes, bytes] | None) -> int:
    """Return the version that a Parquet file's metadata names; 1 where another tool wrote it.

    Raises
    ------
    ValueError
        If what stands there is no number.
    """
    return int((metadata or {}).get(_VERSION_KEY, b"1"))


def _whole_numbers(path: Path, column: pd.Series) -> pd.Series:
    numbers = pd.to_numeric(column, errors="coerce")
    if not (numbers % 1 == 0).all():  # NaN and infinity leave no 0 either
        raise UserError(f"{path}: column {column.name} holds more than whole numbers", _CONTRACT)
    return numbers.astype(np.int64)


def _check_probabilities(path: Path, predictions: Predictions) -> None:
    if len(predictions.leaves) < 2:
        raise UserError(f"{path}: fewer than two probability columns", _CONTRACT)
    values = predictions.probabilities
    good = np.isfinite(values).all(axis=1) & (values >= 0).all(axis=1)
    good &= np.abs(values.sum(axis=1) - 1.0) <= SUM_TOLERANCE
    if not good.all():
        first = predictions.table["image"].iloc[int(np.flatnonzero(~good)[0])]
        raise UserError(
            f"{path}: {int((~good).sum())} rows whose probabilities are missing, negative or "
            f"do not sum to 1; the first is {first}",
            _CONTRACT,
        )
    unknown = sorted(set(predictions.table["predicted"]) - set(predictions.leaves))
    if unknown:
        raise UserError(
            f"{path}: predicted classes without a probability column: {', '.join(unknown)}",
            _CONTRACT,
        )
