"""Records and runs changed as their own writer would: what is read is not damaged, but other."""

from __future__ import annotations

import json
from pathlib import Path

from lcbench.runs.records import CHECKSUM, RunState, checksum, read_record, write_record
from lcbench.runs.stored import STATE, seal

FILES = (
    "config.json", "history.csv", "predictions.parquet", "validation.parquet", "model.safetensors",
    "state.json",
)  # fmt: skip
"""The files of a run of a network."""


def rewrite(path: Path, *without: str, **changes: object) -> None:
    """Change some keys of a stored record, or take them away."""
    stored = json.loads(path.read_text("utf-8"))
    kept = {key: value for key, value in stored.items() if key not in (CHECKSUM, *without)}
    content = kept | changes
    path.write_text(json.dumps({**content, CHECKSUM: checksum(content)}), encoding="utf-8")


def reseal(run: Path) -> None:
    """Bind the files of a run folder to its state as they are now."""
    state = read_record(run / STATE, RunState)
    (run / STATE).unlink()
    write_record(run / STATE, state.model_copy(update={"files": seal(run)}))


def as_older(path: Path) -> None:
    """Turn a stored record into one of the version that knew no hashes."""
    stored = json.loads(path.read_text("utf-8"))
    for key in (CHECKSUM, "files", "code_sha256", "predicted", "runs_left_out"):
        stored.pop(key, None)
    path.write_text(json.dumps(stored | {"schema_version": 1}), encoding="utf-8")
