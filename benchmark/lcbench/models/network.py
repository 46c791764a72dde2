"""Networks: a backbone, frozen or trained, under one of the hierarchies."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import PositiveInt, model_validator

from lcbench.compute import HEADS, Compute
from lcbench.console import Tell, telling_progress
from lcbench.errors import UserError
from lcbench.features.encoder import Encoder, Normaliser
from lcbench.features.extraction import FeatureKind
from lcbench.features.samples import Samples
from lcbench.models.augmented import ViewSettings, augmented_examples
from lcbench.models.baseline import (
    Baseline,
    Context,
    FitSummary,
    Settings,
    State,
    register,
    require_arrays,
)
from lcbench.models.hierarchies import HierarchyName, Part, find_hierarchy, is_joint
from lcbench.models.losses import USUAL_LOSS, LossSettings
from lcbench.models.partial import PartialSettings

if TYPE_CHECKING:
    import torch
    from torch import nn

    from lcbench.models.differentiable import LeafNetwork
    from lcbench.training.checkpoint import Checkpoint
    from lcbench.training.loop import Examples


class NetworkSettings(LossSettings, ViewSettings, PartialSettings):
    """A recipe for a network.

    `tuning`: "frozen" trains the head on cached embeddings; "partial" also the last layers or
    stages of the backbone, on cached activations (see `PartialSettings`); "full" everything.
    `hierarchy`: "flat" is one softmax over the leaves; "multi-head" one trunk with a softmax for
    each inner node of the class tree, trained jointly (the conditional softmax of Redmon &
    Farhadi, CVPR 2017); "cascade" one network for each inner node, trained on the images below
    it; "per-node" one for each node against its siblings; "per-level" one for each level: see
    `lcbench.models.hierarchies`. `augmentation`: "flips" turns and mirrors training images, and
    needs "full". A `loss` but the usual one needs the hierarchy "flat" or "multi-head".
    `views`, `mixup_between` and `normalised` need "frozen": see `ViewSettings`.
    """

    backbone: str = "reference"
    tuning: Literal["frozen", "partial", "full"] = "frozen"
    hierarchy: HierarchyName = "flat"
    hidden: PositiveInt = 128
    epochs: PositiveInt = 25
    batch_size: PositiveInt = 25
    learning_rate: float = 1e-3
    patience: PositiveInt = 5
    augmentation: Literal["none", "flips"] = "none"

    @model_validator(mode="after")
    def _augmentation_needs_pixels(self) -> NetworkSettings:
        if self.augmentation != "none" and self.tuning != "full":
            raise ValueError('augmentation needs tuning = "full": frozen layers run once')
        return self

    @model_validator(mode="after")
    def _views_need_embeddings(self) -> NetworkSettings:
        if self.tuning != "frozen" and (self.augmented or self.normalised):
            raise ValueError('views, mixup_between and normalised need tuning = "frozen"')
        return self

    @model_validator(mode="after")
    def _partial_says_how_much(self) -> NetworkSettings:
        said = sum(one is not None for one in (self.last_layers, self.last_stages))
        if said != (1 if self.tuning == "partial" else 0):
            raise ValueError(
                'tuning = "partial" needs one of last_layers and last_stages, another tuning none'
            )
        return self

    @model_validator(mode="after")
    def _losses_need_leaves(self) -> NetworkSettings:
        if self.loss != USUAL_LOSS and not is_joint(self.hierarchy):
            raise ValueError(
                f"loss = {self.loss!r} needs one network that decides between all leaves: "
                'hierarchy = "flat" or "multi-head"'
            )
        return self


@register("network")
class Network(Baseline):
    """The paper's reference and its variants."""

    settings_type = NetworkSettings
    settings: NetworkSettings

    def __init__(self, settings: NetworkSettings, context: Context) -> None:
        super().__init__(settings, context)
        self._hierarchy = find_hierarchy(settings.hierarchy, context.taxonomy)
        self._networks: dict[str, nn.Module] = {}

    @classmethod
    def needs(cls, settings: Settings) -> FeatureKind:
        """Return what the layers that train are shown."""
        tuning = settings.tuning if isinstance(settings, NetworkSettings) else "frozen"
        return _SHOWN[tuning]

    def fit(self, train: Samples, validation: Samples) -> FitSummary:
        """Train each network; early stopping on the validation table."""
        from lcbench.training.loop import TrainingSettings
        from lcbench.training.loop import train as train_network

        training = TrainingSettings(
            epochs=self.settings.epochs,
            batch_size=self.settings.batch_size,
            learning_rate=self.settings.learning_rate,
            patience=self.settings.patience,
            autocast=not self._frozen,
            objective=self._objective(train),
        )
        results = []
        for part in self._hierarchy.parts:
            network = self._networks[part.name] = self._build(part)
            examples = self._training_examples(part, train)
            held_out = self._examples(part, validation)
            if not len(examples):
                raise UserError(
                    f"no training image says anything to the {part.words}",
                    "Its classes need training images, or the class tree no such node.",
                )
            with self._progress(part, len(examples)) as tell:
                result = train_network(
                    network,
                    examples,
                    held_out,
                    training,
                    self._compute,
                    self.context.seed,
                    part.name,
                    tell,
                    self._checkpoint(part),
                )
            results.append(result)
        return FitSummary(
            parameters=sum(map(_learned, self._networks.values())),
            of_backbone=sum(
                _learned(part)
                for network in self._networks.values()
                for name, part in network.named_children()
                if name in _OF_BACKBONE
            ),
            history=[epoch for result in results for epoch in result.epochs],
            epochs=max(len(result.epochs) for result in results),
            best_epoch=max(result.best_epoch for result in results),
        )

    def predict(self, samples: Samples) -> NDArray[np.float64]:
        """Return leaf probabilities, as the hierarchy makes them of what its networks say."""
        decisions = [self._decide(part, samples) for part in self._hierarchy.parts]
        probability = np.exp(self._hierarchy.combine(decisions))
        normalised: NDArray[np.float64] = probability / probability.sum(axis=1, keepdims=True)
        return normalised

    def state(self) -> State:
        """Return the learned tensors of every network."""
        return {
            f"{name}/{key}": tensor.cpu().contiguous().numpy()
            for name, network in self._networks.items()
            for key, tensor in network.state_dict().items()
        }

    def restore(self, state: State) -> None:
        """Build the networks and take the tensors back."""
        import torch

        built = {part.name: self._build(part) for part in self._hierarchy.parts}
        require_arrays(
            state,
            {
                f"{name}/{key}": tuple(tensor.shape)
                for name, network in built.items()
                for key, tensor in network.state_dict().items()
            },
        )
        for name, network in built.items():
            network.load_state_dict(
                {
                    key: torch.from_numpy(np.array(state[f"{name}/{key}"]))
                    for key in network.state_dict()
                }
            )
        self._networks = built

    def differentiable(self, load: Callable[[], torch.nn.Module]) -> LeafNetwork:
        """Return the networks on what they share: backbone, its frozen part, or images alone."""
        from torch import nn

        from lcbench.models.differentiable import Decisions, LeafNetwork

        shared: nn.Module = nn.Identity()
        parts = [self._networks[part.name] for part in self._hierarchy.parts]
        head = ["decide"]
        if self._frozen:
            shared = load()
        else:
            head = [f"decide.parts.{number}.head" for number in range(len(parts))]
        if self.settings.last_part is not None:
            shared = self.settings.last_part.front(self._backbone)
        elif not self._frozen:
            parts = [_of_normalised(part) for part in parts]
        leaves = range(len(self.context.taxonomy.leaves))
        return LeafNetwork(shared, Decisions(parts, self._hierarchy.combine), leaves, head)

    @property
    def _frozen(self) -> bool:
        return self.settings.tuning == "frozen"

    @property
    def _compute(self) -> Compute:
        return HEADS if self._frozen else self.context.compute

    @property
    def _backbone(self) -> Encoder:
        if self.context.backbone is None:
            raise RuntimeError("a network needs a backbone")
        return self.context.backbone

    def _progress(self, part: Part, images: int) -> AbstractContextManager[Tell | None]:
        """Show how backbones get on; heads are silent, because many train at once."""
        if self._frozen:
            return nullcontext()
        description = f"Training a {part.words} on {self._backbone.name}"
        return telling_progress(description, images * self.settings.epochs)

    def _checkpoint(self, part: Part) -> Checkpoint | None:
        """Return where a backbone's training keeps its epochs; a head's takes no time."""
        unfinished = self.context.unfinished
        if unfinished is None or self._frozen:
            return None

        from lcbench.training.checkpoint import Checkpoint

        # By its number: the name of a class can be no name of a file.
        number = self._hierarchy.parts.index(part)
        return Checkpoint(unfinished.folder / f"{number}.checkpoint", unfinished.key)

    def _build(self, part: Part) -> nn.Module:
        """Return an untrained network; the same seed gives the same first weights."""
        import torch

        from lcbench.compute import channels_last
        from lcbench.models.heads import FlatHead, ImageNetwork, MultiHead

        features = self._backbone.facts.features
        torch.manual_seed(self.context.seed)
        head: nn.Module
        if self.settings.hierarchy == "multi-head":
            head = MultiHead(features, self.settings.hidden, self.context.taxonomy)
        else:
            head = FlatHead(features, self.settings.hidden, len(part.options))
        if self._frozen:
            return head
        device = self._compute.accelerator().device
        if self.settings.last_part is not None:
            from lcbench.models.cutting import TailNetwork

            tail = channels_last(self.settings.last_part.tail(self._backbone), device)
            return TailNetwork(tail, head)
        backbone = channels_last(self._backbone.load(), device)
        flips = self.settings.augmentation == "flips"
        normaliser = Normaliser(self._backbone.preprocessing, device)
        return ImageNetwork(normaliser, backbone, head, flips=flips)

    def _objective(self, train: Samples) -> nn.Module | None:
        objective = self.settings.objective(self.context.taxonomy, train.labels)
        if not self.settings.mixup_between:
            return objective

        from lcbench.training.augmented import MixedObjective

        return MixedObjective(objective)

    def _training_examples(self, part: Part, train: Samples) -> Examples:
        if not self.settings.augmented:
            return self._examples(part, train)
        taxonomy = self.context.taxonomy
        chosen = part.concerned(train, taxonomy)
        allowed = part.allowed(chosen.labels, taxonomy)
        return augmented_examples(chosen, allowed, self.settings, self._backbone.name, taxonomy)

    def _examples(self, part: Part, samples: Samples) -> Examples:
        import torch

        from lcbench.training.loop import Examples

        chosen = part.concerned(samples, self.context.taxonomy)
        inputs, rows = self._inputs(chosen)
        allowed = part.allowed(chosen.labels, self.context.taxonomy)
        return Examples(inputs, rows, torch.from_numpy(allowed))

    def _decide(self, part: Part, samples: Samples) -> NDArray[np.float64]:
        from lcbench.training.loop import predict

        inputs, rows = self._inputs(samples)
        network = self._networks[part.name]
        output = predict(network, inputs, rows, self._compute, autocast=not self._frozen)
        return np.asarray(output.numpy())

    def _inputs(self, samples: Samples) -> tuple[torch.Tensor, torch.Tensor]:
        import torch

        name, part = self._backbone.name, self.settings.last_part
        if self._frozen:
            embeddings = torch.from_numpy(samples.embeddings(name, self.settings.view))
            return embeddings, torch.arange(len(embeddings))
        shown = samples.all_activations(name, part) if part else samples.all_pixels(name)
        return torch.from_numpy(shown), torch.from_numpy(samples.rows)


def _of_normalised(network: nn.Module) -> nn.Module:
    """Return an `ImageNetwork` without its normalisation."""
    from torch import nn

    parts = {name: network.get_submodule(name) for name in ("backbone", "head")}
    return nn.Sequential(OrderedDict(parts))


def _learned(module: nn.Module) -> int:
    return sum(one.numel() for one in module.parameters() if one.requires_grad)


_OF_BACKBONE = ("backbone", "tail")
"""Members of `ImageNetwork` and `TailNetwork`."""

_SHOWN: dict[str, FeatureKind] = {
    "frozen": "embeddings",
    "partial": "activations",
    "full": "pixels",
}
