"""Images that have no such view as a recipe asks for, and are taken as they are."""

from __future__ import annotations

from lcbench.console import warn
from lcbench.features.cache import CachedArray
from lcbench.features.extraction import Features
from lcbench.features.views import View

_NAMED = 5
"""Images that a line names."""


def tell_unchanged(features: Features, view: View, prepared: CachedArray) -> None:
    """Say which images have no such view, and are shown as they are."""
    names = features.dataset.manifest["image"].iloc[prepared.unchanged].tolist()
    if names:
        more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
        warn(
            f"{view}: {len(names):,} of {len(features.dataset.manifest):,} images cannot be "
            f"changed so and are taken as they are: {', '.join(names[:_NAMED])}{more}"
        )
