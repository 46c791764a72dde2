"""The demonstration set: reproducible, complete, and tissue-like enough to learn from."""

import csv
import itertools
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, LeaveOneGroupOut, LeaveOneOut, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from lcbench.datasets.demo import DEMO_VERSION, DRAWN, create_demo
from lcbench.datasets.demo.create import COPY_SIZE, draw_copy
from lcbench.datasets.demo.fields import SIZE

CLASSES = ("lung_aca", "lung_n", "lung_scc")
#: What the fixture small_demo holds.
TILES, COPIES = 8, 3

#: Mean grey level of the four quadrants of each class's tile 0, copy 0, seed 0.
QUADRANTS = {
    "2": {
        "lung_aca": (186.9, 187.2, 183.0, 179.0),
        "lung_n": (147.6, 158.0, 162.8, 158.7),
        "lung_scc": (173.1, 173.2, 168.4, 171.5),
    }
}


@pytest.fixture(scope="module")
def rows(small_demo):
    with (small_demo / "groups.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def pixels(small_demo, rows):
    return np.stack([np.asarray(Image.open(small_demo / row["image"])) for row in rows])


@pytest.fixture(scope="module")
def labels(rows):
    return np.array([row["image"].split("/")[0] for row in rows])


@pytest.fixture(scope="module")
def groups(rows):
    return np.array([row["group"] for row in rows])


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_a_small_set_is_a_subset_of_a_large_one_to_the_byte(tmp_path, small_demo):
    create_demo(tmp_path / "small", tiles_per_class=2, copies=2)
    small, large = contents(tmp_path / "small"), contents(small_demo)
    del small["groups.csv"]
    assert len(small) == len(CLASSES) * 2 * 2
    assert small.items() <= large.items()


def test_the_seed_decides_the_tissue(tmp_path, small_demo):
    for name in ("other", "again"):
        create_demo(tmp_path / name, tiles_per_class=1, copies=1, seed=1)
    assert contents(tmp_path / "other") == contents(tmp_path / "again")
    for name in CLASSES:
        image = f"{name}/{name}-tile00-0.bmp"
        one, other = (
            np.asarray(Image.open(root / image)) for root in (small_demo, tmp_path / "other")
        )
        # Copies of one tile differ by about 0.02: this is more than another augmentation.
        assert np.abs(colour_histogram(one) - colour_histogram(other)).sum() / 2 > 0.1


def test_pixels_change_only_with_the_version(small_demo):
    half = COPY_SIZE // 2
    for name, expected in QUADRANTS[DEMO_VERSION].items():
        image = Image.open(small_demo / name / f"{name}-tile00-0.bmp")
        found = np.asarray(image, dtype=float).reshape(2, half, 2, half, 3).mean(axis=(1, 3, 4))
        np.testing.assert_allclose(found.ravel(), expected, atol=0.2, err_msg=name)


def test_every_image_is_uncompressed_rgb_of_224_px(small_demo, rows):
    for row in rows:
        with Image.open(small_demo / row["image"]) as image:
            assert (image.format, image.mode, image.size) == ("BMP", "RGB", (224, 224))
        assert (small_demo / row["image"]).stat().st_size == 54 + 224 * 224 * 3


def test_groups_csv_names_every_image_and_its_tile(small_demo, rows):
    images = [row["image"] for row in rows]
    assert images == sorted(
        path.relative_to(small_demo).as_posix() for path in small_demo.rglob("*.bmp")
    )
    assert len(images) == len(CLASSES) * TILES * COPIES
    for row in rows:
        folder, name = row["image"].split("/")
        assert row["group"].split("-")[0] == folder
        assert name.rsplit("-", 1)[0] == row["group"]
    groups = [row["group"] for row in rows]
    assert sorted(set(groups)) == [f"{name}-tile{k:02d}" for name in CLASSES for k in range(TILES)]
    assert {groups.count(group) for group in groups} == {COPIES}


def test_groups_csv_is_sorted_when_numbers_have_two_digits(tmp_path):
    create_demo(tmp_path / "set", tiles_per_class=1, copies=11)
    with (tmp_path / "set" / "groups.csv").open(newline="") as file:
        images = [row["image"] for row in csv.DictReader(file)]
    assert len(images) == len(CLASSES) * 11
    assert images == sorted(images)


def test_progress_adds_up_and_never_runs_ahead(tmp_path):
    folder, total = tmp_path / "set", 0

    def advance(more: int) -> None:
        nonlocal total
        total += more
        assert len(list(folder.rglob("*.bmp"))) == total

    create_demo(folder, tiles_per_class=1, copies=3, advance=advance)
    assert total == len(CLASSES) * 3


def test_a_folder_in_use_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="not empty"):
        create_demo(tmp_path, tiles_per_class=1, copies=1)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def copies_of(tile: np.ndarray, count: int) -> list[np.ndarray]:
    """Copies of a grey tile (SIZE, SIZE), each (COPY_SIZE, COPY_SIZE) in float."""
    rgb = np.repeat(tile.astype(np.uint8)[..., None], 3, axis=2)
    made = [draw_copy(rgb, np.random.default_rng(seed)) for seed in range(count)]
    assert {(copy.mode, copy.size) for copy in made} == {("RGB", (COPY_SIZE, COPY_SIZE))}
    return [np.asarray(copy, dtype=float)[..., 0] for copy in made]


def test_copies_have_no_black_corners():
    # On a white tile any pixel from outside it would be dark.
    assert min(copy.min() for copy in copies_of(np.full((SIZE, SIZE), 255), 60)) == 255


def test_copies_show_as_much_of_the_tile_as_they_can():
    frame = np.zeros((SIZE, SIZE))
    frame[10:-10, 10:-10] = 255
    assert max(copy.min() for copy in copies_of(frame, 60)) < 255


def test_copies_turn_by_up_to_25_degrees_to_either_side():
    ramp = np.broadcast_to(np.linspace(40, 215, SIZE), (SIZE, SIZE))
    angles = []
    for copy in copies_of(ramp, 60):
        across, down = (copy[:, -1] - copy[:, 0]).mean(), (copy[-1] - copy[0]).mean()
        angles.append(np.rad2deg(np.arctan(down / across)))
    assert 22 < max(angles) < 26
    assert -26 < min(angles) < -22


def test_flips_are_independent_and_fair():
    corner = np.zeros((SIZE, SIZE))
    corner[: SIZE // 2, : SIZE // 2] = 255
    counts = dict.fromkeys(itertools.product((0, 1), repeat=2), 0)
    half = COPY_SIZE // 2
    for copy in copies_of(corner, 120):
        quadrants = copy.reshape(2, half, 2, half).mean(axis=(1, 3))
        counts[np.unravel_index(quadrants.argmax(), (2, 2))] += 1
    # Four equally likely outcomes: 30 expected, standard deviation 4.7.
    assert all(12 < count < 48 for count in counts.values()), counts


def test_no_two_images_are_the_same_and_none_is_empty(pixels):
    assert len({image.tobytes() for image in pixels}) == len(pixels)
    for image in pixels.astype(float):
        assert image.std() > 12
        # Some tissue in each: at least a twentieth of the pixels absorbs clearly.
        assert (image.min(axis=2) < 0.75 * image.max()).mean() > 0.05


def test_colour_tells_the_class_only_where_it_saw_a_copy_of_the_tile(pixels, labels, groups):
    features = np.stack([colour_histogram(image) for image in pixels])
    nearest = KNeighborsClassifier(1, metric="manhattan")
    classes = np.unique(labels, return_inverse=True)[1]  # older scikit-learn stumbles over text
    leaky = cross_val_score(nearest, features, classes, cv=LeaveOneOut()).mean()
    honest = cross_val_score(
        nearest, features, classes, groups=groups, cv=LeaveOneGroupOut()
    ).mean()
    assert leaky > 0.95
    assert honest < 0.8


def test_texture_tells_the_class_of_unseen_tiles(pixels, labels, groups):
    features = np.stack([texture(image) for image in pixels])
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=500))
    score = cross_val_score(model, features, labels, groups=groups, cv=LeaveOneGroupOut()).mean()
    # A third is chance.
    assert score > 0.5


def colour_histogram(image: np.ndarray) -> np.ndarray:
    levels = (image // 32).reshape(-1, 3).astype(int)
    counts = np.bincount(levels @ [64, 8, 1], minlength=512)
    return counts / counts.sum()


def texture(image: np.ndarray) -> np.ndarray:
    """Contrast at four scales, and how much of the tile is empty, dark or pink."""
    grey = image.astype(float).mean(axis=2)
    levels = []
    for size in (2, 4, 8, 16):
        coarse = grey.reshape(224 // size, size, 224 // size, size).mean(axis=(1, 3))
        levels += [np.abs(np.diff(coarse, axis=0)).mean(), np.abs(np.diff(coarse)).mean()]
    red, green, _ = np.moveaxis(image.astype(float), -1, 0)
    shares = [(grey > 200).mean(), (grey < 110).mean(), (red - green > 70).mean()]
    return np.array(levels + shares)


def test_every_drawn_class_differs_from_every_other_and_default_ones_stay(tmp_path, small_demo):
    create_demo(tmp_path / "set", classes=DRAWN, tiles_per_class=8, copies=3)
    files = sorted((tmp_path / "set").rglob("*.bmp"))
    names = np.array([path.parent.name for path in files])
    assert sorted(set(names)) == sorted(DRAWN)
    old = {name: held for name, held in contents(small_demo).items() if name.endswith(".bmp")}
    assert old.items() <= contents(tmp_path / "set").items()
    features = np.stack([texture(np.asarray(Image.open(path))) for path in files])
    groups = np.array([path.name.rsplit("-", 1)[0] for path in files])
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=500))
    score = cross_val_score(model, features, names, groups=groups, cv=GroupKFold(8)).mean()
    assert score > 3 / len(DRAWN)  # a seventh is chance
