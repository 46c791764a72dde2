"""The contract that every baseline keeps, and the registry of kinds."""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict

from lcbench.errors import UserError, unknown_name
from lcbench.features.extraction import FeatureKind
from lcbench.statistics.decision_rules import LIKELIEST, DecisionRule
from lcbench.training.history import Epoch

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    from lcbench.compute import Compute
    from lcbench.datasets.labels import LabelReader
    from lcbench.features.encoder import Encoder, HeadFacts, Part
    from lcbench.features.samples import Samples
    from lcbench.features.views import View
    from lcbench.models.differentiable import LeafNetwork
    from lcbench.taxonomy import Taxonomy

__all__ = [
    "Baseline",
    "Context",
    "Epoch",
    "FitSummary",
    "Settings",
    "State",
    "Unfinished",
    "find_kind",
    "import_address",
    "register",
]

State = dict[str, "NDArray[Any]"]


NEWER = object()
"""Marks an option that came after runs were stored, `Annotated[type, NEWER]`.

What its default says is what was done before there was the option.
"""


class Settings(BaseModel):
    """What a recipe can set for a kind; unknown keys are refused.

    `decision`: how a class is chosen from the probabilities of the leaves, which stay as they are:
    see `lcbench.statistics.decision_rules`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    backbone: str | None = None
    decision: Annotated[DecisionRule, NEWER] = LIKELIEST

    @property
    def encoder_key(self) -> str | None:
        """By what name the backbone's features are asked for: no other backbone of a plan has it.

        None where the recipe names no backbone.
        """
        return self.backbone

    @property
    def own_weights(self) -> str | None:
        """The file that the recipe names for its backbone, or "random"; None without one."""
        return None

    @property
    def own_outputs(self) -> int | None:
        """How many outputs the backbone's own head has, 0 where its weights tell; None without."""
        return None

    @property
    def view(self) -> View | None:
        """The view of each image that is looked at; None for images as they are."""
        return None

    @property
    def training_views(self) -> tuple[View, ...]:
        """Further views that training looks at."""
        return ()

    @property
    def last_part(self) -> Part | None:
        """What trains of the backbone; None where nothing or everything does."""
        return None

    @property
    def recorded(self) -> dict[str, Any]:
        """The options as a run stores them: what is not set, and newer defaults, left out.

        So a run that was stored before there was an option stays the same run.
        """
        newer = {
            name
            for name, field in type(self).model_fields.items()
            if NEWER in field.metadata and getattr(self, name) == field.default
        }
        return self.model_dump(mode="json", exclude_none=True, exclude=newer)


@dataclass(frozen=True)
class Unfinished:
    """A folder for a fit that has not ended; it is removed when the run is stored.

    Parameters
    ----------
    folder
        Need not exist.
    key
        Everything that the run depends on. What was stored under another key is of another run.
    """

    folder: Path
    key: str


@dataclass(frozen=True)
class Context:
    """What a baseline is given beside its settings.

    Parameters
    ----------
    taxonomy
        The class tree; predictions are for its leaves, in its order.
    compute
        Device and precision.
    seed
        For everything random; the same for every baseline of one split, so that arms are paired.
    backbone
        The backbone that the settings name, None where they name none.
    unfinished
        Where a fit that takes long may keep what it needs to go on after an interruption.
    """

    taxonomy: Taxonomy
    compute: Compute
    seed: int
    backbone: Encoder | None
    unfinished: Unfinished | None = None


@dataclass(frozen=True)
class FitSummary:
    """What a fit tells about itself.

    Parameters
    ----------
    parameters
        Numbers that were learned.
    of_backbone
        Those of them that belong to the backbone, where a part of it was trained.
    history
        Learning curves, one line an epoch and network; empty for baselines without epochs.
    epochs, best_epoch
        Trained, and restored; None without epochs. Of several networks, the longest.
    chosen
        What was chosen on validation data, in words; empty where nothing was to choose.
    """

    parameters: int
    history: Sequence[Epoch] = field(default_factory=tuple)
    epochs: int | None = None
    best_epoch: int | None = None
    of_backbone: int = 0
    chosen: str = ""


class Baseline(ABC):
    """A way to predict: fit on a training and a validation table, predict leaf probabilities.

    A kind of your own subclasses this, takes `(settings, context)`, and is named in a suite as
    `kind = "package.module:Class"`.
    """

    settings_type: ClassVar[type[Settings]] = Settings
    feature: ClassVar[FeatureKind] = "none"

    def __init__(self, settings: Settings, context: Context) -> None:
        self.settings = settings
        self.context = context

    @classmethod
    def needs(cls, settings: Settings) -> FeatureKind:  # noqa: ARG003 - for kinds that depend on it
        """Return what has to be computed from the images before fitting."""
        return cls.feature

    @classmethod
    def settle(
        cls,
        settings: Settings,
        reader: LabelReader,  # noqa: ARG003 - for kinds that read names of classes
        head: Callable[[], HeadFacts],  # noqa: ARG003
    ) -> Settings:
        """Return settings that need neither label map nor file, before anything is computed.

        A run stores what this returns.

        Parameters
        ----------
        settings
            What the recipe sets.
        reader
            Reads names of classes as it reads those of folders.
        head
            Finds out about the head of the backbone that the settings name; loads its weights.

        Raises
        ------
        UserError
            If the kind cannot be fitted with them.
        """
        return settings

    @abstractmethod
    def fit(self, train: Samples, validation: Samples) -> FitSummary:
        """Learn from the training table; the validation table is for stopping and choosing."""

    @abstractmethod
    def predict(self, samples: Samples) -> NDArray[np.float64]:
        """Return (images, leaves) probabilities, each row summing to 1."""

    @abstractmethod
    def state(self) -> State:
        """Return what was learned, as arrays that `restore` takes back."""

    @abstractmethod
    def restore(self, state: State) -> None:
        """Take back what `state` returned, instead of fitting."""

    def differentiable(
        self,
        load: Callable[[], torch.nn.Module],  # noqa: ARG002 - for kinds that have one
    ) -> LeafNetwork:
        """Return what `predict` does with an image as one network, for explanations of it.

        Parameters
        ----------
        load
            Returns the backbone that the settings name, which several models may share. Not
            called by a model with a backbone of its own.

        Raises
        ------
        UserError
            If the answer has no gradient with respect to the image, as by default.
        """
        raise UserError("its answers have no gradient with respect to the image")


def require_arrays(state: State, shapes: Mapping[str, tuple[int | None, ...]]) -> None:
    """Hold a stored model to what a kind restores: it may be another run's, or damaged.

    Parameters
    ----------
    state
        The stored arrays.
    shapes
        The shape of each array of numbers, all there must be; None stands for any length.

    Raises
    ------
    UserError
        With the first array that is missing, of another shape, not finite, or not known to the
        kind.
    """
    import numpy as np

    for name in dict.fromkeys((*shapes, *state)):
        if name not in state:
            raise UserError(f"another kind of model: it has no array {name!r}")
        if name not in shapes:
            raise UserError(f"another kind of model: it has an array {name!r}")
        given, wanted = state[name].shape, shapes[name]
        fits = len(given) == len(wanted) and all(
            size in (None, length) for size, length in zip(wanted, given, strict=True)
        )
        if not fits or state[name].dtype.kind not in "biuf":
            words = " x ".join("any" if size is None else str(size) for size in wanted) or "one"
            raise UserError(
                f"another model: array {name!r} is {state[name].dtype} of shape {given}, "
                f"not {words} numbers"
            )
        if state[name].dtype.kind == "f" and not np.isfinite(state[name]).all():
            raise UserError(f"a broken model: array {name!r} holds numbers that are not finite")


_KINDS: dict[str, type[Baseline]] = {}
_SHIPPED = ("shortcuts", "neighbours", "linear_probe", "network", "classifier")


def register(name: str) -> Callable[[type[Baseline]], type[Baseline]]:
    """Make a class known to recipes as `kind = name`.

    Raises
    ------
    UserError
        If another class has that name.
    """

    def add(cls: type[Baseline]) -> type[Baseline]:
        before, now = (_address(one) for one in (_KINDS.get(name, cls), cls))
        if before != now:  # a module that is loaded again brings the same class
            raise UserError(
                f"kind {name!r} is registered twice: by {before} and by {now}",
                "Give one of them another name.",
            )
        _KINDS[name] = cls
        return cls

    return add


def find_kind(name: str) -> type[Baseline]:
    """Return the class that a recipe's `kind` names.

    Raises
    ------
    UserError
        If there is none; with near names.
    """
    for module in _SHIPPED:
        importlib.import_module(f"lcbench.models.{module}")
    if ":" not in name:
        if name not in _KINDS:
            raise unknown_name("kind of baseline", name, _KINDS)
        return _KINDS[name]
    found = import_address(name, "kind", "Class")
    if not (isinstance(found, type) and issubclass(found, Baseline)):
        raise UserError(f"kind = {name!r}: not a subclass of lcbench.models.baseline.Baseline")
    return found


def import_address(address: str, option: str, what: str) -> Any:  # noqa: ANN401 - anything is there
    """Return what stands at an address of a user's own module.

    Parameters
    ----------
    address
        `package.module:name`.
    option
        The key or option that held the address, for the message.
    what
        "Class" or "function", for the message.

    Raises
    ------
    UserError
        If nothing stands there, or the module cannot be imported.
    """
    module_name, _, name = address.partition(":")
    try:
        return getattr(importlib.import_module(module_name), name)
    except UserError:
        raise
    except Exception as error:  # a module of the user's own can raise anything
        raise UserError(
            f"{option} = {address!r}: {type(error).__name__}: {error}",
            f"It names a {what.lower()} as package.module:{what}; the package must be "
            "installed, or its folder be named in PYTHONPATH.",
        ) from error


def _address(cls: type[Baseline]) -> str:
    return f"{cls.__module__}:{cls.__qualname__}"
