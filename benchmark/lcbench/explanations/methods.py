"""Methods of explanation: how much each place of an image speaks for an answer, by Captum.

Kokhlikyan, N. et al. (2020). Captum: a unified and generic model interpretability library for
PyTorch. arXiv:2009.07896.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lcbench.errors import unknown_name

if TYPE_CHECKING:
    from torch import Tensor, nn

    from lcbench.explanations.targets import Target

    Attribute = Callable[[nn.Module, Tensor, Target], Tensor]
    """Takes a model, (B, 3, H, W) images and a target; returns (B, H, W) float32 attributions."""

STEPS = 16
"""Points of the path of integrated gradients."""
WINDOWS = 7
"""Squares of an image along a side that occlusion takes away one by one."""


@dataclass(frozen=True)
class Method:
    """A method of explanation.

    Parameters
    ----------
    name, title
        What options and what readers call it.
    signed
        Whether negative values speak for the siblings; else values only say how much.
    passes
        How often about a network looks at an image, forwards and backwards.
    source
        Where it was published.
    attribute
        From a model in evaluation mode, which maps normalised images to (B, leaves)
        log-probabilities, images and a target to attributions at the resolution of the images.
    """

    name: str
    title: str
    signed: bool
    passes: int
    source: str
    attribute: Attribute


def find_method(name: str) -> Method:
    """Return the method of a name.

    Raises
    ------
    UserError
        If there is none; with near names.
    """
    if name not in METHODS:
        raise unknown_name("method of explanation", name, METHODS)
    return METHODS[name]


def saliency(model: nn.Module, images: Tensor, target: Target) -> Tensor:
    """Return the largest absolute gradient of the score over the channels of each pixel.

    M(i, j) = max over c of |dS / dx(c, i, j)|, S being the log-odds of the target.
    """
    from captum.attr import Saliency

    found: Tensor = Saliency(_score(model, target)).attribute(_leaf(images), abs=True)
    return _finished(found.amax(dim=1))


def integrated_gradients(model: nn.Module, images: Tensor, target: Target) -> Tensor:
    """Return the gradients along the way from the image's mean colour, times that way.

    IG(c, i, j) = (x - x') * integral over a from 0 to 1 of dS(x' + a (x - x')) / dx(c, i, j),
    summed over the channels. x' is the mean colour of the image everywhere: no part of the image,
    neither tissue nor background, is passed over because it has the colour of the baseline.
    """
    from captum.attr import IntegratedGradients

    found: Tensor = IntegratedGradients(_score(model, target)).attribute(
        images,
        baselines=mean_colour(images),
        n_steps=STEPS,
        method="gausslegendre",
        internal_batch_size=len(images),
    )
    return _finished(found.sum(dim=1))


def grad_cam(model: nn.Module, images: Tensor, target: Target) -> Tensor:
    """Return the last feature maps, weighed by their mean gradients, brought to the image's size.

    L(i, j) = sum over k of w(k) A(k, i, j), w(k) = mean over (i, j) of dS / dA(k, i, j). Positive
    values are those of the paper (which cuts the others off), negative values are the paper's
    counterfactual explanation: what speaks for the siblings.

    Raises
    ------
    UserError
        If the network has no feature maps.
    """
    from captum.attr import LayerAttribution, LayerGradCam

    from lcbench.explanations.feature_maps import find_maps, watched

    with watched(model, find_maps(model, images)) as layer:
        found: Tensor = LayerGradCam(_score(model, target), layer).attribute(_leaf(images))
    large = LayerAttribution.interpolate(found, images.shape[2:], "bilinear")
    return _finished(large.squeeze(1))


def occlusion(model: nn.Module, images: Tensor, target: Target) -> Tensor:
    """Return by how much the score falls when a square is painted in the image's mean colour.

    O(i, j) = S(x) - S(x without the square that holds (i, j)), for squares side by side.
    """
    import torch
    from captum.attr import Occlusion

    side = -(-images.shape[3] // WINDOWS)
    with torch.no_grad():
        found: Tensor = Occlusion(_score(model, target)).attribute(
            images,
            sliding_window_shapes=(images.shape[1], side, side),
            strides=(images.shape[1], side, side),
            baselines=mean_colour(images),
        )
    return _finished(found.mean(dim=1))


def mean_colour(images: Tensor) -> Tensor:
    """Return images that show nothing but the mean colour of each."""
    return images.mean(dim=(2, 3), keepdim=True).expand_as(images)


def _score(model: nn.Module, target: Target) -> Callable[[Tensor], Tensor]:
    return lambda images: target.score(model(images))


def _leaf(images: Tensor) -> Tensor:
    """Return images that gradients can be asked of, without touching the caller's."""
    return images.detach().clone().requires_grad_()


def _finished(found: Tensor) -> Tensor:
    return found.detach().float()


METHODS = {
    one.name: one
    for one in (
        Method(
            "saliency",
            "gradient saliency",
            signed=False,
            passes=2,
            source="Simonyan, Vedaldi & Zisserman 2014, arXiv:1312.6034",
            attribute=saliency,
        ),
        Method(
            "grad-cam",
            "Grad-CAM",
            signed=True,
            passes=2,
            source="Selvaraju et al. 2017, ICCV",
            attribute=grad_cam,
        ),
        Method(
            "integrated-gradients",
            "integrated gradients",
            signed=True,
            passes=2 * STEPS,
            source="Sundararajan, Taly & Yan 2017, ICML",
            attribute=integrated_gradients,
        ),
        Method(
            "occlusion",
            "occlusion",
            signed=True,
            passes=WINDOWS**2 + 1,
            source="Zeiler & Fergus 2014, ECCV",
            attribute=occlusion,
        ),
    )
}
"""By name, in the order in which they are shown."""
