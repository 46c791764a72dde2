"""What every test can use: caches of its own, small image folders, the shared real data."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import settings
from PIL import Image

from .processes import FEW_PAIRS

if TYPE_CHECKING:
    from lcbench.compute import Compute
    from lcbench.datasets.dataset import Dataset
    from lcbench.models.backbones import Backbone
    from lcbench.taxonomy import Taxonomy

# Other work may share the machine: a slow example is no failed one.
settings.register_profile("lcbench", deadline=None)
settings.load_profile("lcbench")

SHARED = Path(__file__).resolve().parents[2] / "shared"


def pytest_configure() -> None:
    """Keep torch to one thread: tiny networks lose time to threads, other tests too."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keep the user's cache out of the tests; one cache for the session saves embedding twice."""
    folder = tmp_path_factory.mktemp("cache")
    before = os.environ.get("LCBENCH_CACHE")
    os.environ["LCBENCH_CACHE"] = str(folder)
    yield folder
    if before is None:
        del os.environ["LCBENCH_CACHE"]
    else:
        os.environ["LCBENCH_CACHE"] = before


@pytest.fixture(scope="session", autouse=True)
def few_unrelated_pairs() -> Iterator[None]:
    """Learn how far chance gets from few pairs: the tests of `leakage` know how many it takes."""
    with pytest.MonkeyPatch.context() as patch:
        for module in ("unrelated", "sources"):
            patch.setattr(f"lcbench.leakage.{module}.PAIRS", FEW_PAIRS)
        yield


@pytest.fixture(scope="session")
def small_demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small demonstration set: 3 classes x 8 source tiles x 3 copies, with groups.csv."""
    from lcbench.datasets.demo import create_demo

    folder = tmp_path_factory.mktemp("small") / "demo"
    create_demo(folder, tiles_per_class=8, copies=3)
    return folder


@pytest.fixture
def shared_data() -> Path:
    """The real data beside the checkout; the test is skipped where it is absent."""
    folder = SHARED / "data"
    if not folder.is_dir():
        pytest.skip(f"real data not present at {folder}")
    return folder


@pytest.fixture
def write_images() -> Callable[..., None]:
    """Write small random images: write_images(folder, {"normal": 3, "aca": 2})."""

    def write(folder: Path, counts: dict[str, int], size: int = 32) -> None:
        random = np.random.default_rng(0)
        for name, count in counts.items():
            (folder / name).mkdir(parents=True, exist_ok=True)
            for number in range(count):
                pixels = random.integers(0, 256, (size, size, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / name / f"{number:03d}.png")

    return write


@pytest.fixture(scope="session")
def lung() -> Taxonomy:
    """The default class tree."""
    from lcbench.taxonomy import load_taxonomy

    return load_taxonomy()


@pytest.fixture(scope="session")
def cpu() -> Compute:
    """The CPU in 32 bits, which every machine has."""
    from lcbench.compute import resolve_compute

    return resolve_compute("cpu", "32")


@pytest.fixture(scope="session")
def demo_dataset(small_demo: Path, lung: Taxonomy) -> Dataset:
    """The small demonstration set as a dataset with known source groups."""
    from lcbench.datasets.dataset import load_dataset
    from lcbench.datasets.labels import LabelReader

    return load_dataset(str(small_demo), LabelReader(lung), small_demo / "groups.csv")


@pytest.fixture(scope="session")
def tiny_backbone() -> Backbone:
    """A network of 0.4 million random parameters: fast, and no weights are needed."""
    from lcbench.models.backbones import resolve_backbone
    from lcbench.models.weights import WeightOptions

    backbone = resolve_backbone("test_resnet", WeightOptions("random", "test_resnet"))
    assert backbone is not None
    return backbone


@pytest.fixture(scope="session")
def lite0() -> Backbone:
    """EfficientNet-Lite0 with ImageNet weights; the test is skipped where they are absent."""
    from lcbench.models.backbones import resolve_backbone
    from lcbench.models.weights import WeightOptions, how_to_get

    backbone = resolve_backbone("tf_efficientnet_lite0", WeightOptions(offline=True))
    if backbone is None:
        pytest.skip(how_to_get("tf_efficientnet_lite0"))
    return backbone


@pytest.fixture
def csv_file(tmp_path: Path) -> Callable[..., Path]:
    """Write a CSV file from its text: csv_file("image,true,predicted", "a,n,n")."""

    def write(*lines: str, name: str = "model.csv", encoding: str = "utf-8") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes("".join(f"{line}\n" for line in lines).encode(encoding))
        return path

    return write


@pytest.fixture
def parquet_file(tmp_path: Path) -> Callable[..., Path]:
    """Write a Parquet file of three rows: parquet_file(seed=[1, 1, 2]) adds or changes columns."""

    import pyarrow as pa
    import pyarrow.parquet as pq

    def write(name: str = "model.parquet", metadata: Any = None, **columns: Any) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        plain = {
            "image": ["a", "b", "c"],
            "true": ["n", "n", "scc"],
            "predicted": ["n", "aca", "scc"],
        }
        kept = {key: value for key, value in (plain | columns).items() if value is not None}
        pq.write_table(pa.table(kept).replace_schema_metadata(metadata), path)
        return path

    return write


LONG = ("test_kills.py", "test_readme.py", "test_signals.py", "test_bench.py")
"""Files of tests that take minutes: last, each would keep one core while the others wait."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest tests."""
    items.sort(key=lambda item: item.path.name not in LONG)
