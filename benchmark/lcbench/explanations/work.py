"""One baseline at one decision: its answers are explained by each method, and checked."""

from __future__ import annotations

import importlib.metadata
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lcbench.console import progress
from lcbench.explanations.attributing import Attributor, CaseImages, Part, Rows, reduced
from lcbench.explanations.cases import groups_of, in_turn
from lcbench.explanations.checking import (
    DEAR,
    Checker,
    Effort,
    Measured,
    checked_rows,
    copies_among,
    copy_agreement,
    judged,
    matrices_of,
    tissue_of,
)
from lcbench.explanations.checks import MethodChecks
from lcbench.explanations.methods import Method
from lcbench.explanations.networks import (
    Held,
    Networks,
    compute_of,
    probabilities,
    require_as_predicted,
    tolerance_of,
)
from lcbench.explanations.options import ExplainOptions
from lcbench.explanations.records import (
    ExplanationRecord,
    ShownRecord,
    write_explanation,
)
from lcbench.explanations.targets import targets_below
from lcbench.explanations.tissue import TissueShares
from lcbench.provenance import command, now
from lcbench.runs.plan_records import PlanRecord
from lcbench.runs.stored import StoredRun
from lcbench.taxonomy import Taxonomy

_VERSIONS = ("captum", "torch", "timm", "pillow")
_SPOT_CHECK = 32
"""Images of each run whose probabilities are held to the stored ones."""


@dataclass(frozen=True, eq=False)
class Question:
    """One baseline at one decision."""

    plan: PlanRecord
    taxonomy: Taxonomy
    protocol: str
    baseline: str
    node: str
    runs: tuple[StoredRun, ...]
    answers: pd.DataFrame
    cases: pd.DataFrame


def versions_used() -> dict[str, str]:
    """Return the versions of what explanations are made with."""
    return {name: importlib.metadata.version(name) for name in _VERSIONS}


@dataclass(frozen=True, eq=False)
class Work:
    """What the methods share: the images, the networks, and what was drawn."""

    question: Question
    attributor: Attributor
    checker: Checker
    options: ExplainOptions
    held: Held
    pairs: list[tuple[int, int]]
    matrices: list[NDArray[np.float64] | None]

    @staticmethod
    def of(question: Question, networks: Networks, root: Path, options: ExplainOptions) -> Work:
        """Return the work of a question, once its networks are held to what they predicted."""
        cases = question.cases
        images = CaseImages.of(cases, root, networks)
        targets = {one.node: one for one in targets_below(question.taxonomy, question.node)}
        attributor = Attributor(networks, images, targets)
        checker = Checker(attributor, cases, _other_runs(question.answers, cases), options.seed)
        held = _hold_to_predictions(question, attributor)
        every = np.arange(len(cases))
        pairs = copies_among(cases, every, options.checked, options.seed)
        matrices = matrices_of(attributor, pairs)
        return Work(question, attributor, checker, options, held, pairs, matrices)

    def explain_by(self, method: Method, folder: Path, key: str) -> None:
        """Explain and check by one method, and store it."""
        started = time.monotonic()
        cases, question = self.question.cases, self.question
        effort = Effort.for_method(method, self.options.checked)
        checked = checked_rows(cases, effort.images)
        rows = self._rows(method, checked)
        words = f"{question.baseline}: {method.title}"
        maps, tissue, copies = self._attribute(method, rows, words)
        measured = self._measure(method, effort, checked, words)
        agreement = copy_agreement(self.checker, *self._pairs_in(rows), copies)
        checks = judged(
            method, question.baseline, self._asked, self.checker, measured, agreement, tissue, rows
        )
        record = self._record(method, rows, checked, checks, key, time.monotonic() - started)
        write_explanation(folder, record, cases, rows, maps)

    @property
    def _asked(self) -> str:
        """What is asked of every image: why its own answer."""
        children = self.question.taxonomy.children(self.question.node)
        return f"why the answer, of {' or '.join(children)}"

    def _rows(self, method: Method, checked: Rows) -> Rows:
        """Return the cases that the method explains: all, or some where it is dear."""
        cases = self.question.cases
        if method.passes < DEAR or len(cases) <= len(checked):
            return np.arange(len(cases))
        return checked

    def _pairs_in(
        self, rows: Rows
    ) -> tuple[list[tuple[int, int]], list[NDArray[np.float64] | None]]:
        there = set(rows.tolist())
        kept = [number for number, pair in enumerate(self.pairs) if there.issuperset(pair)]
        return [self.pairs[one] for one in kept], [self.matrices[one] for one in kept]

    def _attribute(
        self, method: Method, rows: Rows, words: str
    ) -> tuple[NDArray[np.float32], TissueShares, dict[int, NDArray[Any]]]:
        """Return (n, side, side) small attributions, where they lie, and whole ones of copies."""
        of_pairs = {row for pair in self._pairs_in(rows)[0] for row in pair}
        parts = self.attributor.parts(self.question.cases, rows)
        place = {int(row): number for number, row in enumerate(rows)}
        small: dict[int, NDArray[np.float32]] = {}
        whole: dict[int, NDArray[Any]] = {}
        areas, shares = np.full((2, len(rows), 3), np.nan)

        def one(part: Part) -> tuple[NDArray[Any], TissueShares]:
            maps = self.attributor.of(method, part)
            return maps, tissue_of(self.attributor, part, maps)

        with progress(words, len(rows)) as advance:
            for part, (maps, tissue) in zip(
                parts, self.attributor.networks.over(one, parts), strict=True
            ):
                numbers = [place[int(row)] for row in part.rows]
                areas[numbers], shares[numbers] = tissue.areas, tissue.shares
                for row, map_, tiny in zip(part.rows.tolist(), maps, reduced(maps), strict=True):
                    small[row] = tiny
                    if row in of_pairs:
                        whole[row] = map_
                advance(len(part.rows))
        return np.stack([small[int(row)] for row in rows]), TissueShares(areas, shares), whole

    def _measure(self, method: Method, effort: Effort, rows: Rows, words: str) -> list[Measured]:
        parts = self.attributor.parts(self.question.cases, rows)
        work = lambda part: self.checker.measure(method, effort, part)  # noqa: E731
        measured: list[Measured] = []
        with progress(f"{words}: checks", len(rows)) as advance:
            for one in self.attributor.networks.over(work, parts):
                measured.append(one)
                advance(len(one.rows))
        return measured

    def _record(
        self,
        method: Method,
        rows: Rows,
        checked: Rows,
        checks: MethodChecks,
        key: str,
        seconds: float,
    ) -> ExplanationRecord:
        question, cases = self.question, self.question.cases
        groups = groups_of(cases)
        return ExplanationRecord(
            suite=question.plan.suite,
            protocol=question.protocol,
            baseline=question.baseline,
            node=question.node,
            children=question.taxonomy.children(question.node),
            method=method.name,
            title=method.title,
            signed=method.signed,
            source=method.source,
            cases=len(cases),
            confused=int(cases["confused"].sum()),
            explained=len(rows),
            checked=len(checked),
            source_groups=groups.count,
            groups_known=bool((cases["group"] != "").all()),
            seed=self.options.seed,
            held=self.held.images,
            difference=self.held.difference,
            tolerance=max(tolerance_of(run).most for run in question.runs),
            other_answers=self.held.answers,
            shown=_shown(self.attributor.images),
            device=self.attributor.networks.compute.device,
            versions=versions_used(),
            command=command(),
            created=now(),
            seconds=round(seconds, 1),
            key=key,
            runs={run.name: run.identity for run in question.runs},
            files={},
            checks=checks,
        )


def _hold_to_predictions(question: Question, attributor: Attributor) -> Held:
    """Return how what networks say compares with what runs predicted, on images of each run.

    Raises
    ------
    UserError
        If one differs by more than rounding explains.
    """
    cases = question.cases.assign(row=np.arange(len(question.cases)))
    leaves = [f"p:{leaf}" for leaf in question.taxonomy.leaves]
    stored = question.answers.set_index(["run", "image"])[leaves]
    by_name = {run.name: run for run in question.runs}
    parts = [
        Part(str(run), next(iter(attributor.targets.values())), of_run["row"].to_numpy(np.intp))
        for run, all_of_run in cases.groupby("run", sort=True)
        for of_run in [in_turn(all_of_run, _SPOT_CHECK, 0)]
    ]

    plain = attributor.networks.compute

    def answered(part: Part) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        network, images = attributor.networks.of(part.run), attributor.input(part.rows)
        same = compute_of(by_name[part.run], plain)
        found = probabilities(network, images, same)
        return found, found if same == plain else probabilities(network, images, plain)

    found: list[tuple[NDArray[np.float64], NDArray[np.float64]]] = []
    with progress(f"{question.baseline}: as predicted?", len(parts)) as advance:
        for one in attributor.networks.over(answered, parts):
            found.append(one)
            advance(1)
    asked = cases.iloc[np.concatenate([part.rows for part in parts])]
    wanted = stored.loc[list(zip(asked["run"], asked["image"], strict=True))]
    as_run, in_32 = (np.concatenate(each) for each in zip(*found, strict=True))
    runs = [by_name[run] for run in asked["run"]]
    stored_ones = wanted.to_numpy(np.float64)
    return require_as_predicted(runs, asked["image"].tolist(), as_run, stored_ones, in_32)


def _shown(images: CaseImages) -> ShownRecord:
    made = images.preprocessing
    return ShownRecord(
        size=made.size,
        interpolation=made.interpolation,
        crop_share=made.crop_share,
        crop_mode=made.crop_mode,
        view=str(images.view or ""),
    )


def _other_runs(answers: pd.DataFrame, cases: pd.DataFrame) -> NDArray[np.object_]:
    """Return the run of the next seed that answered each image; empty where there is none."""
    some = answers[answers["image"].isin(set(cases["image"]))].sort_values("seed")
    merged = some[["image", "seed", "run"]].merge(
        cases[["image", "seed"]].assign(row=np.arange(len(cases))),
        on="image",
        suffixes=("", "_explained"),
    )
    other = merged[merged["seed"] != merged["seed_explained"]].drop_duplicates("row")
    found = np.full(len(cases), "", dtype=object)
    found[other["row"].to_numpy()] = other["run"].to_numpy()
    return found
