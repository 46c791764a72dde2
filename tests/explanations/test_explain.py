"""`explain`: what is explained predicted as stored, is stored whole, and is found again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from click.testing import Result

from lcbench.compute import resolve_compute
from lcbench.datasets.images import ImageFile
from lcbench.errors import UserError
from lcbench.explanations.cases import find_cases, in_turn, read_answers
from lcbench.explanations.explain import Explained, explain
from lcbench.explanations.networks import make_networks, normalised, probabilities
from lcbench.explanations.options import ExplainOptions
from lcbench.explanations.records import MAPS, RECORD, read_explanations
from lcbench.features.decoding import decode_batch
from lcbench.rendering.explanation_gallery import write_gallery
from lcbench.rendering.explorer.explained import explained_pictures
from lcbench.runs.store import plan_taxonomy, read_plan
from lcbench.runs.usable_runs import finished_runs

ASKED = {"images": 6, "checked": 4, "methods": ("grad-cam",), "nodes": ("root",)}


@pytest.fixture(scope="module")
def suite(networks_suite: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(networks_suite, tmp_path_factory.mktemp("own") / "networks"))


@pytest.fixture(scope="module")
def explained(suite: Path) -> Explained:
    return explain(suite, ExplainOptions(**ASKED))


def test_every_network_gives_what_its_run_predicted(suite: Path) -> None:
    """Backbone, decoding, normalisation, head and hierarchy together: as the files say."""
    plan = read_plan(suite)
    tree = plan_taxonomy(plan)
    runs, _ = finished_runs(suite, plan, ())
    compute = resolve_compute("cpu", "32")
    networks, left_out = make_networks(runs, plan, tree, ExplainOptions(), compute)
    assert list(left_out) == ["knn"]
    assert len({run.config.baseline for run in networks.runs.values()}) == 6
    for name in networks.runs:
        answers = read_answers([networks.runs[name]], tree).head(5)
        files = [
            ImageFile(Path(plan.root) / image, sha256)
            for image, sha256 in zip(answers["image"], answers["sha256"], strict=True)
        ]
        preprocessing = networks.preprocessing(name)
        pixels = decode_batch(files, preprocessing.to_pixels())
        images = normalised(pixels, preprocessing, networks.device)
        found = probabilities(networks.of(name), images, compute)
        stored = answers[[f"p:{leaf}" for leaf in tree.leaves]].to_numpy()
        np.testing.assert_allclose(found, stored, atol=1e-4, err_msg=name)


def test_cases_are_confusions_at_the_decision_and_right_answers_beside(
    suite: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = read_plan(suite)
    tree = plan_taxonomy(plan)
    answers = read_answers(finished_runs(suite, plan, ("reference",))[0], tree)
    cases = find_cases(answers, tree, "root", None, 0)
    below = {leaf: tree.path(leaf)[0] for leaf in tree.leaves}
    wrong = answers[answers["true"].map(below) != answers["predicted"].map(below)]
    confused = cases[cases["confused"]]
    assert set(confused["image"]) == set(wrong["image"])
    assert (confused["truth"] != confused["answer"]).all()
    right = cases[~cases["confused"]]
    assert not set(right["image"]) & set(wrong["image"])
    assert (right["truth"] == right["answer"]).all()
    shuffled = answers.sample(frac=1.0, random_state=1)
    assert find_cases(shuffled, tree, "root", None, 0).equals(cases)
    monkeypatch.setattr("lcbench.explanations.cases.MOST_RIGHT", 1)
    assert (~find_cases(answers, tree, "root", None, 0)["confused"]).sum() <= 1
    few = in_turn(confused, min(3, confused["group"].nunique()), 0)
    assert few["group"].is_unique


def test_what_is_stored_is_found_again_and_not_made_twice(
    suite: Path, explained: Explained
) -> None:
    (stored,) = explained.stored
    record = stored.record
    assert (record.method, record.node, record.cases) == ("grad-cam", "root", len(stored.cases()))
    assert 0 < record.confused <= 6
    assert record.difference < 1e-3
    maps = stored.maps()
    assert sorted(maps) == list(range(record.explained))
    assert np.isfinite(np.stack(list(maps.values()))).all()
    assert record.checks.randomisation is not None
    again = explain(suite, ExplainOptions(**ASKED))
    assert again.reused == (stored.name,)


def test_a_damaged_or_outdated_explanation_is_not_used(
    suite: Path, explained: Explained, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = Path(shutil.copytree(suite, tmp_path / "networks"))
    assert len(list(read_explanations(other))) == 1
    assert not list(read_explanations(other, {}))
    folder = explained.stored[0].folder.relative_to(suite)
    (other / folder / MAPS).write_bytes(b"")
    assert not list(read_explanations(other))
    (other / folder / RECORD).write_text("{")
    assert not list(read_explanations(other))
    said = capsys.readouterr().err
    assert "done again since" in said
    assert "damaged" in said


def test_other_images_or_another_network_are_refused(suite: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--data FOLDER"):
        explain(suite, ExplainOptions(**ASKED, data=tmp_path / "nowhere"))
    with pytest.raises(UserError):
        explain(suite, ExplainOptions(**ASKED, data=tmp_path, fresh=True))
    with pytest.raises(UserError, match="node of the class tree"):
        explain(suite, ExplainOptions(**{**ASKED, "nodes": ("squamos",)}))


def test_the_gallery_shows_every_case_with_its_verdict(
    suite: Path, explained: Explained, tmp_path: Path
) -> None:
    page = write_gallery(suite, explained.root)
    (stored,) = explained.stored
    index = json.loads((page.parent / "pictures.json").read_text())
    assert len(index) == stored.record.explained
    assert all((page.parent / one["file"]).stat().st_size for one in index)
    text = page.read_text()
    assert text.count("<img") == len(index)
    assert text.count(index[0]["note"]) > len(index)
    assert "<script" not in text
    write_gallery(suite, explained.root)  # replaces its own
    record: Any = SimpleNamespace(explanations=[stored], suite="")
    beside = explained_pictures(suite, record, tmp_path)
    assert set(beside) == set(stored.cases()["image"])
    assert all((tmp_path / one[0].file).is_file() for one in beside.values())
    record.explanations = [SimpleNamespace(record=SimpleNamespace(key="of other runs"))]
    assert explained_pictures(suite, record, tmp_path) == {}
    (page.parent / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match=r"notes\.txt"):
        write_gallery(suite, explained.root)
    (page.parent / "notes.txt").unlink()


def test_as_it_is_typed(suite: Path, explained: Explained, tmp_path: Path) -> None:
    """What is stored is told again; a mistake is one message, a left-out baseline exit code 3."""
    from typer.testing import CliRunner

    from lcbench.cli import app

    def typed(*words: object) -> Result:
        return CliRunner().invoke(app, ["explain", str(suite), *map(str, words)])

    asked = ("--images", 6, "--checked", 4, "--method", "grad-cam", "--node", "root")
    (stored,) = explained.stored
    done = typed(*asked, "--json", "--out", tmp_path / "gallery")
    assert done.exit_code == 0
    (told,) = json.loads(done.stdout)
    assert told["reused"] == [stored.name]
    assert (tmp_path / "gallery" / "index.html").is_file()
    partly = typed(*asked, "--baseline", "reference,knn")
    assert partly.exit_code == 3
    assert "no gradient" in " ".join(partly.stderr.split())
    for words, said in (
        (("--images", "some"), "neither a number nor all"),
        (("--method", "lime"), "method of explanation"),
        (("--protocol", "grouped"), "protocol of the suite"),
    ):
        wrong = typed(*words)
        assert wrong.exit_code != 0
        assert said in " ".join(wrong.stderr.split())
