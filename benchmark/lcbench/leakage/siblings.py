"""What crosses the sides of a split."""

from __future__ import annotations

from dataclasses import dataclass

from lcbench.datasets.dataset import Dataset
from lcbench.protocols import Split


@dataclass(frozen=True)
class Siblings:
    """How much of the test side has its source in training.

    Parameters
    ----------
    test_images, test_images_with_siblings
        Test images of known source, and those with an image of the same source group in training.
    test_groups, test_groups_in_train
        Known source groups in test, and those that are in training too.
    test_images_of_unknown_source
        Test images that a groups file does not name; nothing can be said about them.
    """

    test_images: int
    test_images_with_siblings: int
    test_groups: int
    test_groups_in_train: int
    test_images_of_unknown_source: int = 0

    def __str__(self) -> str:
        unknown = self.test_images_of_unknown_source
        return (
            f"{self.test_groups_in_train:,} of {self.test_groups:,} source groups in test also in "
            f"train; {self.test_images_with_siblings:,} of {self.test_images:,} test images have a "
            "source sibling in training"
            + (f"; the source of {unknown:,} more is unknown" if unknown else "")
        )


def count_siblings(split: Split, dataset: Dataset) -> Siblings | None:
    """Count test images with a source sibling in training; None where groups are unknown."""
    if not dataset.groups_known:
        return None
    groups = dataset.manifest["group"]
    train = set(groups.iloc[split.rows("train")])
    tested = split.rows("test")
    test = groups.iloc[tested][dataset.source_known.iloc[tested]]
    shared = test.isin(train)
    return Siblings(
        test_images=len(test),
        test_images_with_siblings=int(shared.sum()),
        test_groups=test.nunique(),
        test_groups_in_train=test[shared].nunique(),
        test_images_of_unknown_source=len(tested) - len(test),
    )
