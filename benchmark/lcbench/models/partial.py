"""What a recipe can say about training the last layers of a backbone alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import PositiveInt

from lcbench.models.baseline import NEWER, Settings

if TYPE_CHECKING:
    from torch import nn

    from lcbench.features.encoder import Encoder


@dataclass(frozen=True)
class LastPart:
    """The last layers or stages of a backbone, which train; what runs before is its front.

    Parameters
    ----------
    layers, stages
        How many; one of the two is None. See `lcbench.models.cutting` for what counts as one.
    """

    layers: int | None = None
    stages: int | None = None

    @property
    def key(self) -> tuple[str, ...]:
        """Everything that the front depends on, beside the backbone."""
        return (f"before the last {self}",)

    def __str__(self) -> str:
        if self.layers is not None:
            return f"{self.layers} layers"
        return f"{self.stages} stages"

    def front(self, backbone: Encoder) -> nn.Module:
        """Return what runs before, from normalised images to activations.

        Raises
        ------
        UserError
            If the backbone has no more layers or stages, or cannot be cut.
        """
        return self._cut(backbone)[0]

    def tail(self, backbone: Encoder) -> nn.Module:
        """Return the rest, from activations to features; what trains in it is marked.

        Raises
        ------
        UserError
            As `front`.
        """
        return self._cut(backbone)[1]

    def _cut(self, backbone: Encoder) -> tuple[nn.Module, nn.Module]:
        from lcbench.models.cutting import cut, last_layers, last_stages

        network, size = backbone.load(), backbone.preprocessing.size
        if self.layers is not None:
            trained = last_layers(backbone.name, network, self.layers, size)
        else:
            trained = last_stages(backbone.name, network, self.stages or 0, size)
        return cut(backbone.name, network, trained, size)


class PartialSettings(Settings):
    """How much of a backbone trains with `tuning = "partial"`: one of the two.

    `last_layers`: its last convolutions, normalisations and fully connected layers, in the order
    in which they run. `last_stages`: its last stages, as timm divides it.
    """

    last_layers: Annotated[PositiveInt | None, NEWER] = None
    last_stages: Annotated[PositiveInt | None, NEWER] = None

    @property
    def last_part(self) -> LastPart | None:
        """What trains of the backbone; None where nothing or everything does."""
        if self.last_layers is None and self.last_stages is None:
            return None
        return LastPart(self.last_layers, self.last_stages)
