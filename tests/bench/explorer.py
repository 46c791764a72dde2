"""Size and loading time of the page to explore: the most that it is made for.

On as many predictions as LC25000's lung classes give out of fold, of seven models and three seeds,
whose probabilities are random, so that they compress as little as any.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from frame import Ratio
from markupsafe import Markup
from pydantic import JsonValue
from report_statistics import FOLDS, MODELS, SEEDS, TAXONOMY, predictions
from simulated import Groups, lc25000_groups

from lcbench.analysis.selective import COVERAGES
from lcbench.predictions.alignment import Aligned, align
from lcbench.rendering.explorer.curves import ProtocolCurves
from lcbench.rendering.explorer.document import document
from lcbench.rendering.explorer.image_data import ProtocolImages, image_columns, level_data
from lcbench.rendering.explorer.section import Section
from lcbench.rendering.explorer.subsets import copies_in_training
from lcbench.runs.suite_images import TEST, TRAIN, SplitImages, SuiteImages
from lcbench.statistics.tree import ClassTree

SIZE, SECONDS = 15.0, 2.0
"""MB and seconds, that the project sets itself."""


def measure(quick: bool = False) -> list[Ratio]:
    """Write the page and load it, where there is a browser."""
    groups = lc25000_groups().first(20) if quick else lc25000_groups()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "index.html"
        rows = _write(groups, file)
        what = f"{MODELS} models x {rows:,} predictions, {SEEDS} seeds"
        size = file.stat().st_size / 1e6
        found = [Ratio(f"page to explore, {what}", "the bound", "MB", ((size, SIZE),), 1)]
        seconds = _load(file)
    if seconds is not None:
        name = f"loading the page in Chromium, {what}"
        found.append(Ratio(name, "the bound", "s", ((seconds, SECONDS),), 1))
    return found


def _write(groups: Groups, file: Path) -> int:
    """Write a page with all that speaks of images; return the predictions of each model."""
    aligned = align([predictions(f"model {n}", groups, n) for n in range(MODELS)], by="image")
    images = _images(aligned)
    protocol = ProtocolImages(0, "grouped", aligned, images.splits, images)
    tree = ClassTree.of(TAXONOMY)
    pictures = np.ones(len(images.table), np.uint8)
    arrays = {**image_columns(images, tree), "pictures": pictures, **dict(protocol.arrays(tree))}
    data = {
        "reference": aligned.names[0],
        "leaves": list(tree.leaves),
        "nodes": list(tree.nodes),
        "levels": level_data(TAXONOMY),
        "protocols": [protocol.data(aligned.names, floor=())],
        "explanations": {},
    }
    sections = [
        Section("images", "Images", Markup(), data, arrays),
        Section("pairs", "Pairs", Markup(), {"protocols": [[]]}),
        _curves(protocol, tree),
        _subsets(protocol),
        Section("notes", "Notes", Markup(), {"key": "none", "suite": "most"}),
    ]
    file.write_text(document("The most", sections, ()), "utf-8")
    return len(aligned.rows)


def _curves(protocol: ProtocolImages, tree: ClassTree) -> Section:
    """Return the curves without what the analysis says of them, which is little."""
    levels: JsonValue = [
        {"curve": [], "points": [], "reliability": []} for _ in range(tree.taxonomy.height)
    ]
    models: JsonValue = {str(place): levels for place in range(MODELS)}
    data: JsonValue = {
        "coverages": list[JsonValue](COVERAGES),
        "protocols": [{"series": 0, "models": models}],
    }
    arrays = dict(ProtocolCurves(TAXONOMY, protocol).arrays())
    return Section("curves", "Curves", Markup(), data, arrays)


def _subsets(protocol: ProtocolImages) -> Section:
    """Return the parts of the images, with none that has estimates."""
    data: JsonValue = {"confusion": None, "protocols": [[]], "strict": 0, "flattering": None}
    return Section("subsets", "Parts", Markup(), data, {"copies-0": copies_in_training(protocol)})


def _images(aligned: Aligned) -> SuiteImages:
    """Return the images of predictions, each tested once a seed and trained on in other folds."""
    columns = {"image": "image", "true": "label", "group": "group", "sha256": "sha256"}
    first = aligned.rows.drop_duplicates("image")[list(columns)].rename(columns=columns)
    images = SuiteImages(first.sort_values("image", ignore_index=True), ())
    place = pd.Index(images.table["image"])
    splits = []
    for seed in range(SEEDS):
        for fold in range(FOLDS):
            own = (aligned.rows["seed"] == seed) & (aligned.rows["fold"] == fold)
            sides = np.full(len(place), TRAIN, np.uint8)
            sides[place.get_indexer(pd.Index(aligned.rows["image"][own]))] = TEST
            splits.append(SplitImages("grouped", seed, fold, sides, True, None))
    return SuiteImages(images.table, tuple(splits))


def _load(file: Path) -> float | None:
    """Return seconds until all is drawn and a cell can be opened; None without a browser."""
    chromium = os.environ.get("LCBENCH_CHROMIUM") or shutil.which("chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return None
    if not chromium:
        return None
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        started = time.perf_counter()
        page.goto(file.as_uri())
        for part in ("images", "pairs", "curves", "subsets"):
            page.wait_for_selector(f"#{part}[data-drawn]", state="attached")
        seconds = time.perf_counter() - started
        browser.close()
    return seconds
