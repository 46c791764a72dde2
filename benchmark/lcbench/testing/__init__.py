"""The contract of baselines, as a check that anybody's class can be put through.

    from lcbench.testing import check_baseline

    check_baseline(MyKind, settings={"neighbours": 3})

It does for baselines what scikit-learn's `check_estimator` does for estimators: it draws a small
data set of its own into a temporary folder, needs no network, no weights and no test runner, and
raises an `AssertionError` that names the rule that was broken.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from lcbench.models.baseline import Baseline, find_kind
from lcbench.taxonomy import Taxonomy, load_taxonomy
from lcbench.testing.rules import RULES, BrokenRuleError
from lcbench.testing.subject import Subject, draw_images, tiny_encoder

if TYPE_CHECKING:
    from lcbench.features.encoder import Encoder


def check_baseline(
    kind: type[Baseline] | str,
    *,
    settings: Mapping[str, Any] | None = None,
    backbone: Encoder | None = None,
    taxonomy: Taxonomy | None = None,
) -> None:
    """Check that a kind of baseline keeps the contract of `lcbench.models.baseline.Baseline`.

    The kind is fitted five times on about thirty small images, on the CPU.

    Parameters
    ----------
    kind
        The class, or what a recipe would write as `kind`.
    settings
        What a recipe would set; few epochs make the check fast.
    backbone
        Stands in for the backbone that the settings name; by default a tiny network with random
        weights.
    taxonomy
        The class tree; by default that of lung tissue.

    Raises
    ------
    AssertionError
        If a rule is broken; the message names the rule and what was found.
    """
    cls = find_kind(kind) if isinstance(kind, str) else kind
    tree = taxonomy or load_taxonomy()
    with (
        tempfile.TemporaryDirectory() as folder,
        patch.dict(os.environ, LCBENCH_CACHE=str(Path(folder) / "cache")),  # not the user's own
    ):
        encoder = backbone or tiny_encoder()
        images = draw_images(tree, Path(folder) / "data", encoder)
        subject = Subject(cls, settings or {}, tree, images, encoder)
        for rule, keeps in RULES.items():
            try:
                keeps(subject)
            except BrokenRuleError as broken:
                raise AssertionError(f"{cls.__name__}: {rule}: {broken}") from None
            except Exception as error:  # whatever the class raises, it breaks the rule
                found = f"{type(error).__name__}: {error}"
                raise AssertionError(f"{cls.__name__}: {rule}: it raised {found}") from error
