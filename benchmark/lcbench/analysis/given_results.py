"""What models of other tools reached beside a suite's baselines."""

from __future__ import annotations

from typing import Literal

from lcbench.analysis.scores import ModelComparison
from lcbench.result_model import ResultModel


class GivenComparison(ResultModel):
    """A given model beside the baselines of a suite, under one protocol."""

    protocol: str
    """Protocol of the baselines."""
    matched_by: Literal["sha256", "image", "base name"]
    """What images were matched by."""
    comparison: ModelComparison
    """Scores on the images that the file and all baselines have; in each pair, a is a baseline and
    b the given model."""


class GivenLeftOut(ResultModel):
    """A protocol under which a given model is compared with nothing."""

    protocol: str
    """Name of the protocol."""
    reason: str
    """Why."""


class GivenModel(ResultModel):
    """A model whose predictions were given to a report as a file."""

    model: str
    """What it is called."""
    file: str
    """The file, or the folder of runs, as it was typed."""
    sha256: str
    """Of the file; of a folder, of the hashes of its prediction files."""
    protocol: str
    """Protocol that the file names; empty where it names none."""
    images: int
    """Images that it has a prediction for and whose label counts."""
    predictions: int
    """Predictions for them: an image has one for each seed."""
    seeds: tuple[int, ...]
    """Seeds that occur in it."""
    notes: tuple[str, ...]
    """What was noted when it was read, such as rows that were left out."""
    comparisons: tuple[GivenComparison, ...]
    """One entry for each protocol under which it shares images with the baselines."""
    left_out: tuple[GivenLeftOut, ...]
    """The other protocols."""

    @property
    def is_partial(self) -> bool:
        """Whether images of the file are without a partner in every comparison."""
        return all(
            any(one.model == self.model for one in found.comparison.unmatched)
            for found in self.comparisons
        )
