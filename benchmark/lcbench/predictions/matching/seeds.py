"""Which rows of several models belong to the same seed."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from lcbench.errors import UserError
from lcbench.predictions.reading.findings import clipped, counted, listed


def align_seeds(
    tables: Sequence[pd.DataFrame], names: Sequence[str]
) -> tuple[list[pd.DataFrame], tuple[str, ...]]:
    """Keep the rows whose seed every model has; where each model has one seed, it is the same.

    Parameters
    ----------
    tables
        One a model, with the column seed.
    names
        Names of the models, for the words.

    Returns
    -------
    list of pandas.DataFrame, tuple of str
        The rows that are left, and what was done that a reader should know.

    Raises
    ------
    UserError
        If no seed is shared.
    """
    seeds = [set(table["seed"].tolist()) for table in tables]
    if all(own == seeds[0] for own in seeds):
        return list(tables), ()
    told = "; ".join(
        f"{clipped(name)} has {_words(own)}" for name, own in zip(names, seeds, strict=True)
    )
    if all(len(own) == 1 for own in seeds):
        first = min(seeds[0])
        note = f"each model has one seed, and they are matched with each other: {told}"
        return [table.assign(seed=first) for table in tables], (note,)
    shared = set.intersection(*seeds)
    if not shared:
        raise UserError(
            f"the models have no seed in common: {told}",
            "Compare models of the same seeds, or one seed of each in a file of its own.",
        )
    kept = [table[table["seed"].isin(shared)] for table in tables]
    left_out = sum(map(len, tables)) - sum(map(len, kept))
    note = (
        f"only the shared {_words(shared)} of the models is compared; "
        f"{counted(left_out, 'prediction')} of other seeds left out: {told}"
    )
    return kept, (note,)


def _words(seeds: set[int]) -> str:
    noun = "seed" if len(seeds) == 1 else "seeds"
    return f"{noun} {listed((str(seed) for seed in sorted(seeds)), 10)}"
