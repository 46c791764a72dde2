"""The linear probe: scikit-learn's own numbers, the penalty by validation, hostile models."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from lcbench.errors import UserError
from lcbench.features.samples import Samples
from lcbench.models.baseline import Context, find_kind
from lcbench.models.linear_probe import LinearProbe, LinearProbeSettings
from lcbench.taxonomy import Taxonomy
from lcbench.testing import check_baseline

Table = tuple[list[str], np.ndarray]
Fit = Callable[..., LinearProbe]
PENALTIES = (1e-3, 0.1, 10.0)


@pytest.fixture
def fit(
    given_samples: Callable[..., Samples], given_context: Callable[..., Context], lung: Taxonomy
) -> Fit:
    """A fitted probe: fit(training table, validation table, penalties=...)."""

    def make(train: Table, validation: Table, **options: object) -> LinearProbe:
        chosen = LinearProbeSettings.model_validate({"backbone": "given", **options})
        probe = LinearProbe(chosen, given_context(lung))
        probe.fit(given_samples(*train), given_samples(*validation))
        return probe

    return make


def noisy(lung: Taxonomy, images: int, seed: int) -> Table:
    """Classes that overlap, on features of very different scales, one of which never varies."""
    random = np.random.default_rng(seed)
    labels = random.choice(lung.leaves, images).tolist()
    centres = np.random.default_rng(5).normal(size=(3, 8))
    values = centres[[lung.leaves.index(label) for label in labels]]
    values = (values + random.normal(size=values.shape)) * 10.0 ** np.arange(-3, 5)
    values[:, 3] = 7.0
    return labels, values.astype(np.float32)


def asked(probe: LinearProbe, given_samples: Callable[..., Samples], table: Table) -> np.ndarray:
    return probe.predict(given_samples(*table))


def test_it_is_the_one_of_scikit_learns_with_the_smallest_validation_loss(
    fit: Fit, given_samples: Callable[..., Samples], lung: Taxonomy
) -> None:
    train, validation, test = (noisy(lung, 200, seed) for seed in (1, 2, 3))
    probe = fit(train, validation, penalties=PENALTIES)
    oracles = {
        penalty: make_pipeline(
            StandardScaler(), LogisticRegression(C=penalty, tol=1e-8, max_iter=5000)
        ).fit(train[1].astype(float), train[0])
        for penalty in PENALTIES
    }
    losses = {
        penalty: log_loss(validation[0], oracle.predict_proba(validation[1].astype(float)))
        for penalty, oracle in oracles.items()
    }
    best = min(losses, key=lambda penalty: losses[penalty])
    assert probe.state()["penalty"].tolist() == [best]
    columns = [list(oracles[best].classes_).index(leaf) for leaf in lung.leaves]
    wanted = oracles[best].predict_proba(test[1].astype(float))[:, columns]
    np.testing.assert_allclose(asked(probe, given_samples, test), wanted, atol=5e-3)


@pytest.mark.parametrize("present", [1, 2])
def test_a_class_without_training_images_gets_no_probability(
    present: int, fit: Fit, given_samples: Callable[..., Samples], lung: Taxonomy
) -> None:
    labels, values = noisy(lung, 120, 1)
    kept = [row for row, label in enumerate(labels) if label in lung.leaves[-present:]]
    probe = fit(([labels[row] for row in kept], values[kept]), noisy(lung, 60, 2))
    found = asked(probe, given_samples, (labels, values))
    np.testing.assert_allclose(found.sum(axis=1), 1)
    assert (found[:, :-present] == 0).all()
    assert (found[:, -present:] > 0).all()


def test_of_two_classes_it_is_the_usual_logistic_regression(
    fit: Fit, given_samples: Callable[..., Samples], lung: Taxonomy
) -> None:
    labels, values = noisy(lung, 200, 1)
    kept = [row for row, label in enumerate(labels) if label in lung.leaves[:2]]
    table = [labels[row] for row in kept], values[kept]
    probe = fit(table, table, penalties=[0.1])
    oracle = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, tol=1e-8, max_iter=5000))
    oracle.fit(table[1].astype(float), [lung.leaves.index(label) for label in table[0]])
    wanted = oracle.predict_proba(values.astype(float))
    np.testing.assert_allclose(
        asked(probe, given_samples, (labels, values))[:, :2], wanted, atol=5e-3
    )


def test_coarse_labels_teach_nothing_and_without_leaves_in_validation_c_is_the_middle_one(
    fit: Fit, lung: Taxonomy
) -> None:
    labels, values = noisy(lung, 90, 1)
    coarse = ["malignant"] * len(labels)
    probe = fit((labels, values), (coarse, values), penalties=PENALTIES)
    again = fit(
        (labels + coarse, np.concatenate([values, -values])), (coarse, values), penalties=PENALTIES
    )
    assert probe.state()["penalty"].tolist() == [0.1]
    assert all((probe.state()[key] == again.state()[key]).all() for key in probe.state())
    with pytest.raises(UserError, match="no training image"):
        fit((coarse, values), (labels, values))


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"classes": np.array([0, 1, 3])}, "do not fit"),
        ({"classes": np.array([0, 1, -1])}, "do not fit"),
        ({"classes": np.array([0, 1, 1])}, "do not fit"),
        ({"classes": np.array([0, 1])}, "do not fit"),
        ({"weights": np.zeros((3, 5))}, "3 x 5|weights"),
        ({"scale": np.zeros(8)}, "not above 0"),
        ({"mean": np.full(8, np.nan)}, "not finite"),
        ({"other": np.zeros(1)}, "array 'other'"),
    ],
)
def test_a_stored_model_that_does_not_fit_is_an_error(
    changed: dict[str, np.ndarray], reason: str, fit: Fit, lung: Taxonomy
) -> None:
    table = noisy(lung, 60, 1)
    probe = fit(table, table)
    with pytest.raises(UserError, match=reason):
        probe.restore({**probe.state(), **changed})


@pytest.mark.parametrize("options", [{"penalties": []}, {"penalties": [0.0]}, {"iterations": 0}])
def test_settings_without_sense_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        LinearProbeSettings.model_validate(options)


def test_it_keeps_the_contract() -> None:
    assert find_kind("linear-probe") is LinearProbe
    check_baseline("linear-probe")
