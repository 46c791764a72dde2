"""`lcbench audit` as it is typed: what it writes, ends with, refuses and survives."""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pytest
from click.testing import Result
from sklearn.metrics import adjusted_rand_score
from typer.testing import CliRunner

from lcbench.cli import app
from lcbench.datasets.dataset import load_dataset
from lcbench.datasets.groups import read_groups
from lcbench.datasets.labels import LabelReader
from lcbench.taxonomy import Taxonomy

from ..audit.builders import SIDE, draw
from ..leakage.tissue import saved
from ..rendering.golden import PARSER
from .commands import Lcbench, require_one_message

PLOTS = [f"figures/{name}.png" for name in ("correlations", "group-sizes", "overlaps")]
TABLES = ["README.md", "audit.json", "groups.csv", "merges.csv", "pairs.csv"]
Write = Callable[..., None]
Audited = tuple[Result, Path]


def written(folder: str | Path) -> list[str]:
    paths = (path for path in Path(folder).rglob("*") if path.is_file())
    return sorted(path.relative_to(folder).as_posix() for path in paths)


def found(folder: str | Path = "audit") -> Any:
    return json.loads((Path(folder) / "audit.json").read_text())


def page(folder: str | Path = "audit") -> str:
    return (Path(folder) / "README.md").read_text()


def group_column(folder: str | Path = "audit") -> dict[str, str]:
    return read_groups(Path(folder) / "groups.csv")


# The demonstration set beside its own groups


@pytest.fixture(scope="module")
def demo_audit(small_demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Audited:
    out = tmp_path_factory.mktemp("demo") / "audit"
    words = ["audit", str(small_demo), "--groups", str(small_demo / "groups.csv")]
    return CliRunner().invoke(app, [*words, "--out", str(out), "--no-pictures"]), out


def test_the_demonstration_set_is_grouped_as_it_was_drawn(
    demo_audit: Audited, small_demo: Path
) -> None:
    result, out = demo_audit
    assert result.exit_code == 0
    assert f"Audit: {out / 'README.md'}" in result.stderr
    assert written(out) == sorted([*TABLES, *PLOTS])
    truth = pd.read_csv(small_demo / "groups.csv")
    groups = group_column(out)
    assert list(groups) == sorted(truth["image"])
    assert adjusted_rand_score(truth["group"], truth["image"].map(groups)) == 1
    assert list(dict.fromkeys(groups.values())) == [f"g{number:05}" for number in range(1, 25)]
    published = found(out)["published"]
    assert (published["images"], published["not_named"]) == (72, 0)
    assert (published["recall"], published["precision"], published["ari"]) == (1, 1, 1)
    assert (published["merges"], published["splits"]) == ([], [])
    assert len(pd.read_csv(out / "merges.csv")) == 0
    assert pd.read_csv(out / "pairs.csv")["kind"].tolist() == ["near copy"] * 48


def test_groups_of_an_audit_are_groups_of_a_run(
    demo_audit: Audited, small_demo: Path, lung: Taxonomy
) -> None:
    dataset = load_dataset(str(small_demo), LabelReader(lung), demo_audit[1] / "groups.csv")
    assert dataset.manifest["group"].nunique() == 24
    assert dataset.source_known.all()


@pytest.mark.parametrize(
    ("by", "code", "shared"), [("image", 1, (24, 24, 24, 48)), ("group", 0, (0, 8, 0, 0))]
)
def test_a_random_split_leaks_and_one_by_groups_does_not(
    by: str, code: int, shared: tuple[int, ...], lcbench: Lcbench, small_demo: Path
) -> None:
    table = pd.read_csv(small_demo / "groups.csv")
    numbers = {
        "image": table.groupby("group").cumcount(),
        "group": table["group"].astype("category").cat.codes,
    }
    table["side"] = np.where(numbers[by] % 3 == 0, "test", "train")
    table[["image", "side"]].to_csv("split.csv", index=False)
    words = ("audit", small_demo, "--split", "split.csv", "--no-pictures")
    result = lcbench(*words, "--fail-on-leak")
    assert result.exit_code == code, result.stderr
    assert ("Leak: --fail-on-leak ends with exit code 1." in result.stderr) == (code == 1)
    test, train = found()["crossings"]
    assert (found()["split"], test["side"], test["other"]) == ("split.csv", "test", "train")
    counts = (test["groups_shared"], test["groups"], test["with_sibling"], train["with_sibling"])
    assert counts == shared
    table[["image", "side"]][:-10].to_csv("split.csv", index=False)
    assert lcbench(*words).exit_code == 0
    assert found()["without_side"] == 10


def test_a_split_that_leaks_is_repaired(lcbench: Lcbench, small_demo: Path) -> None:
    table = pd.read_csv(small_demo / "groups.csv")
    table["side"] = np.where(np.arange(len(table)) % 4 == 0, "test", "train")
    table[["image", "side"]].to_csv("split.csv", index=False)
    words = ("audit", small_demo, "--no-pictures")
    result = lcbench(*words, "--split", "split.csv", "--repair", "whole.csv")
    assert result.exit_code == 0, result.stderr
    assert "Repaired split: whole.csv" in result.stderr
    assert "The repaired split keeps every source group whole" in result.stdout
    repair = found()["repair"]
    repaired = pd.read_csv("whole.csv").merge(table, on="image", suffixes=("", "_old"))
    assert (repaired["side"] != repaired["side_old"]).sum() == repair["moved"]
    assert repaired.groupby("group")["side"].nunique().eq(1).all()
    again = lcbench(*words, "--split", "whole.csv", "--fail-on-leak")
    assert again.exit_code == 0
    require_one_message(
        lcbench(*words, "--split", "split.csv", "--repair", "whole.csv"), "it exists", code=2
    )
    require_one_message(lcbench(*words, "--repair", "new.csv"), "--repair: no split", code=2)


def test_a_csv_of_images_is_audited_with_its_sides_and_groups(lcbench: Lcbench) -> None:
    draw(0, "images/a.png")
    draw(0, "images/b.png", turns=1)
    draw(1, "images/c.png")
    Path("list.csv").write_text(
        "image,label,split,group\nimages/a.png,normal,train,1\nimages/b.png,,test,2\n"
        "images/c.png,lung_aca,test,2\n"
    )
    result = lcbench("audit", "list.csv", "--no-pictures")
    assert result.exit_code == 0, result.stderr
    assert (found()["split"], found()["published"]["file"]) == ("list.csv", "list.csv")
    assert found()["crossings"][0]["with_sibling"] == 1
    assert found()["two_labels"]["total"] == 0
    assert "1 pair crosses the split list.csv, 1 of them exact or near copies" in result.stdout
    assert list(group_column()) == ["images/a.png", "images/b.png", "images/c.png"]
    Path("odd.csv").write_text("file\na.png\n")
    require_one_message(lcbench("audit", "odd.csv", "--out", "x"), "missing columns: image", code=1)


# Two folders


def two_folders(folder: Path) -> None:
    """train and test share a copy, a turned image under another label, and not the rest."""
    draw(0, folder / "train/lung_aca/a.png")
    draw(1, folder / "train/lung_aca/b.png")
    draw(1, folder / "train/lung_aca/b turned.png", turns=1)
    draw(2, folder / "test/lung_n/own.png")
    draw(0, folder / "test/lung_n/turned.png", turns=1)
    draw(1, folder / "test/adenocarcinoma/copy.png")


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Audited:
    """The two folders beside published groups, with pictures; JSON is what was printed."""
    folder = tmp_path_factory.mktemp("both")
    two_folders(folder)
    images = {
        "train/lung_aca/a.png": "p1",
        "test/lung_n/turned.png": "p2",
        "train/lung_aca/b.png": "p3",
        "train/lung_aca/b turned.png": "p3",
        "test/lung_n/own.png": "p3",
    }
    pd.Series(images, name="group").rename_axis("image").to_csv(folder / "g.csv")
    words = ["audit", folder / "train", folder / "test", "--groups", folder / "g.csv", "--json"]
    return CliRunner().invoke(
        app, list(map(str, [*words, "--out", folder / "out"]))
    ), folder / "out"


def test_two_folders_are_compared_with_each_other(both: Audited) -> None:
    result, out = both
    assert result.exit_code == 0, result.stderr
    groups = group_column(out)
    assert groups["train/lung_aca/a.png"] == groups["test/lung_n/turned.png"]
    assert groups["train/lung_aca/b.png"] == groups["test/adenocarcinoma/copy.png"]
    assert len(set(groups.values())) == 3
    assert found(out)["pairs"] == {
        "same file": 1, "same pixels": 0, "near copy": 2, "near copy or neighbouring slice": 0,
        "neighbouring slice": 0, "overlapping field": 0,
    }  # fmt: skip
    (turned,) = found(out)["two_labels"]["shown"]
    assert (turned["first"]["label"], turned["second"]["label"]) == ("lung_aca", "lung_n")
    assert abs(turned["rotation"]) == 90
    test, train = found(out)["crossings"]
    assert (test["with_sibling"], test["exact"], train["with_sibling"]) == (2, 1, 3)


def test_json_is_strict_and_what_the_file_holds(both: Audited) -> None:
    def refuse_constant(name: str) -> None:
        raise AssertionError(f"{name} is not JSON")

    result, out = both
    assert json.loads(result.stdout, parse_constant=refuse_constant) == found(out)
    assert (found(out)["schema_version"], found(out)["generator"]) == (2, "lcbench audit")


def test_every_picture_and_link_of_the_page_leads_to_a_file(both: Audited) -> None:
    _, out = both
    addresses = {
        unquote(str(child.attrs.get("src") or child.attrs.get("href")))
        for token in PARSER.parse(page(out))
        for child in token.children or []
        if child.type in ("image", "link_open")
    }
    pictures = [name for name in written(out) if name.endswith(".png")]
    assert sorted(addresses) == pictures == [*PLOTS, "pairs/001.png", "pairs/002.png"]


def test_disagreement_with_published_groups_is_listed(both: Audited) -> None:
    _, out = both
    published = found(out)["published"]
    (merge,) = published["merges"]
    assert (merge["first_group"], merge["second_group"]) == ("p1", "p2")
    assert published["splits"] == [
        {"group": "p3", "sizes": [2, 1], "apart": ["test/lung_n/own.png"]}
    ]
    assert (published["images"], published["not_named"]) == (5, 1)
    table = pd.read_csv(out / "merges.csv")
    assert table[["first_group", "second_group", "first", "second"]].to_numpy().tolist() == [
        ["p1", "p2", "train/lung_aca/a.png", "test/lung_n/turned.png"]
    ]
    assert table["transform"].tolist() == ["turned by 90°"]


def test_files_that_are_called_like_formulas_are_found_again_in_what_was_written(
    lcbench: Lcbench, write_images: Write
) -> None:
    write_images(Path("images"), {"=1+1": 2, "normal": 2})
    Path("images/=1+1/000.png").rename("images/=1+1/=cmd.png")
    assert lcbench("audit", "images", "--no-pictures").exit_code == 0
    rows = list(csv.reader((Path("audit") / "groups.csv").open()))[1:]
    assert rows[0][0] == "'=1+1/001.png"
    names = ["=1+1/001.png", "=1+1/=cmd.png", "normal/000.png", "normal/001.png"]
    assert sorted(group_column()) == sorted(names)
    sides = "".join(f"{name},{name[-5]}\n" for name, _ in rows)
    Path("split.csv").write_text(f"image,side\n{sides}")
    again = lcbench(
        "audit", "images", "--no-pictures", "--groups", "audit/groups.csv", "--split", "split.csv",
        "--out", "again",
    )  # fmt: skip
    assert again.exit_code == 0, again.stderr
    assert found("again")["published"]["not_named"] == 0
    assert found("again")["without_side"] == 0


def test_tables_depend_on_the_images_alone(
    both: Audited, lcbench: Lcbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not on what the cache holds, nor on where the folders lie."""
    two_folders(tmp_path)
    monkeypatch.setenv("LCBENCH_CACHE", str(tmp_path / "another cache"))
    for _ in range(2):
        assert lcbench("audit", "train", "test", "--no-pictures").exit_code == 0
        for name in ("groups.csv", "pairs.csv"):
            assert Path("audit", name).read_bytes() == (both[1] / name).read_bytes()


def test_without_pictures_nothing_that_is_written_shows_an_image(
    both: Audited, lcbench: Lcbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even what an audit with pictures left there before; it may have drawn more than 999."""
    two_folders(tmp_path)
    shutil.copytree(both[1], "audit")
    shutil.copy("audit/pairs/001.png", "audit/pairs/1000.png")

    def fail(*_args: object, **_options: object) -> None:
        raise AssertionError("drew an image")

    monkeypatch.setattr("matplotlib.axes.Axes.imshow", fail)
    assert isinstance(lcbench("audit", "train", "test", "--out", "x").exception, AssertionError)
    assert lcbench("audit", "train", "test", "--no-pictures").exit_code == 0
    assert [name for name in written("audit") if name.endswith(".png")] == PLOTS
    assert not Path("audit/merges.csv").exists()
    assert "pairs/" not in page()


# Leaks and exit codes


def test_folders_leak_where_they_share_tissue(lcbench: Lcbench) -> None:
    for seed, path in enumerate(["a/normal/1.png", "a/normal/2.png", "b/normal/1.png"]):
        draw(seed, path)
    draw(0, "a/normal/1 turned.png", turns=2)
    words = ("audit", "a", "b", "--no-pictures")
    assert lcbench(*words, "--fail-on-leak").exit_code == 0
    shutil.copy("a/normal/2.png", "b/normal/copy.png")
    assert lcbench(*words, "--fail-on-leak").exit_code == 1
    assert lcbench(*words).exit_code == 0


@pytest.mark.parametrize(
    ("files", "split", "code", "lenient"),
    [
        (["copy"], None, 1, 0),
        ([], None, 0, 0),
        (["copy"], {"000": 1, "copy": 1, "001": 2}, 0, 0),
        (["copy"], {"000": 1, "copy": 2, "001": 2}, 1, 0),
        (["broken"], None, 3, 3),
        (["copy", "broken"], None, 1, 3),
    ],
    ids=["a copy", "none", "on one side", "on two sides", "unreadable", "a copy and unreadable"],
)
def test_what_an_audit_of_one_folder_ends_with(
    files: list[str], split: dict[str, int] | None, code: int, lenient: int, lcbench: Lcbench,
    write_images: Write,
) -> None:  # fmt: skip
    write_images(Path("a"), {"normal": 2})
    if "copy" in files:
        shutil.copy("a/normal/000.png", "a/normal/copy.png")
    if "broken" in files:
        Path("a/normal/broken.png").write_bytes(b"no image")
    words = ["audit", "a", "--no-pictures"]
    if split is not None:
        lines = [f"normal/{name}.png,{fold}" for name, fold in split.items()]
        Path("s.csv").write_text("\n".join(["image,fold", *lines]) + "\n")
        words += ["--split", "s.csv"]
    assert lcbench(*words, "--fail-on-leak").exit_code == code
    assert lcbench(*words).exit_code == lenient


def test_what_cannot_be_compared_is_named(lcbench: Lcbench) -> None:
    draw(0, "a/normal/only.png")
    saved(np.full((SIDE, SIDE, 3), 200, np.uint8), Path("a/normal/empty.png"))
    Path("a/normal/broken.png").write_bytes(b"no image")
    assert lcbench("audit", "a").exit_code == 3
    assert found()["unreadable"] == ["normal/broken.png: not an image of a known format"]
    assert found()["incomparable"] == ["normal/empty.png"]
    assert "- normal/broken.png: not an image of a known format" in page()
    assert "- normal/empty.png" in page().split("## Images of too little structure")[1]
    assert group_column() == {"normal/empty.png": "g00001", "normal/only.png": "g00002"}


# What cannot be audited


@pytest.mark.parametrize("out", ["a", "a/audit", "a/normal", "a/../a/x"])
def test_nothing_is_written_into_an_audited_folder(
    out: str, lcbench: Lcbench, write_images: Write
) -> None:
    for folder in "ab":
        write_images(Path(folder), {"normal": 1})
    before = written(".")
    result = lcbench("audit", "b", "a", "--out", out)
    require_one_message(result, f"--out {out}: inside the audited folder a", code=2)
    assert written(".") == before


@pytest.mark.parametrize(
    ("words", "said", "code"),
    [
        (("none",), "none: no such folder", 1),
        (("file",), "file: not a folder", 1),
        (("empty",), "empty: no images found", 1),
        (("a", "a/normal"), "one is in the other", 2),
        (("a", "--split", "none.csv"), "none.csv", 1),
        (("a", "--split", "odd.csv"), "odd.csv: needs the columns image and side", 1),
        (("a", "--groups", "none.csv"), "none.csv", 1),
        (("a", "--groups", "odd.csv"), "odd.csv: missing columns: group", 1),
        (("a", "--groups", "other.csv"), "none of its 1 images is in the data", 1),
        (("a", "--labels", "none.toml"), "none.toml", 1),
        (("a", "--out", "file"), "--out file: a file, not a folder", 1),
        (("a", "--out", "file/x"), "is a file, not a folder", 1),
        ((), "Missing argument", 2),
    ],
)
def test_what_cannot_be_used_is_one_message_and_nothing_is_written(
    words: tuple[str, ...], said: str, code: int, lcbench: Lcbench, write_images: Write
) -> None:
    write_images(Path("a"), {"normal": 2})
    Path("file").touch()
    Path("empty").mkdir()
    Path("odd.csv").write_text("image,what\nx,y\n")
    Path("other.csv").write_text("image,group\nx.png,y\n")
    before = written(".")
    require_one_message(lcbench("audit", *words), said, code=code)
    assert written(".") == before


# Names from outside


HOSTILE = ["[red]a|b <b>bold", "`c` *d* _e_ ![x](y)", "$f$ $\\g new\nline"]


def test_names_from_outside_stay_text(lcbench: Lcbench) -> None:
    """On the screen, which reads rich's mark-up, on the page, in tables and in pictures."""
    folders = ("lung_n", "[bold]|<i>", "[red]|`")
    for seed, name in enumerate(HOSTILE):
        for turns, folder in enumerate(folders):
            draw(seed, f"data/{folder}/{name}.png", turns=turns // 2)
    result = lcbench("audit", "data")
    assert result.exit_code == 0, result.stderr
    assert sorted(group_column()) == sorted(f"{f}/{name}.png" for name in HOSTILE for f in folders)
    assert "[bold]|<i>" in result.stdout
    assert len(pd.read_csv("audit/pairs.csv")) == 2 * len(HOSTILE)
    html = PARSER.render(page())
    assert not re.search("<(b|i|em|strong|del)>", html)
    assert set(re.findall(r'(?:src|href)="([^"]*)"', html)) <= set(written("audit"))
    text = re.sub(r"<[^>]*>", "", html)
    for name in HOSTILE:
        shown = " ".join(name.split()).replace("<", "&lt;").replace(">", "&gt;")
        assert f"[bold]|&lt;i&gt;/{shown}.png and lung_n/{shown}.png (same file)" in text, name


# Real data


def test_copies_in_the_chest_ct_data_are_found(lcbench: Lcbench, shared_data: Path) -> None:
    folder = shared_data / "external" / "chest-ct" / "normal"
    if not folder.is_dir():
        pytest.skip(f"real data not present at {folder}")
    result = lcbench("audit", folder, "--no-pictures")
    assert result.exit_code == 0, result.stderr
    assert (found()["images"], found()["pairs"]["same file"]) == (29, 11)
    pairs = pd.read_csv("audit/pairs.csv")
    copies = pairs[pairs["kind"] == "same file"]
    assert copies["second"].str.endswith(" - Copy (2).png").any()
    groups = group_column()
    assert all(groups[pair.first] == groups[pair.second] for pair in copies.itertuples())
