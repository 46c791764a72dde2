"""From the paths on a command line to the predictions of named models."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from lcbench.datasets.labels import LabelReader
from lcbench.errors import wrong_usage
from lcbench.predictions.messages import clipped, counted, printable
from lcbench.predictions.table import Predictions
from lcbench.predictions.validation import load_predictions


def load_models(
    paths: Sequence[Path],
    reader: LabelReader,
    names: Sequence[str] = (),
    load: Callable[[Path, LabelReader], Predictions] = load_predictions,
) -> tuple[Predictions, ...]:
    """Read the predictions of several models.

    Parameters
    ----------
    paths
        One file or folder of runs a model. The same path may stand twice.
    reader
        Reads the class names.
    names
        What the models are called, in the order of the paths; by default the baseline that a
        file names, else the file or folder itself. Names that are equal are told apart by the
        protocol, by a folder above, or by a number.
    load
        Reads one path.

    Raises
    ------
    UserError
        If a file cannot be used, with what is wrong with it, or if the names do not fit.
    """
    names = [printable(name) for name in names]
    if names:
        _check_names(names, paths)
    models = [load(path, reader) for path in paths]
    own = names or _distinct_names(models, paths)
    return tuple(replace(model, name=name) for model, name in zip(models, own, strict=True))


def _check_names(names: Sequence[str], paths: Sequence[Path]) -> None:
    if len(names) != len(paths):
        raise wrong_usage(
            f"{counted(len(names), 'name')} for {counted(len(paths), 'prediction file')}",
            "Give each file a name, in the same order, or none of them.",
        )
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise wrong_usage(
            f"two models are called {clipped(twice)!r}", "Give each file a name of its own."
        )
    if not all(names):
        raise wrong_usage("the name of a model is empty", "Give each file a name.")


def _distinct_names(models: Sequence[Predictions], paths: Sequence[Path]) -> list[str]:
    """Return a name for each model; equal ones get what tells them apart, if only a number."""
    names = [printable(model.name) for model in models]
    for words in (_protocols(models), *_folders_above(paths)):
        for name in dict.fromkeys(name for name in names if names.count(name) > 1):
            clashing = [index for index, other in enumerate(names) if other == name]
            if len({words[index] for index in clashing}) > 1:
                for index in clashing:
                    word = words[index]
                    names[index] = printable(f"{name} ({word})") if word else name
    return _numbered(names)


def _protocols(models: Sequence[Predictions]) -> list[str]:
    """Return the protocol of each model, empty where it names none."""
    return [next(filter(None, model.table["protocol"]), "") for model in models]


def _folders_above(paths: Sequence[Path]) -> Iterator[list[str]]:
    """Yield the names of the folders above each path, the nearest first."""
    parents = [path.absolute().parents for path in paths]
    for level in range(max(map(len, parents), default=0)):
        yield [(above[level:] or (Path(),))[0].name for above in parents]


def _numbered(names: Sequence[str]) -> list[str]:
    taken = set(names)
    seen: set[str] = set()
    result = []
    for name in names:
        own, number = name, 2
        while own in seen or (own != name and own in taken):
            own, number = f"{name} ({number})", number + 1
        seen.add(own)
        result.append(own)
    return result
