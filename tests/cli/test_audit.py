"""`lcbench audit` as it is typed: what it writes, says, and ends with."""

from __future__ import annotations

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
from markdown_it import MarkdownIt
from sklearn.metrics import adjusted_rand_score
from typer.testing import CliRunner

from lcbench.cli import app
from lcbench.datasets.groups import read_groups

from ..leakage.tissue import saved, tile
from .commands import Lcbench, require_one_message

SIDE = 160
PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
PLOTS = ["correlations.png", "group-sizes.png", "overlaps.png"]
Write = Callable[..., None]


def draw(seed: int, path: str | Path, turns: int = 0) -> None:
    """Write the tissue of a seed, in quarter turns."""
    saved(np.rot90(tile(seed, SIDE), turns), Path(path))


def written(folder: str | Path) -> list[str]:
    paths = (path for path in Path(folder).rglob("*") if path.is_file())
    return sorted(path.relative_to(folder).as_posix() for path in paths)


def found(folder: str | Path = "audit") -> Any:
    return json.loads((Path(folder) / "audit.json").read_text())


def page(folder: str | Path = "audit") -> str:
    return (Path(folder) / "README.md").read_text()


def sentences(result: Result) -> list[str]:
    return [line[2:] for line in result.stdout.splitlines() if line.startswith("- ")]


def group_column(folder: str | Path = "audit") -> dict[str, str]:
    table = read_groups(Path(folder) / "groups.csv")
    return dict(zip(table["image"], table["group"], strict=True))


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


# Leaks and exit codes


def test_folders_that_share_nothing_do_not_leak(lcbench: Lcbench) -> None:
    for seed, path in enumerate(["a/normal/1.png", "a/normal/2.png", "b/normal/1.png"]):
        draw(seed, path)
    draw(0, "a/normal/1 turned.png", turns=2)
    result = lcbench("audit", "a", "b", "--fail-on-leak", "--no-pictures")
    assert result.exit_code == 0, result.stderr
    assert "b: 0 of 1 source group" in result.stdout
    assert "share theirs" in sentences(result)[0]


def test_folders_that_share_a_copy_leak(lcbench: Lcbench, write_images: Write) -> None:
    write_images(Path("a"), {"normal": 3})
    shutil.copytree("a", "b")
    for number in range(2):
        Path(f"b/normal/00{number}.png").unlink()
    result = lcbench("audit", "a", "b", "--fail-on-leak")
    assert result.exit_code == 1
    assert "Leak: --fail-on-leak ends with exit code 1." in result.stderr
    assert lcbench("audit", "a", "b").exit_code == 0
    assert written("audit")[0] == "README.md"


@pytest.mark.parametrize(("copies", "code"), [(1, 1), (0, 0)])
def test_one_folder_leaks_where_an_image_stands_twice(
    copies: int, code: int, lcbench: Lcbench, write_images: Write
) -> None:
    write_images(Path("a"), {"normal": 3})
    for number in range(copies):
        shutil.copy("a/normal/000.png", f"a/normal/copy {number}.png")
    assert lcbench("audit", "a", "--fail-on-leak").exit_code == code
    assert lcbench("audit", "a").exit_code == 0


def test_copies_on_one_side_of_a_split_are_no_leak(lcbench: Lcbench, write_images: Write) -> None:
    write_images(Path("a"), {"normal": 2})
    shutil.copy("a/normal/000.png", "a/normal/copy.png")
    Path("s.csv").write_text("image,fold\nnormal/000.png,1\nnormal/copy.png,1\nnormal/001.png,2\n")
    words = ("audit", "a", "--split", "s.csv", "--fail-on-leak")
    assert lcbench(*words).exit_code == 0
    Path("s.csv").write_text("image,fold\nnormal/000.png,1\nnormal/copy.png,2\nnormal/001.png,2\n")
    assert lcbench(*words).exit_code == 1


def test_files_that_cannot_be_read_are_named(lcbench: Lcbench, write_images: Write) -> None:
    write_images(Path("a"), {"normal": 3})
    Path("a/normal/broken.png").write_bytes(b"no image")
    result = lcbench("audit", "a", "--fail-on-leak")
    assert result.exit_code == 3
    assert sentences(result)[-1] == "1 file left out: not readable as images."
    assert found()["unreadable"] == ["normal/broken.png: not an image of a known format"]
    assert "- normal/broken.png: not an image of a known format" in page()
    assert "normal/broken.png" not in group_column()


def test_a_leak_weighs_more_than_an_unreadable_file(lcbench: Lcbench, write_images: Write) -> None:
    write_images(Path("a"), {"normal": 1})
    shutil.copy("a/normal/000.png", "a/normal/copy.png")
    Path("a/normal/broken.png").write_bytes(b"")
    assert lcbench("audit", "a", "--fail-on-leak").exit_code == 1
    assert lcbench("audit", "a").exit_code == 3


def test_a_single_image_is_audited(lcbench: Lcbench) -> None:
    draw(0, "a/normal/only.png")
    result = lcbench("audit", "a", "--fail-on-leak")
    assert result.exit_code == 0, result.stderr
    assert sentences(result)[1:] == [
        "No image is an exact copy of another one.",
        "No image is a near copy of another one, and no fields of view overlap.",
        "All images carry one label.",
    ]
    assert group_column() == {"normal/only.png": "g00001"}


def test_images_of_too_little_structure_are_named(lcbench: Lcbench, write_images: Write) -> None:
    write_images(Path("a"), {"normal": 1})
    saved(np.full((SIDE, SIDE, 3), 200, np.uint8), Path("a/normal/empty.png"))
    result = lcbench("audit", "a")
    assert "normal/empty.png" in found()["incomparable"]
    assert any("too little structure" in line for line in sentences(result))
    assert "- normal/empty.png" in page().split("## Images of too little structure")[1]


# What cannot be audited


@pytest.mark.parametrize("out", ["a", "a/audit", "a/normal", "a/../a/x"])
def test_nothing_is_written_into_an_audited_folder(
    out: str, lcbench: Lcbench, write_images: Write
) -> None:
    write_images(Path("b"), {"normal": 1})
    write_images(Path("a"), {"normal": 1})
    before = written(".")
    require_one_message(
        lcbench("audit", "b", "a", "--out", out), f"--out {out}: inside the audited folder a",
        code=2,
    )  # fmt: skip
    assert written(".") == before


def test_an_existing_file_is_no_place_to_write(lcbench: Lcbench, write_images: Write) -> None:
    write_images(Path("a"), {"normal": 1})
    Path("file").touch()
    require_one_message(
        lcbench("audit", "a", "--out", "file"), "--out file: a file, not a folder", code=1
    )
    require_one_message(lcbench("audit", "a", "--out", "file/x"), "--out file/x", code=1)


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
    require_one_message(lcbench("audit", *words), said, code=code)
    assert not Path("audit").exists()


# Names from outside


HOSTILE = ["[red]a|b", "<b>bold", "`c` *d* _e_", "![x](y)", "$f$ $\\g"]


@pytest.fixture
def hostile(tmp_path: Path) -> list[str]:
    """Images, their copies and turned copies, named in Markdown, HTML and rich's mark-up."""
    names = []
    for seed, name in enumerate(HOSTILE):
        three = [f"{folder}/{name}.png" for folder in ("lung_n", "[bold]|<i>", "[red]|`")]
        for turns, one in enumerate(three):
            draw(seed, tmp_path / "data" / one, turns=turns // 2)
        names += three
    return names


def test_names_from_outside_stay_text(lcbench: Lcbench, hostile: list[str]) -> None:
    result = lcbench("audit", "data")
    assert result.exit_code == 0, result.stderr
    assert sorted(group_column()) == sorted(hostile)
    assert "[bold]|<i>" in result.stdout
    assert len(pd.read_csv("audit/pairs.csv")) == 2 * len(HOSTILE)
    html = PARSER.render(page())
    for mark in ("<b>", "<i>", "<em>", "<strong>", "<del>"):
        assert mark not in html
    assert set(re.findall(r'src="([^"]*)"', html)) <= set(written("audit"))
    assert set(re.findall(r'href="([^"]*)"', html)) <= set(written("audit"))
    text = re.sub(r"<[^>]*>", "", html)
    for name in HOSTILE:
        escaped = name.replace("<", "&lt;").replace(">", "&gt;")
        copy = f"[bold]|&lt;i&gt;/{escaped}.png and lung_n/{escaped}.png (same file)"
        assert copy in text, name


@pytest.mark.usefixtures("hostile")
def test_every_row_of_a_table_has_its_cells(lcbench: Lcbench) -> None:
    assert lcbench("audit", "data", "--no-pictures").exit_code == 0
    blocks = re.findall(r"(?:^\|.*\n)+", page(), re.MULTILINE)
    assert len(blocks) == 4
    for block in blocks:
        counts = {len(re.split(r"(?<!\\)\|", line)) for line in block.splitlines()}
        assert len(counts) == 1, block


def test_a_name_of_two_lines_does_not_break_a_sentence(
    lcbench: Lcbench, write_images: Write
) -> None:
    write_images(Path("a"), {"normal": 1})
    shutil.copy("a/normal/000.png", "a/normal/new\nline.png")
    result = lcbench("audit", "a")
    assert result.exit_code == 0
    assert group_column() == {"normal/000.png": "g00001", "normal/new\nline.png": "g00001"}
    assert "line.png)." not in result.stdout.splitlines()


# Real data


def test_copies_in_the_chest_ct_data_are_found(lcbench: Lcbench, shared_data: Path) -> None:
    folder = shared_data / "external" / "chest-ct"
    if not folder.is_dir():
        pytest.skip(f"real data not present at {folder}")
    result = lcbench("audit", folder, "--no-pictures")
    assert result.exit_code == 0, result.stderr
    said = sentences(result)
    assert sum(line.startswith("11 files are byte by byte a copy of another") for line in said) == 1
    assert said.count("No image stands under two labels, as itself or as a copy.") == 1
    pairs = pd.read_csv("audit/pairs.csv")
    copies = pairs[pairs["kind"] == "same file"]
    assert len(copies) == 11
    assert copies["second"].str.endswith(" - Copy (2).png").any()
    groups = group_column()
    assert all(groups[pair.first] == groups[pair.second] for pair in copies.itertuples())
