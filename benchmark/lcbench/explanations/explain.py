"""Answers of finished runs are explained, the explanations checked, and both stored."""

from __future__ import annotations

import importlib.metadata
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import JsonValue

from lcbench.compute import Compute, resolve_compute
from lcbench.console import progress
from lcbench.errors import UserError, unknown_name
from lcbench.explanations.attributing import Attributor, CaseImages, Part, Rows, reduced
from lcbench.explanations.cases import find_cases, groups_of, in_turn, read_answers
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
from lcbench.explanations.methods import Method, find_method
from lcbench.explanations.networks import (
    Held,
    Networks,
    compute_of,
    make_networks,
    probabilities,
    require_as_predicted,
    tolerance_of,
)
from lcbench.explanations.options import ExplainOptions
from lcbench.explanations.records import (
    ExplanationRecord,
    ShownRecord,
    StoredExplanation,
    place_of,
    read_explanation,
    write_explanation,
)
from lcbench.explanations.targets import targets_below
from lcbench.explanations.tissue import TissueShares
from lcbench.provenance import command, now
from lcbench.runs.plan_records import PlanRecord
from lcbench.runs.store import plan_taxonomy, read_plan, sole_writer
from lcbench.runs.stored import StoredRun
from lcbench.runs.suite import matching_names
from lcbench.runs.usable_runs import finished_runs
from lcbench.storage.hashes import content_hash
from lcbench.storage.leftovers import sweep
from lcbench.storage.whole import whole_folder
from lcbench.taxonomy import ROOT, Taxonomy

_VERSIONS = ("captum", "torch", "timm", "pillow")
_MAKING = "2"
"""Another number where the same question would be answered otherwise by this version."""
_SPOT_CHECK = 32
"""Images of each run whose probabilities are held to the stored ones."""


@dataclass(frozen=True)
class Explained:
    """What came of it.

    Parameters
    ----------
    suite_folder
        The suite.
    root
        Where its images lie.
    stored
        Every explanation that was asked for and is there, in order.
    reused
        Names of those that were there before, with the same question.
    left_out
        What could not be explained, a baseline or a decision of one, and why.
    """

    suite_folder: Path
    root: Path
    stored: tuple[StoredExplanation, ...]
    reused: tuple[str, ...]
    left_out: dict[str, str]

    def as_json(self) -> dict[str, JsonValue]:
        """Return the records, and what was left out."""
        return {
            "suite": str(self.suite_folder),
            "explanations": [one.record.model_dump(mode="json") for one in self.stored],
            "reused": list(self.reused),
            "left_out": dict(self.left_out),
        }


@dataclass(frozen=True, eq=False)
class _Question:
    """One baseline at one decision."""

    plan: PlanRecord
    taxonomy: Taxonomy
    protocol: str
    baseline: str
    node: str
    runs: tuple[StoredRun, ...]
    answers: pd.DataFrame
    cases: pd.DataFrame


def explain(suite_folder: Path, options: ExplainOptions) -> Explained:
    """Explain the answers of finished runs of a suite, and store the explanations.

    Parameters
    ----------
    suite_folder, options
        The suite, and what was asked for.

    Raises
    ------
    UserError
        If nothing has finished, an option names what is not there, or the images are gone.
    """
    options.require_consistent()
    with sole_writer(suite_folder):
        sweep(suite_folder)
        return _explain(suite_folder, options)


def _explain(suite_folder: Path, options: ExplainOptions) -> Explained:
    plan = read_plan(suite_folder)
    taxonomy = plan_taxonomy(plan)
    nodes = _nodes(taxonomy, options.nodes)
    root = _root(plan, options.data)
    protocol = _protocol(plan, options.protocol)
    wanted = options.baselines or (plan.reference,)
    matching_names(plan.baselines, wanted)
    finished, unusable = finished_runs(suite_folder, plan, wanted)
    runs = [run for run in finished if run.config.protocol == protocol]
    if not runs:
        why = "; ".join(f"{one.run}: {one.reason}" for one in unusable)
        raise UserError(
            f"{suite_folder}: no finished run under {protocol}{f' ({why})' * bool(why)}"
        )
    left_out = {one.run: one.reason for one in unusable}
    chosen = resolve_compute(options.device, "32")
    networks, without = make_networks(runs, plan, taxonomy, options, chosen)
    left_out |= without
    stored: list[StoredExplanation] = []
    reused: list[str] = []
    try:
        for baseline in _in_plan(networks, plan):
            own = tuple(run for run in networks.runs.values() if run.config.baseline == baseline)
            answers = read_answers(own, taxonomy)
            for node in nodes:
                try:
                    cases = find_cases(answers, taxonomy, node, options.images, options.seed)
                    question = _Question(
                        plan, taxonomy, protocol, baseline, node, own, answers, cases
                    )
                    made = _answer(suite_folder, question, networks, root, options)
                    for explanation, before in made:
                        stored.append(explanation)
                        reused += [explanation.name] if before else []
                except UserError as error:
                    if len(nodes) == 1 and len(networks.runs) == len(own) and not stored:
                        raise
                    left_out[f"{baseline} at {node}"] = str(error)
    finally:
        networks.close()
    return Explained(suite_folder, root, tuple(stored), tuple(reused), left_out)


def _in_plan(networks: Networks, plan: PlanRecord) -> list[str]:
    there = {run.config.baseline for run in networks.runs.values()}
    return [name for name in plan.baselines if name in there]


def _nodes(taxonomy: Taxonomy, asked: Sequence[str]) -> tuple[str, ...]:
    """Return the decisions to explain, each by the node above it.

    A child stands for the decision between it and its siblings.
    """
    if not asked:
        return (taxonomy.subtypes_of or ROOT,)
    nodes = []
    for name in asked:
        if name not in (ROOT, *taxonomy.nodes):
            raise unknown_name("node of the class tree", name, (ROOT, *taxonomy.nodes))
        nodes.append(name if name in taxonomy.inner_nodes else taxonomy.parents[name])
    return tuple(dict.fromkeys(nodes))


def _root(plan: PlanRecord, data: Path | None) -> Path:
    root = data or (Path(plan.root) if plan.root else None)
    if root is None or not root.is_dir():
        where = f"{root}: no such folder" if root else f"the plan of {plan.suite} names no folder"
        raise UserError(
            f"the images are needed to explain answers to them: {where}",
            "Say where they lie now: lcbench explain --data FOLDER",
        )
    return root


def _protocol(plan: PlanRecord, asked: str) -> str:
    if asked and asked not in plan.protocols:
        raise unknown_name("protocol of the suite", asked, plan.protocols)
    roles = plan.roles
    free = roles.leakage_free if roles and roles.leakage_free in plan.protocols else None
    return asked or free or plan.protocols[-1]


def _answer(
    suite_folder: Path,
    question: _Question,
    networks: Networks,
    root: Path,
    options: ExplainOptions,
) -> Iterator[tuple[StoredExplanation, bool]]:
    """Yield the explanation by each method, and whether it was there before."""
    asked = [find_method(name) for name in dict.fromkeys(options.methods)]
    places = {
        method.name: place_of(
            suite_folder, question.protocol, question.baseline, question.node, method.name
        )
        for method in asked
    }
    keys = {method.name: _key(question, method, networks.compute, options) for method in asked}
    there = {name: _there(place, keys[name]) for name, place in places.items()}
    there = {} if options.fresh else there
    work: _Work | None = None
    for method in asked:
        before = there.get(method.name)
        if before is not None:
            yield before, True
            continue
        work = work or _Work.of(question, networks, root, options)
        with whole_folder(places[method.name]) as folder:
            work.explain_by(method, folder, keys[method.name])
        yield read_explanation(places[method.name]), False


def _there(place: Path, key: str) -> StoredExplanation | None:
    try:
        found = read_explanation(place)
    except UserError:
        return None
    return found if found.record.key == key else None


def _key(question: _Question, method: Method, compute: Compute, options: ExplainOptions) -> str:
    """Return a hash of everything that an explanation depends on."""
    cases = question.cases.to_csv(index=False)
    runs = [f"{run.name} {run.identity}" for run in question.runs]
    versions = [f"{name} {version}" for name, version in _versions().items()]
    facts = (_MAKING, method.name, question.node, compute.device, str(options.checked))
    return content_hash(*facts, str(options.seed), cases, *runs, *versions)


def _versions() -> dict[str, str]:
    return {name: importlib.metadata.version(name) for name in _VERSIONS}


@dataclass(frozen=True, eq=False)
class _Work:
    """What the methods share: the images, the networks, and what was drawn."""

    question: _Question
    attributor: Attributor
    checker: Checker
    options: ExplainOptions
    held: Held
    pairs: list[tuple[int, int]]
    matrices: list[NDArray[np.float64] | None]

    @staticmethod
    def of(question: _Question, networks: Networks, root: Path, options: ExplainOptions) -> _Work:
        cases = question.cases
        images = CaseImages.of(cases, root, networks)
        targets = {one.node: one for one in targets_below(question.taxonomy, question.node)}
        attributor = Attributor(networks, images, targets)
        checker = Checker(attributor, cases, _other_runs(question.answers, cases), options.seed)
        held = _hold_to_predictions(question, attributor)
        every = np.arange(len(cases))
        pairs = copies_among(cases, every, options.checked, options.seed)
        matrices = matrices_of(attributor, pairs)
        return _Work(question, attributor, checker, options, held, pairs, matrices)

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
            versions=_versions(),
            command=command(),
            created=now(),
            seconds=round(seconds, 1),
            key=key,
            runs={run.name: run.identity for run in question.runs},
            files={},
            checks=checks,
        )


def _hold_to_predictions(question: _Question, attributor: Attributor) -> Held:
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
