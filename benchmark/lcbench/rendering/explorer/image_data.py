"""Every tested image as numbers: who answered what, how surely, and where its siblings lay.

The arrays are what the analysis counted: the same rows, the same answers at every level of the
class tree. Scripts of other sections read them by `lcbench.images`, see `assets/images.js`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import JsonValue

from lcbench.predictions.alignment import Aligned
from lcbench.rendering.markdown import visible
from lcbench.rendering.words import node_words, protocol_short
from lcbench.runs.suite_images import SplitImages, SuiteImages
from lcbench.statistics.answers import Answers
from lcbench.statistics.tree import ClassTree
from lcbench.taxonomy import Taxonomy

Array = NDArray[np.unsignedinteger]
UNKNOWN = np.uint32(0xFFFFFFFF)
"""A source group or nearest image that is not known."""
NO_LABEL = np.uint16(0xFFFF)
FULL = 65535
"""What stands for a probability, or a cosine, of 1."""


def image_columns(images: SuiteImages, tree: ClassTree) -> dict[str, np.ndarray]:
    """Return what is known of each image, by the row of the table of images.

    Returns
    -------
    dict of str to ndarray
        `names` and `groups`: lists of text as the bytes of JSON; `group`: the place of an image's
        source group in `groups`, or `UNKNOWN`; `true`: its label as a node's place in
        `ClassTree.nodes`, or `NO_LABEL`.
    """
    table = images.table
    codes, groups = pd.factorize(table["group"].where(table["group"] != ""))
    place = {node: code for code, node in enumerate(tree.nodes)}
    labels = table["label"].map(place).fillna(NO_LABEL)
    return {
        "names": _texts(table["image"]),
        "groups": _texts(groups),
        "group": np.where(codes < 0, UNKNOWN, codes).astype(np.uint32),
        "true": labels.to_numpy(np.uint16),
    }


def level_data(taxonomy: Taxonomy) -> list[JsonValue]:
    """Return what can be answered at each level of the class tree, the leaves last.

    `options`: names; `of_node`: the option that a label fixes, by the node's place in
    `ClassTree.nodes`, or -1; `of_leaf`: the option that a predicted leaf lies in, or -1.
    """
    tree = ClassTree.of(taxonomy)
    return [
        {
            "options": [node_words(option) for option in choice.options],
            "of_node": choice.true_option.tolist(),
            "of_leaf": choice.leaf_option.tolist(),
        }
        for choice in (tree.at_level(level) for level in range(1, taxonomy.height + 1))
    ]


@dataclass(frozen=True)
class ProtocolImages:
    """The predictions of one protocol as numbers.

    Parameters
    ----------
    number
        Its place among the protocols, in the names of arrays.
    name
        The protocol.
    aligned
        What its results rest on, one row a prediction, in the order of seed, fold and image.
    splits
        Its divisions of the images.
    images
        All images.
    """

    number: int
    name: str
    aligned: Aligned
    splits: tuple[SplitImages, ...]
    images: SuiteImages

    def data(self, titles: Sequence[str], floor: Collection[str]) -> JsonValue:
        """Return names, titles and which are the floor, and where the rows of each split begin."""
        return {
            "name": self.name,
            "title": protocol_short(self.name),
            "baselines": list(self.aligned.names),
            "titles": list(titles),
            "floor": [name in floor for name in self.aligned.names],
            "splits": [
                {"seed": one.seed, "fold": one.fold, "from": start, "to": stop, "whole": one.whole}
                for one, (start, stop) in zip(self.splits, self._bounds(), strict=True)
            ],
            "nearest": self._nearest_data(),
        }

    def arrays(self, tree: ClassTree) -> Iterator[tuple[str, np.ndarray]]:
        """Yield names and arrays.

        `rows-P`: (rows,) the image of each prediction; `sides-P`: (splits, images) see
        `SplitImages`; `nearest-P`, `similarity-P`: (rows,) the nearest training image or
        `UNKNOWN`, and its cosine; for each baseline B, `answers-P-B`: (levels, rows) the leaf that
        stands for its answer at each level, the leaves last; `chances-P-B`: (rows, leaves)
        probabilities, 65535 standing for 1.
        """
        yield f"rows-{self.number}", self.image_of_row.astype(np.uint32)
        yield f"sides-{self.number}", np.stack([one.sides for one in self.splits])
        if any(one.nearest for one in self.splits):
            nearest, similarity = self.nearest()
            yield f"nearest-{self.number}", nearest
            yield f"similarity-{self.number}", similarity
        true = tree.codes(list(self.aligned.rows["true"]))
        for place, name in enumerate(self.aligned.names):
            chances = self.aligned.probabilities[name]
            answers = Answers(tree, true, self.aligned.predicted[name], chances)
            levels = range(1, tree.taxonomy.height + 1)
            small = np.uint8 if len(tree.leaves) < 256 else np.uint16
            of_levels = np.stack([answers.at_level(level) for level in levels])
            yield f"answers-{self.number}-{place}", of_levels.astype(small)
            if chances is not None:
                yield f"chances-{self.number}-{place}", _scaled(chances)

    @property
    def image_of_row(self) -> NDArray[np.intp]:
        """(rows,) the image of each prediction."""
        return self.images.rows(self.aligned.rows["image"])

    def nearest(self) -> tuple[NDArray[np.uint32], NDArray[np.uint16]]:
        """Return the nearest training image of each prediction, or `UNKNOWN`, and its cosine."""
        of_rows = self.image_of_row
        nearest = np.full(len(of_rows), UNKNOWN, np.uint32)
        similarity = np.zeros(len(of_rows), np.uint16)
        for one, (start, stop) in zip(self.splits, self._bounds(), strict=True):
            if one.nearest is None:
                continue
            place = np.full(len(self.images.table), -1, np.intp)
            place[one.nearest.test] = np.arange(len(one.nearest.test))
            found = place[of_rows[start:stop]]
            nearest[start:stop] = np.where(found < 0, UNKNOWN, one.nearest.nearest[found])
            similarity[start:stop] = np.where(found < 0, 0, _scaled(one.nearest.similarity)[found])
        return nearest, similarity

    def _bounds(self) -> list[tuple[int, int]]:
        """Return where the rows of each split begin and end."""
        cells = self.aligned.rows[["seed", "fold"]].to_numpy()
        found = []
        for one in self.splits:
            rows = np.flatnonzero((cells == (one.seed, one.fold)).all(axis=1))
            found.append((int(rows[0]), int(rows[-1]) + 1) if len(rows) else (0, 0))
        return found

    def _nearest_data(self) -> JsonValue:
        """Return whose embeddings were compared; None where no split has a record."""
        known = [one.nearest.backbone for one in self.splits if one.nearest]
        return {"backbone": known[0].name, "random": known[0].random} if known else None


def _texts(texts: pd.Series | pd.Index) -> NDArray[np.uint8]:
    """Return texts as the bytes of a JSON list: names of images compress to a tenth."""
    text = json.dumps([visible(str(one)) for one in texts], ensure_ascii=False)
    return np.frombuffer(text.encode("utf-8", errors="replace"), np.uint8)


def _scaled(values: NDArray[np.float64]) -> NDArray[np.uint16]:
    return np.round(np.clip(values, 0.0, 1.0) * FULL).astype(np.uint16)
