"""The picture of external folders."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from lcbench.rendering.plots.external import draw_external

from .. import external, suites


def test_a_panel_a_folder(tmp_path: Path) -> None:
    one = draw_external(suites.lung(external=(external.everything(),)), tmp_path / "one.png")
    folders = (external.everything("a"), external.everything("b"))
    two = draw_external(suites.lung(external=folders), tmp_path / "two.png")
    assert one is not None
    assert two is not None
    with Image.open(one) as first, Image.open(two) as second:
        assert first.width == second.width
        assert first.height < second.height


def test_nothing_is_drawn_where_nothing_is_scored(tmp_path: Path) -> None:
    nothing = external.everything().model_copy(update={"levels": ()})
    assert draw_external(suites.lung(external=(nothing,)), tmp_path / "no.png") is None
