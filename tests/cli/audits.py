"""What tests of `lcbench audit` share: images of tissue, and reading what it wrote."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from click.testing import Result
from markdown_it import MarkdownIt

from lcbench.datasets.groups import read_groups

from ..leakage.tissue import saved, tile

SIDE = 160
PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
PLOTS = ["correlations.png", "group-sizes.png", "overlaps.png"]
Write = Callable[..., None]


def draw(seed: int, path: str | Path, turns: int = 0) -> None:
    """Write the tissue of a seed, in quarter turns."""
    saved(np.rot90(tile(seed, SIDE), turns), Path(path))


def written(folder: str | Path) -> list[str]:
    paths = (path for path in Path(folder).rglob("*") if path.is_file())
    return sorted(path.relative_to(folder).as_posix() for path in paths)


def found(folder: str | Path = "audit") -> Any:
    return json.loads((Path(folder) / "audit.json").read_text())


def page(folder: str | Path = "audit") -> str:
    return (Path(folder) / "README.md").read_text()


def sentences(result: Result) -> list[str]:
    return [line[2:] for line in result.stdout.splitlines() if line.startswith("- ")]


def group_column(folder: str | Path = "audit") -> dict[str, str]:
    table = read_groups(Path(folder) / "groups.csv")
    return dict(zip(table["image"], table["group"], strict=True))
