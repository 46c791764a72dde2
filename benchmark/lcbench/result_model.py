"""The base of everything that is stored as JSON for readers: results and audits."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class ResultModel(BaseModel):
    """Base of every part of the results: immutable, unknown keys refused, infinity as text."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, ser_json_inf_nan="strings"
    )
