"""Every mistake is one clear message, and leaves nothing behind."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from .commands import Lcbench, require_one_message, written


@pytest.mark.parametrize(
    ("words", "said", "code"),
    [
        (["--data", "nowhere"], ["nowhere: no such file or folder"], 1),
        (["--data", "x" * 300], ["File name too long", "check the path"], 1),
        (["--groups", "nowhere.csv"], ["nowhere.csv"], 1),
        (["--labels", "nowhere.toml"], ["nowhere.toml"], 1),
        (["--taxonomy", "nowhere.toml"], ["nowhere.toml"], 1),
        (["--weights", "nowhere.pth"], ["nowhere.pth: no such file"], 1),
        (["--suite", "nowhere.toml"], ["nowhere.toml"], 1),
        (["--suite", "cores"], ["unknown suite: 'cores'", "Did you mean core"], 2),
        (["--only", "refrence"], ["unknown baseline: 'refrence'", "Did you mean reference?"], 2),
        (["--backbone", "resnet5O"], ["unknown backbone: 'resnet5O'", "resnet50"], 2),
        (["--protocol", "paper,groupd"], ["unknown protocol: 'groupd'", "grouped"], 2),
        (["--device", "mps"], ["--device mps: this machine offers"], 2),
        (["--seeds", "0"], ["--seeds"], 2),
        (["--seeds", "1000000000"], ["--seeds 1000000000: not between 1 and 100"], 2),
        (["--about", "x" * 201], ["--about: 201 characters", "at most 200"], 2),
        (["--about", "two\nlines"], ["--about", "one line"], 2),
        (["--backbone", ""], ["--backbone", "it is empty"], 2),
        (["--suite="], ["--suite", "it is empty"], 2),
        (["--out", " "], ["--out", "it is empty"], 2),
        (["--only", ","], ["',' names nothing"], 2),
        (["--protocol", " , "], ["names nothing"], 2),
        (["--device", "tpu"], ["--device"], 2),
        (["--sede", "1"], ["--sede"], 2),
    ],
    ids=lambda value: " ".join(value)[:30] if isinstance(value, list) else "",
)
def test_a_mistake_is_one_clear_message_and_leaves_nothing_behind(
    words: list[str], said: list[str], code: int, run: Lcbench
) -> None:
    if "mps" in words:
        import torch

        if torch.backends.mps.is_available():
            pytest.skip("this machine has an MPS device")
    before = written()
    require_one_message(run(*words), *said, code=code)
    assert written() == before


@pytest.fixture
def images(write_images: Callable[..., None]) -> Callable[..., Path]:
    """A folder of small random images: images(normal=3, aca=2)."""

    def make(**counts: int) -> Path:
        folder = Path("images")
        folder.mkdir()
        write_images(folder, counts)
        return folder

    return make


def test_unreadable_images_stop_the_run_unless_they_may_be_skipped(
    run: Lcbench, images: Callable[..., Path]
) -> None:
    folder = images(normal=12, aca=12, scc=12)
    (folder / "aca" / "broken.png").write_bytes(b"no image")
    require_one_message(
        run("--data", folder, "--only", "majority"), "1 of 37 images cannot be read",
        "aca/broken.png", "--on-bad skip",
    )  # fmt: skip
    assert written() == ["images"]
    csv = Path("groups.csv")
    csv.write_text(
        "image,group\n"
        + "".join(f"{path.relative_to(folder).as_posix()},{path.name}\n"
                  for path in sorted(folder.rglob("0*.png")))
    )  # fmt: skip
    result = run("--data", folder, "--groups", csv, "--only", "majority", "--on-bad", "skip")
    assert result.exit_code == 0
    assert "aca/broken.png" in result.stderr
    config = json.loads(Path("runs/quick/paper/majority/seed0/config.json").read_text())
    assert len(config["dataset"]["skipped"]) == 1
    assert config["dataset"]["images"] == 36


@pytest.mark.parametrize("name", ["own.pth", "own.safetensors"])
def test_unreadable_weights_leave_nothing_behind(name: str, run: Lcbench) -> None:
    Path(name).write_bytes(b"PK\x03\x04 half an archive")
    require_one_message(run("--weights", name), f"{name}: not readable weights", code=1)
    assert written() == [name]


def test_weights_of_another_network_leave_nothing_behind(run: Lcbench) -> None:
    import timm
    import torch

    torch.save(timm.create_model("test_vit").state_dict(), "own.pth")
    require_one_message(run("--weights", "own.pth"), "own.pth: not weights of test_resnet", code=1)
    assert written() == ["own.pth"]


def test_offline_without_weights_of_the_reference_says_what_to_do(
    lcbench: Lcbench, small_demo: Path
) -> None:
    result = lcbench("run", "--data", small_demo, "--offline", "--backbone", "resnet50")
    require_one_message(
        result,
        "the reference baseline cannot run: no weights of resnet50",
        "--weights FILE",
        code=1,
    )
    assert written() == []


@pytest.mark.parametrize("command", ["report", "evaluate"])
def test_without_runs_a_report_or_an_evaluation_says_how_to_make_some(
    command: str, lcbench: Lcbench, small_demo: Path
) -> None:
    words = ["report", "nowhere"] if command == "report" else [
        "evaluate", small_demo, "--runs", "nowhere"]  # fmt: skip
    require_one_message(lcbench(*words), "nowhere", "lcbench run", code=1)
    assert written() == []


@pytest.mark.parametrize("name", ["[/red]", "\x1b[31mred", "a\nb"])
def test_names_from_outside_are_shown_as_they_are(name: str, run: Lcbench) -> None:
    result = run("--data", name)
    require_one_message(result, "no such file or folder")
    assert "\x1b" not in result.stderr
    if "\x1b" not in name:
        assert name in result.stderr


def test_class_names_from_outside_do_no_harm(run: Lcbench, images: Callable[..., Path]) -> None:
    folder = images(normal=2)
    (folder / "[red]odd[" ).mkdir()  # fmt: skip
    Image.new("RGB", (8, 8)).save(folder / "[red]odd[" / "a.png")
    require_one_message(run("--data", folder), "[red]odd[: 1 images")


@pytest.mark.parametrize("place", ["out is a file", "suite folder is a file", "cache is a file"])
def test_a_file_where_a_folder_belongs_is_one_message(
    place: str, run: Lcbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("runs").mkdir()
    blocker = {"out is a file": "out", "suite folder is a file": "runs/quick"}.get(place, "cache")
    Path(blocker).write_text("in the way")
    if blocker == "cache":
        monkeypatch.setenv("LCBENCH_CACHE", str(Path("cache").resolve()))
    result = run("--out", "out" if blocker == "out" else "runs")
    require_one_message(result, "folder", code=1)
    assert Path(blocker).read_text() == "in the way"
