"""What runs store about themselves: the typed contents of their JSON files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from lcbench.errors import UserError
from lcbench.storage import write_text
from lcbench.taxonomy import Taxonomy

SCHEMA_VERSION = 1


class Record(BaseModel):
    """Base of every stored record: immutable, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class TaxonomyRecord(Record):
    """The class tree of a run."""

    name: str
    parents: dict[str, str]
    negative: str | None
    subtypes_of: str | None

    @classmethod
    def of(cls, taxonomy: Taxonomy) -> TaxonomyRecord:
        """Return the record of a class tree."""
        return cls(
            name=taxonomy.name,
            parents=taxonomy.parents,
            negative=taxonomy.negative,
            subtypes_of=taxonomy.subtypes_of,
        )

    def tree(self, aliases: Mapping[str, tuple[str, ...]] | None = None) -> Taxonomy:
        """Return the class tree, with the folder names that its classes are known by."""
        return Taxonomy(
            self.name, self.parents, dict(aliases or {}), self.negative, self.subtypes_of
        )


class DatasetRecord(Record):
    """The images of a run.

    `groups_source` says in words where source groups come from; it is empty where they are
    unknown. `source_groups` counts the groups, None where they are unknown. `pixel_check` says in
    words where pixels disagree with given groups; it is empty where they were not compared.
    `groups_sha256` is the hash of which image belongs to which group; it is empty where groups are
    unknown, and in records of older versions. `about`: what kind of images these are, as the user
    says it; empty where nobody did.
    """

    name: str
    synthetic: bool
    images: int
    images_by_class: dict[str, int]
    source_groups: int | None
    groups_source: str
    skipped: tuple[str, ...]
    sha256: str
    pixel_check: str = ""
    groups_sha256: str = ""
    about: str = ""

    def same_groups(self, other: DatasetRecord) -> bool:
        """Tell whether the images stand in the same source groups, from whatever file."""
        if self.groups_sha256 and other.groups_sha256:
            return self.groups_sha256 == other.groups_sha256
        facts = [(one.source_groups, one.groups_source) for one in (self, other)]
        return facts[0] == facts[1]


class SplitRecord(Record):
    """One division of the images.

    `test_with_siblings`: test images that have an image of their source group in training;
    None where groups are unknown. `test_groups_in_train` of `test_groups`: the same by group.
    `test_of_unknown_source`: test images that a groups file does not name; they count in neither.
    `test_with_proven_siblings`: test images with a sibling in training by pixels, where the groups
    are the user's own; None elsewhere.
    """

    sha256: str
    train: int
    validation: int
    test: int
    test_with_siblings: int | None
    test_groups: int | None
    test_groups_in_train: int | None
    test_of_unknown_source: int = 0
    test_with_proven_siblings: int | None = None


class BackboneRecord(Record):
    """A backbone as it was used.

    `gmacs`: billions of multiply-accumulates for one image. `parameters`: of the backbone without
    its classifier. `random`: the weights were drawn at random, as the user typed.
    """

    name: str
    weights: str
    weights_sha256: str
    random: bool
    preprocessing: str
    parameters: int
    gmacs: float


class RunConfig(Record):
    """`config.json`: everything resolved before the run began."""

    schema_version: int = SCHEMA_VERSION
    suite: str
    protocol: str
    baseline: str
    purpose: str
    kind: str
    recipe: dict[str, JsonValue]
    seed: int
    fold: int
    taxonomy: TaxonomyRecord
    dataset: DatasetRecord
    split: SplitRecord
    backbone: BackboneRecord | None
    device: str
    precision: str
    versions: dict[str, str]
    commit: str


class RunState(Record):
    """`state.json`: how the run ended, and what it cost.

    `train_seconds`: fitting, without embedding. `images_per_second`: from image file to
    prediction, decoding included; None where no image is looked at. `peak_memory_mb`: of the
    accelerator, or of the process where there is none. `epochs`: trained; `best_epoch`: restored.
    `processor`: what computed it; empty in files of older versions.
    """

    status: Literal["done", "failed"]
    error: str = ""
    started: str
    train_seconds: float = 0.0
    images_per_second: float | None = None
    peak_memory_mb: float = 0.0
    parameters: int = 0
    epochs: int | None = None
    best_epoch: int | None = None
    processor: str = ""


class LeftOut(Record):
    """A baseline that the suite names and that was not run, and why."""

    baseline: str
    reason: str


class RolesRecord(Record):
    """What protocols and baselines are for, as the suite says it.

    `flattering`: the protocol whose scores are suspected of leakage; `leakage_free`: the one that
    has none. `claims`: claims of papers to hold the results against. `floor`: baselines that must
    be beaten by anything; `shortcut`: those that should not suffice, such as colour without any
    spatial information. `margin`: how many points of a rate count as no difference; None where the
    suite states none.
    """

    flattering: str | None = None
    leakage_free: str | None = None
    claims: tuple[str, ...] = ()
    floor: tuple[str, ...] = ()
    shortcut: tuple[str, ...] = ()
    margin: float | None = None

    @property
    def aside(self) -> tuple[str, ...]:
        """Baselines that are no candidates: floor and shortcuts."""
        return (*self.floor, *self.shortcut)


class Invocation(Record):
    """One `lcbench run` into a suite's folder: what was asked for, and what was left out.

    `command` is empty where it was called from Python. `data` and `groups`: as they were typed;
    `labels`: what the label map says, name to class or "leave-out"; all empty in files of older
    versions.
    """

    command: str
    created: str
    protocols: tuple[str, ...]
    seeds: int
    baselines: tuple[str, ...]
    left_out: tuple[LeftOut, ...]
    data: str = ""
    groups: str = ""
    labels: dict[str, str] = {}


class PlanRecord(Record):
    """`plan.json` of a suite: all that was ever asked for in its folder, and what was left out.

    `protocols`, `seeds` and `baselines`: of every invocation together; `left_out`: what none of
    them ran. `command`: the latest; `created`: when the first began. `invocations` is empty in
    files of older versions, and `roles` is None: `read_plan` fills both. `aliases`: the folder
    names that each class is known by. `root`: the folder that image paths are relative to, on the
    machine that ran it.
    """

    schema_version: int = SCHEMA_VERSION
    suite: str
    command: str
    created: str
    protocols: tuple[str, ...]
    seeds: int
    baselines: tuple[str, ...]
    left_out: tuple[LeftOut, ...]
    invocations: tuple[Invocation, ...] = ()
    reference: str
    roles: RolesRecord | None = None
    dataset: DatasetRecord
    taxonomy: TaxonomyRecord
    aliases: dict[str, tuple[str, ...]] = {}
    machine: str
    root: str = ""

    @property
    def commands(self) -> tuple[str, ...]:
        """The commands that were typed, the first one first, each once."""
        return tuple(dict.fromkeys(one.command for one in self.invocations if one.command))


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


class ExternalRecord(Record):
    """`evaluation.json`: what an external folder holds and how its labels were read.

    `unreadable`: "file: reason" of each image that could not be decoded. `copies`: images that
    are byte for byte a copy of another one. `contradictions`: sets of copies that carry different
    labels, as "file = file". `sha256`: of the images' contents, names and labels. `overlap`: None
    in records of older versions. `about`: what kind of images these are, as the user says it;
    empty where nobody did. `source`: the folder as it was typed, `device` and `precision`: what
    predicted; empty in records of older versions.
    """

    schema_version: int = SCHEMA_VERSION
    name: str
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
    overlap: OverlapRecord | None = None
    about: str = ""
    source: str = ""
    device: str = ""
    precision: str = ""


RecordType = TypeVar("RecordType", bound=Record)


def write_record(path: Path, record: Record) -> None:
    """Write a record as JSON, whole or not at all."""
    write_text(path, record.model_dump_json(indent=2) + "\n")


def read_record(path: Path, kind: type[RecordType]) -> RecordType:
    """Read a record.

    Raises
    ------
    UserError
        If the file is not such a record, or was written by a newer version.
    """
    try:
        record = kind.model_validate_json(path.read_text(encoding="utf-8"))
    except (ValidationError, UnicodeDecodeError) as error:
        raise UserError(
            f"{path}: not a readable {kind.__name__}: {error}",
            "It may be from another version of lcbench: run the suite again into a new folder.",
        ) from error
    version = getattr(record, "schema_version", SCHEMA_VERSION)
    if version > SCHEMA_VERSION:
        raise UserError(f"{path}: written by a newer lcbench (schema {version})", "Update lcbench.")
    return record
