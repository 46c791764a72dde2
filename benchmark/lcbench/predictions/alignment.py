"""Predictions of several models for the same images, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lcbench.errors import UserError, wrong_usage
from lcbench.predictions.messages import clipped, counted, listed
from lcbench.predictions.table import Predictions, Text, base_names, image_name
from lcbench.statistics.groups import ClusterCodes, cluster_codes

By = Literal["auto", "sha256", "image"]
"""What images may be asked to be matched by."""

Identity = Literal["sha256", "image", "base name"]
"""What they were matched by."""

Tables = Mapping[str, pd.DataFrame]
"""One table of predictions for each model, by its name, with `row`, the number of the row."""

_KEY = ["identity", "copy", "seed"]
"""What makes a prediction of a model unique."""

_EXAMPLES = 5


@dataclass(frozen=True)
class Unmatched:
    """The images of a model that lack a partner.

    Parameters
    ----------
    model
        Name of the model.
    count
        Number of images with a prediction, in a seed that is compared, that another model has
        not made.
    examples
        The names of the first of them.
    predictions
        Number of such predictions: an image may lack a partner in some seeds only.
    """

    model: str
    count: int
    examples: tuple[str, ...]
    predictions: int


@dataclass(frozen=True)
class Aligned:
    """What several models say of the same images.

    Parameters
    ----------
    rows
        One row an image and seed, in the order of seed, fold and image: image and fold (as the
        first model has them), sha256 and group (empty where unknown), seed, true (a node).
    names
        The models.
    predicted
        (rows,) the leaf that each model predicts, as its place among the leaves.
    probabilities
        (rows, leaves) of each model; None where it has none.
    identity
        What images were matched by.
    notes
        What was done that a reader should know.
    unmatched
        The models with images that lack a partner.
    """

    rows: pd.DataFrame
    names: tuple[str, ...]
    predicted: dict[str, NDArray[np.int64]]
    probabilities: dict[str, NDArray[np.float64] | None]
    identity: Identity
    notes: tuple[str, ...]
    unmatched: tuple[Unmatched, ...]

    @cached_property
    def clusters(self) -> ClusterCodes:
        """Source group of each row; where it is unknown, copies of a file are kept together."""
        sha256, image = self.rows["sha256"].to_numpy(), self.rows["image"].to_numpy()
        return cluster_codes(list(self.rows["group"]), list(np.where(sha256 == "", image, sha256)))


def align(
    models: Sequence[Predictions], *, by: By = "auto", groups: Mapping[str, str] | None = None
) -> Aligned:
    """Put the predictions of several models for the same image and seed side by side.

    Parameters
    ----------
    models
        With different names, and the same leaves.
    by
        What images are matched by. `auto` compares the hashes where every row of every model has
        one, else the names.
    groups
        Source group of each image name; by default the models' own.

    Raises
    ------
    UserError
        If the models share no seed or no image, call one image by two true classes, or lack the
        hashes that are asked for.
    """
    names = tuple(model.name for model in models)
    if not names or len(set(names)) < len(names):
        raise ValueError(f"models need different names: {names}")
    if len({model.leaves for model in models}) > 1:
        raise ValueError("models need the same leaves")
    tables, seed_notes = _of_shared_seeds(
        {model.name: model.table.assign(row=np.arange(len(model.table))) for model in models}
    )
    identity, keyed, key_notes = _with_keys(tables, by)
    matched = _matched(keyed)
    if not len(matched[names[0]]):
        raise _nothing_in_common(keyed, identity)
    _check_labels(matched)
    chosen, group_notes = (
        _choose_groups(matched) if groups is None else _given_groups(matched, groups)
    )
    leaves = pd.Index(models[0].leaves)
    return Aligned(
        rows=_rows(matched, chosen),
        names=names,
        predicted={
            name: leaves.get_indexer(pd.Index(table["predicted"])).astype(np.int64)
            for name, table in matched.items()
        },
        probabilities={
            model.name: None
            if model.probabilities is None
            else model.probabilities[matched[model.name]["row"]]
            for model in models
        },
        identity=identity,
        notes=(*seed_notes, *key_notes, *_other_content(matched), *group_notes),
        unmatched=_unmatched(keyed, matched),
    )


# Which rows belong together


def _of_shared_seeds(tables: Tables) -> tuple[Tables, tuple[str, ...]]:
    """Keep the rows whose seed every model has; where each model has one seed, it is the same.

    Returns
    -------
    dict, tuple of str
        The rows that are left, and what was done that a reader should know.

    Raises
    ------
    UserError
        If no seed is shared.
    """
    seeds = [set(table["seed"].tolist()) for table in tables.values()]
    if all(own == seeds[0] for own in seeds):
        return tables, ()
    told = _who_has(dict(zip(tables, seeds, strict=True)))
    if all(len(own) == 1 for own in seeds):
        first = min(seeds[0])
        note = f"each model has one seed, and they are matched with each other: {told}"
        return {name: table.assign(seed=first) for name, table in tables.items()}, (note,)
    shared = set.intersection(*seeds)
    if not shared:
        raise UserError(
            f"the models have no seed in common: {told}",
            "Compare models of the same seeds, or one seed of each in a file of its own.",
        )
    kept = {name: table[table["seed"].isin(shared)] for name, table in tables.items()}
    left_out = sum(map(len, tables.values())) - sum(map(len, kept.values()))
    note = (
        f"only the shared {_seed_words(shared)} of the models is compared; "
        f"{counted(left_out, 'prediction')} of other seeds left out: {told}"
    )
    return kept, (note,)


def _who_has(seeds: Mapping[str, set[int]]) -> str:
    """Return the seeds of each model; those that have the same ones stand together."""
    alike: dict[str, list[str]] = {}
    for name, own in seeds.items():
        alike.setdefault(_seed_words(own), []).append(clipped(name))
    return "; ".join(
        f"{listed(names, _EXAMPLES)} {'has' if len(names) == 1 else 'have'} {own}"
        for own, names in alike.items()
    )


def _seed_words(seeds: set[int]) -> str:
    noun = "seed" if len(seeds) == 1 else "seeds"
    return f"{noun} {listed((str(seed) for seed in sorted(seeds)), 10)}"


def _with_keys(tables: Tables, by: By) -> tuple[Identity, Tables, tuple[str, ...]]:
    """Give each row of each model the columns of `_KEY`, and say what images are matched by."""
    without = [name for name, table in tables.items() if (table["sha256"] == "").any()]
    if by == "sha256" and without:
        raise wrong_usage(
            f"{clipped(without[0])}: not every image has a sha256, so images cannot be matched by "
            "it",
            "Add the hashes to the column sha256, or match by image name.",
        )
    if by != "image" and not without:
        return "sha256", {name: _keyed_by_hash(table) for name, table in tables.items()}, ()
    full = {name: table["image"].to_numpy() for name, table in tables.items()}
    if _shared(full):
        return "image", _keyed_by_name(tables, full), ()
    short = {name: base_names(images) for name, images in full.items()}
    unique = all(len(set(short[name])) == len(set(full[name])) for name in tables)
    if unique and _shared(short):
        note = "no full image name is the same in all files: images are matched by the last part"
        return "base name", _keyed_by_name(tables, short), (note,)
    return "image", _keyed_by_name(tables, full), ()


def _keyed_by_name(tables: Tables, names: Mapping[str, Text]) -> Tables:
    return {model: table.assign(identity=names[model], copy=0) for model, table in tables.items()}


def _keyed_by_hash(table: pd.DataFrame) -> pd.DataFrame:
    """Return keys in which the copies of an image are numbered in the order of their names."""
    table = table.sort_values("image", kind="stable")
    copies = table.groupby(["sha256", "seed"]).cumcount()
    return table.assign(identity=table["sha256"], copy=copies)


def _shared(names: Mapping[str, Text]) -> set[str]:
    return set.intersection(*map(set, names.values()))


def _matched(keyed: Tables) -> Tables:
    """Return the rows that every model has, in the same order."""
    indexed = {name: table.set_index(_KEY, drop=False) for name, table in keyed.items()}
    shared = reduce(pd.Index.intersection, (table.index for table in indexed.values()))
    rows = {name: table.loc[shared].reset_index(drop=True) for name, table in indexed.items()}
    order = next(iter(rows.values())).sort_values(["seed", "fold", "image"]).index
    return {name: table.loc[order].reset_index(drop=True) for name, table in rows.items()}


def _nothing_in_common(keyed: Tables, identity: Identity) -> UserError:
    examples = []
    for name, table in keyed.items():
        first = table.sort_values("image").iloc[0]
        example = clipped(first["image"])
        if identity == "sha256":
            example += f" (sha256 {first['sha256'][:12]}...)"
        examples.append(f"{clipped(name)} has e.g. {example}")
    words = "image name"
    remedy = "Compare predictions for the same images; names count from the images' root folder."
    if identity == "sha256":
        words = "sha256"
        remedy = "If the images were stored a second time, match by image name instead."
    same_image = set.intersection(*(set(table["identity"]) for table in keyed.values()))
    what = "no image of the same seed" if same_image else "no image"
    return UserError(
        f"the models have {what} in common (matched by {words}): {'; '.join(examples)}", remedy
    )


def _unmatched(keyed: Tables, matched: Tables) -> tuple[Unmatched, ...]:
    found = []
    for name, table in keyed.items():
        alone = table["image"][~table["row"].isin(matched[name]["row"])]
        images = sorted(set(alone))
        if images:
            found.append(Unmatched(name, len(images), tuple(images[:_EXAMPLES]), len(alone)))
    return tuple(found)


# What the models say of the matched rows


def _check_labels(matched: Tables) -> None:
    (first_name, first), *others = matched.items()
    for name, table in others:
        differ = np.flatnonzero(first["true"].to_numpy() != table["true"].to_numpy())
        if len(differ):
            row = int(differ[0])
            images = first["image"].iloc[differ].nunique()
            raise UserError(
                f"{clipped(first_name)} and {clipped(name)} give different true classes to "
                f"{counted(images, 'image')}; the first is {clipped(first['image'].iloc[row])}: "
                f"{first['true'].iloc[row]} and {table['true'].iloc[row]}",
                "Correct the column true of one of the files, or map class names with --labels.",
            )


def _other_content(matched: Tables) -> list[str]:
    """Say where one name stands for files of different bytes."""
    notes = []
    (first_name, first), *others = matched.items()
    own = first["sha256"].to_numpy()
    for name, table in others:
        other = table["sha256"].to_numpy()
        differ = (own != other) & (own != "") & (other != "")
        if differ.any():
            images = first["image"][differ].nunique()
            notes.append(
                f"{counted(images, 'image')} of the same name "
                f"{'has' if images == 1 else 'have'} another sha256 in {clipped(name)} than in "
                f"{clipped(first_name)}: not the same file"
            )
    return notes


def _rows(matched: Tables, groups: Text) -> pd.DataFrame:
    first, *others = matched.values()
    rows = first[["image", "sha256", "group", "seed", "fold", "true"]].copy()
    for table in others:
        rows["sha256"] = rows["sha256"].where(rows["sha256"] != "", table["sha256"])
    rows["group"] = pd.Series(groups, dtype=object)
    return rows


def _choose_groups(matched: Tables) -> tuple[Text, list[str]]:
    """Return the groups of the model that knows most, and what a reader should know.

    The first model that has a group for every row is taken, else the first that has some.
    """
    groups = {name: table["group"].to_numpy() for name, table in matched.items()}
    known = [name for name, own in groups.items() if (own != "").any()]
    if not known:
        return next(iter(groups.values())), []
    name = next((name for name in known if (groups[name] != "").all()), known[0])
    chosen, images = groups[name], matched[name]["image"].to_numpy()
    notes = [
        f"{clipped(name)} and {clipped(other)} put the same images into different source groups: "
        f"those of {clipped(name)} are used"
        for other in known
        if not _same_partition(chosen, groups[other])
    ]
    missing = len(set(images[chosen == ""]))
    if missing:
        notes.append(
            f"source groups are those of {clipped(name)}, where "
            f"{counted(missing, 'matched image')} of {len(set(images)):,} "
            f"{'has' if missing == 1 else 'have'} none"
        )
    return chosen, notes


def _same_partition(one: Text, other: Text) -> bool:
    """Tell whether two sets of groups differ in their names alone, where both are known."""
    both = (one != "") & (other != "")
    pairs = pd.DataFrame({"one": one[both], "other": other[both]}).drop_duplicates()
    return len(pairs) == pairs["one"].nunique() == pairs["other"].nunique()


def _given_groups(matched: Tables, groups: Mapping[str, str]) -> tuple[Text, list[str]]:
    """Return the groups that the user gave by image name, and what a reader should know.

    Raises
    ------
    UserError
        If none of the images is named.
    """
    notes = []
    lookup = {image_name(image): group for image, group in groups.items()}
    named = [table["image"].to_numpy() for table in matched.values()]
    images = named[0]
    found = _look_up(named, lookup)
    if not (found != "").any():
        short = dict(zip(base_names(lookup), lookup.values(), strict=True))
        if len(short) == len(lookup) and len(set(base_names(images))) == len(set(images)):
            found = _look_up([base_names(images)], short)
            notes.append("source groups are found by the last part of the image names")
    if not (found != "").any():
        raise UserError(
            f"the source groups that were given name none of the {len(set(images)):,} matched "
            "images",
            f"They name e.g. {clipped(next(iter(lookup), '(nothing)'))}; the predictions name "
            f"e.g. {clipped(images[0])}.",
        )
    missing = len(set(images[found == ""]))
    if missing:
        notes.append(
            f"{counted(missing, 'matched image')} of {len(set(images)):,} "
            f"{'is' if missing == 1 else 'are'} not in the source groups that were given"
        )
    return found, notes


def _look_up(images: Sequence[Text], lookup: Mapping[str, str]) -> Text:
    """Return the group of the first of the names of each row that is known."""
    found = np.full(len(images[0]), "", dtype=object)
    for names in images:
        here = np.array([lookup.get(name, "") for name in names], dtype=object)
        found = np.where(found == "", here, found)
    return found
