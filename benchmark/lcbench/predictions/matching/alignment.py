"""Predictions of several models for the same images, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lcbench.errors import UserError
from lcbench.predictions.matching.grouping import Candidate, choose_groups, given_groups
from lcbench.predictions.matching.identity import KEY, By, Identity, Keys, make_keys
from lcbench.predictions.matching.seeds import align_seeds
from lcbench.predictions.reading.findings import clipped, counted
from lcbench.predictions.reading.images import image_names
from lcbench.predictions.reading.inspection import ModelPredictions
from lcbench.predictions.reading.raw import Text

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
class Matched:
    """What several models say of the same images.

    Parameters
    ----------
    rows
        One row an image and seed, in this order: image (as the first model names it), sha256 and
        group (empty where unknown), seed, true (a node).
    names
        The models.
    predicted
        (rows,) the leaf that each model predicts.
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
    predicted: dict[str, Text]
    probabilities: dict[str, NDArray[np.float64] | None]
    identity: Identity
    notes: tuple[str, ...]
    unmatched: tuple[Unmatched, ...]


def match_models(
    models: Sequence[ModelPredictions],
    *,
    by: By = "auto",
    groups: Mapping[str, str] | None = None,
) -> Matched:
    """Put the predictions of several models for the same image and seed side by side.

    Parameters
    ----------
    models
        With different names.
    by
        What images are matched by; see `make_keys`.
    groups
        Source group of each image name; by default the models' own.

    Raises
    ------
    UserError
        If the models share no seed or no image, or call one image by two true classes.
    """
    names = tuple(model.name for model in models)
    if not names or len(set(names)) < len(names):
        raise ValueError(f"models need different names: {names}")
    tables = [_comparable(model.table) for model in models]
    aligned, seed_notes = align_seeds(tables, names)
    keys = make_keys(aligned, names, by)
    positions, seeds = _join(keys, tables)
    if not len(seeds):
        raise _nothing_in_common(keys, aligned, names)
    matched = [
        table.iloc[rows].reset_index(drop=True)
        for table, rows in zip(tables, positions, strict=True)
    ]
    _check_labels(matched, names)
    candidates = [
        Candidate(name, table["image"].to_numpy(), table["group"].to_numpy())
        for name, table in zip(names, matched, strict=True)
    ]
    chosen, group_notes = (
        choose_groups(candidates) if groups is None else given_groups(candidates, groups)
    )
    return Matched(
        rows=_rows(matched, chosen, seeds),
        names=names,
        predicted={
            name: table["predicted"].to_numpy() for name, table in zip(names, matched, strict=True)
        },
        probabilities={
            model.name: None if model.probabilities is None else model.probabilities[rows]
            for model, rows in zip(models, positions, strict=True)
        },
        identity=keys.identity,
        notes=(*seed_notes, *keys.notes, *_other_content(matched, names), *group_notes),
        unmatched=_unmatched(aligned, positions, names),
    )


def _comparable(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table with POSIX image names and the number of each row."""
    table = table.reset_index(drop=True)
    return table.assign(image=image_names(table["image"]), row=np.arange(len(table)))


def _join(
    keys: Keys, tables: Sequence[pd.DataFrame]
) -> tuple[list[NDArray[np.intp]], NDArray[np.int64]]:
    """Return the row of each model for each shared key, by image and seed, and the seeds."""
    joined = keys.tables[0].rename(columns={"row": "row 0"})
    for number, table in enumerate(keys.tables[1:], start=1):
        other = table.rename(columns={"row": f"row {number}"})
        joined = joined.merge(other, on=KEY, validate="one_to_one")
    joined["image"] = tables[0]["image"].to_numpy()[joined["row 0"]]
    joined = joined.sort_values(["image", "seed"])
    positions = [joined[f"row {number}"].to_numpy(np.intp) for number in range(len(tables))]
    return positions, joined["seed"].to_numpy(np.int64)


def _nothing_in_common(
    keys: Keys, tables: Sequence[pd.DataFrame], names: Sequence[str]
) -> UserError:
    examples = []
    for name, table in zip(names, tables, strict=True):
        first = table.sort_values("image").iloc[0]
        example = clipped(first["image"])
        if keys.identity == "sha256":
            example += f" (sha256 {first['sha256'][:12]}...)"
        examples.append(f"{clipped(name)} has e.g. {example}")
    remedy = "Compare predictions for the same images; names count from the images' root folder."
    if keys.identity == "sha256":
        remedy = "If the images were stored a second time, match by image name instead."
    same_image = set.intersection(*(set(table["identity"]) for table in keys.tables))
    what = "no image of the same seed" if same_image else "no image"
    words = "image name" if keys.identity != "sha256" else "sha256"
    return UserError(
        f"the models have {what} in common (matched by {words}): {'; '.join(examples)}", remedy
    )


def _check_labels(tables: Sequence[pd.DataFrame], names: Sequence[str]) -> None:
    for name, table in zip(names[1:], tables[1:], strict=True):
        differ = np.flatnonzero(tables[0]["true"].to_numpy() != table["true"].to_numpy())
        if len(differ):
            first = int(differ[0])
            images = tables[0]["image"].iloc[differ].nunique()
            raise UserError(
                f"{clipped(names[0])} and {clipped(name)} give different true classes to "
                f"{counted(images, 'image')}; the first is "
                f"{clipped(tables[0]['image'].iloc[first])}: {tables[0]['true'].iloc[first]} and "
                f"{table['true'].iloc[first]}",
                "Correct the column true of one of the files, or map class names with --labels.",
            )


def _other_content(tables: Sequence[pd.DataFrame], names: Sequence[str]) -> list[str]:
    """Say where one name stands for files of different bytes."""
    notes = []
    own = tables[0]["sha256"].to_numpy()
    for name, table in zip(names[1:], tables[1:], strict=True):
        other = table["sha256"].to_numpy()
        differ = (own != other) & (own != "") & (other != "")
        if differ.any():
            images = tables[0]["image"][differ].nunique()
            notes.append(
                f"{counted(images, 'image')} of the same name "
                f"{'has' if images == 1 else 'have'} another sha256 in {clipped(name)} than in "
                f"{clipped(names[0])}: not the same file"
            )
    return notes


def _rows(tables: Sequence[pd.DataFrame], groups: Text, seeds: NDArray[np.int64]) -> pd.DataFrame:
    sha256 = tables[0]["sha256"].to_numpy()
    for table in tables[1:]:
        sha256 = np.where(sha256 == "", table["sha256"].to_numpy(), sha256)
    texts = {
        "image": tables[0]["image"].to_numpy(),
        "sha256": sha256,
        "group": groups,
        "true": tables[0]["true"].to_numpy(),
    }
    rows = pd.DataFrame({name: pd.Series(text, dtype=object) for name, text in texts.items()})
    rows.insert(3, "seed", seeds)
    return rows


def _unmatched(
    tables: Sequence[pd.DataFrame], positions: Sequence[NDArray[np.intp]], names: Sequence[str]
) -> tuple[Unmatched, ...]:
    found = []
    for name, table, rows in zip(names, tables, positions, strict=True):
        alone = table["image"][~table["row"].isin(rows)]
        images = sorted(set(alone))
        if images:
            found.append(Unmatched(name, len(images), tuple(images[:_EXAMPLES]), len(alone)))
    return tuple(found)
