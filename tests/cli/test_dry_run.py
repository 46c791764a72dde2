"""A dry run refuses what the run would refuse, in the same words, and computes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
import timm
import torch

from .commands import Lcbench, require_one_message, written

CLASSIFIER = """
[[baselines]]
name = "mine"
kind = "classifier"
purpose = "Finished elsewhere"
backbone = "test_resnet"
weights = "mine.pth"
classes = ["lung_n", "lung_aca", "thing"]
"""


@pytest.fixture
def checkpoints(run: Lcbench) -> None:  # noqa: ARG001 - it goes to the working folder
    """In the working folder: one of another network, one with code, one of a finished network."""
    torch.manual_seed(0)
    torch.save(timm.create_model("test_vit").state_dict(), "other.pth")
    torch.save({"state_dict": {}, "folder": Path("x")}, "code.pth")
    state = timm.create_model("test_resnet", num_classes=3).state_dict()
    torch.save({"teacher": {f"backbone.{k}": v for k, v in state.items()}, "epoch": 1}, "mine.pth")


@pytest.mark.usefixtures("checkpoints")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--weights", "other.pth"], "other.pth: not weights of test_resnet"),
        (["--weights", "code.pth"], "more than tensors (pathlib."),
        (["--weights", "nowhere.pth"], "nowhere.pth: no such file"),
        (["--backbone", "no_such_module:net"], "ModuleNotFoundError"),
        (["--backbone", "hf-hub:lab/x", "--offline"], "https://huggingface.co/lab/x"),
        (["--backbone", "test_vit", "--image-size", "100"], "does not take images of 100 px"),
    ],
    ids=["network", "code", "file", "module", "hub", "size"],
)
def test_a_dry_run_refuses_what_the_run_refuses(words: list[str], said: str, run: Lcbench) -> None:
    before = written()
    first, second = run("--dry-run", *words), run(*words)
    require_one_message(first, said)
    require_one_message(second, said)
    assert first.exit_code == second.exit_code != 0
    assert written() == before


@pytest.mark.usefixtures("checkpoints")
def test_a_dry_run_tells_what_was_stripped_and_refuses_classes_that_nobody_knows(
    run: Lcbench,
) -> None:
    result = run("--dry-run", "--weights", "mine.pth")
    assert result.exit_code == 0
    assert (
        "mine.pth: tensors under teacher (passed over: epoch); 'backbone.' taken from the "
        "beginning of their names; left out: backbone.fc.weight, backbone.fc.bias" in result.stderr
    )
    assert "160 px" in result.stderr
    suite = Path("quick.toml")
    suite.write_text(suite.read_text() + CLASSIFIER)
    require_one_message(
        run("--dry-run"), "baseline mine: its class 'thing' is no class of the tree"
    )
    suite.write_text(suite.read_text().replace('"thing"', '"lung_scc"'))
    told = run("--dry-run").stderr
    assert "mine was finished elsewhere and is scored as it is. lung_n: benign" in told
