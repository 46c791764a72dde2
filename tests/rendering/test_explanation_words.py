"""Sentences on the checks of explanations: a verdict, its number, and on how many source groups."""

from __future__ import annotations

import pytest

from lcbench.explanations.checks import MethodChecks
from lcbench.rendering.explanation_words import (
    NOT_STAINED,
    sentences,
    verdict_count,
    verdict_line,
)

from .explained import checks


@pytest.fixture(scope="module")
def saliency() -> MethodChecks:
    return checks("saliency", like=0.93, gain=-0.1)


@pytest.fixture(scope="module")
def grad_cam() -> MethodChecks:
    return checks("grad-cam", like=0.2, gain=0.3)


def test_what_fails_is_named_on_every_picture(
    saliency: MethodChecks, grad_cam: MethodChecks
) -> None:
    assert verdict_line(saliency) == (
        "fails its checks: randomisation, insertion and deletion, infidelity, "
        "agreement between turns"
    )
    assert verdict_count(saliency) == "fails 4 of 7 checks"
    assert verdict_line(grad_cam) == "passes its 7 checks"
    assert verdict_count(grad_cam) == "passes 7 checks"


def test_a_failure_is_told_with_its_interval_and_groups(saliency: MethodChecks) -> None:
    first, second, *_ = sentences(saliency)
    assert first.startswith(
        "Gradient saliency on reference, why squamous cell carcinoma and not adenocarcinoma: fails"
    )
    assert second.startswith(
        "Randomisation: it fails. With the head randomised, the maps still correlate 0.93"
    )
    assert "[0.9" in second
    assert second.endswith("(60 source groups).")
    assert "still" not in sentences(checks(like=0.2))[1]


def test_what_could_not_be_compared_and_what_does_not_apply_is_said(saliency: MethodChecks) -> None:
    told = sentences(saliency)
    assert any("60 could not be compared" in one for one in told)
    assert told[-3].startswith("Right answers: nuclei ")
    assert sentences(checks(stained=False))[-1] == NOT_STAINED


def test_nothing_passes_before_the_two_main_checks_were_made(grad_cam: MethodChecks) -> None:
    some = grad_cam.model_copy(update={"randomisation": None})
    assert (some.verdict, verdict_line(some)) == ("undecided", "not all checks were made")
    assert verdict_count(some) == "passes 6 of 6 checks, none fails"
    bare = MethodChecks(model="a", method="b", title="c", question="why d")
    assert (bare.verdict, verdict_line(bare), verdict_count(bare)) == (
        "undecided", "not checked", "not checked",
    )  # fmt: skip


def test_checks_survive_their_file(saliency: MethodChecks) -> None:
    stored = saliency.model_dump_json()
    assert MethodChecks.model_validate_json(stored) == saliency
