"""Embeddings of other images, for runs that were trained on a file of embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lcbench.datasets.dataset import Dataset
from lcbench.errors import wrong_usage
from lcbench.features.embedding_files import EmbeddingFile, open_embeddings
from lcbench.features.embedding_tables import is_embedding_file
from lcbench.runs.stored import StoredRun


def embeddings_of(
    runs: Sequence[StoredRun], given: Sequence[str], dataset: Dataset
) -> tuple[dict[str, EmbeddingFile], dict[str, str]]:
    """Find the embeddings of a dataset for the runs that were trained on a file of embeddings.

    Parameters
    ----------
    runs
        Any; those that look at images do not matter.
    given
        What was typed after `--embeddings`: a file, or `NAME=FILE` with the name that the suite has
        for the file that was trained on, where there are several.
    dataset
        The images that are predicted.

    Returns
    -------
    files, left_out
        The file in the place of each that was trained on; why baselines have none.

    Raises
    ------
    UserError
        If a file cannot be read, does not hold every image, or is for no run.
    """
    names = {
        run.config.baseline: run.config.backbone.name
        for run in runs
        if run.config.backbone and is_embedding_file(run.config.backbone.name)
    }
    places = _places(given, sorted(set(names.values())))
    files = {name: open_embeddings(path, name) for name, path in places.items()}
    for file in files.values():
        file.of(dataset.manifest)
    left_out = {
        baseline: f"trained on the embeddings {name}: those of these images are needed "
        f"(--embeddings {name}=FILE)"
        for baseline, name in names.items()
        if name not in files
    }
    return files, left_out


def _places(given: Sequence[str], names: Sequence[str]) -> dict[str, Path]:
    """Return where the embeddings are that stand in the place of each file."""
    places: dict[str, Path] = {}
    for typed in given:
        name, sign, path = typed.partition("=")
        if not (sign and name in names):
            if len(names) != 1:
                what = ", ".join(names) or "no file of embeddings"
                raise wrong_usage(
                    f"--embeddings {typed}: the runs were trained on {what}",
                    "Say for which one: --embeddings NAME=FILE." if names else "Leave it out.",
                )
            name, path = names[0], typed
        if name in places:
            raise wrong_usage(f"--embeddings: two files in the place of {name}")
        places[name] = Path(path)
    return places
