"""What runs store about themselves: the typed contents of their JSON files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    ValidationError,
)

from lcbench.documents import MOST_JSON, explain, read_within
from lcbench.errors import UserError
from lcbench.statistics.decision_rules import LIKELIEST, RULES, DecisionRule
from lcbench.storage.hashes import content_hash
from lcbench.storage.whole import write_text
from lcbench.taxonomy import Taxonomy

SCHEMA_VERSION = 2
"""2: a run's state names the hash of each of its files, and records carry one of themselves."""
CHECKSUM = "checksum"
"""The key of a stored record for the hash of everything else in it."""
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)]
"""What suites, protocols and baselines can be called: each is the name of a folder."""


class NewerVersionError(UserError):
    """A record that a newer version of lcbench wrote."""


class Record(BaseModel):
    """Base of every stored record: immutable, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def _as_one(names: object) -> object:
    """Return names as records had them when there could be one only, where that is enough."""
    if isinstance(names, list | tuple) and len(names) < 2:
        return next(iter(names), None)
    return names


class TaxonomyRecord(Record):
    """The class tree of a run.

    `negative`: the node that means no finding, or several. `costs`: of errors, as its file states
    them, perhaps none.
    """

    name: str
    parents: dict[str, str]
    negative: Annotated[str | tuple[str, ...] | None, BeforeValidator(_as_one)]
    subtypes_of: str | None
    costs: dict[str, dict[str, float]] = {}

    @classmethod
    def of(cls, taxonomy: Taxonomy) -> TaxonomyRecord:
        """Return the record of a class tree."""
        return cls(
            name=taxonomy.name,
            parents=taxonomy.parents,
            negative=taxonomy.negative,
            subtypes_of=taxonomy.subtypes_of,
            costs={true: dict(answers) for true, answers in taxonomy.costs.items()},
        )

    @property
    def structure(self) -> object:
        """What decides results: also the order of the nodes, which is that of the leaves."""
        return list(self.parents.items()), self.negative, self.subtypes_of, self.costs

    def tree(self, aliases: Mapping[str, tuple[str, ...]] | None = None) -> Taxonomy:
        """Return the class tree, with the folder names that its classes are known by."""
        names = dict(aliases or {})
        negative = self.negative or ()
        negative = (negative,) if isinstance(negative, str) else negative
        return Taxonomy(self.name, self.parents, names, negative, self.subtypes_of, self.costs)


class DrawnRecord(Record):
    """That images were drawn, in whole source groups, and from what.

    `asked`: how many images were asked for. `images`, `source_groups`: how many there were, the
    latter None where groups are unknown. `words`: the same in words.
    """

    asked: int
    images: int
    source_groups: int | None
    words: str


class CanonicalRecord(Record):
    """Canonical source groups that come with lcbench: the same on every machine.

    `sha256` is that of the table of images, groups and fingerprints; `of`: how many images it
    names.
    """

    name: str
    version: int
    sha256: str
    of: int


class DatasetRecord(Record):
    """The images of a run.

    `groups_source` says in words where source groups come from; it is empty where they are
    unknown. `source_groups` counts the groups, None where they are unknown. `pixel_check` says in
    words where pixels disagree with given groups; it is empty where they were not compared.
    `groups_sha256` is the hash of which image belongs to which group; it is empty where groups are
    unknown. `about`: what kind of images these are, as the user
    says it; empty where nobody did. `drawn`: from what the images were drawn, None if they are
    all there are. `tiling`: by which rule they are tiles of larger images; empty where they are
    whole. `canonical`: the canonical groups that were used, None where groups are from elsewhere.
    `decoding`: the rules by which grey values became 8 bits; empty where all images had 8 bits, and
    in runs of older versions.
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
    drawn: DrawnRecord | None = None
    tiling: str = ""
    canonical: CanonicalRecord | None = None
    decoding: tuple[str, ...] = ()

    def same_groups(self, other: DatasetRecord) -> bool:
        """Tell whether the images stand in the same source groups, from whatever file."""
        return self.groups_sha256 == other.groups_sha256


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


class CheckpointRecord(Record):
    """How the tensors of a file became a network's.

    `under`: the keys that lead to them, outermost first; `beside`: other keys that were passed
    over. `prefix`: what was taken from the beginning of each name. `renamed`: by whose rule names
    were changed beyond that; empty where they were not. `resampled`: position embeddings that were
    brought to another size of image. `left_out`: tensors that the network has no place for, as
    those of a head.
    """

    under: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    prefix: str = ""
    renamed: str = ""
    resampled: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


class BackboneRecord(Record):
    """A backbone as it was used.

    `gmacs`: billions of multiply-accumulates for one image. `parameters`: of the backbone without
    its classifier. `random`: the weights were drawn at random, as the user typed. `image_size`:
    side of the images that it was given, in pixels; 224 in files of older versions. `outputs`: of
    its own head, where that answered; None without one. `checkpoint`: how a file of weights was
    read; None where there was none, and in files of older versions. In the place of a backbone, a
    file of embeddings has its own hash, and 0 of cost and parameters, because they are not known.
    """

    name: str
    weights: str
    weights_sha256: str
    random: bool
    preprocessing: str
    parameters: int
    gmacs: float
    image_size: int = 224
    outputs: int | None = None
    checkpoint: CheckpointRecord | None = None


class RunConfig(Record):
    """`config.json`: everything resolved before the run began.

    `code_sha256`: of the modules of the user's own that the recipe names; empty where it names
    none.
    """

    schema_version: int = SCHEMA_VERSION
    suite: Name
    protocol: Name
    baseline: Name
    purpose: str
    kind: str
    code_sha256: str = ""
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

    @property
    def decision(self) -> DecisionRule:
        """How its classes were chosen from the probabilities of the leaves."""
        stated = self.recipe.get("decision")
        return next((rule for rule in RULES if rule == stated), LIKELIEST)


class StoredFile(Record):
    """What a file was when it was written: its bytes, and their SHA-256 in hexadecimal."""

    size: int
    sha256: str


class RunState(Record):
    """`state.json`: how the run ended, what it wrote, and what it cost.

    `files`: every other file of the run's folder, by name. `train_seconds`: fitting,
    without embedding. `images_per_second`: from image file to prediction, decoding included; None
    where no image is looked at. `peak_memory_mb`: of the accelerator, or of the process where there
    is none. `epochs`: trained; `best_epoch`: restored. `processor`: what computed it; empty in
    files of older versions. `unchanged`: images of the whole dataset that could not be given the
    view that the baseline looks at, and were taken as they are. `of_backbone`: those of the learned
    `parameters` that belong to the backbone; None in files of older versions. `chosen`: what the
    fit chose on validation data, in words; empty where nothing was to choose, and in files of older
    versions.
    """

    schema_version: int = SCHEMA_VERSION
    status: Literal["done", "failed"]
    error: str = ""
    started: str
    files: dict[str, StoredFile] = {}
    train_seconds: float = 0.0
    images_per_second: float | None = None
    peak_memory_mb: float = 0.0
    parameters: int = 0
    epochs: int | None = None
    best_epoch: int | None = None
    processor: str = ""
    unchanged: int = 0
    of_backbone: int | None = None
    chosen: str = ""


RecordType = TypeVar("RecordType", bound=Record)


def write_record(path: Path, record: Record) -> None:
    """Write a record as JSON with a hash of itself, whole or not at all."""
    content = record.model_dump(mode="json")
    content[CHECKSUM] = checksum(content)
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    write_text(path, text + "\n")


def read_record(path: Path, kind: type[RecordType]) -> RecordType:
    """Read a record.

    Records of older versions carry no hash of themselves, and are read as far as they can be.

    Raises
    ------
    UserError
        If the file is missing, not what was written, or not such a record; or if it was written
        by a newer version.
    """
    content = _read_json(path)
    version = content.setdefault("schema_version", 1)
    stored = content.pop(CHECKSUM, None)
    if stored != checksum(content) and (stored is not None or version != 1):
        raise UserError(f"{path}: damaged: its content is not what was written")
    if version > SCHEMA_VERSION:
        raise NewerVersionError(
            f"{path}: written by a newer lcbench (schema {version})", "Update lcbench."
        )
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        raise UserError(
            f"{path}: no {kind.__name__} of this version of lcbench: {explain(error)}",
            "Use the version of lcbench that wrote it, or run the suite again into a new folder.",
        ) from error


def _read_json(path: Path) -> dict[str, Any]:
    if not path.exists():
        raise UserError(f"{path}: no such file")
    try:
        content = json.loads(read_within(path, MOST_JSON))
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}: damaged: cut short, or no JSON") from error
    if not isinstance(content, dict):
        raise UserError(f"{path}: damaged: cut short, or no JSON object")
    return content


def checksum(content: Mapping[str, Any]) -> str:
    """Return the hash of a record's content, however it is spaced."""
    return content_hash(json.dumps(content, ensure_ascii=True))
