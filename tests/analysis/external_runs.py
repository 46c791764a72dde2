"""Predictions on an external folder, drawn at random."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from lcbench.predictions.table import predictions_table, write_predictions
from lcbench.runs.external_records import ExternalRecord, LabelCount, Predicted
from lcbench.runs.plan_records import LeftOut
from lcbench.runs.records import write_record
from lcbench.runs.stored import read_run, stored_file
from lcbench.storage.hashes import content_hash

if TYPE_CHECKING:
    from .runfolders import Shape

_LEAVES = ("benign", "adenocarcinoma", "squamous_cell_carcinoma")
_CT_LABELS = {
    "adenocarcinoma": ("adenocarcinoma", 92),
    "large.cell.carcinoma": ("malignant", 51),
    "normal": ("benign", 29),
    "squamous.cell.carcinoma": ("squamous_cell_carcinoma", 62),
    "what?|<b>": ("", 4),
}


def write_external(folder: Path, shape: Shape) -> None:
    """Write the predictions of every run of a suite on one external folder."""
    rows = [
        (f"{label}/{number}.png", node)
        for label, (node, count) in _CT_LABELS.items()
        for number in range(count)
        if node
    ]
    images = pd.DataFrame(rows, columns=["image", "label"])
    images["group"] = ""
    images["sha256"] = [content_hash(image) for image in images["image"]]
    images.loc[1, "sha256"] = images.loc[0, "sha256"]
    target = folder / "external" / shape.external
    predicted = {}
    for protocol in shape.protocols:
        for baseline in shape.baselines:
            for seed in range(shape.seeds):
                for fold in range(5 if protocol == "grouped" else 1):
                    file = _write_external_run(target, images, protocol, baseline, seed, fold)
                    name = f"{protocol}/{baseline}/{file.stem}"
                    run = read_run(folder / name).identity
                    predicted[name] = Predicted(file=stored_file(file), run=run)
    record = ExternalRecord(
        name=shape.external,
        command=f"lcbench evaluate {shape.external}",
        created="2025-11-23T14:00:00+00:00",
        labels=tuple(
            LabelCount(label=label, node=node, images=count)
            for label, (node, count) in _CT_LABELS.items()
        ),
        images=238,
        scored=len(images),
        copies=1,
        contradictions=("normal/3.png = adenocarcinoma/7.png",),
        unreadable=("normal/x.png: truncated file",),
        left_out=(LeftOut(baseline="tf_efficientnet_lite1", reason="weights are gone"),),
        predicted=predicted,
    )
    write_record(target / "evaluation.json", record)


def _write_external_run(
    target: Path, images: pd.DataFrame, protocol: str, baseline: str, seed: int, fold: int
) -> Path:
    generator = np.random.default_rng([seed, fold, *baseline.encode()])
    guess = generator.dirichlet((0.5, 1.2, 0.8), size=len(images))
    if baseline == "majority":
        guess = np.tile([0.4, 0.3, 0.3], (len(images), 1))
    predictions = predictions_table(
        images, guess, _LEAVES, protocol=protocol, seed=seed, fold=fold, baseline=baseline
    )
    name = f"seed{seed}" + (f"-fold{fold}" if protocol == "grouped" else "")
    path = target / protocol / baseline / f"{name}.parquet"
    write_predictions(path, predictions)
    return path
