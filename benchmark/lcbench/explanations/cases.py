"""Which answers are explained: confusions at a decision of the class tree, and right ones beside.

Everything is chosen by what the prediction files say, and by hashes: the same files and the same
seed give the same images on every machine, in whatever order they are read.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from lcbench.errors import UserError
from lcbench.explanations.targets import decision_words
from lcbench.runs.run_reader import read_predictions
from lcbench.runs.stored import PREDICTIONS, StoredRun
from lcbench.statistics.groups import ClusterCodes, cluster_codes
from lcbench.storage.hashes import content_hash
from lcbench.taxonomy import Taxonomy

COLUMNS = (
    "image", "sha256", "group", "true", "truth", "answer", "seed", "run", "confused",
    "right_seeds", "wrong_seeds",
)  # fmt: skip
"""Of a table of cases, one row an image: its label; the children of the decision that the label
lies below and that the model answered; the seed and the run of that model; whether the two differ;
and the seeds that answer one or the other, as numbers with spaces between them."""

MOST_RIGHT = 384
"""More images of the same source groups make no interval narrower."""


def read_answers(runs: Sequence[StoredRun], taxonomy: Taxonomy) -> pd.DataFrame:
    """Return what runs answered on their test images, one row an answer.

    The columns are those of predictions, the name of the run, and `p:<leaf>`.

    Parameters
    ----------
    runs
        Of one baseline under one protocol.
    taxonomy
        The class tree.

    Raises
    ------
    UserError
        If a file cannot be read.
    """
    tables = []
    for run in runs:
        predictions = read_predictions(run.folder / PREDICTIONS, taxonomy)
        leaves = [f"p:{leaf}" for leaf in taxonomy.leaves]
        chances = pd.DataFrame(predictions.probabilities, columns=leaves)
        told = predictions.table.drop(columns=leaves, errors="ignore").reset_index(drop=True)
        told["seed"], told["run"] = run.config.seed, run.name
        tables.append(told.join(chances))
    return pd.concat(tables, ignore_index=True)


def find_cases(
    answers: pd.DataFrame, taxonomy: Taxonomy, parent: str, most: int | None, seed: int
) -> pd.DataFrame:
    """Return confusions between the children of a node, and as many right answers beside.

    An image is confused where one seed or more answers another child than that of its label; the
    model that is explained is that of the first such seed. Right are images that every seed
    answers rightly; as many are drawn of each true child as are confused, from the source groups in
    turn, but no more than `MOST_RIGHT` of all children together.

    Parameters
    ----------
    answers
        See `read_answers`.
    taxonomy
        The class tree.
    parent
        The node.
    most
        Confusions at most, drawn from the source groups in turn; None for all.
    seed
        Of what is drawn.

    Returns
    -------
    DataFrame
        With `COLUMNS`, confusions first, each by source group and image.

    Raises
    ------
    UserError
        If no image is confused there.
    """
    at = _at_decision(answers, taxonomy, parent)
    images = _images(at)
    confused = images[images["confused"]]
    if confused.empty:
        raise UserError(
            f"no image is confused at {decision_words(taxonomy, parent)}",
            "Name another decision with --node, or another --baseline.",
        )
    if most is not None:
        confused = in_turn(confused, most, seed)
    right = images[~images["confused"] & images["always_right"]]
    wanted = confused["truth"].value_counts()
    share = min(1.0, MOST_RIGHT / len(confused))
    drawn = [
        in_turn(right[right["truth"] == truth], round(share * int(wanted.get(truth, 0))), seed)
        for truth in taxonomy.children(parent)
    ]
    both = [one.sort_values(["group", "image"]) for one in (confused, pd.concat(drawn))]
    return pd.concat(both, ignore_index=True)[list(COLUMNS)]


def in_turn(images: pd.DataFrame, count: int, seed: int) -> pd.DataFrame:
    """Return some of the images, one of each source group before a second one of any.

    Groups, and the images of each, come in an order drawn from their hashes and the seed.
    """
    keys = [content_hash(str(seed), str(one)) for one in images["sha256"]]
    groups = [content_hash(str(seed), one) for one in unit_names(images)]
    order = images.assign(_key=keys, _group=groups).sort_values(["_key", "image"])
    order = order.assign(_turn=order.groupby("_group").cumcount())
    return order.sort_values(["_turn", "_group"]).head(count)[images.columns.tolist()]


def unit_names(cases: pd.DataFrame) -> list[str]:
    """Return the source group of each image; its hash where that is unknown."""
    pairs = zip(cases["group"].astype(str), cases["sha256"].astype(str), strict=True)
    return [group or f"image {sha256}" for group, sha256 in pairs]


def groups_of(cases: pd.DataFrame) -> ClusterCodes:
    """Return the source groups of cases, for intervals."""
    return cluster_codes(list(cases["group"].astype(str)), list(cases["sha256"].astype(str)))


def _at_decision(answers: pd.DataFrame, taxonomy: Taxonomy, parent: str) -> pd.DataFrame:
    """Return the answers where label and answer both lie below the node, with its children."""
    children = taxonomy.children(parent)
    below = {
        node: next((child for child in children if taxonomy.is_under(node, child)), "")
        for node in taxonomy.nodes
    }
    at = answers.assign(
        truth=answers["true"].map(below).fillna(""),
        answer=answers["predicted"].map(below).fillna(""),
    )
    return at[at["truth"] != ""]


def _images(at: pd.DataFrame) -> pd.DataFrame:
    """Return one row an image, with the model that is explained."""
    at = at.assign(
        wrong=(at["answer"] != "") & (at["answer"] != at["truth"]),
        correct=at["answer"] == at["truth"],
    ).sort_values(["image", "seed"])
    first = at.sort_values(["image", "wrong", "seed"], ascending=[True, False, True])
    images = first.drop_duplicates("image").set_index("image")
    by_image = at.groupby("image")
    images["confused"] = by_image["wrong"].any()
    images["always_right"] = by_image["correct"].all()
    for name, flag in (("right_seeds", "correct"), ("wrong_seeds", "wrong")):
        chosen = at[at[flag]].groupby("image")["seed"].agg(lambda seeds: " ".join(map(str, seeds)))
        images[name] = chosen.reindex(images.index).fillna("")
    images["sha256"] = images["sha256"].fillna("").astype(str)
    images["group"] = images["group"].fillna("").astype(str)
    return images.reset_index()


def rows_by(cases: pd.DataFrame, columns: Sequence[str]) -> dict[tuple[str, ...], np.ndarray]:
    """Return the rows of each combination of values, in the order in which they first come."""
    keys = cases[list(columns)].astype(str).agg("\0".join, axis=1)
    return {
        tuple(key.split("\0")): np.flatnonzero((keys == key).to_numpy())
        for key in dict.fromkeys(keys)
    }
