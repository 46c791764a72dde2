"""The rules of the contract: each one finds out what a class does, and says what broke it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from lcbench.features.extraction import FeatureKind
from lcbench.features.samples import Samples
from lcbench.models.baseline import FitSummary, Settings
from lcbench.statistics.decision_rules import contradicts, decide
from lcbench.testing.subject import Subject

_TOLERANCE = 1e-4
"""Of probabilities of one image in other company: the last bits depend on the batch."""


class BrokenRuleError(Exception):
    """What was found instead of what the rule asks for."""


def _unknown_settings_are_refused(subject: Subject) -> None:
    _require(
        issubclass(subject.kind.settings_type, Settings),
        "settings_type is no subclass of lcbench.models.baseline.Settings",
    )
    _ = subject.settings
    try:
        subject.kind.settings_type.model_validate({**subject.options, "no_such_setting": 1})
    except ValidationError:
        return
    raise BrokenRuleError("settings_type took no_such_setting = 1")


def _features_are_known(subject: Subject) -> None:
    needs = subject.kind.needs(subject.settings)
    _require(needs in get_args(FeatureKind), f"needs gave {needs!r}")
    subject.images.features.prepare(
        needs, subject.settings.encoder_key, subject.settings.view, subject.settings.last_part
    )


def _fit_tells_what_was_learned(subject: Subject) -> None:
    summary = subject.fitted[1]
    _require(isinstance(summary, FitSummary), f"fit gave {type(summary).__name__}")
    _require(summary.parameters >= 0, f"parameters = {summary.parameters}")
    _require(
        (summary.epochs is None) == (not summary.history),
        "epochs and history contradict each other",
    )
    if summary.epochs is not None:
        _require(
            summary.best_epoch is not None and 1 <= summary.best_epoch <= summary.epochs,
            f"best_epoch = {summary.best_epoch} of {summary.epochs}",
        )
        losses = [epoch.train_loss for epoch in summary.history]
        _require(bool(np.isfinite(losses).all()), "a training loss is not finite")


def _probabilities_are_distributions(subject: Subject) -> None:
    found = subject.fitted[0].predict(subject.images.samples("test"))
    _require_distributions(subject, found, len(subject.images.rows["test"]))


def _answers_follow_from_the_probabilities(subject: Subject) -> None:
    rule = subject.settings.decision
    answers = decide(rule, subject.probabilities, subject.taxonomy)
    # As a file gives them back, whose rows are made to sum to 1.
    stored = subject.probabilities / subject.probabilities.sum(axis=1, keepdims=True)
    other = contradicts(rule, answers, stored, subject.taxonomy)
    _require(not other.any(), f"{other.sum()} answers are not those of the decision rule {rule}")


def _predicting_twice_gives_the_same(subject: Subject) -> None:
    again = subject.fitted[0].predict(subject.images.samples("test"))
    _require_same_bytes(subject.probabilities, again)


def _the_same_seed_gives_the_same(subject: Subject) -> None:
    _require_same_bytes(subject.probabilities, subject.predict_after_fit(subject.images))


def _what_is_stored_predicts_the_same(subject: Subject) -> None:
    from safetensors.numpy import load, save

    stored = load(save(subject.fitted[0].state()))
    restored = subject.new(seed=12345)
    restored.restore(stored)
    _require_same_bytes(subject.probabilities, restored.predict(subject.images.samples("test")))


def _an_image_needs_no_company(subject: Subject) -> None:
    baseline, rows = subject.fitted[0], subject.images.rows["test"]
    features = subject.images.features
    backwards = baseline.predict(Samples(features, rows[::-1].copy()))
    alone = baseline.predict(Samples(features, rows[:1]))
    _require_distributions(subject, alone, 1)
    for words, found, wanted in (
        ("in another order", backwards[::-1], subject.probabilities),
        ("alone", alone, subject.probabilities[:1]),
    ):
        difference = float(np.abs(found - wanted).max())
        _require(difference <= _TOLERANCE, f"{words}, probabilities differ by {difference:g}")


def _test_labels_change_nothing(subject: Subject) -> None:
    labels = subject.images.labels.copy()
    rows = subject.images.rows["test"]
    labels[rows] = np.roll(labels[rows], len(rows) // 2)
    _require_same_bytes(
        subject.probabilities, subject.predict_after_fit(subject.images.relabelled(labels))
    )


def _inner_nodes_may_be_labels(subject: Subject) -> None:
    labels = subject.images.labels.astype(object)
    for node in subject.taxonomy.inner_nodes[1:]:
        below = np.flatnonzero(np.isin(labels, subject.taxonomy.leaves_under(node)))
        for side in ("train", "validation"):
            labels[np.intersect1d(below, subject.images.rows[side])[::3]] = node
    coarse = subject.images.relabelled(labels.astype(str))
    _require_distributions(
        subject, subject.predict_after_fit(coarse), len(subject.images.rows["test"])
    )


def _classes_may_lack_in_validation(subject: Subject) -> None:
    rows = subject.images.rows
    one = rows["validation"][
        subject.images.labels[rows["validation"]] == subject.taxonomy.leaves[0]
    ]
    poor = replace(subject.images, rows={**rows, "validation": one})
    _require_distributions(subject, subject.predict_after_fit(poor), len(rows["test"]))


def _inputs_are_left_alone(subject: Subject) -> None:
    now = subject.images
    manifest = now.features.dataset.manifest
    _require(manifest.equals(subject.manifest_before), "the manifest was changed")
    for side, rows in subject.rows_before.items():
        _require(np.array_equal(rows, now.rows[side]), f"the rows of the {side} table were changed")


def _require(kept: bool, found: str) -> None:
    if not kept:
        raise BrokenRuleError(found)


def _require_distributions(subject: Subject, found: object, images: int) -> None:
    wanted = (images, len(subject.taxonomy.leaves))
    if not isinstance(found, np.ndarray):
        raise BrokenRuleError(f"predict gave {type(found).__name__}, not an array")
    _require(found.shape == wanted, f"predict gave shape {found.shape}, not {wanted}")
    floating = np.issubdtype(found.dtype, np.floating)
    _require(floating, f"predict gave {found.dtype}, not floating-point numbers")
    _require(bool(np.isfinite(found).all()), "predict gave missing or infinite values")
    _require(bool((found >= 0).all()), f"predict gave a negative probability, {found.min():g}")
    sums = found.sum(axis=1)
    _require(bool(np.allclose(sums, 1, atol=1e-6)), f"rows sum to {sums.min():g} to {sums.max():g}")


def _require_same_bytes(first: NDArray[np.float64], second: NDArray[np.float64]) -> None:
    _require(first.shape == second.shape, f"shapes differ: {first.shape} and {second.shape}")
    different = int((first != second).any(axis=1).sum())
    _require(
        first.tobytes() == second.tobytes(),
        f"predictions differ for {different} of {len(first)} images",
    )


RULES: dict[str, Callable[[Subject], None]] = {
    "unknown settings are refused": _unknown_settings_are_refused,
    "it asks for features that there are": _features_are_known,
    "fit tells what was learned": _fit_tells_what_was_learned,
    "predictions are probabilities of the leaves": _probabilities_are_distributions,
    "answers are those of its decision rule": _answers_follow_from_the_probabilities,
    "predicting twice gives the same bytes": _predicting_twice_gives_the_same,
    "the same seed gives the same bytes": _the_same_seed_gives_the_same,
    "what state returns can be stored, and restored predicts the same bytes": (
        _what_is_stored_predicts_the_same
    ),
    "a prediction does not depend on the images beside it": _an_image_needs_no_company,
    "labels of test images change nothing": _test_labels_change_nothing,
    "training and validation images may be labelled with an inner node": (
        _inner_nodes_may_be_labels
    ),
    "a class may be absent from validation": _classes_may_lack_in_validation,
    "inputs are left as they were": _inputs_are_left_alone,
}
