"""Coverage, risk and the area under the risk-coverage curve, on weighted source groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lcbench.statistics.design import Design
from lcbench.statistics.limits import Scale
from lcbench.statistics.metrics import Values, ratio
from lcbench.statistics.panel import SHARE, K, Measure, Panel, column_share, count_panel
from lcbench.statistics.ranking import from_below
from lcbench.statistics.selective import Chosen, Flags
from lcbench.statistics.tree import Codes


def chosen_panel(parts: Mapping[tuple[K, K], Chosen], units: Codes, design: Design) -> Panel[K]:
    """Return the panel of coverages and risks.

    Parameters
    ----------
    parts
        The answers by the keys of their coverage and of their risk, all of the same images.
    units
        (N,) unit of each image, see `Design`.
    design
        Groups, seeds, strata and sizes.

    Returns
    -------
    Panel
        Both are shares of images; the risk is undefined without an answer.
    """

    def counted(rows: Flags) -> Values:
        return np.bincount(units[rows], minlength=design.units).astype(np.float64)

    columns, statistics = [np.bincount(units, minlength=design.units).astype(np.float64)], {}
    for (coverage, risk), one in parts.items():
        place = len(columns)
        columns += [counted(one.answered), counted(one.answered & one.wrong)]
        statistics[coverage] = column_share(place, 0, proportion=True)
        statistics[risk] = column_share(place + 1, place, proportion=True)
    return count_panel(np.stack(columns, axis=1), statistics, design)


def area_panel(
    key: K, confidence: Values, wrong: Flags, units: Codes, models: Codes, design: Design
) -> Panel[K]:
    """Return the panel of the area under the risk-coverage curve.

    The mean over the images of the risk when everything at least as sure as that image is answered,
    within the images of the trained model that answered it; 0 where nothing is wrong. With one
    trained model, weights of 1 and no two confidences alike it is Geifman's.

    Parameters
    ----------
    key
        What the measure is known by.
    confidence, wrong
        (N,) confidences, and whether the answer is wrong.
    units
        (N,) unit of each image, see `Design`.
    models
        (N,) code of the trained model that answered each row.
    design
        Groups, seeds, strata and sizes.

    References
    ----------
    Geifman, Y., Uziel, G. and El-Yaniv, R. (2019). Bias-reduced uncertainty estimation for deep
    neural classifiers. ICLR, section 2.
    """
    cells = [
        _Steps.of(confidence[rows], wrong[rows], units[rows], design.units)
        for rows in (models == model for model in np.unique(models))
    ]
    images = np.bincount(units, minlength=design.units).astype(np.float64)
    groups = int((images.reshape(design.groups, design.seeds).sum(axis=1) > 0).sum())
    measure = Measure(key, SHARE, Scale.bounded, len(confidence), groups, groups)

    def evaluate(weights: Values) -> Values:
        total = weights @ images
        sums = sum((one.sums(weights) for one in cells), start=np.zeros(len(weights)))
        return np.asarray(np.where(total > 0, ratio(sums, total), np.nan)[:, None])

    def influence() -> Values:
        area = float(evaluate(np.ones((1, design.units)))[0, 0])
        changes = sum((one.changes for one in cells), start=np.zeros(design.units))
        return np.asarray((changes - area * images) / max(1.0, float(images.sum())))[:, None]

    return Panel(design, (measure,), evaluate, influence)


@dataclass(frozen=True, eq=False)
class _Steps:
    """The images of one trained model, in T steps of falling confidence.

    Parameters
    ----------
    images, wrong
        Sparse (T, U): images of each unit in each step, and those that are wrong.
    """

    images: Any
    wrong: Any

    @classmethod
    def of(cls, confidence: Values, wrong: Flags, units: Codes, size: int) -> _Steps:
        from scipy.sparse import csr_array

        _, step = np.unique(-confidence, return_inverse=True)
        shape = int(step.max(initial=-1)) + 1, size

        def matrix(rows: Flags) -> Any:  # noqa: ANN401 - scipy has no types
            return csr_array((np.ones(int(rows.sum())), (step[rows], units[rows])), shape=shape)

        return cls(matrix(np.ones(len(wrong), np.bool_)), matrix(wrong))

    def sums(self, weights: Values) -> Values:
        """Return the (B,) sums over the images of the risk at each, from (B, U) weights."""
        images, answered, errors = self._totals(weights)
        return np.asarray((images * ratio(errors, answered)).sum(axis=0))

    @property
    def changes(self) -> Values:
        """(U,) derivatives of the sum with respect to the weight of each unit, at weights 1.

        An image brings its own risk, and changes that of its step and of all below.
        """
        images, answered, errors = (
            one[:, 0] for one in self._totals(np.ones((1, self.images.shape[1])))
        )
        if_wrong = from_below(ratio(images, answered))
        if_any = from_below(images * ratio(errors, answered**2))
        own = ratio(errors, answered) - if_any
        return np.asarray(self.images.T @ own + self.wrong.T @ if_wrong)

    def _totals(self, weights: Values) -> tuple[Values, Values, Values]:
        """Return (T, B) weights of each step, and those of it and all above: all, and wrong."""
        columns = weights.T
        images = np.asarray(self.images @ columns)
        return images, np.cumsum(images, axis=0), np.cumsum(self.wrong @ columns, axis=0)
