"""Models that other tools may have trained, as prediction files made of arrays."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lcbench.analysis.comparing import compare_predictions
from lcbench.analysis.results import ComparisonResults
from lcbench.analysis.scores import AnalysisSettings
from lcbench.datasets.labels import LabelReader
from lcbench.predictions.models import load_models
from lcbench.taxonomy import Taxonomy, load_taxonomy

LEAVES = ("benign", "adenocarcinoma", "squamous_cell_carcinoma")
RESAMPLES = 200


@dataclass(frozen=True)
class Model:
    """Predictions as codes of leaves; image i is called `x/i.png`."""

    true: NDArray[np.int64]
    predicted: NDArray[np.int64]
    chances: NDArray[np.float64] | None = None
    groups: NDArray[np.int64] | None = None

    def table(self, **columns: Any) -> pd.DataFrame:
        """Return the columns of a prediction file; more can be given."""
        table = pd.DataFrame(
            {
                "image": [f"x/{number:04d}.png" for number in range(len(self.true))],
                "true": np.array(LEAVES)[self.true],
                "predicted": np.array(LEAVES)[self.predicted],
            }
        )
        if self.groups is not None:
            table["group"] = [f"g{group}" for group in self.groups]
        if self.chances is not None:
            table[[f"p:{leaf}" for leaf in LEAVES]] = self.chances
        return table.assign(**columns)

    def write(self, path: Path, **columns: Any) -> Path:
        """Write a CSV file."""
        self.table(**columns).to_csv(path, index=False)
        return path


def random_model(
    seed: int, *, n: int = 120, error: float = 0.25, groups: int = 0, chances: bool = False
) -> Model:
    """Return a model that errs at random; the truth and the groups are the same for all seeds."""
    truth = np.random.default_rng(0)
    true = truth.integers(0, 3, n)
    drawn = np.random.default_rng(seed)
    wrong = (true + drawn.integers(1, 3, n)) % 3
    predicted = np.where(drawn.random(n) < error, wrong, true)
    given = None
    if chances:
        given = drawn.dirichlet([0.5] * 3, n) * 0.5
        given[np.arange(n), predicted] += 0.5
    return Model(true, predicted, given, np.arange(n) % groups if groups else None)


def happens(model: Model, event: tuple[str, str]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return the rows that an event can happen on, and where it happens."""
    true, predicted = model.true, model.predicted
    if event == ("any_error", ""):
        return np.ones(len(true), bool), true != predicted
    if event == ("confusion", "malignant"):
        return true > 0, (true > 0) & (predicted > 0) & (true != predicted)
    return np.ones(len(true), bool), (true == 0) != (predicted == 0)


def compare(*paths: Path, taxonomy: Taxonomy | None = None, **settings: Any) -> ComparisonResults:
    """Compare files with few resamples."""
    tree = taxonomy or load_taxonomy()
    chosen = AnalysisSettings(**{"resamples": RESAMPLES, **settings})
    return compare_predictions(load_models(paths, LabelReader(tree)), tree, chosen)
