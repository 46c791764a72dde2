"""Results that were written as JSON, read back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TypeAlias

from pydantic import ValidationError

from lcbench.analysis.results import ComparisonResults, Results
from lcbench.audit.results import AuditResults
from lcbench.documents import explain, read_json
from lcbench.errors import UserError

AnyResults: TypeAlias = Results | ComparisonResults | AuditResults
_MODELS: dict[str, type[AnyResults]] = {
    "lcbench report": Results,
    "lcbench compare": ComparisonResults,
    "lcbench audit": AuditResults,
}
_NAMES = ("results.json", "audit.json")
_WRITE_AGAIN = (
    "Write it again with this version: lcbench report, lcbench compare --out or lcbench audit."
)
_WRITERS = (
    "Name what lcbench report or lcbench audit wrote (a folder or its JSON file), or what lcbench "
    "compare wrote with --out x.json."
)


def read_results(path: str | Path) -> AnyResults:
    """Read what `lcbench report`, `lcbench compare` or `lcbench audit` wrote as JSON.

    Parameters
    ----------
    path
        The JSON file, or the folder that a report or an audit was written to.

    Returns
    -------
    Results, ComparisonResults or AuditResults
        By the command that wrote the file.

    Raises
    ------
    UserError
        If there is no such file, another program wrote it, or another version of lcbench whose
        schema cannot be read.
    """
    file = _file(Path(path))
    values = _json_object(file)
    version = values.get("schema_version")
    if "suites" in values and version is None:
        raise UserError(f"{file}: the list of several reports", "Name the folder of one of them.")
    if version == 1:
        raise UserError(f"{file}: written by an older lcbench (schema 1)", _WRITE_AGAIN)
    model = _MODELS.get(str(values.get("generator")))
    if model is None or not isinstance(version, int):
        raise UserError(f"{file}: not written by lcbench", _WRITERS)
    current = model.model_fields["schema_version"].default
    if version < current:
        raise UserError(f"{file}: written by an older lcbench (schema {version})", _WRITE_AGAIN)
    if version > current:
        raise UserError(f"{file}: written by a newer lcbench (schema {version})", "Update lcbench.")
    try:
        return model.model_validate_json(json.dumps(values))
    except ValidationError as error:
        raise UserError(f"{file}: {explain(error)}", _WRITE_AGAIN) from error


def _file(path: Path) -> Path:
    if not path.is_dir():
        return path
    found = [path / name for name in _NAMES if (path / name).is_file()]
    if not found:
        raise UserError(f"{path}: a folder without {' or '.join(_NAMES)}", _WRITERS)
    return found[0]


def _json_object(file: Path) -> dict[str, object]:
    values = read_json(file, _WRITERS)
    if not isinstance(values, dict):
        raise UserError(f"{file}: not written by lcbench", _WRITERS)
    return values
