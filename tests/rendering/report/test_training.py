"""How much of the backbone was trained, in the report."""

from __future__ import annotations

from lcbench.analysis.results import Results, Training
from lcbench.rendering.report.page import Picture, Pictures, report_page
from lcbench.rendering.report.training import most_epochs, training_table

from .. import suites


def trained(**recipes: dict[str, object]) -> Results:
    """Results whose baselines have these recipes, all trained under the leakage-free protocol."""
    results = suites.suite(suites.LUNG, {"grouped": {"reference": 0.9, "full": 0.92}})
    baselines = tuple(
        one.model_copy(update={"recipe": recipes.get(one.baseline)}) for one in results.baselines
    )
    training = tuple(
        Training(
            protocol="grouped", baseline=name, runs=5, tuning="full", learned=1200,
            train_seconds=12.0, epochs=5.0, train_loss=0.1, validation_loss=0.25,
            validation_accuracy=0.9, gap=gap,
        )
        for name, gap in (("reference", 0.15), ("full", None))
    )  # fmt: skip
    return results.model_copy(update={"baselines": baselines, "training": training})


def test_each_way_of_training_has_its_accuracy_with_an_interval_and_its_losses() -> None:
    table = training_table(trained())
    assert table is not None
    reference, full = ([cell.replace("\u00a0", " ") for cell in row] for row in table.rows)
    assert reference[2] == "90.0 [88.0, 92.0]"
    assert reference[3:] == ["1,200", "12.0", "5.0", "0.100", "0.250", "0.150"]
    assert full[-1] == "–"


def test_the_most_epochs_are_those_of_the_recipes_in_the_table() -> None:
    results = trained(reference={"epochs": 5}, full={"epochs": 25}, other={"epochs": 50})
    assert most_epochs(results) == 25
    assert most_epochs(trained(reference={"neighbours": 20})) is None
    page = report_page(results, Pictures(Picture("figures/intervals.png", "Accuracy")))
    assert "No network was trained for more than 25 epochs" in page


def test_one_way_of_training_has_no_table() -> None:
    assert training_table(suites.lung()) is None
