"""Images that a recipe cannot change as it says: how many each baseline used as they are."""

from __future__ import annotations

from lcbench.runs.finished import FinishedSuite


def unchanged_notes(suite: FinishedSuite, protocol: str) -> tuple[str, ...]:
    """Return a sentence for each baseline whose recipe left images as they are."""
    notes = []
    for name in suite.baselines:
        runs = suite.runs_of(protocol=protocol, baseline=name)
        images = max((run.state.unchanged for run in runs), default=0)
        if images:
            how = runs[0].config.recipe.get("normalised") or "its recipe"
            number = "1 image" if images == 1 else f"{images:,} images"
            notes.append(
                f"{name}: {how} cannot change {number} of the whole dataset: used unchanged, in "
                "training and in test"
            )
    return tuple(notes)
