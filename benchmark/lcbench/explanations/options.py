"""What `lcbench explain` can be asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from lcbench.compute import DeviceChoice
from lcbench.errors import wrong_usage
from lcbench.explanations.methods import METHODS, find_method

_FEWEST_CHECKED = 2


@dataclass(frozen=True)
class ExplainOptions:
    """What `lcbench explain` was asked for.

    Parameters
    ----------
    baselines
        Patterns of the baselines to explain; the suite's reference by default.
    protocol
        The protocol whose test images are explained; the leakage-free one by default.
    methods
        Names of methods; all by default.
    nodes
        Inner nodes of the class tree whose decisions are explained; by default that whose children
        get confused.
    images
        How many confusions at most; None for all.
    checked
        Images that a method is checked on, for methods that look at an image a few times.
    seed
        Of what is drawn.
    data
        Where the images lie; the recorded folder by default.
    weights, offline, device
        As for `lcbench evaluate`.
    fresh
        Whether to do again what is stored.
    """

    baselines: tuple[str, ...] = ()
    protocol: str = ""
    methods: tuple[str, ...] = field(default_factory=lambda: tuple(METHODS))
    nodes: tuple[str, ...] = ()
    images: int | None = None
    checked: int = 32
    seed: int = 0
    data: Path | None = None
    weights: str | None = None
    offline: bool = False
    device: DeviceChoice = "auto"
    fresh: bool = False

    def require_consistent(self) -> None:
        """Hold what can be told without looking at any file.

        Raises
        ------
        UserError
            If a method is not known, or a number makes no sense.
        """
        for name in self.methods:
            find_method(name)
        if self.images is not None and self.images < 1:
            raise wrong_usage(f"--images {self.images}: it needs one image or more")
        if self.checked < _FEWEST_CHECKED:
            raise wrong_usage(f"--checked {self.checked}: an interval needs two images or more")
