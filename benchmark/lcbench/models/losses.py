"""Losses that a recipe can name, and what each of them takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, model_validator

from lcbench.errors import UserError
from lcbench.models.baseline import NEWER, Settings
from lcbench.taxonomy import Taxonomy

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import nn

LossName = Literal[
    "likelihood", "summed-levels", "hierarchical-cross-entropy", "soft-labels", "focal",
    "class-balanced", "sibling-smoothing", "margin",
]  # fmt: skip
USUAL_LOSS: LossName = "likelihood"

_OPTIONS: dict[LossName, Mapping[str, float]] = {
    "likelihood": {},
    "summed-levels": {"weight": 1.0},
    "hierarchical-cross-entropy": {"alpha": 0.5},
    "soft-labels": {"beta": 10.0},
    "focal": {"gamma": 2.0},
    "class-balanced": {"beta": 0.999},
    "sibling-smoothing": {"smoothing": 0.1},
    "margin": {"margin": 1.0},
}
"""What each loss takes, and the default: within the range that its paper tried, but the margin."""
TREE_LOSSES: tuple[LossName, ...] = (
    "summed-levels",
    "hierarchical-cross-entropy",
    "soft-labels",
)
"""Those that are made of the whole class tree."""
_BETWEEN: tuple[LossName, ...] = ("sibling-smoothing", "margin")

_NotNegative = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]


class LossSettings(Settings):
    """What a network is trained to minimise.

    `loss`: "likelihood" is the negative log-probability of what the label allows; the others are
    in `lcbench.training.objectives`, each with its source: "summed-levels" (`weight` of the levels
    above a label's own), "hierarchical-cross-entropy" (`alpha`), "soft-labels" (`beta`), "focal"
    (`gamma`), "class-balanced" (`beta`, below 1), "sibling-smoothing" (`smoothing`, below 1) and
    "margin" (`margin`). The last two hold between the children of the inner nodes that `between`
    names: by default the one whose subtypes get confused, as the class tree says it, else all.
    Early stopping looks at the likelihood of the validation labels, whatever the loss.
    """

    loss: Annotated[LossName, NEWER] = USUAL_LOSS
    weight: _NotNegative | None = None
    alpha: _NotNegative | None = None
    beta: _NotNegative | None = None
    gamma: _NotNegative | None = None
    smoothing: Annotated[float, Field(ge=0.0, lt=1.0)] | None = None
    margin: _NotNegative | None = None
    between: tuple[str, ...] | None = None

    @model_validator(mode="before")
    @classmethod
    def _options_of_the_loss(cls, given: Any) -> Any:  # noqa: ANN401 - anything can be given
        """Refuse the options of other losses, and fill in the defaults of this one."""
        wanted = given.get("loss", USUAL_LOSS) if isinstance(given, dict) else None
        loss = next((name for name in _OPTIONS if name == wanted), None)
        if loss is None:  # which the field refuses
            return given
        every = {option for options in _OPTIONS.values() for option in options} | {"between"}
        own = {*_OPTIONS[loss], *(["between"] if loss in _BETWEEN else [])}
        foreign = sorted(name for name in every - own if given.get(name) is not None)
        if foreign:
            takes = f"takes {', '.join(sorted(own))}" if own else "takes no options"
            raise ValueError(f"{', '.join(foreign)}: of another loss; {loss!r} {takes}")
        defaults = {
            name: value for name, value in _OPTIONS[loss].items() if given.get(name) is None
        }
        return {**given, **defaults}

    @model_validator(mode="after")
    def _beta_of_effective_numbers(self) -> LossSettings:
        if self.loss == "class-balanced" and self.beta is not None and self.beta >= 1:
            raise ValueError('beta must be below 1 for loss = "class-balanced"')
        return self

    def objective(
        self, taxonomy: Taxonomy, labels: Sequence[str] | NDArray[np.str_]
    ) -> nn.Module | None:
        """Return what training minimises; None for the usual loss.

        Parameters
        ----------
        taxonomy
            The class tree; its leaves are the outputs, in its order.
        labels
            Of the training images.

        Raises
        ------
        UserError
            If `between` names a node that has no children.
        """
        from lcbench.training import objectives

        match self.loss:
            case "likelihood":
                return None
            case "focal":
                return objectives.Focal(_given(self.gamma))
            case "margin":
                between = self._between(taxonomy)
                return objectives.SiblingMargin(taxonomy, _given(self.margin), between)
            case "summed-levels":
                weights = objectives.summed_levels(taxonomy, _given(self.weight))
            case "hierarchical-cross-entropy":
                weights = objectives.hierarchical_cross_entropy(taxonomy, _given(self.alpha))
            case "soft-labels":
                weights = objectives.soft_labels(taxonomy, _given(self.beta))
            case "class-balanced":
                weights = objectives.class_balanced(taxonomy, _given(self.beta), labels)
            case "sibling-smoothing":
                between = self._between(taxonomy)
                weights = objectives.sibling_smoothing(taxonomy, _given(self.smoothing), between)
        return objectives.TreeObjective(taxonomy, weights)

    def _between(self, taxonomy: Taxonomy) -> tuple[str, ...]:
        """Return the inner nodes between whose children the loss holds."""
        if self.between is None:
            return (taxonomy.subtypes_of,) if taxonomy.subtypes_of else taxonomy.inner_nodes
        for node in self.between:
            if node not in taxonomy.inner_nodes:
                raise UserError(
                    f"between = {node!r}: no inner node of the class tree {taxonomy.name}",
                    f"Its inner nodes: {', '.join(taxonomy.inner_nodes)}",
                )
        return self.between


def _given(option: float | None) -> float:
    """Return an option of the loss in use, which the settings have filled in."""
    if option is None:
        raise RuntimeError("an option of the loss is not set")
    return option
