"""Two measures of Yeh et al. (2019), as Captum computes them.

Yeh, C.-K. et al. (2019). On the (in)fidelity and sensitivity of explanations. NeurIPS 32. Captum:
Kokhlikyan, N. et al. (2020). Captum: a unified and generic model interpretability library for
PyTorch. arXiv:2009.07896.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lcbench.explanations.perturbation import CELLS
from lcbench.explanations.similarity import BATCH, Maps
from lcbench.statistics.metrics import Values, ratio

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch
    from torch import Tensor

    from lcbench.explanations.perturbation import Score

SQUARES = 16
"""Squares that are taken out of each image, one at a time."""
SQUARE = 1 / 4
"""Side of a square, as a share of the shorter side of the image."""
NOISE = 0.02
"""Largest change of an input value: about one grey level of 255 after the usual normalisation."""
NOISY_COPIES = 5


def explained_change(
    score: Score,
    images: Tensor,
    maps: Maps,
    *,
    squares: int = SQUARES,
    seed: int = 0,
    batch: int = BATCH,
) -> Values:
    """Return which share of the changes of the score the attributions foretell.

    Squares of each image are replaced by its mean colour. With d the fall of the score, and a the
    sum of the attributions in the square, infidelity is the mean of (b a - d)^2, the factor b
    being the best for the image (the paper's definition 2.1, and the end of its section 2); the
    measure here is 1 - infidelity / mean of d^2.

    Maps without signs do not say which way the score goes, so that they cannot foretell it: it is
    asked of signed methods.

    Parameters
    ----------
    score
        Takes (B, 3, H, W) images and returns (B,) scores.
    images
        (N, 3, H, W) input.
    maps
        (N, H, W) attributions.
    squares
        Squares an image; each costs four passes of the image.
    seed
        Where the squares lie. One free factor foretells 1 / `squares` of anything by chance, so
        that attributions are to be compared with `shuffled` ones under the same seed.
    batch
        Images that are scored at once.

    Returns
    -------
    ndarray, shape (N,)
        Within [0, 1]; NaN where no square changes the score.
    """
    import torch

    found = []
    for start in range(0, len(images), batch):
        some = images[start : start + batch]
        own = torch.from_numpy(np.ascontiguousarray(maps[start : start + batch])).to(some)
        # A third in each channel, so that a square has the sum of the map.
        attributions = (own[:, None] / some.shape[1]).expand_as(some)
        taken = squares, _seed(seed, start)
        left = _infidelity(score, some, attributions, *taken, normalize=True)
        change = _infidelity(score, some, torch.zeros_like(some), *taken, normalize=False)
        share = np.clip(1.0 - ratio(left, change), 0.0, 1.0)
        found.append(np.where(change > 0, share, np.nan))
    return np.concatenate(found)


def shuffled(maps: Maps, *, cells: int = CELLS, seed: int = 0) -> Maps:
    """Return (N, H, W) maps whose parts changed places, each map for itself.

    Parameters
    ----------
    maps
        (N, H, W) attributions.
    cells
        Parts along a side; rows and columns that fill no whole part keep their place.
    seed
        Of the order.
    """
    result = np.array(maps)
    height, width = (side // cells for side in maps.shape[1:])
    for number, one in enumerate(result):
        order = np.random.default_rng((seed, number)).permutation(cells**2)
        whole = one[: height * cells, : width * cells]
        parts = whole.reshape(cells, height, cells, width).transpose(0, 2, 1, 3)
        moved = parts.reshape(cells**2, height, width)[order].reshape(parts.shape)
        one[: height * cells, : width * cells] = moved.transpose(0, 2, 1, 3).reshape(whole.shape)
    return result


def largest_change(
    attribute: Callable[[Tensor], Tensor],
    images: Tensor,
    *,
    radius: float = NOISE,
    copies: int = NOISY_COPIES,
    seed: int = 0,
    batch: int = BATCH,
) -> Values:
    """Return how much attributions change under noise that nobody sees (max-sensitivity).

    Parameters
    ----------
    attribute
        Takes (B, 3, H, W) images and returns (B, H, W) attributions.
    images
        (N, 3, H, W) input.
    radius
        Largest change of an input value.
    copies
        Noisy copies of each image.
    seed
        Of the noise.
    batch
        Images that are attributed at once.

    Returns
    -------
    ndarray, shape (N,)
        Largest Euclidean distance from the attributions of the image itself, over their own
        length: 0 is no change, 1 is as much as leaving them out.
    """
    import torch
    from captum.metrics import sensitivity_max

    def explained(inputs: tuple[Tensor, ...] | Tensor) -> tuple[Tensor]:
        with torch.enable_grad():
            return (attribute(_alone(inputs)).detach(),)

    found = []
    for start in range(0, len(images), batch):
        some = images[start : start + batch]
        generator = torch.Generator().manual_seed(_seed(seed, start))

        def noisy(inputs: Tensor, perturb_radius: float, drawn: Any = generator) -> Tensor:  # noqa: ANN401 - torch is lazy
            noise = torch.rand(inputs.shape, generator=drawn).to(inputs)
            return inputs + perturb_radius * (2.0 * noise - 1.0)

        change = sensitivity_max(
            explained, some, noisy, radius,
            n_perturb_samples=copies, max_examples_per_batch=len(some),
        )  # fmt: skip
        found.append(np.asarray(change.cpu().numpy(), np.float64))
    return np.concatenate(found)


def _alone(inputs: tuple[Tensor, ...] | Tensor) -> Tensor:
    """Return the only one of what Captum hands over now as a tuple, now as it is."""
    return inputs[0] if isinstance(inputs, tuple) else inputs


def _seed(seed: int, start: int) -> int:
    return 1_000_003 * seed + start


def _infidelity(
    score: Score, images: Tensor, attributions: Tensor, squares: int, seed: int, *, normalize: bool
) -> Values:
    import torch
    from captum.metrics import infidelity

    generator = torch.Generator().manual_seed(seed)

    def without_a_square(inputs: Tensor) -> tuple[Tensor, Tensor]:
        mask = _squares(inputs, generator)
        mean = inputs.mean(dim=(2, 3), keepdim=True)
        return mask.expand_as(inputs), torch.where(mask > 0, mean, inputs)

    found = infidelity(
        score, without_a_square, images, attributions,
        n_perturb_samples=squares, normalize=normalize, max_examples_per_batch=len(images),
    )  # fmt: skip
    return np.asarray(found.cpu().numpy(), np.float64)


def _squares(images: Tensor, generator: torch.Generator) -> Tensor:
    """Return (B, 1, H, W), 1 in a square of each image and 0 elsewhere."""
    import torch

    height, width = images.shape[2:]
    side = max(1, round(SQUARE * min(height, width)))
    masks = []
    for length, dimension in ((height, 2), (width, 3)):
        start = torch.randint(0, length - side + 1, (len(images), 1), generator=generator)
        place = torch.arange(length)
        inside = (place >= start) & (place < start + side)
        masks.append(inside[:, None, :, None] if dimension == 2 else inside[:, None, None, :])
    return (masks[0] & masks[1]).to(images)
