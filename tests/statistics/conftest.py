"""Numbers from elsewhere that the statistics must reproduce."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

# The first call of a test may import statsmodels, and other work may share the machine.
settings.register_profile("statistics", deadline=None, max_examples=50)
settings.load_profile("statistics")

if TYPE_CHECKING:
    from lcbench.taxonomy import Taxonomy

_ORACLES = Path(__file__).resolve().parents[3] / "shared" / "oracles"


@pytest.fixture
def oracle() -> Callable[[str], Any]:
    def load(name: str) -> Any:
        path = _ORACLES / name
        if not path.exists():
            pytest.skip(f"{name} lies in shared/ beside the checkout, which is not here")
        return json.loads(path.read_text(encoding="utf-8"))

    return load


@pytest.fixture(scope="session")
def deep(lung: Taxonomy) -> Taxonomy:
    """A ragged tree of depth 3 with four leaves."""
    parents = {
        "benign": "root",
        "malignant": "root",
        "small_cell": "malignant",
        "non_small_cell": "malignant",
        "adeno": "non_small_cell",
        "squamous": "non_small_cell",
    }
    return dataclasses.replace(lung, name="deep", parents=parents)
