"""From the paths on a command line to the predictions of named models."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lcbench.datasets.labels import LabelReader
from lcbench.errors import UserError, wrong_usage
from lcbench.predictions.reading.findings import clipped, counted, printable
from lcbench.predictions.reading.inspection import Inspection, ModelPredictions, inspect_predictions

_SHOWN = 10


def load_models(
    paths: Sequence[Path], reader: LabelReader, names: Sequence[str] = ()
) -> tuple[ModelPredictions, ...]:
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

    Raises
    ------
    UserError
        If a file cannot be used, with what is wrong with it, or if the names do not fit.
    """
    names = [printable(name) for name in names]
    if names:
        _check_names(names, paths)
    loaded = [_load(path, reader) for path in paths]
    own = names or _distinct_names(loaded)
    return tuple(replace(one.predictions, name=name) for one, name in zip(loaded, own, strict=True))


@dataclass(frozen=True)
class _Loaded:
    path: Path
    protocol: str
    predictions: ModelPredictions


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


def _load(path: Path, reader: LabelReader) -> _Loaded:
    inspection = inspect_predictions(path, reader)
    if inspection.predictions is None:
        raise _unusable(inspection)
    return _Loaded(path, inspection.columns.protocol, inspection.predictions)


def _unusable(inspection: Inspection) -> UserError:
    path, problems = inspection.path, inspection.problems
    every = f"lcbench validate {shlex.quote(str(path))}"
    if len(problems) == 1:
        remedy = f"{problems[0].remedy}\n'{every}' checks the file again."
        return UserError(f"{path}: {problems[0].what}", remedy.strip())
    lines = [f"- {problem.what}" for problem in problems[:_SHOWN]]
    if len(problems) > _SHOWN:
        lines.append(f"- and {len(problems) - _SHOWN:,} more")
    return UserError(
        "\n".join([f"{path}: {counted(len(problems), 'problem')}", *lines]),
        f"'{every}' shows them all, and what to do about each.",
    )


def _distinct_names(loaded: Sequence[_Loaded]) -> list[str]:
    """Return a name for each model; equal ones get what tells them apart, if only a number."""
    names = [printable(one.predictions.name) for one in loaded]
    for tell_apart in (_protocol, *_folders_above(loaded)):
        for name in dict.fromkeys(name for name in names if names.count(name) > 1):
            clashing = [index for index, other in enumerate(names) if other == name]
            words = {index: tell_apart(loaded[index]) for index in clashing}
            if len(set(words.values())) > 1:
                for index, word in words.items():
                    names[index] = printable(f"{name} ({word})") if word else name
    return _numbered(names)


def _protocol(one: _Loaded) -> str:
    return one.protocol


def _folders_above(loaded: Sequence[_Loaded]) -> list[Callable[[_Loaded], str]]:
    """Return the names of the folders above a path, the nearest first."""

    def above(level: int) -> Callable[[_Loaded], str]:
        return lambda one: (one.path.absolute().parents[level:] or (Path(),))[0].name

    deepest = max((len(one.path.absolute().parents) for one in loaded), default=0)
    return [above(level) for level in range(deepest)]


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
