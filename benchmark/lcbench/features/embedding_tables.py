"""Files of embeddings that any tool computed: Parquet, NPZ or HDF5, one row an image."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lcbench.errors import UserError, first_line
from lcbench.tables import MOST_COLUMNS, MOST_ROWS

if TYPE_CHECKING:
    import pyarrow as pa

LAYOUT = (
    "A file of embeddings has a row an image: a column image (path relative to the data, or file "
    "name) or sha256 (of the file), or both, and the numbers in columns e0, e1, ... or in one list "
    "column embedding (Parquet); as NPZ or HDF5, arrays image or sha256, and embedding of shape "
    "(images, features). See docs/formats.md."
)
_KEYS = ("image", "sha256")
_VALUES = "embedding"
_NUMBERED = re.compile(r"e(0|[1-9]\d*)")
_MOST_NUMBERS = 2**30
"""Numbers in a file: 4 GB in single precision; 100,000 images with 10,000 features each."""
_BATCH = 2**12


@dataclass(frozen=True)
class EmbeddingTable:
    """What a file holds.

    Parameters
    ----------
    image, sha256
        Names and hashes of its rows; None where it has no such column.
    values
        (rows, features).
    """

    image: Sequence[str] | None
    sha256: Sequence[str] | None
    values: NDArray[np.float32]


class _NoEmbeddingsError(Exception):
    """What keeps a file from being one of embeddings."""


def read_embeddings(path: Path) -> EmbeddingTable:
    """Read a file of embeddings; numbers that are not finite are left to whoever uses their rows.

    Raises
    ------
    UserError
        If it cannot be read, is too large, or is not laid out as `LAYOUT` says.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such file", "Its path is relative to the suite's file.")
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise UserError(f"{path}: not a file of {', '.join(_READERS)}", LAYOUT)
    try:
        return reader(path)
    except (UserError, MemoryError):
        raise
    except _NoEmbeddingsError as error:
        raise UserError(f"{path}: {error}", LAYOUT) from error
    except Exception as error:  # broken bytes make libraries raise anything
        raise UserError(f"{path}: not readable: {first_line(error)}", LAYOUT) from error


def is_embedding_file(name: str) -> bool:
    """Tell whether what a recipe calls its backbone is a file of embeddings."""
    return Path(name).suffix.lower() in _READERS and ":" not in name


def _read_parquet(path: Path) -> EmbeddingTable:
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        schema, rows = file.schema_arrow, file.metadata.num_rows
        if len(schema.names) > MOST_COLUMNS:
            raise _NoEmbeddingsError(f"{len(schema.names):,} columns; {MOST_COLUMNS:,} are read")
        _require_once(schema.names)
        numbers = _number_columns(schema.names)
        _require_bounded(rows, len(numbers))
        keys = _require_key(schema.names)
        before, batches = pa.total_allocated_bytes(), []
        for batch in file.iter_batches(batch_size=_BATCH, columns=[*keys, *numbers]):
            batches.append(batch)
            if pa.total_allocated_bytes() - before > 8 * _MOST_NUMBERS:
                raise _too_large()
        table = pa.Table.from_batches(batches) if batches else file.read([*keys, *numbers])
    table.validate(full=True)
    texts = {key: _texts(key, table.column(key).to_pylist()) for key in keys}
    if numbers == [_VALUES]:
        values = _of_lists(table.column(_VALUES).combine_chunks())
    else:
        values = np.stack([_of_column(name, table.column(name)) for name in numbers], axis=1)
    return EmbeddingTable(texts.get("image"), texts.get("sha256"), values)


def _number_columns(names: Sequence[str]) -> list[str]:
    """Return the columns that hold the numbers, in order."""
    numbered = sorted((n for n in names if _NUMBERED.fullmatch(n)), key=lambda name: int(name[1:]))
    if _VALUES in names and numbered:
        raise _NoEmbeddingsError("both a column embedding and columns e0, e1, ...: keep one")
    if _VALUES in names:
        return [_VALUES]
    if not numbered:
        raise _NoEmbeddingsError("neither a column embedding nor columns e0, e1, ...")
    wanted = [f"e{number}" for number in range(len(numbered))]
    if numbered != wanted:
        absent = next(name for name in wanted if name not in numbered)
        raise _NoEmbeddingsError(f"columns e0 to {numbered[-1]}, but no {absent}")
    return numbered


def _of_column(name: str, column: pa.ChunkedArray) -> NDArray[np.float32]:
    import pyarrow.types as kinds

    if not (kinds.is_floating(column.type) or kinds.is_integer(column.type)):
        raise _NoEmbeddingsError(f"column {name} holds {column.type}, not numbers")
    return _single(column.to_numpy())


def _of_lists(column: pa.Array) -> NDArray[np.float32]:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.types as kinds

    if isinstance(column, pa.ChunkedArray):  # of no chunks
        column = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    is_list = kinds.is_list(column.type) or kinds.is_large_list(column.type)
    if not (is_list or kinds.is_fixed_size_list(column.type)):
        raise _NoEmbeddingsError(f"column embedding holds {column.type}, not lists of numbers")
    of = column.type.value_type
    if not (kinds.is_floating(of) or kinds.is_integer(of)):
        raise _NoEmbeddingsError(f"column embedding holds lists of {of}, not of numbers")
    if column.null_count:
        row = column.is_null().to_pylist().index(True) + 1
        raise _NoEmbeddingsError(f"row {row:,} has no embedding ({column.null_count:,} such rows)")
    lengths = pc.list_value_length(column).to_numpy(zero_copy_only=False)
    _require_one_length(lengths)
    width = int(lengths[0]) if len(lengths) else 0
    _require_bounded(len(column), width)
    return _single(column.flatten().to_numpy(zero_copy_only=False)).reshape(len(column), width)


def _require_one_length(lengths: NDArray[np.integer[Any]]) -> None:
    other = np.flatnonzero(lengths != lengths[:1])
    if len(other):
        raise _NoEmbeddingsError(
            f"embeddings of two lengths: {lengths[0]:,} in row 1, {lengths[other[0]]:,} in row "
            f"{other[0] + 1:,}"
        )


def _read_npz(path: Path) -> EmbeddingTable:
    with zipfile.ZipFile(path) as archive:
        # Before it is unpacked: a small archive can claim any size.
        if sum(member.file_size for member in archive.infolist()) > 8 * _MOST_NUMBERS:
            raise _too_large()
    try:
        with np.load(path, allow_pickle=False) as stored:
            keys = _require_key(stored.files)
            _require_values(stored.files)
            texts = {key: _texts(key, _flat(key, stored[key]).tolist()) for key in keys}
            return _of_arrays(texts, stored[_VALUES])
    except ValueError as error:
        if "pickle" in str(error):
            raise _NoEmbeddingsError(
                "it holds Python objects; save names as text: np.array(names, dtype=str)"
            ) from error
        raise


def _read_hdf5(path: Path) -> EmbeddingTable:
    try:
        import h5py
    except ImportError as error:
        raise UserError(
            f"{path}: reading HDF5 needs h5py, which is not installed",
            "Install it (pip install h5py), or store the embeddings as Parquet or NPZ.",
        ) from error

    with h5py.File(path, "r") as stored:
        keys = _require_key(list(stored))
        _require_values(list(stored))
        for name in (*keys, _VALUES):
            # A link can lead out of the file, and so can what a dataset is put together from.
            here = stored.get(name, getlink=True)
            if not isinstance(here, h5py.HardLink) or not isinstance(stored[name], h5py.Dataset):
                raise _NoEmbeddingsError(f"{name} is not an array of this file")
            if stored[name].external or stored[name].is_virtual:
                raise _NoEmbeddingsError(f"{name} lies in another file")
            if stored[name].size > _MOST_NUMBERS:
                raise _too_large()
        texts = {key: _texts(key, _flat(key, stored[key][()]).tolist()) for key in keys}
        return _of_arrays(texts, stored[_VALUES][()])


def _of_arrays(texts: dict[str, list[str]], values: NDArray[Any]) -> EmbeddingTable:
    if values.ndim != 2 or values.dtype.kind not in "fiu":
        raise _NoEmbeddingsError(
            f"embedding is {values.dtype} of shape {values.shape}, not numbers of shape "
            "(images, features)"
        )
    _require_bounded(*values.shape)
    for key, found in texts.items():
        if len(found) != len(values):
            raise _NoEmbeddingsError(
                f"two lengths: {len(found):,} in {key}, {len(values):,} rows in embedding"
            )
    return EmbeddingTable(texts.get("image"), texts.get("sha256"), _single(values))


def _flat(key: str, values: NDArray[Any]) -> NDArray[Any]:
    if values.ndim != 1:
        raise _NoEmbeddingsError(f"{key} has shape {values.shape}, not one text an image")
    return values


def _texts(key: str, values: Iterable[object]) -> list[str]:
    found = []
    for row, value in enumerate(values, start=1):
        text = value.decode(errors="replace") if isinstance(value, bytes) else value
        if not isinstance(text, str) or not text:
            what = "nothing" if text in (None, "") else type(text).__name__
            raise _NoEmbeddingsError(f"{key} holds {what} in row {row:,}, not a text")
        found.append(text.replace("\\", "/").removeprefix("./") if key == "image" else text.lower())
    return found


def _single(values: NDArray[Any]) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):  # what does not fit is infinite, and told so
        return np.ascontiguousarray(values, dtype=np.float32)


def _require_key(names: Sequence[str]) -> list[str]:
    keys = [name for name in _KEYS if name in names]
    if not keys:
        seen = ", ".join(sorted(names)[:5]) or "nothing"
        raise _NoEmbeddingsError(f"neither image nor sha256 in it, only {seen}")
    return keys


def _require_values(names: Sequence[str]) -> None:
    if _VALUES not in names:
        raise _NoEmbeddingsError(f"no array embedding in it, only {', '.join(sorted(names)[:5])}")


def _require_once(names: Sequence[str]) -> None:
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise _NoEmbeddingsError(f"two columns are called {twice}")


def _require_bounded(rows: int, features: int) -> None:
    if rows == 0 or features == 0:
        raise _NoEmbeddingsError(f"{rows:,} images with {features:,} numbers each")
    if rows > MOST_ROWS or rows * features > _MOST_NUMBERS:
        raise _too_large()


def _too_large() -> _NoEmbeddingsError:
    return _NoEmbeddingsError(
        f"too large: at most {MOST_ROWS:,} images and {_MOST_NUMBERS:,} numbers are read"
    )


_READERS: dict[str, Callable[[Path], EmbeddingTable]] = {
    ".parquet": _read_parquet,
    ".npz": _read_npz,
    ".h5": _read_hdf5,
    ".hdf5": _read_hdf5,
}
