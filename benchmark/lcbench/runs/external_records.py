"""What `lcbench evaluate` stores about an external folder of images."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from lcbench.runs.plan_records import LeftOut
from lcbench.runs.records import SCHEMA_VERSION, Record, StoredFile

FolderName = Annotated[str, Field(pattern=r"^[^./\\\x00-\x1f][^/\\\x00-\x1f]*$")]
"""What an external folder can be called: one visible folder, however the user named the images."""

RunName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*/seed[0-9][\w.-]*$")]
"""A run's folder below the suite's."""


class LabelCount(Record):
    """A label of an external folder: what it was read as, and how many images carry it.

    `node` is empty where its images were left out: because the label is not known or, with
    `left_out`, because the user's label map says so.
    """

    label: str
    node: str
    images: int
    left_out: bool = False


class OverlapRecord(Record):
    """What an external folder shares with the images that the models were trained on.

    `reason`: why the two were not compared; empty where they were. `with_sibling`: images that show
    tissue of the training data, `exact`: those of them that are exact copies. `pairs`: some of them
    in words.
    """

    reason: str = ""
    training_images: int = 0
    images: int = 0
    with_sibling: int = 0
    exact: int = 0
    pairs: tuple[str, ...] = ()


class RunLeftOut(Record):
    """A finished run that predicted nothing, and why; `run` is its folder below the suite's."""

    run: str
    reason: str


class Predicted(Record):
    """The predictions of one run: their file, and the run that they came from.

    `run`: hash of the run's model and of its own predictions, see `StoredRun.identity`.
    """

    file: StoredFile
    run: str


class ExternalRecord(Record):
    """`evaluation.json`: what an external folder holds and how its labels were read.

    `unreadable`: "file: reason" of each image that could not be decoded. `copies`: images that
    are byte for byte a copy of another one. `contradictions`: sets of copies that carry different
    labels, as "file = file". `sha256`: of the images' contents, names and labels. `predicted`: of
    each run that predicted, by its folder below the suite's; its file is called so too.
    `runs_left_out`: runs of baselines that were not left out as a whole. `overlap`: None
    in records of older versions. `about`: what kind of images these are, as the user says it;
    empty where nobody did. `source`: the folder as it was typed, `device` and `precision`: what
    predicted; empty in records of older versions.
    """

    schema_version: int = SCHEMA_VERSION
    name: FolderName
    command: str
    created: str
    labels: tuple[LabelCount, ...]
    images: int
    scored: int
    copies: int
    contradictions: tuple[str, ...]
    unreadable: tuple[str, ...]
    sha256: str = ""
    left_out: tuple[LeftOut, ...]
    runs_left_out: tuple[RunLeftOut, ...] = ()
    predicted: dict[RunName, Predicted] = Field(default_factory=dict)
    overlap: OverlapRecord | None = None
    about: str = ""
    source: str = ""
    device: str = ""
    precision: str = ""
