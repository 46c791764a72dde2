"""The files of claims: what they say, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from lcbench.errors import UserError
from lcbench.runs.claims import check_claims, load_claims
from lcbench.taxonomy import Taxonomy

HEAD = """
source = "x"
title = "y"
protocol = "paper"
backbone = "resnet50"
backbone_title = "ResNet-50"
images = 10
leaves = ["a", "b"]
"""
CLAIM = '[[claims]]\ntext = "t"\nvalue = 0.5\nn = 10\nmetric = "accuracy"\n'


def write(folder: Path, text: str) -> str:
    path = folder / "claims.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_the_shipped_claims_say_of_how_many_images() -> None:
    found = {claim.text: claim for claim in load_claims("akinyemi2025").claims}
    assert [claim.n for claim in found.values()] == [2250, 750, 1500, 2250, 17]
    (count,) = (claim for claim in found.values() if claim.unit == "count")
    assert count.share == 17 / 2250
    assert {claim.share for claim in found.values() if claim.unit == "share"} == {0.988, 1.0}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (HEAD + CLAIM.replace("n = 10\n", ""), "claims.0.n: is missing"),
        (HEAD + CLAIM.replace("n = 10", "n = 0"), "claims.0.n"),
        (HEAD + CLAIM.replace("0.5", "50.0"), "a share of 50 is more than all 10 images"),
        (HEAD + CLAIM.replace("0.5", "11") + 'unit = "count"\n', "a count of 11 is more than all"),
        (HEAD + CLAIM.replace("0.5", "-0.5"), "claims.0.value"),
        (HEAD + CLAIM.replace("accuracy", "acuracy"), "metric = 'acuracy' is no share"),
        (HEAD + CLAIM.replace("accuracy", "log_loss"), "metric = 'log_loss' is no share"),
        (HEAD, "claims: is missing"),
        ("[[claims]\n", "not readable claims"),
    ],
)
def test_broken_claims_are_one_message(tmp_path: Path, text: str, words: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(UserError) as raised:
        load_claims(path)
    assert path in raised.value.message
    assert words in raised.value.message
    assert "pydantic" not in str(raised.value)
    assert "formats.md" in raised.value.remedy


def test_claims_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"gone\.toml: no such file of claims"):
        load_claims(str(tmp_path / "gone.toml"))
    with pytest.raises(UserError, match="akinyemi2025"):
        load_claims("akinyemi2052")


LUNG = HEAD.replace('["a", "b"]', '["benign", "adenocarcinoma", "squamous_cell_carcinoma"]')


@pytest.mark.parametrize(
    ("metric", "of", "allowed"),
    [
        ("accuracy", "malignant", "of can be ''"),
        ("sensitivity", "", "of can be 'malignant'"),
        ("confusions_of_all", "malignat", "'root' or 'malignant'"),
        ("recall", "malignant", "'benign' or 'adenocarcinoma'"),
    ],
)
def test_a_claim_of_what_its_metric_does_not_speak_of_is_refused(
    tmp_path: Path, lung: Taxonomy, metric: str, of: str, allowed: str
) -> None:
    claim = CLAIM.replace('"accuracy"', f'"{metric}"\nof = "{of}"')
    path = write(tmp_path, LUNG + CLAIM + claim)
    with pytest.raises(UserError) as raised:
        check_claims(path, lung)
    assert raised.value.message == f"{path}: claims.1: {metric} of {of!r} is not measured"
    assert allowed in raised.value.remedy
    check_claims(write(tmp_path, HEAD + claim), lung)  # of other classes: never judged


def test_the_shipped_claims_are_measured(lung: Taxonomy) -> None:
    check_claims("akinyemi2025", lung)
