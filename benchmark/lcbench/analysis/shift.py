"""Confidence and calibration on both sides: test images of the runs, and an external folder."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lcbench.analysis.external_arms import Arm, Crossed, Flags
from lcbench.analysis.scores import AnalysisSettings
from lcbench.analysis.shift_results import Sureness, SurenessShift
from lcbench.predictions.table import Predictions
from lcbench.runs.finished import FinishedSuite
from lcbench.statistics.interval_model import NO_INTERVAL, Interval
from lcbench.statistics.limits import newcombe_difference
from lcbench.statistics.metrics import Values
from lcbench.statistics.reliability import calibration_error
from lcbench.statistics.standard import confidences
from lcbench.statistics.tree import Codes

_METHOD = "Newcombe on the limits of both sides"


def sureness_shifts(
    arms: Sequence[Arm], suite: FinishedSuite, settings: AnalysisSettings
) -> tuple[SurenessShift, ...]:
    """Return how sure every baseline is on its own test images and on external ones.

    Parameters
    ----------
    arms
        Their rows are the external images that count, whatever their labels are.
    suite
        The runs, with the predictions of their test sides; ensembles have none, and are left out.
    settings
        How intervals are computed.
    """
    found = []
    for protocol in dict.fromkeys(arm.protocol for arm in arms):
        tests = {model.name: model for model in suite.models(protocol)}
        found += [
            _shift(arm, _test_arm(arm, tests[arm.baseline]), settings)
            for arm in arms
            if arm.protocol == protocol and arm.baseline in tests
        ]
    return tuple(found)


def _test_arm(arm: Arm, model: Predictions) -> Arm:
    """Return a model's answers to its own test images; the folds of a seed are one model."""
    if model.probabilities is None:
        raise RuntimeError(f"{arm.baseline}: runs without probabilities")
    seeds, codes = np.unique(model.table["seed"].to_numpy(np.int64), return_inverse=True)
    return Arm(
        protocol=arm.protocol,
        baseline=arm.baseline,
        tree=arm.tree,
        table=model.table,
        probabilities=model.probabilities,
        run=codes.astype(np.int64),
        cells=tuple((int(seed), 0) for seed in seeds),
        decision=model.decision,
    )


def _shift(external: Arm, test: Arm, settings: AnalysisSettings) -> SurenessShift:
    here, there = _sureness(test, settings), _sureness(external, settings)
    return SurenessShift(
        baseline=external.baseline,
        protocol=external.protocol,
        runs=external.runs,
        test=here,
        external=there,
        change=_difference(there.confidence, here.confidence),
    )


def _sureness(arm: Arm, settings: AnalysisSettings) -> Sureness:
    every = np.ones(len(arm.table), np.bool_)
    confidence = arm.probabilities.max(axis=1)
    leaf = _leaf(arm)
    # Images without a leaf are a class of their own: how many there are is fixed too.
    mean = Crossed.of(arm, every, leaf + 1).mean(confidence, settings)
    known = leaf >= 0
    images = arm.table["image"].nunique()
    if not known.any():
        return Sureness(
            images=images, confidence=mean, labelled=0, accuracy=None, gap=None,
            calibration_error=None,
        )  # fmt: skip
    true = leaf[known]
    right = arm.likeliest[known] == true
    of_rows = Crossed.of(arm, known, true)
    of = confidences(true, arm.probabilities[known], of_rows.units, of_rows.design)
    error = calibration_error(of).value
    return Sureness(
        images=images,
        confidence=mean,
        labelled=arm.table["image"][known].nunique(),
        accuracy=of_rows.share(right, settings),
        gap=_gap(of_rows, confidence[known], right, settings),
        calibration_error=None if np.isnan(error) else error,
    )


def _leaf(arm: Arm) -> Codes:
    """Return the (N,) place of each label among the leaves; -1 where it is none."""
    place = {leaf: code for code, leaf in enumerate(arm.tree.leaves)}
    return np.array([place.get(label, -1) for label in arm.table["true"]], np.int64)


def _gap(
    of_rows: Crossed, confidence: Values, right: Flags, settings: AnalysisSettings
) -> Interval:
    """Return mean confidence minus accuracy, from -1 to 1."""
    halved = of_rows.mean((confidence - right + 1.0) / 2.0, settings)
    value, low, high = (
        None if limit is None else 2.0 * limit - 1.0
        for limit in (halved.value, halved.low, halved.high)
    )
    error = None if halved.error is None else 2.0 * halved.error
    whole = {"value": value, "low": low, "high": high, "error": error, "training": None}
    return halved.model_copy(update=whole)


def _difference(first: Interval, second: Interval) -> Interval:
    """Return the first mean minus the second, of independent samples."""
    if first.value is None or second.value is None:
        raise RuntimeError("a mean over no images")
    value = first.value - second.value
    limits: tuple[float | None, float | None] = (None, None)
    ends = first.low, first.high, second.low, second.high
    if None not in ends:
        low, high, other_low, other_high = (float(end or 0.0) for end in ends)
        limits = newcombe_difference(
            first.value, (low, high), second.value, (other_low, other_high)
        )
    return Interval(
        value=value,
        low=limits[0],
        high=limits[1],
        n=first.n,
        groups=first.groups,
        method=_METHOD if limits[0] is not None else NO_INTERVAL,
    )
