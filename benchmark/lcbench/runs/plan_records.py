"""What is stored of a suite: what it asks, what was asked for in its folder, and when."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from lcbench.runs.records import (
    SCHEMA_VERSION,
    DatasetRecord,
    Name,
    Record,
    TaxonomyRecord,
)


class LeftOut(Record):
    """A baseline that the suite names and that was not run, and why."""

    baseline: Name
    reason: str


class EnsembleRecord(Record):
    """Probabilities that a report averages, from stored predictions; nothing is trained for them.

    `over`: "baselines" averages the members' answers for the same image, seed and fold; "seeds" the
    answers of all seeds of one baseline for the same image; "both" all seeds of several baselines.
    `members`: the baselines.
    """

    name: Name
    purpose: str
    over: Literal["seeds", "baselines", "both"]
    members: tuple[Name, ...] = Field(min_length=1)

    @property
    def across_seeds(self) -> bool:
        """Whether models of several seeds answer together."""
        return self.over != "baselines"

    @model_validator(mode="after")
    def _members(self) -> EnsembleRecord:
        if len(set(self.members)) < len(self.members):
            raise ValueError(f"ensemble {self.name}: a member is named twice")
        if self.over == "seeds" and len(self.members) > 1:
            raise ValueError(
                f'ensemble {self.name}: over = "seeds" takes one member; the seeds of several '
                'baselines together are over = "both"'
            )
        if self.over != "seeds" and len(self.members) == 1:
            raise ValueError(
                f'ensemble {self.name}: over = "{self.over}" takes two members or more; the '
                'seeds of one baseline are over = "seeds"'
            )
        return self


class HypothesisRecord(Record):
    """A question about baselines that a report answers for each of them, under each protocol.

    `text`: the question. `event` and `of`: what should be rarer than under the reference, any error
    or a confusion among the children of the node `of`; without it those of the tree's
    `subtypes_of`, or any error where it names none. `reduction`: the share by which it has to be
    rarer, 0 for "at all". `holds`: what must not fall meanwhile by the suite's margin. `arms`: the
    baselines or ensembles that are asked about; without it all but floor and shortcuts.
    """

    text: str = Field(min_length=1)
    event: Literal["confusion", "any_error"] = "confusion"
    of: str = ""
    reduction: float = Field(ge=0.0, lt=1.0)
    holds: Literal["accuracy"] | None = None
    arms: tuple[Name, ...] = ()

    @model_validator(mode="after")
    def _event(self) -> HypothesisRecord:
        if self.of and self.event != "confusion":
            raise ValueError(f'hypothesis: of = "{self.of}" needs event = "confusion"')
        if len(set(self.arms)) < len(self.arms):
            raise ValueError("hypothesis: an arm is named twice")
        return self


class RolesRecord(Record):
    """What protocols and baselines are for, as the suite says it.

    `flattering`: the protocol whose scores are suspected of leakage; `leakage_free`: the one that
    has none. `claims`: claims of papers to hold the results against. `floor`: baselines that must
    be beaten by anything; `shortcut`: those that should not suffice, such as colour without any
    spatial information. `margin`: how many points of a rate count as no difference; None where the
    suite states none. `hypothesis`: the question that the report answers; None where there is none.
    """

    flattering: str | None = None
    leakage_free: str | None = None
    claims: tuple[str, ...] = ()
    floor: tuple[str, ...] = ()
    shortcut: tuple[str, ...] = ()
    margin: float | None = None
    hypothesis: HypothesisRecord | None = None

    @property
    def aside(self) -> tuple[str, ...]:
        """Baselines that are no candidates: floor and shortcuts."""
        return (*self.floor, *self.shortcut)


class Invocation(Record):
    """One `lcbench run` into a suite's folder: what was asked for, and what was left out.

    `command` is empty where it was called from Python. `data` and `groups`: as they were typed;
    `labels`: what the label map says, name to class or "leave-out". `suite_protocols` and
    `suite_baselines`: what the suite named then, whatever was asked for. All of these are empty in
    files of older versions. `tile`: side in pixels of the tiles that images were cut into; None
    for whole images.
    """

    command: str
    created: str
    protocols: tuple[Name, ...]
    seeds: int
    baselines: tuple[Name, ...]
    left_out: tuple[LeftOut, ...]
    data: str = ""
    groups: str = ""
    labels: dict[str, str] = Field({})
    tile: int | None = None
    suite_protocols: tuple[Name, ...] = ()
    suite_baselines: tuple[Name, ...] = ()


class PlanRecord(Record):
    """`plan.json` of a suite: all that was ever asked for in its folder, and what was left out.

    `protocols`, `seeds` and `baselines`: of every invocation together, but for what the suite has
    no longer; `left_out`: what none of them ran. `command`: the latest; `created`: when the first
    began. `invocations` is empty in files of older versions, and `roles` is None: `read_plan` fills
    both. `aliases`: the folder names that each class is known by. `root`: the folder that image
    paths are relative to, on the machine that ran it. `ensembles`: what reports average, as the
    suite says it; none in files of older versions.
    """

    schema_version: int = SCHEMA_VERSION
    suite: Name
    command: str
    created: str
    protocols: tuple[Name, ...]
    seeds: int
    baselines: tuple[Name, ...]
    left_out: tuple[LeftOut, ...]
    invocations: tuple[Invocation, ...] = ()
    reference: Name
    roles: RolesRecord | None = None
    dataset: DatasetRecord
    taxonomy: TaxonomyRecord
    aliases: dict[str, tuple[str, ...]] = Field({})
    machine: str
    root: str = ""
    ensembles: tuple[EnsembleRecord, ...] = ()

    @property
    def commands(self) -> tuple[str, ...]:
        """The commands that were typed, the first one first, each once."""
        return tuple(dict.fromkeys(one.command for one in self.invocations if one.command))

    def has_baseline(self, name: str) -> bool:
        """Tell whether the suite, as it was when something was last run, has a baseline."""
        known = self.invocations[-1].suite_baselines if self.invocations else ()
        return not known or name in known

    def has_protocol(self, name: str) -> bool:
        """Tell whether the suite has a protocol, or somebody asked for it beside the suite's."""
        known = self.invocations[-1].suite_protocols if self.invocations else ()
        asked = any(
            name in one.protocols and name not in one.suite_protocols for one in self.invocations
        )
        return not known or name in known or asked
