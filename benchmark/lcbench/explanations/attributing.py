"""Attributions of cases, batch by batch: each by the network that answered, for its answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lcbench.datasets.images import ImageFile
from lcbench.explanations.cases import rows_by
from lcbench.explanations.methods import Method
from lcbench.explanations.networks import Networks, normalised
from lcbench.explanations.similarity import BATCH, Maps
from lcbench.explanations.targets import Target
from lcbench.explanations.tissue import compartments
from lcbench.features.decoding import decode_batch, decode_views
from lcbench.features.encoder import Preprocessing

if TYPE_CHECKING:
    import torch

    from lcbench.features.views import View
    from lcbench.models.differentiable import LeafNetwork

Rows = NDArray[np.intp]
STORED = 56
"""Side of an attribution as it is stored: a quarter of the usual 224 pixels."""


@dataclass(frozen=True)
class Part:
    """Rows of cases that one network answers in one way.

    Parameters
    ----------
    run
        Name of the run.
    target
        The answer that is explained.
    rows
        Of the cases.
    """

    run: str
    target: Target
    rows: Rows


@dataclass(frozen=True, eq=False)
class CaseImages:
    """The images of cases as a baseline is shown them; decoded whenever they are asked for.

    Parameters
    ----------
    files
        Where each lies, and the hash of its bytes.
    preprocessing
        What they go through.
    view
        How they are changed before; None for images as they are.
    """

    files: Sequence[ImageFile]
    preprocessing: Preprocessing
    view: View | None = None
    _divided: dict[int, NDArray[np.uint8] | None] = field(default_factory=dict)

    @staticmethod
    def of(cases: pd.DataFrame, root: Path, networks: Networks) -> CaseImages:
        """Return the images of cases of one baseline, below a folder."""
        pairs = zip(cases["image"], cases["sha256"], strict=True)
        run = str(cases["run"].iloc[0])
        files = [ImageFile(root / image, sha256) for image, sha256 in pairs]
        return CaseImages(files, networks.preprocessing(run), networks.view(run))

    def pixels(self, rows: Rows) -> NDArray[np.uint8]:
        """Return (n, 3, size, size) RGB.

        Raises
        ------
        UserError
            If an image is gone, or is not the one that the runs were tested on.
        """
        files = [self.files[row] for row in rows]
        convert = self.preprocessing.to_pixels()
        if self.view is None:
            return decode_batch(files, convert)
        return decode_views(files, self.view, convert)[0]

    def pictures(self, rows: Rows) -> NDArray[np.uint8]:
        """Return (n, size, size, 3) RGB."""
        return np.ascontiguousarray(self.pixels(rows).transpose(0, 2, 3, 1))

    def compartments(self, row: int) -> NDArray[np.bool_] | None:
        """Return what `lcbench.explanations.tissue.compartments` does, once for each image."""
        if row not in self._divided:
            parts = compartments(self.pictures(np.array([row]))[0])
            packed = None if parts is None else np.packbits(parts, axis=2)
            self._divided[row] = packed
        packed = self._divided[row]
        if packed is None:
            return None
        size = self.preprocessing.size
        return np.unpackbits(packed, axis=2, count=size).astype(bool)


@dataclass(frozen=True, eq=False)
class Attributor:
    """What attributions of cases need.

    Parameters
    ----------
    networks
        Those that answered.
    images
        Of the cases.
    targets
        By the answer that is explained; for each run those of its own leaves are taken.
    """

    networks: Networks
    images: CaseImages
    targets: Mapping[str, Target]

    def parts(self, cases: pd.DataFrame, rows: Rows) -> list[Part]:
        """Return some rows by the network and the answer, in batches."""
        chosen = cases.iloc[rows]
        parts = []
        for (run, answer), places in rows_by(chosen, ("run", "answer")).items():
            for start in range(0, len(places), BATCH):
                some = rows[places[start : start + BATCH]]
                parts.append(Part(run, self.targets[answer], some))
        return parts

    def input(self, rows: Rows) -> torch.Tensor:
        """Return (n, 3, size, size) normalised images."""
        pixels = self.images.pixels(rows)
        return normalised(pixels, self.images.preprocessing, self.networks.device)

    def of(self, method: Method, part: Part) -> Maps:
        """Return the (n, size, size) attributions of a part."""
        network, target = self.explained(part)
        return as_array(method.attribute(network, self.input(part.rows), target))

    def explained(self, part: Part) -> tuple[LeafNetwork, Target]:
        """Return the network of a part, and the decision among the leaves that it can answer."""
        network = self.networks.of(part.run)
        return network, part.target.among(network.answers)

    def over(self, method: Method, parts: Sequence[Part]) -> Iterator[tuple[Part, Maps]]:
        """Yield parts with their attributions, in order."""
        work: Callable[[Part], Maps] = lambda part: self.of(method, part)  # noqa: E731 - typed
        yield from zip(parts, self.networks.over(work, parts), strict=True)


def as_array(maps: torch.Tensor) -> Maps:
    """Return attributions on the CPU."""
    return np.asarray(maps.detach().float().cpu().numpy())


def reduced(maps: Maps) -> Maps:
    """Return (n, STORED, STORED) means of what lies side by side; small maps stay as they are."""
    import torch
    from torch.nn.functional import adaptive_avg_pool2d

    side = min(STORED, maps.shape[1])
    small: Maps = adaptive_avg_pool2d(torch.from_numpy(maps), side).numpy()
    return small
