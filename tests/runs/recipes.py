"""Recipes that train in no time, and what a run leaves on disk."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from lcbench.protocols import run_name
from lcbench.runs.execute import Outcome
from lcbench.runs.external_records import OverlapRecord
from lcbench.runs.overlap import Overlap
from lcbench.runs.plan import Plan
from lcbench.runs.plan_records import PlanRecord
from lcbench.runs.records import DatasetRecord, TaxonomyRecord
from lcbench.storage.hashes import file_sha256

MAJORITY = {"name": "majority", "kind": "majority"}
KNN = {"name": "knn", "kind": "neighbours", "neighbours": 3}
REFERENCE = {"name": "reference", "kind": "network", "epochs": 2, "hidden": 8}
COLOUR = {"name": "colour", "kind": "colour", "max_rounds": 5}
CASCADE = {**REFERENCE, "name": "cascade", "hierarchy": "cascade"}
TWO_HEAD = {**REFERENCE, "name": "two-head", "hierarchy": "multi-head"}
WHOLE = {**REFERENCE, "name": "whole", "tuning": "full", "epochs": 1, "augmentation": "flips"}
PARTLY = {**REFERENCE, "name": "partly", "tuning": "partial", "last_layers": 3, "epochs": 1}
MakePlan = Callable[..., Plan]


def contents(folder: Path) -> dict[str, str]:
    """Every file below a folder with the hash of its bytes."""
    return {
        path.relative_to(folder).as_posix(): file_sha256(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def run_folder(out: Path, baseline: str, *, seed: int = 0, suite: str = "tiny") -> Path:
    return out / suite / "paper" / baseline / run_name("paper", seed, 0)


def counts(outcome: Outcome) -> tuple[int, int, int]:
    return outcome.done, outcome.already_done, len(outcome.failures)


def plan_record(**changes: Any) -> PlanRecord:
    """A stored plan of a suite "s" for a tree of two leaves."""
    base = {
        "suite": "s", "command": "", "created": "", "protocols": ("paper", "grouped"), "seeds": 1,
        "baselines": ("one",), "left_out": (), "reference": "one", "machine": "",
        "dataset": DATASET,
        "taxonomy": TaxonomyRecord(
            name="t", parents={"a": "root", "b": "root"}, negative="a", subtypes_of=None
        ),
    }  # fmt: skip
    return PlanRecord(**{**base, **changes})


DATASET = DatasetRecord(
    name="x", synthetic=False, images=1, images_by_class={}, source_groups=None, groups_source="",
    skipped=(), sha256="x",
)  # fmt: skip


OWN_KINDS = '''
import numpy as np
from pydantic import BaseModel
from lcbench.errors import UserError
from lcbench.models.baseline import Baseline, Epoch, FitSummary, Settings


class OwnSettings(Settings):
    answer: str = "benign"
    layers: list[int] = [3, 2]
    extra: dict[str, float] = {}


class Own(Baseline):
    """Always the same answer, sure of it."""

    settings_type = OwnSettings

    def fit(self, train, validation):
        leaves = self.context.taxonomy.leaves
        self.row = np.array([float(leaf == self.settings.answer) for leaf in leaves])
        return FitSummary(parameters=sum(self.settings.layers))

    def predict(self, samples):
        return np.tile(self.row, (len(samples), 1))

    def state(self):
        return {"row": self.row}

    def restore(self, state):
        self.row = state["row"]


class Broken(Own):
    def fit(self, train, validation):
        raise ZeroDivisionError("deep inside")


class Explains(Own):
    def fit(self, train, validation):
        raise UserError("no licence for this model", "Ask for one.")


class MissesFile(Own):
    def fit(self, train, validation):
        open("/no/such/table.csv")


class LosesConnection(Own):
    def fit(self, train, validation):
        raise ConnectionResetError("by peer")


class NotANumber(Own):
    def predict(self, samples):
        return np.full((len(samples), 3), np.nan)


class Negative(Own):
    def predict(self, samples):
        return np.tile([1.5, -0.5, 0.0], (len(samples), 1))


class Scores(Own):
    def predict(self, samples):
        return np.tile([1.0, 2.0, 3.0], (len(samples), 1))


class TooManyColumns(Own):
    def predict(self, samples):
        return np.tile([0.2, 0.2, 0.2, 0.4], (len(samples), 1))


class TooFewRows(Own):
    def predict(self, samples):
        return np.tile(self.row, (len(samples) - 1, 1))


class StatesText(Own):
    def state(self):
        return {"row": "text"}


class SaysNothing(Own):
    def fit(self, train, validation):
        super().fit(train, validation)
'''


def suite_text(*baselines: dict[str, Any], **top: Any) -> str:
    """The TOML of a small suite; the first baseline is the reference unless one is named."""
    head = {
        "name": "tiny",
        "purpose": "A test",
        "reference": baselines[0]["name"],
        "backbone": "test_resnet",
        "protocols": ["paper"],
        "seeds": 1,
        **top,
    }
    tables = [head, *({"purpose": "A test", **baseline} for baseline in baselines)]
    lines = [
        "\n".join(f"{key} = {json.dumps(value)}" for key, value in table.items())
        for table in tables
    ]
    return "\n[[baselines]]\n".join(lines)


def not_compared(*asked: Any) -> Overlap:
    """Instead of `overlap_with_training`, which takes long: nobody looks for training tissue."""
    return Overlap(OverlapRecord(reason="not asked"), np.zeros(len(asked[2].manifest), bool))


def nothing_shared(*asked: Any) -> Overlap:
    """Instead of `overlap_with_training`: somebody looked, and found none."""
    return replace(not_compared(*asked), record=OverlapRecord(images=len(asked[2].manifest)))
