"""Embeddings from files: every layout gives the same, and what does not fit is named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lcbench.compute import Compute
from lcbench.datasets.dataset import Dataset
from lcbench.errors import UserError
from lcbench.features.embedding_files import EmbeddingFiles, open_embeddings
from lcbench.features.embedding_tables import is_embedding_file
from lcbench.features.extraction import Features
from lcbench.features.views import View

WIDTH = 11
Given = tuple[pd.DataFrame, np.ndarray]


@pytest.fixture(scope="module")
def manifest(demo_dataset: Dataset) -> pd.DataFrame:
    return demo_dataset.manifest


def numbers(rows: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(rows, WIDTH)).astype(np.float32)


def in_columns(keys: pd.DataFrame, values: np.ndarray) -> pd.DataFrame:
    wide = pd.DataFrame(values, columns=[f"e{number}" for number in range(values.shape[1])])
    return pd.concat([keys.reset_index(drop=True), wide], axis=1)


def write_columns(path: Path, keys: pd.DataFrame, values: np.ndarray) -> None:
    table = in_columns(keys, values)
    table[sorted(table.columns)].to_parquet(path)  # e0, e1, e10, e2: in no order


def write_lists(path: Path, keys: pd.DataFrame, values: np.ndarray) -> None:
    keys.assign(embedding=list(values.astype(np.float64))).to_parquet(path)


def write_npz(path: Path, keys: pd.DataFrame, values: np.ndarray) -> None:
    arrays = {name: np.array(keys[name].tolist()) for name in keys}
    np.savez_compressed(path, embedding=values, **arrays)


def write_hdf5(path: Path, keys: pd.DataFrame, values: np.ndarray) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        file["embedding"] = values
        for name in keys:
            file[name] = keys[name].tolist()


LAYOUTS: dict[str, Callable[[Path, pd.DataFrame, np.ndarray], None]] = {
    "columns.parquet": write_columns,
    "lists.parquet": write_lists,
    "arrays.npz": write_npz,
    "arrays.h5": write_hdf5,
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("keys", [["image"], ["sha256"], ["image", "sha256"]])
def test_every_layout_in_any_order_gives_each_image_its_row(
    layout: str, keys: list[str], manifest: pd.DataFrame, tmp_path: Path
) -> None:
    values = numbers(len(manifest) + 3)
    others = pd.DataFrame({"image": [f"other/{n}" for n in "abc"], "sha256": list("abc")})
    table = pd.concat([manifest[["image", "sha256"]], others], ignore_index=True)[keys]
    order = np.random.default_rng(1).permutation(len(table))
    LAYOUTS[layout](tmp_path / layout, table.iloc[order], values[order])
    file = open_embeddings(tmp_path / layout, "mine")
    assert file.facts.features == WIDTH
    np.testing.assert_array_equal(file.of(manifest), values[: len(manifest)])


@given(data=st.data())
def test_where_rows_stand_does_not_matter(
    data: st.DataObject, manifest: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory
) -> None:
    few = manifest.iloc[:6].reset_index(drop=True)
    order = data.draw(st.permutations(range(6)))
    values = numbers(6)
    path = tmp_path_factory.mktemp("rows") / "e.npz"
    write_npz(path, few[["image"]].iloc[order], values[order])
    np.testing.assert_array_equal(open_embeddings(path).of(few), values)


def test_names_of_files_do_where_no_path_agrees(manifest: pd.DataFrame, tmp_path: Path) -> None:
    names = [f"C:\\elsewhere\\{Path(image).name}" for image in manifest["image"]]
    write_npz(tmp_path / "e.npz", pd.DataFrame({"image": names}), numbers(len(manifest)))
    found = open_embeddings(tmp_path / "e.npz").of(manifest)
    np.testing.assert_array_equal(found, numbers(len(manifest)))


def test_copies_may_have_one_row_or_equal_ones(manifest: pd.DataFrame, tmp_path: Path) -> None:
    pair = manifest.iloc[[0, 1]].assign(sha256="same").reset_index(drop=True)
    values = numbers(1).repeat(2, axis=0)
    write_npz(tmp_path / "e.npz", pair[["sha256"]], values)
    np.testing.assert_array_equal(open_embeddings(tmp_path / "e.npz").of(pair), values)
    write_npz(tmp_path / "e.npz", pair[["sha256"]], numbers(2))
    with pytest.raises(UserError, match="two embeddings of one image: rows 1 and 2"):
        open_embeddings(tmp_path / "e.npz").of(pair)


def nan(keys: pd.DataFrame, values: np.ndarray) -> Given:
    values[2, 3] = np.nan
    return keys, values


def too_large(keys: pd.DataFrame, values: np.ndarray) -> Given:
    wide = values.astype(np.float64)
    wide[0, 0] = 1e300
    return keys, wide


def twice(keys: pd.DataFrame, values: np.ndarray) -> Given:
    return pd.concat([keys, keys.iloc[:1]]), np.concatenate([values, values[:1]])


def shorter(keys: pd.DataFrame, values: np.ndarray) -> Given:
    return keys.iloc[2:].drop(columns="sha256"), values[2:]


def swapped(keys: pd.DataFrame, values: np.ndarray) -> Given:
    return keys.assign(sha256=keys["sha256"].to_numpy()[::-1]), values


def foreign(keys: pd.DataFrame, values: np.ndarray) -> Given:
    return pd.DataFrame({"image": [f"{number}.x" for number in range(len(keys))]}), values


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (nan, "embedding of .*bmp holds numbers that are missing or not finite .1 such"),
        (too_large, "not finite"),
        (twice, "stands in it 2 times"),
        (shorter, "no embedding of 2 of 72 images, e.g. "),
        (swapped, "is of another image .72 such rows.: rows are swapped, or images changed"),
        (foreign, "none of its 72 images is in the data"),
    ],
)
def test_embeddings_that_do_not_fit_the_images_are_refused(
    change: Callable[[pd.DataFrame, np.ndarray], Given],
    said: str,
    manifest: pd.DataFrame,
    tmp_path: Path,
) -> None:
    path = tmp_path / "e.npz"
    write_npz(path, *change(manifest[["image", "sha256"]], numbers(len(manifest))))
    with pytest.raises(UserError, match=said) as caught:
        open_embeddings(path).of(manifest)
    assert str(path) in caught.value.message
    assert caught.value.remedy


NAMES = pd.DataFrame({"image": ["a", "b", "c"]})


def parquet(**columns: Any) -> Callable[[Path], None]:
    return lambda path: NAMES.assign(**columns).to_parquet(path)


def npz(**arrays: Any) -> Callable[[Path], None]:
    return lambda path: np.savez(path.open("wb"), **arrays)


@pytest.mark.parametrize(
    ("name", "write", "said"),
    [
        ("e.parquet", parquet(), "neither a column embedding nor columns e0"),
        ("e.parquet", parquet(e0=1.0, e2=1.0), "columns e0 to e2, but no e1"),
        ("e.parquet", parquet(e0="x"), "column e0 holds .*string, not numbers"),
        ("e.parquet", parquet(e0=1.0, embedding=1.0), "both a column embedding and"),
        ("e.parquet", parquet(embedding=1.0), "holds double, not lists of numbers"),
        ("e.parquet", parquet(embedding=[[1.0], [1.0], [1.0, 2.0]]), "two lengths: 1 .* row 3"),
        ("e.parquet", parquet(embedding=[[1.0], None, [2.0]]), "row 2 has no embedding"),
        ("e.parquet", parquet(embedding=[["x"]] * 3), "lists of .*string, not of numbers"),
        ("e.parquet", parquet(image=[1, 2, 3], e0=1.0), "image holds int in row 1, not a text"),
        ("e.parquet", lambda path: path.write_bytes(b"PAR1 and no more"), "not readable"),
        ("e.parquet", lambda _: None, "no such file"),
        ("e.npz", npz(embedding=np.ones((3, 2))), "neither image nor sha256 in it"),
        ("e.npz", npz(image=["a"]), "no array embedding in it"),
        ("e.npz", npz(image=["a"], embedding=np.ones((3, 2))), "1 in image, 3 rows in embedding"),
        ("e.npz", npz(image=["a"], embedding=np.ones((1, 2, 2))), r"shape \(1, 2, 2\)"),
        ("e.npz", npz(image=["a"], embedding=np.ones((1, 2), bool)), "embedding is bool"),
        ("e.npz", npz(image=[["a"]], embedding=np.ones((1, 2))), r"image has shape \(1, 1\)"),
        ("e.npz", npz(image=np.array(["a"], object), embedding=np.ones((1, 2))), "Python objects"),
        ("e.npz", npz(image=["a"], embedding=np.ones((1, 0))), "1 images with 0 numbers each"),
        ("e.npz", lambda path: path.write_text("no archive"), "not readable: BadZipFile"),
        ("e.csv", lambda path: path.write_text("image,e0\n"), "not a file of .parquet, .npz"),
    ],
)  # fmt: skip
def test_a_file_that_is_laid_out_otherwise_is_refused_with_the_layout(
    name: str, write: Callable[[Path], None], said: str, tmp_path: Path
) -> None:
    write(tmp_path / name)
    with pytest.raises(UserError, match=said) as caught:
        open_embeddings(tmp_path / name)
    assert "suite's file" in caught.value.remedy or "columns e0, e1" in caught.value.remedy


def test_an_archive_that_claims_more_than_memory_holds_is_refused_before_it_is_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lcbench.features.embedding_tables._MOST_NUMBERS", 100)
    np.savez_compressed(tmp_path / "e.npz", image=["a"], embedding=np.zeros((1, 1000)))
    with pytest.raises(UserError, match="too large"):
        open_embeddings(tmp_path / "e.npz")
    pd.DataFrame({"image": ["a"], "embedding": [np.zeros(1000)]}).to_parquet(tmp_path / "e.parquet")
    with pytest.raises(UserError, match="too large"):
        open_embeddings(tmp_path / "e.parquet")


def test_hdf5_must_hold_what_it_names(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["embedding"] = np.ones((1, 2))
    with h5py.File(tmp_path / "e.h5", "w") as file:
        file["image"] = ["a"]
        file["embedding"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "embedding")
    with pytest.raises(UserError, match="embedding is not an array of this file"):
        open_embeddings(tmp_path / "e.h5")


def test_without_h5py_the_message_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    (tmp_path / "e.h5").touch()
    with pytest.raises(UserError, match="needs h5py") as caught:
        open_embeddings(tmp_path / "e.h5")
    assert "pip install h5py" in caught.value.remedy


def test_features_take_a_file_in_the_place_of_a_backbone(
    demo_dataset: Dataset, cpu: Compute, tmp_path: Path
) -> None:
    manifest = demo_dataset.manifest
    write_npz(tmp_path / "e.npz", manifest[["image"]], numbers(len(manifest)))
    file = EmbeddingFiles(lambda: tmp_path).find("e.npz")
    features = Features(demo_dataset, cpu, {"e.npz": file})
    values = features.embeddings("e.npz").values
    np.testing.assert_array_equal(values, numbers(len(manifest)))
    with pytest.raises(UserError, match="holds embeddings of images as they are"):
        features.embeddings("e.npz", View("geometric"))
    with pytest.raises(UserError, match="there is no network"):
        file.load()
    fewer = replace(demo_dataset, manifest=manifest.iloc[:5], sha256="five")
    write_npz(tmp_path / "e.npz", manifest[["image"]], numbers(len(manifest)) + 1)
    with pytest.raises(UserError, match="changed while it was used"):
        Features(fewer, cpu, {"e.npz": file}).embeddings("e.npz")


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("uni.parquet", True),
        ("sub/UNI.NPZ", True),
        ("a.h5", True),
        ("a.hdf5", True),
        ("resnet50", False),
        ("hf-hub:org/a.h5", False),
        ("module:function.npz", False),
        ("vit_base_patch16_224.augreg_in21k", False),
    ],
)
def test_names_of_files_are_told_from_names_of_backbones(name: str, is_one: bool) -> None:
    assert is_embedding_file(name) is is_one
