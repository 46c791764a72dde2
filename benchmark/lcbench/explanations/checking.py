"""All checks of one method on some cases, by the networks that answered them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lcbench.explanations.agreement import TURNS, between_seeds, when_turned
from lcbench.explanations.attributing import Attributor, Part, Rows, as_array
from lcbench.explanations.cases import groups_of, in_turn
from lcbench.explanations.checks import AgreementCheck, MethodChecks
from lcbench.explanations.copies import affine_between, laid_likeness
from lcbench.explanations.estimates import some
from lcbench.explanations.fidelity import explained_change, largest_change, shuffled
from lcbench.explanations.judging import (
    describe_tissue,
    judge_agreement,
    judge_infidelity,
    judge_perturbation,
    judge_randomisation,
    judge_sensitivity,
)
from lcbench.explanations.methods import Method
from lcbench.explanations.perturbation import Curves, curves, orders_of, random_orders
from lcbench.explanations.randomisation import Randomised, cascade, randomise
from lcbench.explanations.remembering import Known, remembered
from lcbench.explanations.similarity import Likeness, Maps
from lcbench.explanations.tissue import TissueShares, shares_of
from lcbench.statistics.metrics import Values

DEAR = 10
"""Passes of an image from which a method is dear."""
_SCORE = "log-odds"


@dataclass(frozen=True)
class Effort:
    """How much a method is checked.

    Parameters
    ----------
    images
        How many images.
    stages
        Of randomisation.
    turns
        Symmetries of the square.
    noisy
        Noisy copies of each image.
    """

    images: int
    stages: int = 4
    turns: tuple[int, ...] = TURNS
    noisy: int = 5

    @staticmethod
    def for_method(method: Method, images: int) -> Effort:
        """Return all of it, or less for a method that looks at an image dozens of times."""
        if method.passes < DEAR:
            return Effort(images)
        return Effort(max(2, images // 4), stages=2, turns=TURNS[:1], noisy=1)


@dataclass(frozen=True, eq=False)
class Measured:
    """What is measured on one part, each array with one entry an image."""

    rows: Rows
    randomised: tuple[Randomised, ...]
    own: Curves
    random: Curves
    foretold: tuple[Values, Values] | None
    change: Values
    turned: Values
    seeds: tuple[Values, Values] | None


@dataclass(frozen=True, eq=False)
class Checker:
    """Checks of the attributions of cases.

    Parameters
    ----------
    attributor
        What makes them.
    cases
        All of them.
    others
        (cases,) the run of another seed that answered the same image; empty where there is none.
    seed
        Of what is drawn.
    """

    attributor: Attributor
    cases: pd.DataFrame
    others: NDArray[np.object_]
    seed: int
    _scores: dict[tuple[str, str], Known] = field(default_factory=dict)

    def measure(self, method: Method, effort: Effort, part: Part) -> Measured:
        """Return what is measured on one part."""
        network, target = self.attributor.explained(part)
        images = self.attributor.input(part.rows)

        def of(model: Any, some_images: Any) -> Any:  # noqa: ANN401 - torch is lazy
            return method.attribute(model, some_images, target)

        attribute = remembered(lambda some_images: of(network, some_images), {})
        scores = self._scores.setdefault((part.run, part.target.node), {})
        score = remembered(lambda some_images: target.score(network(some_images)), scores)
        maps = as_array(attribute(images))
        ties = random_orders(part.rows.tolist(), seed=self.seed)
        stages = cascade(network, network.head, effort.stages)
        return Measured(
            rows=part.rows,
            randomised=tuple(randomise(of, network, images, maps, stages, seed=self.seed)),
            own=curves(score, images, orders_of(maps, ties)),
            random=curves(score, images, ties),
            foretold=self._foretold(score, images, maps) if method.signed else None,
            change=largest_change(attribute, images, copies=effort.noisy, seed=self.seed),
            turned=when_turned(attribute, images, maps, effort.turns),
            seeds=self._between_seeds(method, part, images, maps),
        )

    def _foretold(
        self,
        score: Any,  # noqa: ANN401 - torch is lazy
        images: Any,  # noqa: ANN401
        maps: Maps,
    ) -> tuple[Values, Values]:
        """Return what the maps foretell, and what their shuffled parts do."""
        both = (maps, shuffled(maps, seed=self.seed))
        own, other = (explained_change(score, images, one, seed=self.seed) for one in both)
        return own, other

    def _between_seeds(
        self,
        method: Method,
        part: Part,
        images: Any,  # noqa: ANN401
        maps: Maps,
    ) -> tuple[Values, Values]:
        """Return how alike maps of two seeds are, smoothed and pixel by pixel."""
        other = np.full_like(maps, np.nan)
        runs = self.others[part.rows]
        for run in dict.fromkeys(runs.tolist()):
            if run:
                network = self.attributor.networks.of(run)
                mine = runs == run
                target = part.target.among(network.answers)
                other[mine] = as_array(method.attribute(network, images[mine], target))
        return between_seeds([maps, other]), between_seeds([maps, other], smooth=False)


def checked_rows(cases: pd.DataFrame, count: int) -> Rows:
    """Return the rows of images to check on: confusions and right answers in turn.

    They come from the source groups in turn, and from the models that most images are about: a
    model that is asked for one image alone costs as much as for ten.
    """
    placed = cases.assign(_row=np.arange(len(cases)))
    common = placed[placed["seed"] == placed["seed"].mode().iloc[0]]
    confused, right = (common[common["confused"] == flag] for flag in (True, False))
    half = in_turn(confused, count - count // 2, 0)
    rest = in_turn(right, count - len(half), 0)
    return np.sort(pd.concat([half, rest])["_row"].to_numpy(np.intp))


def judged(
    method: Method,
    model: str,
    question: str,
    checker: Checker,
    measured: Sequence[Measured],
    copies: AgreementCheck | None,
    tissue: TissueShares,
    rows: Rows,
) -> MethodChecks:
    """Return the checks of a method from what was measured.

    Parameters
    ----------
    method, model, question
        The method, the baseline whose answers are explained, and what is asked of them.
    checker
        What measured.
    measured
        Part by part.
    copies
        Agreement between copies; None where no source group has two images of one model.
    tissue
        Where the method looks, on `rows` of the cases.
    """
    groups = some(groups_of(checker.cases), np.concatenate([one.rows for one in measured]))
    seeds, by_pixel = _joined([one.seeds for one in measured if one.seeds])
    foretold = [one.foretold for one in measured if one.foretold]
    two_seeds = bool(np.isfinite(seeds).any())
    agreements = [judge_agreement("turns", _all(measured, "turned"), groups)]
    if two_seeds:
        agreements.insert(0, judge_agreement("seeds", seeds, groups))
    if copies is not None:
        agreements.append(copies)
    confused = checker.cases["confused"].to_numpy(bool)[rows]
    return MethodChecks(
        model=model,
        method=method.name,
        title=method.title,
        question=question,
        randomisation=judge_randomisation(
            _stages(measured), groups, by_pixel if two_seeds else None
        ),
        perturbation=judge_perturbation(
            _curves([one.own for one in measured]),
            _curves([one.random for one in measured]),
            groups,
            _SCORE,
        ),
        infidelity=judge_infidelity(*_joined(foretold), groups) if foretold else None,
        sensitivity=judge_sensitivity(_all(measured, "change"), groups),
        agreements=tuple(agreements),
        tissue=describe_tissue(
            tissue,
            {"right answers": ~confused, "confusions": confused},
            some(groups_of(checker.cases), rows),
        ),
    )


def copies_among(cases: pd.DataFrame, rows: Rows, most: int, seed: int) -> list[tuple[int, int]]:
    """Return pairs of rows: images of one source group, answered alike by one model.

    Parameters
    ----------
    cases
        All of them.
    rows
        Those that may be in a pair; no row is in two.
    most
        Pairs at most, one a source group before a second one of any.
    seed
        Of what is drawn.
    """
    chosen = cases.iloc[rows]
    known = (chosen["group"] != "").to_numpy()
    pairs: list[tuple[int, int, int]] = []
    drawn = np.random.default_rng(seed)
    turns: dict[str, int] = {}
    keys = chosen[["group", "run", "answer"]].astype(str).agg("\0".join, axis=1)
    for key in sorted(set(keys[known])):
        of_key = drawn.permutation(rows[(keys == key).to_numpy()]).tolist()
        group = key.split("\0")[0]
        for first, second in zip(of_key[::2], of_key[1::2], strict=False):
            turns[group] = turns.get(group, -1) + 1
            pairs.append((turns[group], first, second))
    order = drawn.permutation(len(pairs)).tolist()
    first_turns = sorted(order, key=lambda place: pairs[place][0])[:most]
    return [pairs[place][1:] for place in sorted(first_turns)]


def copy_agreement(
    checker: Checker,
    pairs: Sequence[tuple[int, int]],
    matrices: Sequence[NDArray[np.float64] | None],
    maps: Mapping[int, NDArray[Any]],
) -> AgreementCheck | None:
    """Return how alike the attributions of copies are; None without a pair.

    Parameters
    ----------
    checker
        Knows the cases.
    pairs, matrices
        See `copies_among` and `matrices_of`.
    maps
        Attributions by row.
    """
    if not pairs:
        return None
    likeness = [
        np.nan if matrix is None else laid_likeness(maps[first], maps[second], matrix)
        for (first, second), matrix in zip(pairs, matrices, strict=True)
    ]
    groups = some(groups_of(checker.cases), np.array([first for first, _ in pairs]))
    return judge_agreement("copies", np.array(likeness, np.float64), groups)


def matrices_of(
    attributor: Attributor, pairs: Sequence[tuple[int, int]]
) -> list[NDArray[np.float64] | None]:
    """Return the map between the images of each pair, where their pixels prove one."""

    def of_pair(pair: tuple[int, int]) -> NDArray[np.float64] | None:
        first, second = attributor.images.pictures(np.array(pair))
        return affine_between(first, second)

    return list(attributor.networks.over(of_pair, list(pairs)))


def tissue_of(attributor: Attributor, part: Part, maps: Maps) -> TissueShares:
    """Return where the attributions of a part lie."""
    return shares_of([attributor.images.compartments(int(row)) for row in part.rows], maps)


def _stages(measured: Sequence[Measured]) -> list[Randomised]:
    found = []
    for stage in zip(*(one.randomised for one in measured), strict=True):
        kinds: list[Likeness] = list(stage[0].likeness)
        likeness = {kind: np.concatenate([one.likeness[kind] for one in stage]) for kind in kinds}
        found.append(Randomised(stage[0].stage, likeness))
    return found


def _curves(parts: Sequence[Curves]) -> Curves:
    insertion, deletion = (
        np.concatenate([getattr(one, name) for one in parts]) for name in ("insertion", "deletion")
    )
    return Curves(parts[0].shares, insertion, deletion)


def _all(measured: Sequence[Measured], name: str) -> Values:
    return np.concatenate([getattr(one, name) for one in measured])


def _joined(pairs: Sequence[tuple[Values, Values]]) -> tuple[Values, Values]:
    first, second = zip(*pairs, strict=True)
    return np.concatenate(first), np.concatenate(second)
