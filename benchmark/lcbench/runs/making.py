"""What decides the result of a run, and what does not."""

from __future__ import annotations

import json
from typing import Any

from lcbench.runs.records import RunConfig

_FREE: dict[str, Any] = {
    **dict.fromkeys(("commit", "purpose", "dataset", "taxonomy"), True),
    "backbone": {"checkpoint"},
}
"""What may differ between a stored run and the same run now, or is compared by what decides."""


def making(config: RunConfig) -> str:
    """Return everything that decides the result of a run, as JSON."""
    data = (config.dataset.sha256, config.dataset.groups_sha256, config.taxonomy.structure)
    return json.dumps([config.model_dump(mode="json", exclude=_FREE), data], sort_keys=True)


def same(stored: RunConfig, wanted: RunConfig) -> bool:
    """Compare what decides the result; neither the commit nor a folder's name makes it stale."""
    return making(stored) == making(wanted)
