"""Pictures of the checks of explanations: drawn where there is something, the same each time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from lcbench.explanations.checks import MethodChecks
from lcbench.rendering.plots import canvas
from lcbench.rendering.plots.explanations import (
    draw_perturbation,
    draw_randomisation,
    draw_tissue,
)

from ..explained import checks

Draw = Callable[[Sequence[MethodChecks], str, Path], Path | None]
ALL: list[Draw] = [draw_randomisation, draw_perturbation, draw_tissue]


@pytest.fixture(scope="module")
def methods() -> list[MethodChecks]:
    return [checks("saliency"), checks("grad-cam", 0.2, 0.3)]


@pytest.mark.parametrize("draw", ALL)
def test_every_picture_says_how_its_methods_fared(
    draw: Draw, methods: list[MethodChecks], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names: list[str] = []
    written = canvas.name_panel

    def noted(axes: Any, name: str, **options: Any) -> None:
        names.append(name)
        written(axes, name, **options)

    monkeypatch.setattr(canvas, "name_panel", noted)
    first = draw(methods, "data", tmp_path / "first.png")
    assert first is not None
    assert first.stat().st_size > 5_000
    assert all("(fails 4 of 7 checks)" in name or "(passes 7 checks)" in name for name in names)
    assert len(names) >= 2


@pytest.mark.parametrize("draw", ALL)
def test_nothing_is_drawn_of_checks_that_were_not_made(
    draw: Draw, methods: list[MethodChecks], tmp_path: Path
) -> None:
    nothing = {"randomisation": None, "perturbation": None, "tissue": None}
    bare = [one.model_copy(update=nothing) for one in methods]
    assert draw(bare, "data", tmp_path / "none.png") is None
    assert not list(tmp_path.iterdir())


def test_the_same_checks_give_the_same_bytes_and_grey_images_no_picture(
    methods: list[MethodChecks], tmp_path: Path
) -> None:
    first, second = (draw_tissue(methods[:1], "data", tmp_path / f"{name}.png") for name in "ab")
    assert first is not None
    assert second is not None
    assert first.read_bytes() == second.read_bytes()
    assert draw_tissue([checks(stained=False)], "data", tmp_path / "grey.png") is None
