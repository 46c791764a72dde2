"""What a recipe can say about views of images: which ones training shows, and what is mixed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PositiveInt, model_validator

from lcbench.errors import UserError
from lcbench.features.samples import Samples
from lcbench.features.views import AugmentationName, NormalisationName, View
from lcbench.models.baseline import NEWER, Settings
from lcbench.taxonomy import Taxonomy

if TYPE_CHECKING:
    from torch import Tensor

    from lcbench.training.augmented import AugmentedExamples

Classes = Literal["all", "subtypes"] | tuple[str, ...]
"""Every leaf; the children of the node whose subtypes get confused, as the class tree says it, and
every leaf where it says of none; or nodes by name: an inner node alone stands for its children."""


class ViewSettings(Settings):
    """What a head on embeddings is shown of its training images.

    `views`: beside the image itself, `draws` views of each of these names; an epoch shows each
    image once, as itself or as one of its views, so that it has as many steps as without.
    `views_of`: the classes whose images get views. `mixup_between`: an embedding of one of these
    classes is mixed with one of another of them (Zhang et al., ICLR 2018, with `alpha` in
    `mixup_alpha`). `normalised`: training, validation and test images all get the same stains.
    """

    views: Annotated[tuple[AugmentationName, ...], NEWER] = ()
    views_of: Annotated[Classes, NEWER] = "all"
    draws: Annotated[PositiveInt, Field(le=20), NEWER] = 1
    mixup_between: Annotated[Classes | None, NEWER] = None
    mixup_alpha: Annotated[float, Field(gt=0.0, allow_inf_nan=False), NEWER] = 0.2
    normalised: Annotated[NormalisationName | None, NEWER] = None

    @property
    def view(self) -> View | None:
        """What is looked at: the normalised image, or the image as it is."""
        return View(self.normalised) if self.normalised else None

    @property
    def training_views(self) -> tuple[View, ...]:
        """What training is shown beside it."""
        return tuple(View(name, number) for name in self.views for number in range(self.draws))

    @property
    def augmented(self) -> bool:
        """Whether training shows anything but its images."""
        return bool(self.views or self.mixup_between)

    @model_validator(mode="after")
    def _views_of_one_image(self) -> ViewSettings:
        if self.views and self.normalised:
            raise ValueError("views are those of images as they are: leave out normalised")
        if len(set(self.views)) < len(self.views):
            raise ValueError("views: a name stands there twice; draws says how many there are")
        return self


def classes_named(classes: Classes, taxonomy: Taxonomy, option: str) -> tuple[str, ...]:
    """Return the nodes that an option names.

    Raises
    ------
    UserError
        If a node is not in the class tree, is named twice, or lies below another one.
    """
    if classes == "all":
        return taxonomy.leaves
    if classes == "subtypes":
        family = taxonomy.subtypes_of
        return taxonomy.leaves if family is None else taxonomy.children(family)
    for node in classes:
        if node not in taxonomy.nodes:
            raise UserError(
                f"{option}: {node!r} is no node of the class tree {taxonomy.name}",
                f"Its nodes: {', '.join(taxonomy.nodes)}",
            )
    if len(classes) == 1 and classes[0] in taxonomy.inner_nodes:
        return taxonomy.children(classes[0])
    for place, node in enumerate(classes):
        others = (*classes[:place], *classes[place + 1 :])
        above = next((one for one in others if taxonomy.is_under(node, one)), None)
        if above is not None:
            what = "stands there twice" if above == node else f"lies below {above!r}"
            raise UserError(f"{option}: {node!r} {what}", "Leave one of them out.")
    return classes


def augmented_examples(
    samples: Samples,
    allowed: NDArray[np.bool_],
    settings: ViewSettings,
    backbone: str,
    taxonomy: Taxonomy,
) -> AugmentedExamples:
    """Return training images with their views, and what is mixed with what.

    Parameters
    ----------
    samples
        The training images.
    allowed
        (images, outputs), as in `lcbench.training.loop.Examples`.
    settings
        What is asked for.
    backbone
        Whose embeddings are shown.
    taxonomy
        The class tree.

    Raises
    ------
    UserError
        If the classes that get views or are mixed are none of the tree's, or one is mixed alone.
    """
    import torch

    from lcbench.training.augmented import AugmentedExamples

    images = len(samples)
    tables = [
        samples.embeddings(backbone, view) for view in (settings.view, *settings.training_views)
    ]
    with_views = _labelled(samples, settings.views_of, taxonomy, "views_of").any(axis=0)
    itself = np.arange(images)
    views = np.stack(
        [itself + number * images * with_views for number in range(len(tables))], axis=1
    )
    families: list[Tensor] = []
    if settings.mixup_between:
        labelled = _labelled(samples, settings.mixup_between, taxonomy, "mixup_between")
        if len(labelled) < 2:
            raise UserError(
                f"mixup_between = {settings.mixup_between!r}: one class has none to be mixed with",
                "Name two classes or more, or an inner node of the class tree.",
            )
        families = [torch.from_numpy(np.flatnonzero(one)) for one in labelled]
    return AugmentedExamples(
        inputs=torch.from_numpy(np.concatenate(tables)),
        rows=torch.arange(images),
        allowed=torch.from_numpy(allowed),
        views=torch.from_numpy(views),
        families=families,
        alpha=settings.mixup_alpha,
    )


def _labelled(
    samples: Samples, classes: Classes, taxonomy: Taxonomy, option: str
) -> NDArray[np.bool_]:
    """Return (classes, images): which images are labelled with a class or below it."""
    nodes = classes_named(classes, taxonomy, option)
    if classes == "all" and option == "views_of":
        return np.ones((1, len(samples)), dtype=bool)
    rows = [[taxonomy.is_under(label, node) for label in samples.labels] for node in nodes]
    return np.array(rows, dtype=bool).reshape(len(nodes), len(samples))
