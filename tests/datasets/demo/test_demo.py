"""The demonstration set: reproducible, complete, and tissue-like enough to learn from."""

import csv
import itertools
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from lcbench.datasets.demo import DEMO_VERSION, create_demo
from lcbench.datasets.demo.augmentation import COPY_SIZE, draw_copy, rotate
from lcbench.datasets.demo.fields import SIZE
from lcbench.datasets.demo.png import write_png

CLASSES = ("lung_aca", "lung_n", "lung_scc")
#: What the fixture small_demo holds.
TILES, COPIES = 8, 3

#: Mean grey level of the four quadrants of each class's tile 0, copy 0, seed 0.
QUADRANTS = {
    "1": {
        "lung_aca": (169.8, 177.7, 163.6, 179.0),
        "lung_n": (192.0, 195.9, 189.1, 190.0),
        "lung_scc": (155.8, 148.6, 161.8, 152.9),
    }
}


@pytest.fixture(scope="module")
def demo(small_demo):
    return small_demo


@pytest.fixture(scope="module")
def rows(demo):
    with (demo / "groups.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def pixels(demo, rows):
    return np.stack([np.asarray(Image.open(demo / row["image"])) for row in rows])


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    for name in ("first", "second"):
        create_demo(tmp_path / name, tiles_per_class=1, copies=2, seed=3)
    assert contents(tmp_path / "first") == contents(tmp_path / "second")


def test_another_seed_gives_other_tissue(tmp_path, demo):
    create_demo(tmp_path / "other", tiles_per_class=1, copies=1, seed=1)
    for name in CLASSES:
        image = f"{name}/{name}-tile00-0.png"
        one, other = (np.asarray(Image.open(root / image)) for root in (demo, tmp_path / "other"))
        # Copies of one tile differ by about 0.02: this is more than another augmentation.
        assert np.abs(colour_histogram(one) - colour_histogram(other)).sum() / 2 > 0.1


def test_a_small_set_is_a_subset_of_a_large_one(tmp_path, demo):
    create_demo(tmp_path / "small", tiles_per_class=2, copies=2)
    small, large = contents(tmp_path / "small"), contents(demo)
    del small["groups.csv"]
    assert len(small) == len(CLASSES) * 2 * 2
    assert small.items() <= large.items()


def test_pixels_change_only_with_the_version(demo):
    for name, expected in QUADRANTS[DEMO_VERSION].items():
        grey = np.asarray(Image.open(demo / name / f"{name}-tile00-0.png"), dtype=float).mean(
            axis=2
        )
        half = COPY_SIZE // 2
        found = grey.reshape(2, half, 2, half).mean(axis=(1, 3)).ravel()
        np.testing.assert_allclose(found, expected, atol=0.2, err_msg=name)


def test_every_image_is_rgb_and_224_px(demo, rows):
    for row in rows:
        with Image.open(demo / row["image"]) as image:
            assert (image.format, image.mode, image.size) == ("PNG", "RGB", (224, 224))


def test_groups_csv_names_every_image_and_its_tile(demo, rows):
    images = [row["image"] for row in rows]
    assert images == sorted(path.relative_to(demo).as_posix() for path in demo.rglob("*.png"))
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
        assert len(list(folder.rglob("*.png"))) == total

    create_demo(folder, tiles_per_class=1, copies=3, advance=advance)
    assert total == len(CLASSES) * 3


def test_a_folder_in_use_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="not empty"):
        create_demo(tmp_path, tiles_per_class=1, copies=1)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("degrees", [-25, -24.3, -13, 0, 0.5, 13, 25])
def test_rotation_leaves_no_black_corners(degrees):
    # On a white tile any pixel from outside it would be dark.
    white = Image.new("RGB", (SIZE, SIZE), "white")
    copy = np.asarray(rotate(white, np.deg2rad(degrees)))
    assert copy.shape == (COPY_SIZE, COPY_SIZE, 3)
    assert copy.min() == 255


def test_rotation_keeps_as_much_of_the_tile_as_it_can():
    # A crop that is one step wider than the largest one would leave the tile.
    frame = np.zeros((SIZE, SIZE, 3), dtype=np.uint8)
    frame[8:-8, 8:-8] = 255
    for degrees in (-25, 0, 10):
        copy = np.asarray(rotate(Image.fromarray(frame), np.deg2rad(degrees)))
        assert copy.min() == 0, degrees


def test_copies_turn_by_up_to_25_degrees_to_either_side():
    ramp = np.broadcast_to(np.linspace(40, 215, SIZE)[None, :, None], (SIZE, SIZE, 3))
    angles = []
    for seed in range(60):
        copy = draw_copy(ramp.astype(np.uint8), np.random.default_rng(seed)).astype(float)
        across = (copy[:, -1] - copy[:, 0]).mean()
        down = (copy[-1] - copy[0]).mean()
        angles.append(np.rad2deg(np.arctan(down / across)))
    assert 22 < max(angles) < 26
    assert -26 < min(angles) < -22


def test_flips_are_independent_and_fair():
    corner = np.zeros((SIZE, SIZE, 3), dtype=np.uint8)
    corner[: SIZE // 2, : SIZE // 2] = 255
    counts = dict.fromkeys(itertools.product((0, 1), repeat=2), 0)
    for seed in range(120):
        copy = draw_copy(corner, np.random.default_rng(seed))[..., 0].astype(float)
        half = COPY_SIZE // 2
        quadrants = copy.reshape(2, half, 2, half).mean(axis=(1, 3))
        counts[np.unravel_index(quadrants.argmax(), (2, 2))] += 1
    # Four equally likely outcomes: 30 expected, standard deviation 4.7.
    assert all(12 < count < 48 for count in counts.values()), counts


def test_no_two_images_are_the_same(pixels):
    assert len({image.tobytes() for image in pixels}) == len(pixels)


def test_no_image_is_empty(pixels):
    for image in pixels.astype(float):
        assert image.std() > 12
        # Some tissue in each: at least a twentieth of the pixels absorbs clearly.
        assert (image.min(axis=2) < 0.75 * image.max()).mean() > 0.05


def test_copies_of_a_tile_are_more_alike_than_tiles_of_a_class(pixels, rows):
    histograms = np.stack([colour_histogram(image) for image in pixels])
    distance = np.abs(histograms[:, None] - histograms[None]).sum(axis=2) / 2
    groups = np.array([row["group"] for row in rows])
    labels = np.array([row["image"].split("/")[0] for row in rows])
    same_tile = groups[:, None] == groups
    same_image = np.eye(len(groups), dtype=bool)
    for name in CLASSES:
        same_class = (labels[:, None] == name) & (labels == name)
        within = distance[same_class & same_tile & ~same_image]
        between = distance[same_class & ~same_tile]
        assert np.median(within) < 0.5 * np.median(between), name


def test_classes_can_be_told_apart_on_unseen_tiles(pixels, rows):
    features = np.stack([texture(image) for image in pixels])
    labels = np.array([row["image"].split("/")[0] for row in rows])
    groups = np.array([row["group"] for row in rows])
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=500))
    predicted = cross_val_predict(model, features, labels, groups=groups, cv=LeaveOneGroupOut())
    # A third is chance.
    assert (predicted == labels).mean() > 0.5


def test_classes_are_not_told_apart_by_colour_alone(pixels, rows):
    features = np.stack([colour_histogram(image) for image in pixels])
    labels = np.array([row["image"].split("/")[0] for row in rows])
    groups = np.array([row["group"] for row in rows])
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=500))
    predicted = cross_val_predict(model, features, labels, groups=groups, cv=LeaveOneGroupOut())
    assert (predicted == labels).mean() < 0.8


@pytest.mark.parametrize("shape", [(1, 1, 3), (7, 5, 3), (224, 224, 3)])
def test_png_gives_back_the_pixels(tmp_path, shape):
    image = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    write_png(tmp_path / "image.png", image)
    with Image.open(tmp_path / "image.png") as file:
        file.verify()
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "image.png")), image)


def colour_histogram(image: np.ndarray) -> np.ndarray:
    levels = (image // 64).reshape(-1, 3).astype(int)
    counts = np.bincount(levels @ [16, 4, 1], minlength=64)
    return counts / counts.sum()


def texture(image: np.ndarray) -> np.ndarray:
    """Contrast at four scales, and how much of the tile is empty, dark or pink."""
    grey = image.astype(float).mean(axis=2)
    levels = []
    for size in (2, 4, 8, 16):
        coarse = grey[: 224 // size * size, : 224 // size * size]
        coarse = coarse.reshape(224 // size, size, 224 // size, size).mean(axis=(1, 3))
        levels += [np.abs(np.diff(coarse, axis=0)).mean(), np.abs(np.diff(coarse)).mean()]
    red, green, _ = np.moveaxis(image.astype(float), -1, 0)
    shares = [(grey > 200).mean(), (grey < 110).mean(), (red - green > 70).mean()]
    return np.array(levels + shares)
