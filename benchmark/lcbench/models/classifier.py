"""A classifier that was finished elsewhere: its own head answers, and nothing is fitted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from lcbench.datasets.labels import LEAVE_OUT, LabelReader
from lcbench.errors import UserError, unknown_name
from lcbench.features.encoder import HeadFacts
from lcbench.features.samples import Samples
from lcbench.models.baseline import Baseline, FitSummary, Settings, State, register, require_arrays
from lcbench.taxonomy import Taxonomy, normalise

if TYPE_CHECKING:
    import torch

    from lcbench.models.differentiable import LeafNetwork

_SHOWN = 5
_TOLERANCE = 1e-3
"""Of the sum of probabilities in 16 bits."""


class ClassifierSettings(Settings):
    """What a recipe says about a finished classifier.

    `weights`: its file, or "random"; without it those of the backbone, as for other kinds.
    `classes`: the names of its outputs, in their order; without them those that the file or the
    configuration on the hub states. They are read like names of folders; `labels` goes before:
    {name: class of the tree, or "leave-out"}. `coarse`: what becomes of the probability of a class
    that is an inner node of the tree: "refuse", or "evenly" among the leaves below it. `gives`:
    whether the network ends in "logits" or in "probabilities".
    """

    backbone: str = "reference"
    weights: str | None = None
    classes: tuple[str, ...] = ()
    labels: dict[str, str] = Field({})
    coarse: Literal["refuse", "evenly"] = "refuse"
    gives: Literal["logits", "probabilities"] = "logits"

    @property
    def encoder_key(self) -> str:
        """The backbone with its head, which is another one than without."""
        return f"{self.backbone} with the head of {self.weights or 'its own weights'}"

    @property
    def own_weights(self) -> str | None:
        """The file that the recipe names."""
        return self.weights

    @property
    def own_outputs(self) -> int:
        """How many classes are named; 0 where the weights tell."""
        return len(self.classes)


@register("classifier")
class Classifier(Baseline):
    """A finished network, scored as it is: the probability of a leaf is that of its classes.

    Several classes may stand for one leaf: their probabilities add up. What a class says that is
    left out is passed over, so that the others' probabilities are those given one of them. A leaf
    that no class stands for has probability 0. One output for two classes is the logit of the
    second. Neither training nor validation images are looked at.
    """

    settings_type = ClassifierSettings
    feature = "embeddings"
    settings: ClassifierSettings

    @classmethod
    def settle(
        cls,
        settings: Settings,
        reader: LabelReader,
        head: Callable[[], HeadFacts],
    ) -> Settings:
        """Put in the names of the classes, and for each the node that it stands for.

        Raises
        ------
        UserError
            If nobody names the classes, one of them is not known, or is an inner node and the
            recipe does not say what becomes of it.
        """
        assert isinstance(settings, ClassifierSettings)  # noqa: S101 - settings_type says so
        facts = head()
        classes = settings.classes or facts.classes
        if not classes:
            raise UserError(
                "its outputs have no names: neither the recipe nor the file states them",
                'Write them into the recipe, in the order of the outputs: classes = ["benign", '
                '"..."]',
            )
        if facts.outputs is not None:
            _require_as_many(facts.outputs, classes)
        nodes = _nodes(classes, settings.labels, reader)
        leaf_shares(classes, nodes, reader.taxonomy, settings.coarse)
        labels = dict(zip(classes, nodes, strict=True))
        return settings.model_copy(update={"classes": classes, "labels": labels})

    def fit(self, train: Samples, validation: Samples) -> FitSummary:  # noqa: ARG002 - contract
        """Learn nothing: find out what each output stands for."""
        self._shares = self._shares_of_classes()
        return FitSummary(parameters=0)

    def predict(self, samples: Samples) -> NDArray[np.float64]:
        """Return what the network says, summed by leaf."""
        outputs = samples.embeddings(self.settings.encoder_key).astype(np.float64)
        classes = self._class_probabilities(outputs)
        found = classes @ self._shares
        return np.asarray(found / found.sum(axis=1, keepdims=True), np.float64)

    def state(self) -> State:
        """Return what share of each class goes to each leaf."""
        return {"shares": self._shares}

    def restore(self, state: State) -> None:
        """Take it back; the network is that of the recipe."""
        leaves = len(self.context.taxonomy.leaves)
        require_arrays(state, {"shares": (None, leaves)})
        self._shares = state["shares"].astype(np.float64)
        if not (np.isin(self._shares.sum(axis=1).round(6), (0, 1)).all() and self._shares.any()):
            raise UserError("another model: its classes do not stand for leaves")

    def differentiable(self, load: Callable[[], torch.nn.Module]) -> LeafNetwork:
        """Return the network with its own head, and the sums over the classes of each leaf."""
        from lcbench.models.differentiable import ClassesOfLeaves, LeafNetwork, last_module

        network = load()
        decide = ClassesOfLeaves(self._shares, logits=self.settings.gives == "logits")
        return LeafNetwork(network, decide, decide.answers, (f"backbone.{last_module(network)}",))

    def _shares_of_classes(self) -> NDArray[np.float64]:
        classes, tree = self.settings.classes, self.context.taxonomy
        nodes = _nodes(classes, self.settings.labels, LabelReader(tree))
        return leaf_shares(classes, nodes, tree, self.settings.coarse)

    def _class_probabilities(self, outputs: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the probabilities of the classes that are not left out, given one of them."""
        if not np.isfinite(outputs).all():
            raise UserError("its network gives numbers that are not finite")
        kept: NDArray[np.bool_] = np.asarray(self._shares.any(axis=1))
        _require_as_many(outputs.shape[1], self.settings.classes)
        if outputs.shape[1] < len(kept):
            outputs = self._two_of_one(outputs)
        if self.settings.gives == "logits":
            self._require_logits(outputs)
            likely = outputs - np.where(kept, outputs, -np.inf).max(axis=1, keepdims=True)
            return np.asarray(np.where(kept, np.exp(np.minimum(likely, 0)), 0.0))
        sums = outputs.sum(axis=1)
        if (outputs < -_TOLERANCE).any() or not np.allclose(sums, 1, atol=len(kept) * _TOLERANCE):
            raise UserError(
                "its network gives what are no probabilities",
                'Leave gives = "probabilities" out where it ends in logits.',
            )
        # A class that is left out may have all there is: the others are then equally likely.
        return np.asarray(np.where(kept, outputs.clip(min=0) + np.finfo(np.float64).tiny, 0.0))

    def _two_of_one(self, outputs: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return two outputs of one, which speaks of the second class."""
        first = np.zeros_like(outputs) if self.settings.gives == "logits" else 1 - outputs
        return np.hstack([first, outputs])

    def _require_logits(self, outputs: NDArray[np.float64]) -> None:
        """Refuse what cannot be logits: they would all come out nearly equally likely."""
        sums = outputs.sum(axis=1)
        if (outputs >= 0).all() and np.allclose(sums, 1, atol=_TOLERANCE):
            raise UserError(
                "its network gives probabilities, not logits",
                'Write gives = "probabilities" into the recipe.',
            )


def leaf_shares(
    classes: Sequence[str],
    nodes: Sequence[str],
    tree: Taxonomy,
    coarse: Literal["refuse", "evenly"],
) -> NDArray[np.float64]:
    """Return what share of each class goes to each leaf, (classes, leaves).

    Parameters
    ----------
    classes
        Their names, in the order of the outputs.
    nodes
        The node that each stands for, or "leave-out".
    tree
        The class tree.
    coarse
        What becomes of a class that is an inner node.

    Raises
    ------
    UserError
        If a class is an inner node and the recipe does not say what becomes of it, or every class
        is left out.
    """
    shares = np.zeros((len(classes), len(tree.leaves)))
    for row, (name, node) in enumerate(zip(classes, nodes, strict=True)):
        if node == LEAVE_OUT:
            continue
        below = tree.leaves_under(tree.require(node))
        if len(below) > 1 and coarse == "refuse":
            raise UserError(
                f"its class {name!r} is {node}, which has {len(below)} classes below it: what it "
                "says of each of them is not known",
                'Write coarse = "evenly" into the recipe to divide its probability evenly among '
                f"{', '.join(below)} (only the levels down to {node} are then worth reading), or "
                "score it on a class tree whose leaves are its classes, with --taxonomy.",
            )
        for leaf in below:
            shares[row, tree.leaves.index(leaf)] = 1 / len(below)
    if not shares.any():
        raise UserError(
            "all of its classes are left out",
            "Say with [baselines.labels] of the recipe, or --labels, what they stand for.",
        )
    return shares


def unnamed_leaves(settings: ClassifierSettings, tree: Taxonomy) -> tuple[str, ...]:
    """Return the leaves that no class stands for: they have probability 0."""
    nodes = _nodes(settings.classes, settings.labels, LabelReader(tree))
    shares = leaf_shares(settings.classes, nodes, tree, settings.coarse)
    named = np.asarray(shares.any(axis=0))
    return tuple(leaf for leaf, any_class in zip(tree.leaves, named, strict=True) if not any_class)


def _require_as_many(outputs: int, classes: Sequence[str]) -> None:
    """Refuse other names than outputs; two classes may share one, which is the second's."""
    if outputs != len(classes) and (outputs, len(classes)) != (1, 2):
        raise UserError(
            f"its network has {outputs} outputs, and {len(classes)} classes are named: "
            f"{', '.join(classes[:_SHOWN])}{', ...' if len(classes) > _SHOWN else ''}",
            "Name all of them in the recipe, in their order: classes = [...]. What the class tree "
            f'does not know is "{LEAVE_OUT}" in [baselines.labels].',
        )


def _nodes(
    classes: Sequence[str], labels: Mapping[str, str], reader: LabelReader
) -> tuple[str, ...]:
    """Return the node that each class stands for, or "leave-out"."""
    twice = [name for name, number in Counter(map(normalise, classes)).items() if number > 1]
    if twice:
        raise UserError(
            f"its {_classes(twice)} named twice", "Name each output, in their order, once."
        )
    own = {normalise(name): node for name, node in labels.items()}
    strangers = [name for name in labels if normalise(name) not in set(map(normalise, classes))]
    if strangers:
        raise unknown_name("class of a classifier in its labels", strangers[0], classes)
    nodes = [own.get(normalise(name)) or reader.read(name) or "" for name in classes]
    unknown = [name for name, node in zip(classes, nodes, strict=True) if not node]
    if unknown:
        raise UserError(
            f"its {_classes(unknown)} no class of the tree",
            "Say what they stand for in a table of the recipe, or with --labels MAP.toml:\n"
            f'  [baselines.labels]\n  "{unknown[0]}" = "..."  # a class, or "{LEAVE_OUT}"',
        )
    return tuple(nodes)


def _classes(names: Sequence[str]) -> str:
    shown = ", ".join(map(repr, names[:_SHOWN]))
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"class {shown} is" if len(names) == 1 else f"classes {shown}{more} are"
