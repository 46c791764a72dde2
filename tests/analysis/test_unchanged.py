"""Images that a recipe left as they are: counted from the state of the runs, and on the page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from lcbench.analysis.results import Results
from lcbench.rendering.report.missing import missing_parts

from ..stored import rewrite
from .runfolders import Shape, make_runs


def test_images_that_a_recipe_left_as_they_are_are_counted_once_a_baseline(
    tmp_path: Path, shape: Shape, analysed: Callable[..., Results]
) -> None:
    folder = make_runs(tmp_path, replace(shape, seeds=1))
    for number, state in enumerate(sorted(folder.glob("grouped/reference/*/state.json"))):
        rewrite(state, unchanged=1_000 if number == 1 else 0)
    rewrite(folder / "grouped" / "colour" / "seed0-fold0" / "state.json", unchanged=1)
    results = analysed(folder)
    lines = dict(missing_parts(results))["Protocols"]
    assert [line for line in lines if "used unchanged" in line] == [
        f"Leakage-free: {name}: its recipe cannot change {images} of the whole dataset: used "
        "unchanged, in training and in test"
        for name, images in sorted([("reference", "1,000 images"), ("colour", "1 image")])
    ]
    assert not any("used unchanged" in note for note in results.protocols[0].comparison.notes)
