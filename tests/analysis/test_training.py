"""How training went, from the runs' own learning curves."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from lcbench.analysis.training import training_of


def run(name: str, losses: list[tuple[float, float]], best: int, **recipe: object) -> Any:
    epochs = range(1, len(losses) + 1)
    history = pd.DataFrame(
        {
            "epoch": epochs,
            "network": pd.array(["all"] * len(losses), dtype="string"),
            "train_loss": [one for one, _ in losses],
            "validation_loss": [other for _, other in losses],
            "validation_accuracy": [0.5 + epoch / 10 for epoch in epochs],
        }
    )
    return SimpleNamespace(
        config=SimpleNamespace(baseline=name, protocol="paper", recipe=recipe),
        state=SimpleNamespace(
            parameters=10, train_seconds=float(len(losses)), epochs=len(losses), best_epoch=best
        ),
        history=history,
    )


def suite(*runs: Any) -> Any:
    names = tuple(dict.fromkeys(one.config.baseline for one in runs))

    def runs_of(**wanted: str) -> tuple[Any, ...]:
        return tuple(one for one in runs if vars(one.config).items() >= wanted.items())

    return SimpleNamespace(protocols=("paper",), baselines=names, runs=runs, runs_of=runs_of)


def test_losses_are_those_of_the_restored_epochs_and_medians_over_the_runs() -> None:
    runs = [
        run("partly", [(0.5, 0.6), (0.1, 0.3), (0.05, 0.4)], 2, tuning="partial"),
        run("partly", [(0.4, 0.5), (0.2, 0.6)], 1, tuning="partial"),
        run("partly", [(0.3, 0.9)], 1, tuning="partial"),
    ]
    (found,) = training_of(suite(*runs))
    assert (found.protocol, found.baseline, found.runs, found.tuning) == (
        "paper", "partly", 3, "partial",
    )  # fmt: skip
    assert (found.train_seconds, found.epochs) == (2.0, 2)
    assert found.train_loss == pytest.approx(0.3)  # of 0.1, 0.4, 0.3
    assert found.validation_loss == pytest.approx(0.5)  # of 0.3, 0.5, 0.9
    assert found.validation_accuracy == pytest.approx(0.6)
    assert found.gap == pytest.approx(0.2)  # of 0.2, 0.1, 0.6


def test_nothing_is_said_where_no_backbone_was_trained() -> None:
    assert training_of(suite(run("head", [(0.5, 0.6)], 1))) == ()


@pytest.mark.parametrize(
    "recipe", [{"loss": "focal"}, {"augmentation": "flips"}, {"views": ["geometric"]}]
)
def test_losses_of_different_things_have_no_gap(recipe: dict[str, object]) -> None:
    whole = run("whole", [(0.5, 0.6)], 1, tuning="full", **recipe)
    (found,) = training_of(suite(whole))
    assert found.gap is None
    assert found.train_loss == 0.5


def test_baselines_of_several_networks_or_of_none_are_passed_over() -> None:
    whole, cascade, none = (run(name, [(1.0, 1.0)], 1, tuning="full") for name in "abc")
    cascade.history = pd.concat([cascade.history, cascade.history.assign(network="below")])
    none.history = None
    assert [one.baseline for one in training_of(suite(whole, cascade, none))] == ["a"]


def test_without_validation_images_there_is_no_validation_loss() -> None:
    whole = run("whole", [(0.5, float("nan"))], 1, tuning="full")
    whole.history["validation_accuracy"] = float("nan")
    (found,) = training_of(suite(whole))
    assert (found.validation_loss, found.validation_accuracy, found.gap) == (None, None, None)
