"""What `lcbench evaluate` can be asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lcbench.compute import DeviceChoice, PrecisionChoice
from lcbench.datasets.tiles import require_tile_size
from lcbench.errors import wrong_usage
from lcbench.runs.external_records import FOLDER_NAME, OptionsRecord


@dataclass(frozen=True)
class EvaluationOptions:
    """What `lcbench evaluate` was asked for.

    Parameters
    ----------
    labels
        A label map.
    training
        Where the training images lie now.
    about
        What kind of images these are.
    name
        What the folder is called in reports; its own name by default.
    only
        Patterns of the baselines that predict; all by default.
    label_pattern, group_pattern
        Regular expressions that find the label, and the patient or slide, in an image's path.
    groups
        CSV that names the patient or slide of each image.
    unlabelled
        Whether to predict without any label.
    calibrate_on
        The share of the groups to set aside to calibrate on; None for none.
    embeddings
        Files of embeddings of these images, see `lcbench.runs.stored_embeddings`.
    tile
        Side in pixels of the tiles that images are cut into; None for whole images.
    """

    labels: Path | None = None
    training: Path | None = None
    weights: str | None = None
    offline: bool = False
    device: DeviceChoice = "auto"
    precision: PrecisionChoice = "auto"
    about: str = ""
    name: str = ""
    only: tuple[str, ...] = ()
    label_pattern: str = ""
    groups: Path | None = None
    group_pattern: str = ""
    unlabelled: bool = False
    calibrate_on: float | None = None
    embeddings: tuple[str, ...] = ()
    tile: int | None = None

    def require_consistent(self) -> None:
        """Raise a UserError if an option cannot be, or two contradict each other."""
        if self.name and not FOLDER_NAME.fullmatch(self.name):
            raise wrong_usage(
                f"--name {self.name!r}: no name of a folder",
                "Leave out slashes, and a dot at the beginning.",
            )
        if self.groups is not None and self.group_pattern:
            raise wrong_usage(
                "--groups and --group-pattern: both say the same", "Give one of them."
            )
        labels = {"--labels": self.labels, "--label-pattern": self.label_pattern}
        given = [option for option, value in labels.items() if value]
        given += ["--calibrate-on"] if self.calibrate_on is not None else []
        if self.unlabelled and given:
            raise wrong_usage(
                f"--unlabelled: {given[0]} needs labels", "Leave one of the two options out."
            )
        if self.calibrate_on is not None and not 0.0 < self.calibrate_on < 1.0:
            raise wrong_usage(
                f"--calibrate-on {self.calibrate_on:g}: no share of the groups",
                "Give a number between 0 and 1, such as 0.3.",
            )
        require_tile_size(self.tile)
        if self.tile is not None and self.embeddings:
            raise wrong_usage(
                "--tile: --embeddings are of whole images", "Leave one of the two options out."
            )

    @property
    def record(self) -> OptionsRecord:
        """What of it is stored under `options`."""
        return OptionsRecord(
            name=self.name,
            only=self.only,
            label_pattern=self.label_pattern,
            group_pattern=self.group_pattern,
            groups=str(self.groups or ""),
            unlabelled=self.unlabelled,
            calibrate_on=self.calibrate_on,
            embeddings=self.embeddings,
            tile=self.tile,
        )
