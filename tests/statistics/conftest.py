"""Numbers from elsewhere that the statistics must reproduce."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# The first call of a test may import statsmodels, and other work may share the machine.
settings.register_profile("statistics", deadline=None)
settings.load_profile("statistics")

_ORACLES = Path(__file__).resolve().parents[3] / "shared" / "oracles"


@pytest.fixture
def oracle() -> Callable[[str], Any]:
    def load(name: str) -> Any:
        path = _ORACLES / name
        if not path.exists():
            pytest.skip(f"{name} lies in shared/ beside the checkout, which is not here")
        return json.loads(path.read_text(encoding="utf-8"))

    return load
