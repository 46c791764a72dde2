"""What `lcbench evaluate` stores about an external folder of images."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field

from lcbench.runs.plan_records import LeftOut
from lcbench.runs.records import SCHEMA_VERSION, Record, StoredFile
from lcbench.runs.shift_records import ShiftRecord

FOLDER_NAME = re.compile(r"^[^./\\\x00-\x1f][^/\\\x00-\x1f]*$")
FolderName = Annotated[str, Field(pattern=FOLDER_NAME)]
"""What an external folder can be called: one visible folder, however the user named the images."""

RunName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*/seed[0-9][\w.-]*$")]
"""A run's folder below the suite's."""


Fate = Literal["scored", "left out", "unknown", "out of distribution", "unlabelled"]
"""What became of a label's images.

"scored": at every level of the class tree that the label fixes. "left out": the user's label map
says so; they were not predicted. The others were predicted, and are scored nowhere: "unknown" is a
label that stands for nothing in the tree, "out of distribution" one that the map calls so.
"""


class LabelCount(Record):
    """A label of an external folder: what it was read as, and how many images carry it.

    `node` is empty where its images are not scored, and `fate` says why. Records of older versions
    have no fate: they predicted no image without a node, and `left_out` says whether the map had
    left it out.
    """

    label: str
    node: str
    images: int
    left_out: bool = False
    fate: Fate | None = None


class OverlapRecord(Record):
    """What an external folder shares with the images that the models were trained on.

    `reason`: why the two were not compared; empty where they were. `with_sibling`: images that show
    tissue of the training data, `exact`: those of them that are exact copies. `pairs`: some of them
    in words. `contaminated`: all images of the groups that `with_sibling` belongs to; None in
    records of older versions.
    """

    reason: str = ""
    training_images: int = 0
    images: int = 0
    with_sibling: int = 0
    exact: int = 0
    pairs: tuple[str, ...] = ()
    contaminated: int | None = None


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


class OptionsRecord(Record):
    """What `lcbench evaluate` was asked for beyond the folder; empty where it was not.

    `only`: patterns of the baselines. `label_pattern`, `group_pattern`: regular expressions.
    `groups`: the file of patients or slides as it was typed. `calibrate_on`: the share of the
    groups that was asked to be set aside. `embeddings`: files of embeddings of the images, as they
    were typed. `tile`: side in pixels of the tiles that images were cut into.
    """

    name: str = ""
    only: tuple[str, ...] = ()
    label_pattern: str = ""
    group_pattern: str = ""
    groups: str = ""
    unlabelled: bool = False
    calibrate_on: float | None = None
    embeddings: tuple[str, ...] = ()
    tile: int | None = None


class UnchangedRecord(Record):
    """Images that could not be given the view that baselines look at, and were taken as they are.

    `view`: how a recipe changes images, in words.
    """

    view: str
    images: tuple[str, ...]


class ExternalRecord(Record):
    """`evaluation.json`: what an external folder holds and how its labels were read.

    `unreadable`: "file: reason" of each image that could not be decoded. `copies`: images that
    are byte for byte a copy of another one. `contradictions`: sets of copies that carry different
    labels, as "file = file". `sha256`: of the images' contents, names and labels. `predicted`: of
    each run that predicted, by its folder below the suite's; its file is called so too.
    `runs_left_out`: runs of baselines that were not left out as a whole. `overlap`: None
    in records of older versions. `about`: what kind of images these are, as the user says it;
    empty where nobody did. `source`: the folder as it was typed, `place`: a hash of where it lay,
    `device` and `precision`: what predicted; empty in records of older versions.

    `scored`: images with a label that is scored and that were not set aside; `answered`: all that
    were predicted (None in older records: those that are scored). `table`: the file `images.csv`,
    one row an image that was predicted; None in older records. `groups`: how many source groups
    these images are, `groups_source`: where the groups come from, in words, and `unit`: the word
    for what was given ("patient"), empty where pixels alone tell. `calibration`: images that were
    set aside to calibrate on. `unchanged`: what could not be shown as a recipe wants it.
    `shift`: how the images differ from the training images; None in records of older versions.
    `tiling`: by which rule images were cut into tiles, whose probabilities were averaged; empty
    where they were looked at as they are.
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
    place: str = ""
    answered: int | None = None
    table: StoredFile | None = None
    groups: int | None = None
    groups_source: str = ""
    unit: str = ""
    calibration: int = 0
    unchanged: tuple[UnchangedRecord, ...] = ()
    tiling: str = ""
    options: OptionsRecord = OptionsRecord()
    shift: ShiftRecord | None = None

    @property
    def is_partial(self) -> bool:
        """Whether runs could not predict, images not be read, or labels stand for no class."""
        unknown = any(label.fate == "unknown" for label in self.labels)
        return bool(self.left_out or self.runs_left_out or self.unreadable or unknown)
