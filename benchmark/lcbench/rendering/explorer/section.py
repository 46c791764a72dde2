"""A part of the page: what Python prepares, and what its script in `assets/` is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from markupsafe import Markup
from pydantic import JsonValue


@dataclass(frozen=True)
class Section:
    """A part of the page.

    Its script is `assets/<id>.js` and its own style `assets/<id>.css`, both where they exist. The
    script calls `lcbench.section("<id>", {start(root, data, arrays) {...}})`.

    Parameters
    ----------
    id
        Its address on the page, and the name of its script: a lower-case word.
    title
        Its heading; in the list of parts too.
    html
        What stands below the heading before any script runs. A template made it, so names from
        outside are escaped.
    data
        What its script is given, as JSON. Names from outside are plain text there, which the
        script must write as text.
    arrays
        Numbers by name that are too many for JSON: any shape, of integers or floats. The script
        reads them by `await arrays.load(name)`.
    """

    id: str
    title: str
    html: Markup = field(default_factory=Markup)
    data: JsonValue = None
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)
