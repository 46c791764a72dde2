"""What pictures are saved as."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lcbench.rendering.plots import canvas


@pytest.mark.parametrize("photographs", [False, True])
def test_plots_have_few_colours_and_photographs_all(tmp_path: Path, *, photographs: bool) -> None:
    with canvas.style():
        figure = canvas.new_figure(2.0)
        axes = canvas.axes_at(figure, 0.2, 0.2, 1.5, 1.5)
        axes.imshow(np.random.default_rng(0).random((64, 64, 3)), interpolation="nearest")
        path = canvas.save(figure, tmp_path / "new" / "picture.png", photographs=photographs)
    with Image.open(path) as picture:
        colours = picture.convert("RGB").getcolors(maxcolors=1 << 24)
    assert colours is not None
    assert (len(colours) > 1000) == photographs
    assert not {"Software", "date:create"} & set(picture.info)
