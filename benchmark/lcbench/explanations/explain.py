"""Answers of finished runs are explained, the explanations checked, and both stored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from lcbench.compute import Compute, resolve_compute
from lcbench.errors import UserError, unknown_name
from lcbench.explanations.cases import find_cases, read_answers
from lcbench.explanations.methods import Method, find_method
from lcbench.explanations.networks import (
    Networks,
    make_networks,
)
from lcbench.explanations.options import ExplainOptions
from lcbench.explanations.records import (
    StoredExplanation,
    place_of,
    read_explanation,
)
from lcbench.explanations.work import Question, Work, versions_used
from lcbench.runs.plan_records import PlanRecord
from lcbench.runs.store import plan_taxonomy, read_plan, sole_writer
from lcbench.runs.suite import matching_names
from lcbench.runs.usable_runs import finished_runs
from lcbench.storage.hashes import content_hash
from lcbench.storage.leftovers import sweep
from lcbench.storage.whole import whole_folder
from lcbench.taxonomy import ROOT, Taxonomy

_MAKING = "2"
"""Another number where the same question would be answered otherwise by this version."""


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
                    question = Question(
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
    question: Question,
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
    work: Work | None = None
    for method in asked:
        before = there.get(method.name)
        if before is not None:
            yield before, True
            continue
        work = work or Work.of(question, networks, root, options)
        with whole_folder(places[method.name]) as folder:
            work.explain_by(method, folder, keys[method.name])
        yield read_explanation(places[method.name]), False


def _there(place: Path, key: str) -> StoredExplanation | None:
    try:
        found = read_explanation(place)
    except UserError:
        return None
    return found if found.record.key == key else None


def _key(question: Question, method: Method, compute: Compute, options: ExplainOptions) -> str:
    """Return a hash of everything that an explanation depends on."""
    cases = question.cases.to_csv(index=False)
    runs = [f"{run.name} {run.identity}" for run in question.runs]
    versions = [f"{name} {version}" for name, version in versions_used().items()]
    facts = (_MAKING, method.name, question.node, compute.device, str(options.checked))
    return content_hash(*facts, str(options.seed), cases, *runs, *versions)
