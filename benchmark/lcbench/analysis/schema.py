"""The JSON Schema of result files, written from the models: `python -m lcbench.analysis.schema`."""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import Field, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from lcbench.analysis.results import ComparisonResults, Results

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


class _WhatIsWritten(GenerateJsonSchema):
    """Every key is written, those with a default too."""

    def field_is_required(self, *_: object, **__: object) -> bool:
        return True


def results_schema() -> dict[str, Any]:
    """Return the JSON Schema of what `lcbench report` and `lcbench compare` write as JSON.

    A file is told apart by its key `generator`. NaN never stands in one; a number that may be
    infinite is the text "Infinity" or "-Infinity" where it is.
    """
    file: TypeAdapter[Any] = TypeAdapter(
        Annotated[Results | ComparisonResults, Field(discriminator="generator")]
    )
    return {
        "$schema": _DIALECT,
        "title": "Results of lcbench report and of lcbench compare",
        **file.json_schema(mode="serialization", schema_generator=_WhatIsWritten),
    }


if __name__ == "__main__":
    print(json.dumps(results_schema(), indent=2))
