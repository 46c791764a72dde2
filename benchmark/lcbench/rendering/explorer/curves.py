"""Risk-coverage and reliability curves with a threshold to move: a section of the page.

The page recomputes what is answered at a threshold. Probabilities as the section `images` has them
would not do: rounded to 16 bits, thousands of sure answers become ties that the analysis tells
apart. So every prediction has the place of its confidence among those of its trained model, which
keeps their order and their ties, see `lcbench.statistics.selective`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import JsonValue

from lcbench.analysis.coded import CodedPredictions
from lcbench.analysis.results import Results
from lcbench.analysis.selective_scores import OperatingPoint, SelectiveScores
from lcbench.rendering.explorer.document import render_html
from lcbench.rendering.explorer.embedding import number
from lcbench.rendering.explorer.image_data import ProtocolImages
from lcbench.rendering.explorer.places import numbers
from lcbench.rendering.explorer.section import Section
from lcbench.rendering.series import series
from lcbench.rendering.words import GROUPS_UNKNOWN, unknown_groups
from lcbench.statistics.calibration import Confidences
from lcbench.statistics.design import Design
from lcbench.statistics.interval_model import Interval
from lcbench.statistics.reliability import reliability_curve
from lcbench.statistics.selective import Answers, levels_of
from lcbench.taxonomy import Taxonomy

SECTION = "curves"
STOPS = 400
"""Thresholds that the hand can move to: about as many answers lie between any two of them."""
NOT_ASKED = np.uint32(0xFFFFFFFF)
"""Stands for a prediction whose label fixes no class of a level."""
Counts = NDArray[np.uint32]


def curves_section(
    results: Results, taxonomy: Taxonomy, protocols: Sequence[ProtocolImages]
) -> Section | None:
    """Return the section; None where no baseline has probabilities.

    Parameters
    ----------
    results
        What was computed: curves, thresholds, coverages and risks.
    taxonomy
        The class tree.
    protocols
        In the order of the section `images`.
    """
    found = [ProtocolCurves(taxonomy, one) for one in protocols]
    if not any(one.names for one in found):
        return None
    coverages = [one.selective.coverages for one in results.protocols if one.selective]
    data: JsonValue = {
        "coverages": list(next(iter(coverages), ())),
        "protocols": [one.data(results) for one in found],
    }
    arrays = {name: array for one in found for name, array in one.arrays()}
    unknown = GROUPS_UNKNOWN if unknown_groups(results) else ""
    html = render_html("explorer-curves.html.j2", unknown=unknown)
    return Section(SECTION, "Risk and coverage", html, data, arrays)


@dataclass(frozen=True)
class Steps:
    """How sure a model is of its answers at a level, in steps of falling confidence.

    Each trained model has steps of its own, as confidences of different ones are not compared.

    Parameters
    ----------
    code
        (rows,) 2 x step + (1 if the answer is wrong), or `NOT_ASKED`.
    stops
        (stops,) thresholds from 0, which answers everything, upwards.
    reached
        (stops, splits) steps of each trained model that are at least as sure as a stop.
    """

    code: Counts
    stops: NDArray[np.float64]
    reached: Counts

    @classmethod
    def of(cls, answers: Answers, split: NDArray[np.int64], splits: int) -> Steps:
        """Return the steps of (rows,) answers by the (rows,) split of their trained model."""
        code = np.full(len(split), NOT_ASKED)
        stops = stops_of(answers.confidence[answers.known])
        reached = np.zeros((len(stops), splits), np.uint32)
        for one in range(splits):
            rows = answers.known & (split == one)
            rising, place = np.unique(answers.confidence[rows], return_inverse=True)
            code[rows] = 2 * (len(rising) - 1 - place) + answers.wrong[rows]
            reached[:, one] = steps_reached(rising, stops)
        return cls(code, stops, reached)


def stops_of(confidence: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return thresholds to stop at: 0, and (n,) confidences that as many answers lie between."""
    ranks = np.linspace(0, len(confidence) - 1, min(STOPS, len(confidence))).astype(np.intp)
    return np.unique(np.concatenate([[0.0], np.sort(confidence)[ranks]]))


def steps_reached(rising: NDArray[np.float64], limits: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return how many of (T,) rising confidences reach each of the limits."""
    return np.asarray(len(rising) - np.searchsorted(rising, limits, side="left"))


class ProtocolCurves:
    """The curves of every baseline under one protocol.

    Parameters
    ----------
    taxonomy
        The class tree.
    images
        The predictions.
    """

    def __init__(self, taxonomy: Taxonomy, images: ProtocolImages) -> None:
        aligned = images.aligned
        self._images = images
        self._coded = CodedPredictions.of(aligned, taxonomy)
        self._levels = levels_of(self._coded.tree)
        cells = aligned.rows[["seed", "fold"]].to_numpy()
        self._split_of_row = np.full(len(cells), -1)
        for split, one in enumerate(images.splits):
            self._split_of_row[(cells == (one.seed, one.fold)).all(axis=1)] = split
        self.names = [
            (place, name, chances)
            for place, name in enumerate(aligned.names)
            if (chances := aligned.probabilities[name]) is not None
        ]

    def data(self, results: Results) -> JsonValue:
        """Return, for each baseline by its place, what the analysis found at each level."""
        selective = {one.protocol: one.selective for one in results.protocols}
        found = selective[self._images.name]
        levels = {} if found is None else {one.level: one for one in found.levels}
        return {
            "series": series(results, self._images.name),
            "models": {
                str(place): [
                    self._level(
                        levels[level.level].scores(name) if level.level in levels else None,
                        level.answers(chances, self._coded.true),
                    )
                    for level in self._levels
                ]
                for place, name, chances in self.names
            },
        }

    def arrays(self) -> Iterator[tuple[str, np.ndarray]]:
        """Yield `code-P-B-L`, `stops-P-B-L` and `reached-P-B-L` of protocol, baseline and level."""
        for place, _, chances in self.names:
            for depth, level in enumerate(self._levels):
                answers = level.answers(chances, self._coded.true)
                found = Steps.of(answers, self._split_of_row, len(self._images.splits))
                key = f"{self._images.number}-{place}-{depth}"
                yield f"code-{key}", _small(found.code)
                yield f"stops-{key}", found.stops
                yield f"reached-{key}", found.reached

    def _level(self, scores: SelectiveScores | None, answers: Answers) -> JsonValue:
        return {
            "curve": list(scores.curve) if scores else [],
            "area": numbers(scores.area) if scores else None,
            "points": [self._point(one, answers) for one in scores.points] if scores else [],
            "reliability": [
                [number(confidence), *numbers(right)[:3]]
                for confidence, right in self._reliability(answers)
            ],
        }

    def _point(self, point: OperatingPoint, answers: Answers) -> JsonValue:
        """Return an operating point, and how many steps its thresholds answer in each split."""
        reached = [0] * len(self._images.splits)
        for model, limit in enumerate(point.thresholds):
            rows = answers.known & (self._coded.models == model)
            if limit is not None and rows.any():
                split = self._split_of_row[rows][0]
                rising = np.unique(answers.confidence[rows])
                reached[split] = int(steps_reached(rising, np.array([limit]))[0])
        return {
            "target": point.target,
            "thresholds": list(point.thresholds),
            "reached": list[JsonValue](reached),
            "coverage": numbers(point.coverage)[:3],
            "risk": numbers(point.risk)[:3],
        }

    def _reliability(self, answers: Answers) -> tuple[tuple[float, Interval], ...]:
        """Return the reliability curve: at the leaves, that of the results."""
        rows, groups = answers.known, self._coded.clusters
        if not rows.any():
            return ()
        of = Confidences(
            answers.confidence[rows],
            ~answers.wrong[rows],
            groups.codes[rows],
            Design(groups.count),
        )
        return reliability_curve(of)


def _small(code: Counts) -> np.ndarray:
    """Return codes in 16 bits where they fit, the largest number still being `NOT_ASKED`."""
    asked = code[code != NOT_ASKED]
    return code.astype(np.uint16) if asked.max(initial=0) < np.iinfo(np.uint16).max else code
