"""External folders that show what models were trained on."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lcbench.datasets.dataset import Dataset
from lcbench.errors import UserError
from lcbench.runs.external_records import OverlapRecord
from lcbench.runs.overlap import overlap_with_training
from lcbench.storage.hashes import content_hash, file_sha256

from ..leakage.tissue import saved, tile
from .recipes import plan_record

SIDE = 192
TRAINING = ["aca/0.png", "aca/1.png", "normal/2.png"]
SPLIT = pd.DataFrame({"image": TRAINING, "side": ["train", "validation", "test"]})


def external(root: Path, images: Sequence[str]) -> Dataset:
    hashes = [file_sha256(root / image) for image in images]
    manifest = pd.DataFrame({"image": images, "sha256": hashes, "group": ""})
    return Dataset(root.name, root, manifest, "", (), False, "x")


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    """A suite folder with one split of three images."""
    folder = tmp_path / "runs" / "s"
    (folder / "splits" / "paper").mkdir(parents=True)
    SPLIT.to_csv(folder / "splits" / "paper" / "seed0.csv", index=False)
    return folder


def overlap(
    suite: Path,
    root: Path | str,
    external: Dataset,
    training: Path | None = None,
    trained: Mapping[str, str] | None = None,
) -> OverlapRecord:
    """Compare with the images of a suite whose runs know the hash of its split."""
    known = {"paper/seed0": content_hash(SPLIT.to_csv(index=False))}
    return overlap_with_training(
        suite, plan_record(root=str(root)), external, training, known, trained or {}
    ).record


@pytest.fixture
def training(tmp_path: Path) -> Path:
    """The images of the split, each of a tile of its own."""
    folder = tmp_path / "training"
    for seed, name in enumerate(TRAINING):
        saved(tile(seed, SIDE), folder / name)
    return folder


@pytest.fixture
def outside(tmp_path: Path, training: Path) -> Dataset:
    """A turned image of the training data, a copy of one, and two of a tile of its own."""
    folder = tmp_path / "outside"
    saved(np.rot90(tile(0, SIDE)), folder / "turned.png")
    shutil.copy(training / TRAINING[2], folder / "copy.png")
    saved(tile(9, SIDE), folder / "own.png")
    saved(np.fliplr(tile(9, SIDE)), folder / "own mirrored.png")
    return external(folder, ["copy.png", "own mirrored.png", "own.png", "turned.png"])


def test_copies_and_turned_images_are_found_and_others_are_not(
    suite: Path, training: Path, outside: Dataset
) -> None:
    found = overlap(suite, training, outside)
    assert found.reason == ""
    assert (found.training_images, found.images) == (3, 4)
    assert (found.with_sibling, found.exact) == (2, 1)
    copy, turned = found.pairs
    assert copy == "copy.png = normal/2.png (the same pixels)"
    assert turned.startswith("turned.png = aca/0.png (correlation 0.9") or turned.endswith("1.000)")


def test_a_folder_of_other_tissue_shares_nothing(
    suite: Path, training: Path, outside: Dataset
) -> None:
    other = external(outside.root, ["own mirrored.png", "own.png"])
    found = overlap(suite, training, other)
    assert found == OverlapRecord(training_images=3, images=2, contaminated=0)


def test_the_same_pixels_in_another_format_are_an_exact_copy(
    suite: Path, training: Path, tmp_path: Path
) -> None:
    saved(tile(1, SIDE), tmp_path / "outside" / "stored.bmp")
    other = external(tmp_path / "outside", ["stored.bmp"])
    found = overlap(suite, training, other)
    assert (found.with_sibling, found.exact) == (1, 1)
    assert found.pairs == ("stored.bmp = aca/1.png (the same pixels)",)


def test_images_that_moved_are_found_where_the_user_says(
    suite: Path, training: Path, outside: Dataset, tmp_path: Path
) -> None:
    moved = tmp_path / "elsewhere"
    shutil.move(training, moved)
    found = overlap(suite, training, outside, moved)
    assert (found.with_sibling, found.exact) == (2, 1)


def test_images_that_are_gone_are_a_reason_and_no_error(
    suite: Path, training: Path, outside: Dataset
) -> None:
    (training / TRAINING[1]).unlink()
    found = overlap(suite, training, outside)
    assert found == OverlapRecord(
        reason=f"1 of 3 training images are not in {training} any more (see --training)"
    )
    shutil.rmtree(training)
    found = overlap(suite, training, outside)
    assert found.reason.startswith("3 of 3 training images")


def test_a_place_that_the_user_names_must_hold_the_images(
    suite: Path, training: Path, outside: Dataset, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong"
    with pytest.raises(UserError, match="--training 3 of 3 training images are not in") as caught:
        overlap(suite, training, outside, wrong)
    assert str(wrong) in caught.value.message
    assert TRAINING[0] in caught.value.remedy


def test_other_images_of_the_same_names_are_not_taken_for_those_that_were_trained_on(
    suite: Path, training: Path, outside: Dataset
) -> None:
    trained = {name: file_sha256(training / name) for name in TRAINING[:2]}
    assert overlap(suite, training, outside, trained=trained).with_sibling == 2
    saved(tile(7, SIDE), training / TRAINING[1])
    found = overlap(suite, training, outside, trained=trained)
    assert found.reason.startswith("1 of 3 training images")
    assert found.training_images == 0
    with pytest.raises(
        UserError, match=r"--training 1 of 3 .* not those that the models"
    ) as caught:
        overlap(suite, training, outside, training, trained)
    assert TRAINING[1] in caught.value.remedy


def test_runs_that_do_not_say_where_their_images_lie_are_not_compared(
    suite: Path, outside: Dataset, tmp_path: Path
) -> None:
    assert overlap(suite, "", outside).reason == (
        "the runs do not say where their images lie (see --training)"
    )
    (tmp_path / "empty").mkdir()
    assert (
        "no file in splits is as it was stored" in overlap(tmp_path / "empty", "x", outside).reason
    )


@pytest.mark.parametrize(
    "content", [b"", b"\xff\x00", b"image,side\naca/0.png,train\n", b"side\ntrain\n"]
)
def test_a_split_file_that_is_not_as_it_was_stored_is_not_used(
    content: bytes, suite: Path, training: Path, outside: Dataset
) -> None:
    (suite / "splits" / "paper" / "seed0.csv").write_bytes(content)
    found = overlap(suite, training, outside)
    assert "no file in splits is as it was stored" in found.reason
    assert found.training_images == 0


@pytest.mark.parametrize("image", ["../../etc/hostname", "/etc/hostname"])
def test_images_that_lie_outside_the_training_data_are_not_looked_at(
    image: str, suite: Path, training: Path, outside: Dataset
) -> None:
    foreign = SPLIT.assign(image=[image, *TRAINING[1:]]).to_csv(index=False)
    (suite / "splits" / "paper" / "seed0.csv").write_text(foreign)
    known = {"paper/seed0": content_hash(foreign)}
    plan = plan_record(root=str(training))
    assert overlap_with_training(suite, plan, outside, None, known, {}).record.training_images == 0
