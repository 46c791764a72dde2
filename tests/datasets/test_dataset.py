import pandas as pd
import pytest

from lcbench.datasets import dataset
from lcbench.datasets.dataset import demo_folder, drawn_classes, load_dataset
from lcbench.datasets.demo import DEMO_VERSION
from lcbench.datasets.labels import LabelReader
from lcbench.errors import UserError
from lcbench.taxonomy import ROOT, Taxonomy, load_taxonomy

READER = LabelReader(load_taxonomy())
CLASSES = {"normal": 3, "aca": 3, "scc": 3}


@pytest.fixture
def folder(tmp_path, write_images):
    write_images(tmp_path / "my data", CLASSES)
    return tmp_path / "my data"


def load(source, **options):
    return load_dataset(str(source), READER, **options)


def refused(source, **options):
    with pytest.raises(UserError) as raised:
        load(source, **options)
    return raised.value


def test_a_folder_becomes_a_dataset_without_groups(folder):
    data = load(folder)
    assert data.name == "my data"
    assert data.manifest["label"].value_counts().to_dict() == {
        "benign": 3,
        "adenocarcinoma": 3,
        "squamous_cell_carcinoma": 3,
    }
    assert not data.groups_known
    assert not data.synthetic
    assert data.skipped == ()
    assert all(data.path(image).is_file() for image in data.manifest["image"])
    assert load(folder).sha256 == data.sha256


def test_a_dataset_is_named_after_its_folder_however_it_is_reached(folder, monkeypatch):
    monkeypatch.chdir(folder)
    assert load(".").name == "my data"
    assert load("aca/..").name == "my data"


@pytest.mark.parametrize("absent", CLASSES)
def test_a_class_without_images_is_named_with_the_names_that_were_seen(
    tmp_path, write_images, absent
):
    write_images(tmp_path, {name: 2 for name in CLASSES if name != absent})
    error = refused(tmp_path)
    assert f"no images of {READER.read(absent)}" in error.message
    assert "--taxonomy FILE" in error.remedy
    for name in CLASSES:
        assert (name in error.remedy) is (name != absent)


def test_unknown_class_names_stop_before_anything_is_decoded(folder, monkeypatch):
    (folder / "mystery").mkdir()
    (folder / "mystery" / "1.png").touch()
    monkeypatch.setattr(dataset, "decode_all", lambda *_: pytest.fail("decoded"))
    assert "mystery: 1 images" in refused(folder).message


# unreadable images


def test_classes_that_the_map_calls_out_of_distribution_cannot_be_trained_on(folder):
    with pytest.raises(UserError, match="the label map calls normal out-of-distribution") as raised:
        load_dataset(str(folder), LabelReader(load_taxonomy(), {"normal": ROOT}))
    assert "leave-out" in raised.value.remedy


def test_unreadable_images_stop_the_run_and_are_listed(folder):
    (folder / "aca" / "000.png").write_bytes(b"")
    (folder / "scc" / "001.png").write_text("text")
    error = refused(folder)
    assert "2 of 9 images cannot be read" in error.message
    assert "aca/000.png: empty file" in error.message
    assert "scc/001.png: not an image" in error.message
    assert "--on-bad skip" in error.remedy


def test_a_long_list_of_unreadable_images_is_cut_and_counted(folder):
    for number in range(15):
        (folder / "aca" / f"bad{number:02d}.png").write_bytes(b"")
    message = refused(folder).message
    assert message.count("empty file") == 10
    assert "and 5 more" in message


def test_unreadable_images_are_skipped_where_asked_counted_and_named(folder, capsys):
    whole = load(folder)
    (folder / "aca" / "000.png").write_bytes(b"")
    data = load(folder, on_bad="skip")
    assert data.skipped == ("aca/000.png: empty file",)
    assert data.manifest["image"].tolist() == whole.manifest["image"].tolist()[1:]
    assert data.manifest.index.tolist() == list(range(8))
    assert data.sha256 != whole.sha256
    assert "aca/000.png: empty file" in capsys.readouterr().err


def test_a_class_of_which_no_image_can_be_read_is_a_class_without_images(folder):
    for path in (folder / "scc").iterdir():
        path.write_bytes(b"")
    assert "no images of squamous_cell_carcinoma" in refused(folder, on_bad="skip").message


def test_a_dataset_of_which_no_image_can_be_read_is_refused(folder):
    for path in folder.glob("*/*"):
        path.write_bytes(b"")
    assert "no images of" in refused(folder, on_bad="skip").message


# groups


def groups_file(folder, rows):
    path = folder / "groups.csv"
    pd.DataFrame(rows, columns=["image", "group"]).to_csv(path, index=False)
    return path


def data_csv(folder, groups):
    images = sorted(path.relative_to(folder).as_posix() for path in folder.glob("*/*.png"))
    labels = [image.split("/")[0] for image in images]
    table = pd.DataFrame({"image": images, "label": labels, "group": groups})
    table.to_csv(folder / "data.csv", index=False)
    return folder / "data.csv"


def test_groups_come_from_a_file(folder, tmp_path):
    path = groups_file(tmp_path, [("aca/000.png", "x"), ("aca/001.png", "x")])
    data = load(folder, groups=path)
    assert data.groups_known
    assert data.groups_source == "groups.csv (2 images)"
    assert "7 images are not in that file" in data.groups_words
    groups = data.manifest["group"]
    assert groups[:2].tolist() == ["x", "x"]
    assert groups.nunique() == 8
    assert data.unknown_source == set(data.manifest["image"][2:])
    assert data.source_known.tolist() == [True] * 2 + [False] * 7


def test_groups_come_from_the_data_s_own_column(folder):
    data = load(data_csv(folder, list("aabbccdde")))
    assert data.manifest["group"].tolist() == list("aabbccdde")
    assert "group column" in data.groups_source


def test_a_groups_file_goes_before_the_data_s_own_column(folder, tmp_path):
    path = groups_file(tmp_path, [("aca/000.png", "x")])
    data = load(data_csv(folder, list("aabbccdde")), groups=path)
    assert data.manifest["group"].iloc[0] == "x"
    assert data.manifest["group"].nunique() == 9
    assert "groups.csv" in data.groups_source


def test_a_group_column_with_gaps_is_refused_with_an_example(folder):
    error = refused(data_csv(folder, ["a", "a", "", "b", "b", "", "c", "c", "d"]))
    assert "2 images have an empty group" in error.message
    assert "aca/002.png" in error.message
    assert "--groups" in error.remedy


def test_an_empty_group_column_means_unknown_groups(folder):
    assert not load(data_csv(folder, [""] * 9)).groups_known


# the demonstration set


@pytest.fixture
def demo(small_demo, monkeypatch):
    monkeypatch.setattr(dataset, "demo_folder", lambda _: small_demo)
    return small_demo


@pytest.mark.usefixtures("demo")
def test_the_demonstration_set_says_that_it_is_synthetic_and_knows_its_groups():
    data = load("demo")
    assert data.synthetic
    assert data.name == "demo"
    assert "source tiles" in data.groups_source
    assert len(data.manifest) == 72
    assert data.manifest["group"].value_counts().tolist() == [3] * 24
    assert (data.manifest.groupby("group")["label"].nunique() == 1).all()


def test_groups_of_the_user_s_own_are_not_called_the_demonstration_set_s(demo, tmp_path):
    first = sorted(path.relative_to(demo).as_posix() for path in demo.rglob("*.bmp"))[0]
    data = load("demo", groups=groups_file(tmp_path, [(first, "x")]))
    assert "groups.csv (1 images)" in data.groups_source
    assert data.manifest["group"].nunique() == 72


def test_a_folder_called_demo_is_reached_by_its_path(tmp_path, write_images, monkeypatch):
    write_images(tmp_path / "demo", CLASSES)
    monkeypatch.chdir(tmp_path)
    assert not load("./demo").synthetic


def test_the_demonstration_set_is_drawn_once_into_the_cache(tmp_path, monkeypatch):
    drawn = []

    def draw(folder, classes, advance):
        assert len(classes) == 3
        drawn.append(folder)
        advance(720)
        (folder / "groups.csv").touch()

    monkeypatch.setenv("LCBENCH_CACHE", str(tmp_path))
    monkeypatch.setattr("lcbench.datasets.demo.create_demo", draw)
    assert demo_folder(READER) == demo_folder(READER)
    assert demo_folder(READER).parent == tmp_path
    assert len(drawn) == 1


@pytest.mark.parametrize(
    ("name", "classes"),
    [
        ("lung", ("lung_aca", "lung_n", "lung_scc")),
        ("lung-who", ("lung_aca", "lung_n", "lung_scc", "lung_lcc", "lung_sclc")),
        ("lung-colon", ("lung_aca", "lung_n", "lung_scc", "colon_aca", "colon_n")),
    ],
)
def test_the_demonstration_set_shows_the_classes_of_the_tree(name, classes, monkeypatch, tmp_path):
    drawn = []

    def create(folder, *, classes, advance):
        drawn.append(tuple(classes))
        advance(1)
        (folder / "groups.csv").write_text("image,group\n")

    monkeypatch.setenv("LCBENCH_CACHE", str(tmp_path))
    monkeypatch.setattr("lcbench.datasets.demo.create_demo", create)
    folder = demo_folder(LabelReader(load_taxonomy(name)))
    assert drawn == [classes]
    assert (folder.name == f"demo-{DEMO_VERSION}") == (name == "lung")
    assert demo_folder(LabelReader(load_taxonomy(name))) == folder
    assert len(drawn) == 1


def test_a_tree_that_cannot_be_drawn_is_refused_by_class_with_the_remedy():
    tree = Taxonomy("skin", {"naevus": ROOT, "melanoma": ROOT}, {}, (), None)
    with pytest.raises(UserError, match=r"no images of naevus, melanoma, classes of .*'skin'") as e:
        demo_folder(LabelReader(tree))
    assert "lung_sclc" in e.value.remedy
    assert "list taxonomies" in e.value.remedy
    mapping = {"lung n": "naevus", "lung aca": "melanoma"}
    names = drawn_classes(LabelReader(tree, mapping))
    assert names == ("lung_aca", "lung_n")
