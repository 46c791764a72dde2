"""Methods: closed forms on models of which they are known, and on networks of every layout."""

from __future__ import annotations

import pytest
import timm
import torch
from torch import Tensor, nn

from lcbench.errors import UserError
from lcbench.explanations.feature_maps import find_maps
from lcbench.explanations.methods import METHODS, WINDOWS, find_method, mean_colour
from lcbench.explanations.targets import Target

SIDE = 14
TARGET = Target("a", ("b",), (0,), (1,))
IMAGES = torch.rand(3, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
WEIGHTS = torch.randn(3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))


class Weighted(nn.Module):
    """Log-odds that are a weighted sum of the input."""

    def forward(self, images: Tensor) -> Tensor:
        score = (images * WEIGHTS).sum(dim=(1, 2, 3))
        return torch.stack([score, torch.zeros_like(score)], dim=1).log_softmax(dim=1)


def test_of_a_weighted_sum_the_closed_forms_are_known() -> None:
    made = {
        name: one.attribute(Weighted(), IMAGES, TARGET)
        for name, one in METHODS.items()
        if name != "grad-cam"
    }
    away = (IMAGES - mean_colour(IMAGES)) * WEIGHTS
    saliency = WEIGHTS.abs().amax(dim=0).expand(3, -1, -1)
    torch.testing.assert_close(made["saliency"], saliency, atol=1e-5, rtol=0)
    torch.testing.assert_close(made["integrated-gradients"], away.sum(dim=1), atol=1e-4, rtol=0)
    side = SIDE // WINDOWS
    squares = nn.functional.avg_pool2d(away.sum(dim=1, keepdim=True), side) * side**2
    wanted = squares.repeat_interleave(side, 2).repeat_interleave(side, 3)[:, 0]
    torch.testing.assert_close(made["occlusion"], wanted, atol=1e-4, rtol=0)


class Pooled(nn.Module):
    """Feature maps, their means, and a decision: Grad-CAM is the weights times the maps."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(2)
        self.maps = nn.Conv2d(3, 4, 2, stride=2)
        self.decide = nn.Linear(4, 2)

    def forward(self, images: Tensor) -> Tensor:
        return self.decide(self.maps(images).mean(dim=(2, 3)))


def test_grad_cam_is_the_class_activation_map_of_a_pooled_network() -> None:
    """Selvaraju et al. (2017), section 3: it generalises CAM, by a constant factor."""
    network = Pooled()
    weights = (network.decide.weight[0] - network.decide.weight[1]).detach()
    cam = torch.einsum("k,bkij->bij", weights, network.maps(IMAGES).detach()) / 49
    found = find_method("grad-cam").attribute(network, IMAGES, TARGET)
    wanted = nn.functional.interpolate(cam[:, None], (SIDE, SIDE), mode="bilinear")[:, 0]
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=0)
    other = find_method("grad-cam").attribute(network, IMAGES, Target("b", ("a",), (1,), (0,)))
    torch.testing.assert_close(found, -other)


@pytest.mark.parametrize(
    ("name", "layout"),
    [
        ("test_resnet", "channels first"),
        ("test_vit", "tokens"),
        ("swin_tiny_patch4_window7_224", "channels last"),
    ],
)
def test_feature_maps_of_every_layout_are_found_and_leave_the_answer_alone(
    name: str, layout: str
) -> None:
    arguments = {"depths": (1, 1), "embed_dim": 24, "num_heads": (1, 1)} if "swin" in name else {}
    size = {} if name == "test_resnet" else {"img_size": 64}
    torch.manual_seed(0)
    network = timm.create_model(name, num_classes=2, **size, **arguments).eval()
    images = torch.rand(2, 3, 64, 64)
    assert find_maps(network, images).layout == layout
    before = network(images)
    found = find_method("grad-cam").attribute(network, images, TARGET)
    assert found.shape == (2, 64, 64)
    assert (found.std(dim=(1, 2)) > 0).all()
    torch.testing.assert_close(network(images), before)


def test_without_feature_maps_grad_cam_says_so() -> None:
    with pytest.raises(UserError, match="feature maps"):
        find_method("grad-cam").attribute(Weighted(), IMAGES, TARGET)
    with pytest.raises(UserError, match="saliency"):
        find_method("salience")
