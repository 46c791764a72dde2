"""One run's folder: bound together by hashes when it is written, verified when it is read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal

from lcbench.errors import UserError
from lcbench.protocols import PROTOCOLS, run_name
from lcbench.runs.plan_records import PlanRecord
from lcbench.runs.records import RunConfig, RunState, StoredFile, read_record
from lcbench.storage.hashes import content_hash, file_sha256

CONFIG = "config.json"
STATE = "state.json"
HISTORY = "history.csv"
PREDICTIONS = "predictions.parquet"
VALIDATION = "validation.parquet"
"""Predictions on the validation images; older versions stored none."""
MODEL = "model.safetensors"
_OF_EVERY_RUN = (CONFIG, PREDICTIONS, MODEL)

IncompleteKind = Literal[
    "failed", "interrupted", "unusable", "older", "outdated", "duplicate", "retired",
    "never started", "in progress",
]  # fmt: skip
"""Why something gave no predictions that can be used.

"unusable": damaged, or not what it says it is. "older": stored by a version that bound no files.
"outdated": predictions on external images of runs that are no longer there as they were.
"retired": the suite has it no longer. "in progress": another process works on it now.
"""


class UnusableRunError(UserError):
    """A run folder that does not hold a finished or failed run as it was stored."""

    def __init__(self, kind: IncompleteKind, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True)
class StoredRun:
    """A run folder that holds what was stored."""

    folder: Path
    config: RunConfig
    state: RunState

    @property
    def name(self) -> str:
        """Its folder below the suite's, with forward slashes."""
        return name_of(self.folder)

    @property
    def done(self) -> bool:
        """Whether the run ended well."""
        return self.state.status == "done"

    @property
    def identity(self) -> str:
        """Hash of what it learned and of what it predicted: equal for a run that was repeated."""
        return identity_of(self.state)

    def foreign_to(self, plan: PlanRecord) -> str:
        """Return why the run does not belong to the suite of a plan; empty where it does."""
        config = self.config
        if config.suite != plan.suite:
            return f"made for the suite {config.suite}"
        if config.dataset.sha256 != plan.dataset.sha256:
            return "made from other images than the plan's"
        if not config.dataset.same_groups(plan.dataset):
            return "made with other source groups than the plan's"
        if config.taxonomy.structure != plan.taxonomy.structure:
            return "made for another class tree than the plan's"
        return ""


@dataclass(frozen=True)
class StoredRuns:
    """The run folders of a suite: those that hold what was stored, and why others do not."""

    sound: dict[Path, StoredRun] = field(default_factory=dict)
    unusable: dict[Path, UnusableRunError] = field(default_factory=dict)


def identity_of(state: RunState) -> str:
    """Return the hash of what a finished run learned and of what it predicted."""
    return content_hash(*(state.files[name].sha256 for name in (MODEL, PREDICTIONS)))


def name_of(folder: Path) -> str:
    """Return a run's name, `<protocol>/<baseline>/<split>`, from its folder."""
    return "/".join(folder.parts[-3:])


def seal(folder: Path) -> dict[str, StoredFile]:
    """Return what every file of a run's folder is, for its state, which is written last."""
    return {path.name: stored_file(path) for path in sorted(folder.iterdir())}


def stored_file(path: Path) -> StoredFile:
    """Return what a file is that was just written."""
    return StoredFile(size=path.stat().st_size, sha256=file_sha256(path))


def is_as_stored(path: Path, stored: StoredFile) -> bool:
    """Tell whether a file is what was written; it is hashed once a process."""
    facts = path.stat()
    if facts.st_size != stored.size:  # and a file of a terabyte of nothing is not read
        return False
    return _sha256_once(path, facts.st_ino, facts.st_size, facts.st_mtime_ns) == stored.sha256


def read_run(folder: Path) -> StoredRun:
    """Read a run folder, and hold each of its files against the hash that its state names.

    Raises
    ------
    UnusableRunError
        If it does not hold what was stored; the message names the file.
    """
    for name in (CONFIG, STATE):
        if not (folder / name).is_file():
            raise UnusableRunError("interrupted", f"no {name}")
    try:
        config = read_record(folder / CONFIG, RunConfig)
        state = read_record(folder / STATE, RunState)
    except UserError as error:
        raise UnusableRunError("unusable", error.message.replace(f"{folder}/", "")) from error
    if 1 in (config.schema_version, state.schema_version):
        raise UnusableRunError(
            "older", "stored by an older lcbench without hashes of its files: run the suite again"
        )
    _require_own_place(folder, config)
    _require_files(folder, state)
    return StoredRun(folder, config, state)


def read_runs(folders: Iterable[Path]) -> StoredRuns:
    """Read run folders; those that do not hold what was stored stop nobody.

    Copies beside their original are passed over.
    """
    runs = StoredRuns()
    for folder in folders:
        try:
            runs.sound[folder] = read_run(folder)
        except UnusableRunError as error:
            if error.kind != "duplicate":
                runs.unusable[folder] = error
    return runs


def _require_own_place(folder: Path, config: RunConfig) -> None:
    """Hold a run against the names of the folders that it lies in."""
    name = folder.name  # of a protocol that this version does not know
    if config.protocol in PROTOCOLS:
        name = run_name(config.protocol, config.seed, config.fold)
    own = (config.protocol, config.baseline, name)
    if folder.parts[-3:] == own:
        return
    if folder.parts[-3:-1] == own[:-1] and folder.with_name(own[-1]).is_dir():
        raise UnusableRunError("duplicate", "/".join(own))
    raise UnusableRunError("unusable", f"{CONFIG} names another run: {'/'.join(own)}")


def _require_files(folder: Path, state: RunState) -> None:
    needed = _OF_EVERY_RUN if state.status == "done" else (CONFIG,)
    for name in dict.fromkeys((*needed, *state.files)):
        if name not in state.files:
            raise UnusableRunError("unusable", f"{STATE} names no hash of {name}")
        if Path(name).name != name or not (folder / name).is_file():
            raise UnusableRunError("unusable", f"no {name}")
        if not is_as_stored(folder / name, state.files[name]):
            raise UnusableRunError("unusable", f"{name}: damaged: not the file that {STATE} names")


@cache
def _sha256_once(path: Path, *_unchanged: int) -> str:
    """Hash a file once a process, while it is the same file."""
    return file_sha256(path)
