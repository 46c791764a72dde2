"""Predictions of all baselines of a protocol, side by side on the same test images."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lcbench.errors import UserError
from lcbench.rendering.formats import listing, plural
from lcbench.runs.finished_suite import Run, Suite
from lcbench.statistics.groups import cluster_codes

Cell = tuple[int, int]


@dataclass(frozen=True)
class Pool:
    """Aligned predictions of one protocol: one row a test image and seed.

    Parameters
    ----------
    protocol
        Name of the protocol.
    rows
        Columns image, sha256, group, true (index of the leaf), seed, and cluster (index of the
        source group among all groups of the suite).
    predicted
        Index of the predicted leaf, for each baseline.
    probabilities
        (rows, leaves) probabilities, for each baseline.
    groups_known
        Whether clusters are source groups; otherwise they are images.
    notes
        What was left out so that all baselines have the same rows.
    """

    protocol: str
    rows: pd.DataFrame
    predicted: dict[str, NDArray[np.int64]]
    probabilities: dict[str, NDArray[np.float64]]
    groups_known: bool
    notes: tuple[str, ...]

    @property
    def true(self) -> NDArray[np.int64]:
        """Index of the true leaf of each row."""
        return self.rows["true"].to_numpy(np.int64)

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seeds, ascending."""
        return tuple(int(seed) for seed in np.unique(self.rows["seed"]))

    @property
    def clusters(self) -> NDArray[np.int64]:
        """Index of the cluster of each row, among all clusters of the suite."""
        return self.rows["cluster"].to_numpy(np.int64)

    @property
    def own_clusters(self) -> NDArray[np.int64]:
        """Index of the cluster of each row, among the clusters of this protocol."""
        return np.unique(self.clusters, return_inverse=True)[1]


def pools(suite: Suite) -> tuple[Pool, ...]:
    """Return the predictions of each protocol on the images that its baselines share.

    Raises
    ------
    UserError
        If prediction files contradict each other about an image.
    """
    parts = [_align(suite, protocol) for protocol in suite.protocols]
    rows = pd.concat([part.rows for part in parts], ignore_index=True)
    clusters = cluster_codes(list(rows["group"]), list(rows["sha256"]))
    rows["cluster"] = clusters.codes
    ends = np.cumsum([len(part.rows) for part in parts])
    return tuple(
        Pool(
            protocol=part.protocol,
            rows=rows.iloc[end - len(part.rows) : end],
            predicted=part.predicted,
            probabilities=part.probabilities,
            groups_known=clusters.known,
            notes=part.notes,
        )
        for part, end in zip(parts, ends, strict=True)
    )


@dataclass(frozen=True)
class _Aligned:
    protocol: str
    rows: pd.DataFrame
    predicted: dict[str, NDArray[np.int64]]
    probabilities: dict[str, NDArray[np.float64]]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _AlignedCell:
    """One seed and fold of every baseline, on the images that they share."""

    rows: pd.DataFrame
    predicted: dict[str, NDArray[np.int64]]
    probabilities: dict[str, NDArray[np.float64]]
    dropped: int


def _align(suite: Suite, protocol: str) -> _Aligned:
    runs = suite.runs_of(protocol=protocol)
    by_baseline: dict[str, dict[Cell, Run]] = {}
    for run in runs:
        by_baseline.setdefault(run.config.baseline, {})[_cell(run)] = run
    ordered = [name for name in suite.baselines if name in by_baseline]
    baselines, notes = _with_shared_cells(ordered, by_baseline)
    cells = set.intersection(*(set(by_baseline[name]) for name in baselines))
    everything = set.union(*(set(by_baseline[name]) for name in baselines))
    if everything - cells:
        notes.append(_missing_cells(everything - cells, baselines, by_baseline))
    aligned = [
        _align_cell(cell, {name: by_baseline[name][cell] for name in baselines}, suite)
        for cell in sorted(cells)
    ]
    dropped = sum(part.dropped for part in aligned)
    if dropped:
        notes.append(
            f"{plural(dropped, 'prediction')} of some baselines are left out because others lack "
            "the image."
        )
    return _Aligned(
        protocol,
        pd.concat([part.rows for part in aligned], ignore_index=True),
        {name: np.concatenate([part.predicted[name] for part in aligned]) for name in baselines},
        {
            name: np.concatenate([part.probabilities[name] for part in aligned])
            for name in baselines
        },
        tuple(notes),
    )


def _cell(run: Run) -> Cell:
    return run.config.seed, run.config.fold


def _with_shared_cells(
    baselines: list[str], by_baseline: dict[str, dict[Cell, Run]]
) -> tuple[list[str], list[str]]:
    """Leave out baselines that share no seed and fold with the rest."""
    counts = Counter(cell for name in baselines for cell in by_baseline[name])
    anchor = max(sorted(counts), key=lambda cell: counts[cell])
    kept = [name for name in baselines if anchor in by_baseline[name]]
    gone = [name for name in baselines if name not in kept]
    verb = "is" if len(gone) == 1 else "are"
    note = f"{listing(gone)} {verb} left out: no seed and fold in common with the other baselines."
    return kept, [note] if gone else []


def _missing_cells(
    missing: set[Cell], baselines: list[str], by_baseline: dict[str, dict[Cell, Run]]
) -> str:
    lacking = [name for name in baselines if missing - set(by_baseline[name])]
    folds = listing([f"seed {seed} fold {fold}" for seed, fold in sorted(missing)])
    return (
        f"Compared on the runs that every baseline has: {folds} left out, "
        f"because {listing(lacking)} did not finish there."
    )


def _align_cell(cell: Cell, runs: dict[str, Run], suite: Suite) -> _AlignedCell:
    tables = {name: run.predictions.table.set_index("image") for name, run in runs.items()}
    first = next(iter(tables.values()))
    shared = first.index
    for table in tables.values():
        shared = shared[shared.isin(table.index)]
    if shared.empty:
        raise UserError(
            f"{' and '.join(run.name for run in runs.values())}: no test image in common",
            "They were made from different splits: run the suite again into a new folder.",
        )
    rows = first.loc[shared, ["sha256", "group", "true"]]
    for name, table in tables.items():
        if not table.loc[shared, ["sha256", "group", "true"]].equals(rows):
            raise UserError(
                f"{runs[name].name}: other labels, groups or hashes than "
                f"{next(iter(runs.values())).name} for the same images",
                "They were made from different data: run the suite again into a new folder.",
            )
    leaf_index = pd.Index(suite.taxonomy.leaves)
    rows = rows.assign(true=leaf_index.get_indexer(pd.Index(rows["true"])), seed=cell[0])
    predicted = {
        name: leaf_index.get_indexer(pd.Index(table.loc[shared, "predicted"])).astype(np.int64)
        for name, table in tables.items()
    }
    probabilities = {
        name: runs[name].predictions.probabilities[table.index.get_indexer(shared)]
        for name, table in tables.items()
    }
    dropped = sum(len(table) - len(shared) for table in tables.values())
    return _AlignedCell(rows.reset_index(), predicted, probabilities, dropped)
