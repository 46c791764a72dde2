"""`lcbench compare` as it is typed: exit codes, streams, files, one message for each mistake."""

from __future__ import annotations

import json
import os
import re
import sys

import pandas as pd
import pytest
from typer.testing import CliRunner

from lcbench.cli import app

from ..analysis.foreign import LEAVES, random_model

MINIMAL = ("image,true,predicted", "a,n,n", "b,aca,scc", "c,scc,scc")


@pytest.fixture
def compare(monkeypatch):
    """Type `lcbench compare` with these words, and few resamples."""

    def typed(*words):
        line = ["compare", *map(str, words), "--resamples", "200"]
        monkeypatch.setattr(sys, "argv", ["lcbench", *line])
        return CliRunner().invoke(app, line)

    return typed


@pytest.fixture
def pair(tmp_path):
    """Two files with groups and probabilities."""
    return [
        random_model(seed, n=60, groups=20, chances=True).write(tmp_path / f"m{seed}.csv")
        for seed in (1, 2)
    ]


def strict_json(text):
    def refuse(name):
        raise AssertionError(f"{name} is not JSON")

    return json.loads(text, parse_constant=refuse)


def require_one_message(result, *said, code=1):
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == code, result.stderr
    assert result.stdout == ""
    assert len(re.findall(r"^Error: |─ Error ─", result.stderr, re.MULTILINE)) == 1
    assert "Traceback" not in result.stderr
    for words in said:
        assert words in result.stderr


# What it prints


def test_three_columns_are_enough_for_two_models_or_one(compare, csv_file):
    path = csv_file(*MINIMAL)
    result = compare(path, path)
    assert result.exit_code == 0
    assert "Errors of any kind" in result.stdout
    assert "model (2)" in result.stdout
    assert "source groups are unknown" in result.stderr
    assert "\x1b" not in result.stdout + result.stderr
    alone = compare(path)
    assert alone.exit_code == 0
    assert "Errors" not in alone.stdout


def test_probabilities_rounded_to_three_decimals_are_compared_and_noted(compare, pair):
    table = pd.read_csv(pair[0])
    shares = [name for name in table if name.startswith("p:")]
    table[shares] = table[shares].round(3)
    assert (table[shares].sum(axis=1).sub(1).abs() > 1e-6).any()
    rounded = pair[0].with_name("rounded.csv")
    table.to_csv(rounded, index=False)
    result = compare(rounded, pair[1])
    assert result.exit_code == 0, result.stderr
    said = " ".join((result.stdout + result.stderr).split())
    assert "rounded to 3 decimals, so divided by the sum" in said


def test_json_is_one_object_with_the_documented_keys(compare, pair):
    result = compare(*pair, "--json")
    assert result.exit_code == 0
    found = strict_json(result.stdout)
    part = found["comparison"]
    assert [model["model"] for model in part["models"]] == ["m1", "m2"]
    (both,) = part["pairs"]
    assert [(one["event"], one["node"]) for one in both["events"]] == [
        ("any_error", ""), ("confusion", "malignant"), ("confusion", "root"),
    ]  # fmt: skip
    assert [test["name"] for test in both["events"][0]["tests"]] == [
        "mcnemar-exact", "mcnemar-mid-p", "mcnemar-corrected", "obuchowski", "durkalski", "yang",
        "sign-flip",
        "clustered-score",
    ]  # fmt: skip
    assert (found["matched_by"], part["images"], part["groups"]) == ("image", 60, 20)
    assert found["leaves"] == list(LEAVES)
    assert all({"value", "low", "high", "n"} <= set(one["estimate"]) for one in both["differences"])
    assert compare(*pair, "--json").stdout == result.stdout


def test_images_without_a_partner_are_named_and_change_the_exit_code(compare, csv_file):
    short = csv_file(*MINIMAL[:3], name="short.csv")
    result = compare(csv_file(*MINIMAL), short)
    assert result.exit_code == 3
    assert "1 image of model without a partner, left out: c." in result.stderr
    found = strict_json(compare(csv_file(*MINIMAL), short, "--json").stdout)
    assert found["comparison"]["unmatched"] == [
        {"model": "model", "images": 1, "predictions": 1, "examples": ["c"]}
    ]


def test_groups_of_one_file_serve_all_and_can_be_given(compare, pair, csv_file, tmp_path):
    result = compare(pair[0], random_model(3, n=60).write(tmp_path / "plain.csv"))
    assert "20 source groups" in result.stderr
    assert "no column group" not in result.stderr
    groups = csv_file("image,group", "a,g", "b,g", "c,h", name="groups.csv")
    one, two = csv_file(*MINIMAL), csv_file(*MINIMAL, name="two.csv")
    found = strict_json(compare(one, two, "--groups", groups, "--json").stdout)
    part = found["comparison"]
    assert (part["groups"], part["groups_known"]) == (2, True)
    assert not any("group" in note for note in (*part["notes"], *found["notes"]))
    partly = csv_file("image,group", "a,g", "b,g", name="partly.csv")
    part = strict_json(compare(one, two, "--groups", partly, "--json").stdout)["comparison"]
    assert (part["groups"], part["groups_known"], part["images_without_group"]) == (2, False, 1)


def test_labels_taxonomy_names_and_match(compare, csv_file, tmp_path):
    path = csv_file("image,true,predicted,sha256", "x/a,funny,sunny,1", "x/b,sunny,sunny,2")
    labels, tree = tmp_path / "labels.toml", tmp_path / "tree.toml"
    labels.write_text('[labels]\nfunny = "one"\nsunny = "two"\n')
    tree.write_text('name = "mine"\n[nodes.one]\nparent = "root"\n[nodes.two]\nparent = "root"\n')
    words = ["--labels", labels, "--taxonomy", tree, "--name", "A", "--name", "B"]
    words += ["--match", "image", "--interval", "bca", "--adjust", "bh", "--json"]
    found = strict_json(compare(path, path, *words).stdout)
    part, settings = found["comparison"], found["settings"]
    names = [model["model"] for model in part["models"]]
    assert (names, found["leaves"]) == (["A", "B"], ["one", "two"])
    used = (found["matched_by"], settings["interval"], settings["adjustment"])
    assert used == ("image", "bca", "bh")
    assert [one["event"] for one in part["pairs"][0]["events"]] == ["any_error"]


@pytest.mark.parametrize("name", ["[red]x", "a|b<b>", "\x1b[31mred\udcff\0"])
def test_names_from_outside_harm_nothing(compare, csv_file, tmp_path, name):
    path, page, data = csv_file(*MINIMAL), tmp_path / "page.md", tmp_path / "data.json"
    for out in (page, data):
        result = compare(path, path, "--name", name, "--name", "two", "--out", out)
        assert result.exit_code == 0, result.stderr
        assert "\x1b" not in result.stdout + result.stderr
    assert "\x1b" not in page.read_text()
    assert len(strict_json(data.read_text())["comparison"]["models"]) == 2


# What it writes


def test_a_page_or_json_is_written(compare, pair, tmp_path):
    page, data = tmp_path / "new" / "page.md", tmp_path / "data.JSON"
    result = compare(*pair, "--out", page, "--json")
    text = page.read_text()
    assert text.startswith("# Comparison of m1 and m2\n")
    assert f"--out {page}" in text
    assert f"Written: {page}" in result.stderr
    compare(*pair, "--out", data)
    written, shown = strict_json(data.read_text()), strict_json(result.stdout)
    assert written.pop("command").endswith(str(data) + " --resamples 200")
    assert shown.pop("command")
    assert written == shown


@pytest.mark.parametrize(
    ("out", "said", "code"),
    [
        (".", "a folder", 2),
        ("m1.csv", "one of the prediction files", 2),
        ("m1.csv/page.md", "is a file, not a folder", 1),
    ],
)
def test_a_bad_place_is_refused_before_anything_is_read(
    compare, pair, tmp_path, monkeypatch, out, said, code
):
    monkeypatch.chdir(tmp_path)
    before = pair[0].read_bytes()
    result = compare(*pair, "--out", out)
    require_one_message(result, f"--out {out}: ", said, code=code)
    assert "reading predictions" not in result.stderr
    assert pair[0].read_bytes() == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_place_without_permission_is_refused(compare, pair, tmp_path):
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    require_one_message(compare(*pair, "--out", locked / "x.md"), "no permission to write")


def test_results_are_shown_even_where_they_cannot_be_written(compare, pair, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device", "page.md")

    monkeypatch.setattr("lcbench.rendering.comparison.page.write_text", full)
    result = compare(*pair, "--out", "page.md")
    assert result.exit_code == 1
    assert "Errors of any kind" in result.stdout
    assert "Error: page.md: No space left" in result.stderr


# What it refuses


def test_mistakes_are_one_message(compare, pair, csv_file, tmp_path):
    require_one_message(compare(tmp_path / "nowhere.csv", pair[0]), "no such file or folder")
    require_one_message(compare(*pair, "--name", "one"), "1 name for 2 prediction files", code=2)
    require_one_message(compare(*pair, "--match", "sha256"), "sha256", code=2)
    require_one_message(compare(*pair, "--match", "soul"), code=2)
    require_one_message(compare(*pair, "--groups", tmp_path / "nowhere.csv"))
    require_one_message(compare(pair[0], csv_file(*MINIMAL)), "no image in common")
    broken = csv_file("image,true,predicted", "a,scc,soul", name="broken.csv")
    require_one_message(compare(broken, pair[0]), "unknown class: 'soul'")
    coarse = csv_file("image,true,predicted", "a,malignant,n", name="coarse.csv")
    require_one_message(compare(coarse, coarse), "all are labelled malignant")
    require_one_message(CliRunner().invoke(app, ["compare"]), code=2)
    few = CliRunner().invoke(app, ["compare", str(pair[0]), "--resamples", "10"])
    require_one_message(few, "--resamples", code=2)
