"""`lcbench audit` as it is typed: what it writes and says."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pytest
from click.testing import Result
from sklearn.metrics import adjusted_rand_score
from typer.testing import CliRunner

from lcbench.cli import app
from lcbench.datasets.groups import read_groups

from .audits import PARSER, PLOTS, Write, draw, found, group_column, page, sentences, written
from .commands import Lcbench


@pytest.fixture
def split_demo(small_demo: Path, tmp_path: Path) -> Callable[[str], Path]:
    """A CSV that puts a third of the demonstration set into test: by "image" or by "group"."""

    def write(by: str) -> Path:
        table = pd.read_csv(small_demo / "groups.csv")
        table["image_number"] = table.groupby("group").cumcount()
        table["group_number"] = table["group"].astype("category").cat.codes
        test = table[f"{by}_number"] % 3 == 0
        file = tmp_path / f"by {by}.csv"
        table.assign(side=np.where(test, "test", "train"))[["image", "side"]].to_csv(
            file, index=False
        )
        return file

    return write


@pytest.fixture
def two_folders(tmp_path: Path) -> None:
    """train and test share a copy, a turned image under another label, and not the rest."""
    draw(0, tmp_path / "train/lung_aca/a.png")
    draw(1, tmp_path / "train/lung_aca/b.png")
    draw(1, tmp_path / "train/lung_aca/b turned.png", turns=1)
    draw(2, tmp_path / "test/lung_n/own.png")
    draw(0, tmp_path / "test/lung_n/turned.png", turns=1)
    draw(1, tmp_path / "test/adenocarcinoma/copy.png")


# The demonstration set


@pytest.fixture(scope="module")
def demo_audit(small_demo: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, Path]:
    """The demonstration set beside its own groups; what was said, and where it was written."""
    out = tmp_path_factory.mktemp("demo") / "audit"
    words = ["audit", str(small_demo), "--groups", str(small_demo / "groups.csv")]
    return CliRunner().invoke(app, [*words, "--out", str(out), "--no-pictures"]), out


def test_the_demonstration_set_is_grouped_as_it_was_drawn(
    demo_audit: tuple[Result, Path], small_demo: Path
) -> None:
    result, out = demo_audit
    assert result.exit_code == 0
    truth = pd.read_csv(small_demo / "groups.csv")
    table = read_groups(out / "groups.csv")
    assert table["image"].tolist() == sorted(truth["image"])
    groups = group_column(out)
    assert adjusted_rand_score(truth["group"], truth["image"].map(groups)) == 1
    assert list(dict.fromkeys(groups.values())) == [f"g{number:05}" for number in range(1, 25)]


def test_every_table_and_plot_is_written(demo_audit: tuple[Result, Path]) -> None:
    _, out = demo_audit
    tables = ["README.md", "audit.json", "groups.csv", "merges.csv", "pairs.csv"]
    assert written(out) == sorted([*tables, *(f"figures/{plot}" for plot in PLOTS)])
    pairs = pd.read_csv(out / "pairs.csv")
    assert len(pairs) == 48
    assert set(pairs["kind"]) == {"near copy"}
    assert set(pairs["joined"]) == {True}
    assert len(pd.read_csv(out / "merges.csv")) == 0


def test_the_published_groups_are_confirmed(demo_audit: tuple[Result, Path]) -> None:
    result, out = demo_audit
    published = found(out)["published"]
    assert (published["images"], published["not_named"]) == (72, 0)
    assert (published["recall"], published["precision"], published["ari"]) == (1, 1, 1)
    assert (published["merges"], published["splits"]) == ([], [])
    said = [line for line in sentences(result) if line.startswith("groups.csv")]
    assert said == [
        "groups.csv puts 72 of these images into 24 groups; pixels put them into 24.",
    ]


def test_the_screen_and_the_page_say_the_same(demo_audit: tuple[Result, Path]) -> None:
    result, out = demo_audit
    said = sentences(result)
    assert said[0] == (
        "72 images come from 24 source groups: 72 images share theirs with another one."
    )
    assert said[1] == "No image is an exact copy of another one."
    bullets = page(out).split("\n## ")[0].split("\n\n")[1].splitlines()
    assert [line[2:] for line in bullets] == said
    assert f"Audit: {out / 'README.md'}" in result.stderr


def test_groups_of_an_audit_are_groups_of_a_run(
    demo_audit: tuple[Result, Path], small_demo: Path, lcbench: Lcbench
) -> None:
    result = lcbench(
        "run", "--suite", "quick.toml", "--data", small_demo, "--groups",
        demo_audit[1] / "groups.csv", "--only", "majority", "--weights", "random", "--offline",
        "--device", "cpu", "--precision", "32", "--jobs", 1,
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    dataset = json.loads(Path("runs/quick/plan.json").read_text())["dataset"]
    assert dataset["source_groups"] == 24
    assert dataset["groups_source"] == "groups.csv (72 images)"
    assert dataset["pixel_check"] == "pixels agree with the source groups given"


@pytest.mark.parametrize(("by", "code"), [("image", 1), ("group", 0)])
def test_a_random_split_leaks_and_one_by_groups_does_not(
    by: str, code: int, lcbench: Lcbench, small_demo: Path, split_demo: Callable[[str], Path]
) -> None:
    words = ("audit", small_demo, "--split", split_demo(by), "--no-pictures")
    result = lcbench(*words, "--fail-on-leak")
    assert result.exit_code == code, result.stderr
    assert ("Leak:" in result.stderr) == (code == 1)
    test, train = found()["crossings"]
    assert (test["side"], test["other"], test["images"], train["images"]) == (
        "test", "train", 24, 48,
    )  # fmt: skip
    shared = {"image": (24, 24, 24, 48), "group": (0, 8, 0, 0)}[by]
    counts = (test["groups_shared"], test["groups"], test["with_sibling"], train["with_sibling"])
    assert counts == shared
    words = f"test: {counts[0]} of {counts[1]} source groups also in train"
    assert any(line.startswith(words) for line in sentences(result))
    assert words in page()


def test_images_without_a_side_are_counted(
    lcbench: Lcbench, small_demo: Path, split_demo: Callable[[str], Path]
) -> None:
    file = split_demo("group")
    file.write_text("\n".join(file.read_text().splitlines()[:-10]) + "\n")
    result = lcbench("audit", small_demo, "--split", file, "--no-pictures")
    assert result.exit_code == 0
    assert found()["without_side"] == 10
    assert "10 images without a side in the split by group.csv: counted on none." in sentences(
        result
    )


# Folders made for the purpose


@pytest.mark.usefixtures("two_folders")
def test_two_folders_are_compared_with_each_other(lcbench: Lcbench) -> None:
    result = lcbench("audit", "train", "test")
    assert result.exit_code == 0, result.stderr
    assert sentences(result) == [
        "6 images come from 3 source groups: 5 images share theirs with another one.",
        "1 file is byte by byte a copy of another (e.g. train/lung_aca/b.png and "
        "test/adenocarcinoma/copy.png).",
        "Beyond exact copies, 2 pairs of near copies and 0 pairs of overlapping fields were "
        "registered and join the groups.",
        "test: 2 of 3 source groups also in train; 2 of 3 images have a sibling there, 1 of them "
        "an exact copy.",
        "train: 2 of 2 source groups also in test; 3 of 3 images have a sibling there, 1 of them "
        "an exact copy.",
        "1 source group stands under two labels: train/lung_aca/a.png and test/lung_n/turned.png "
        "(1 pair of copies, 0 of overlapping fields).",
    ]
    groups = group_column()
    assert groups["train/lung_aca/a.png"] == groups["test/lung_n/turned.png"]
    assert groups["train/lung_aca/b.png"] == groups["test/adenocarcinoma/copy.png"]
    assert len(set(groups.values())) == 3


@pytest.mark.usefixtures("two_folders")
def test_every_picture_and_link_of_the_page_leads_to_a_file(lcbench: Lcbench) -> None:
    assert lcbench("audit", "train", "test", "--out", "out").exit_code == 0
    addresses = [
        unquote(str(child.attrs.get("src") or child.attrs.get("href")))
        for token in PARSER.parse(page("out"))
        for child in token.children or []
        if child.type in ("image", "link_open")
    ]
    pictures = [name for name in written("out") if name.endswith(".png")]
    assert sorted(set(addresses)) == pictures
    assert [name for name in pictures if name.startswith("figures/")] == [
        f"figures/{plot}" for plot in PLOTS
    ]
    assert "pairs/002.png" in pictures


@pytest.mark.usefixtures("two_folders")
def test_json_is_strict_and_what_the_file_holds(lcbench: Lcbench) -> None:
    def refuse_constant(name: str) -> None:
        raise AssertionError(f"{name} is not JSON")

    result = lcbench("audit", "train", "test", "--json", "--no-pictures")
    assert result.exit_code == 0
    assert json.loads(result.stdout, parse_constant=refuse_constant) == found()
    assert found()["pairs"] == {
        "same file": 1, "same pixels": 0, "near copy": 2, "overlapping field": 0,
    }  # fmt: skip
    (turned,) = found()["two_labels"]["shown"]
    assert (turned["first"]["label"], turned["second"]["label"]) == ("lung_aca", "lung_n")
    assert abs(turned["rotation"]) == 90
    assert turned["transform"] == "turned by 90°"


@pytest.mark.usefixtures("two_folders")
def test_a_second_audit_writes_the_same_tables(lcbench: Lcbench) -> None:
    texts = []
    for _ in range(2):
        assert lcbench("audit", "train", "test", "--no-pictures").exit_code == 0
        texts.append([Path("audit", f"{name}.csv").read_bytes() for name in ("groups", "pairs")])
    assert texts[0] == texts[1]


@pytest.mark.usefixtures("two_folders")
def test_tables_do_not_depend_on_the_cache(
    lcbench: Lcbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = []
    for name in ("one", "two"):
        monkeypatch.setenv("LCBENCH_CACHE", str(tmp_path / "caches" / name))
        assert lcbench("audit", "train", "test", "--no-pictures").exit_code == 0
        texts.append([Path("audit", f"{name}.csv").read_bytes() for name in ("groups", "pairs")])
    assert texts[0] == texts[1]


@pytest.mark.usefixtures("two_folders")
def test_without_pictures_nothing_that_is_written_shows_an_image(
    lcbench: Lcbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even what an audit with pictures left there before."""
    words = ("audit", "train", "test")
    assert lcbench(*words).exit_code == 0
    assert any(name.startswith("pairs/") for name in written("audit"))

    def fail(*_args: object, **_options: object) -> None:
        raise AssertionError("drew an image")

    monkeypatch.setattr("matplotlib.axes.Axes.imshow", fail)
    assert isinstance(lcbench(*words, "--out", "other").exception, AssertionError)
    assert lcbench(*words, "--no-pictures").exit_code == 0
    assert [name for name in written("audit") if name.endswith(".png")] == [
        f"figures/{plot}" for plot in PLOTS
    ]
    assert "pairs/" not in page()


def test_all_pictures_of_an_earlier_audit_are_removed(
    lcbench: Lcbench, write_images: Write
) -> None:
    """An audit with many merges draws more than 999."""
    write_images(Path("a"), {"normal": 1})
    for name in ("001", "999", "1000"):
        draw(0, f"audit/pairs/{name}.png")
    assert lcbench("audit", "a", "--no-pictures").exit_code == 0
    assert [name for name in written("audit") if name.startswith("pairs/")] == []


@pytest.mark.usefixtures("two_folders")
def test_disagreement_with_published_groups_is_listed(lcbench: Lcbench) -> None:
    images = {
        "train/lung_aca/a.png": "p1",
        "test/lung_n/turned.png": "p2",
        "train/lung_aca/b.png": "p3",
        "train/lung_aca/b turned.png": "p3",
        "test/lung_n/own.png": "p3",
    }
    lines = [f"{image},{group}" for image, group in images.items()]
    Path("g|1.csv").write_text("\n".join(["image,group", *lines]) + "\n")
    result = lcbench("audit", "train", "test", "--groups", "g|1.csv")
    assert result.exit_code == 0, result.stderr
    published = found()["published"]
    (merge,) = published["merges"]
    assert (merge["first_group"], merge["second_group"]) == ("p1", "p2")
    assert published["splits"] == [
        {"group": "p3", "sizes": [2, 1], "apart": ["test/lung_n/own.png"]}
    ]
    assert (published["images"], published["not_named"]) == (5, 1)
    table = pd.read_csv("audit/merges.csv")
    assert table[["first_group", "second_group", "first", "second"]].to_numpy().tolist() == [
        ["p1", "p2", "train/lung_aca/a.png", "test/lung_n/turned.png"]
    ]
    said = sentences(result)
    assert "Pixels join 1 pair of published groups that the file keeps apart." in said
    assert any(line.startswith("1 image of 1 published group could not be") for line in said)
    assert "### Published groups that pixels join" in page()
    assert "### Published groups that pixels do not hold together" in page()
