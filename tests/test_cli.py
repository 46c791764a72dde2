"""The command line: one clear message for every mistake, machine-readable answers, no surprises."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from PIL import Image
from typer.testing import CliRunner

from lcbench.cli import app

SUITE = """
name = "quick"
purpose = "A test"
reference = "reference"
backbone = "test_resnet"
protocols = ["paper"]
seeds = 1
[[baselines]]
name = "majority"
kind = "majority"
purpose = "The floor"
[[baselines]]
name = "knn"
kind = "neighbours"
purpose = "Neighbours"
[[baselines]]
name = "reference"
kind = "network"
purpose = "The reference"
epochs = 2
hidden = 8
"""
COMMANDS = ("run", "report", "evaluate", "compare", "validate", "list", "doctor")
Lcbench = Callable[..., Result]


@pytest.fixture
def lcbench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lcbench:
    """Type a command in an empty folder: lcbench("run", "--data", folder)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "no hub"))
    Path("quick.toml").write_text(SUITE)

    def invoke(*words: object) -> Result:
        return CliRunner().invoke(app, [str(word) for word in words])

    return invoke


@pytest.fixture
def run(lcbench: Lcbench, small_demo: Path) -> Lcbench:
    """Type `lcbench run` for the quick suite on the small demonstration set."""

    def invoke(*words: object) -> Result:
        return lcbench(
            "run", "--suite", "quick.toml", "--data", small_demo, "--groups",
            small_demo / "groups.csv", "--weights", "random", "--offline", "--device", "cpu",
            "--precision", "32", "--jobs", 1, *words,
        )  # fmt: skip

    return invoke


def require_one_message(result: Result, *said: str, code: int | None = None) -> None:
    """One message on standard error, an exit code of 1 or 2, nothing on standard output."""
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code in ((1, 2) if code is None else (code,)), result.stderr
    assert len(re.findall(r"^Error: |─ Error ─", result.stderr, re.MULTILINE)) == 1, result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""
    for words in said:
        assert words in result.stderr


def strict_json(result: Result) -> Any:
    """Standard output as JSON, which knows no NaN and no Infinity."""

    def refuse_constant(name: str) -> None:
        raise AssertionError(f"{name} is not JSON")

    return json.loads(result.stdout, parse_constant=refuse_constant)


def written() -> list[str]:
    """What lies in the current folder, but for what the tests put there."""
    return sorted(path.name for path in Path().iterdir() if path.name != "quick.toml")


# Mistakes


@pytest.mark.parametrize(
    ("words", "said", "code"),
    [
        (["--data", "nowhere"], ["nowhere: no such file or folder"], 1),
        (["--data", "x" * 300], ["File name too long", "check the path"], 1),
        (["--out", "x" * 300], ["File name too long", "check the path"], 1),
        (["--groups", "nowhere.csv"], ["nowhere.csv"], 1),
        (["--labels", "nowhere.toml"], ["nowhere.toml"], 1),
        (["--taxonomy", "nowhere.toml"], ["nowhere.toml"], 1),
        (["--weights", "nowhere.pth"], ["nowhere.pth: no such file"], 1),
        (["--suite", "nowhere.toml"], ["nowhere.toml"], 1),
        (["--suite", "cores"], ["unknown suite: 'cores'", "Did you mean core?"], 2),
        (["--only", "refrence"], ["unknown baseline: 'refrence'", "Did you mean reference?"], 2),
        (["--skip", "majorty"], ["unknown baseline: 'majorty'", "Did you mean majority?"], 2),
        (["--only", "knn", "--skip", "knn"], ["leave no baseline"], 2),
        (["--backbone", "resnet5O"], ["unknown backbone: 'resnet5O'", "resnet50"], 2),
        (["--protocol", "paper,groupd"], ["unknown protocol: 'groupd'", "grouped"], 2),
        (["--device", "mps"], ["--device mps: this machine offers"], 2),
        (["--seeds", "0"], ["--seeds"], 2),
        (["--device", "tpu"], ["--device"], 2),
        (["--on-bad", "ignore"], ["--on-bad"], 2),
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


def test_an_empty_folder_says_what_is_expected(run: Lcbench, images: Callable[..., Path]) -> None:
    require_one_message(run("--data", images()), "images: no images found", "class subfolders")
    assert written() == ["images"]


def test_a_missing_class_is_named_with_the_classes_that_were_seen(
    run: Lcbench, images: Callable[..., Path]
) -> None:
    folder = images(normal=9, aca=9)
    require_one_message(
        run("--data", folder), "no images of squamous_cell_carcinoma", "seen: aca, normal"
    )
    assert written() == ["images"]


def test_an_unknown_class_name_is_listed_with_how_to_map_it(
    run: Lcbench, images: Callable[..., Path]
) -> None:
    folder = images(normal=9, aca=9, scc=9, mystery=4)
    require_one_message(
        run("--data", folder), "mystery: 4 images", "--labels", '"my folder" = "adenocarcinoma"'
    )
    assert written() == ["images"]


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


@pytest.mark.parametrize("content", [b"", b"garbage", b"PK\x03\x04 half an archive"])
@pytest.mark.parametrize("name", ["own.pth", "own.safetensors"])
def test_unreadable_weights_leave_nothing_behind(name: str, content: bytes, run: Lcbench) -> None:
    Path(name).write_bytes(content)
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


def test_an_unknown_listing_is_an_error_with_near_names(lcbench: Lcbench) -> None:
    require_one_message(lcbench("list", "suits"), "unknown listing: 'suits'", "suites", code=2)


@pytest.mark.parametrize("name", ["[/red]", "[bold]x", "\x1b[31mred", "a\nb", "%s{0}"])
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


# Disks and permissions


def refuse(code: int) -> Callable[..., None]:
    def raiser(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code), "somewhere/file")

    return raiser


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (errno.ENOSPC, "The disk is full"),
        (errno.EDQUOT, "quota"),
        (errno.EACCES, "No permission"),
        (errno.EROFS, "read-only"),
    ],
)
@pytest.mark.parametrize(
    "writer", ["pathlib.Path.write_text", "pathlib.Path.write_bytes", "tempfile.mkdtemp"]
)
def test_what_the_system_refuses_to_write_is_one_message(
    writer: str, code: int, said: str, run: Lcbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(writer, refuse(code))
        require_one_message(run("--only", "majority"), os.strerror(code), said, code=1)
    assert not list(Path("runs").rglob("state.json"))
    assert run("--only", "majority").exit_code == 0


def test_a_full_disk_while_the_report_is_written_leaves_the_old_report(
    run: Lcbench, lcbench: Lcbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("--only", "majority").exit_code == 0
    assert lcbench("report", "runs").exit_code == 0
    before = Path("report/README.md").read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr("pandas.DataFrame.to_csv", refuse(errno.ENOSPC))
        require_one_message(lcbench("report", "runs"), "The disk is full", code=1)
    assert Path("report/README.md").read_bytes() == before
    assert written() == ["report", "runs"]


def test_a_folder_that_may_not_be_written_is_one_message(run: Lcbench) -> None:
    folder = Path("locked")
    folder.mkdir(mode=0o555)
    out = folder / "runs"
    if os.access(folder, os.W_OK):  # the administrator may write anywhere but here
        out = Path("/sys/lcbench-test")
        if not out.parent.is_dir():
            pytest.skip("runs as administrator, and there is no /sys")
    require_one_message(run("--out", out), str(out), code=1)
    assert not out.exists()


SMALL_DISK = """
import os, sys
from pathlib import Path
from lcbench.cli import main

disk, data, out = map(Path, sys.argv[1:])


def lcbench(*words):
    sys.argv = ["lcbench", "run", "--suite", "quick.toml", "--data", str(data),
                "--groups", str(data / "groups.csv"), "--offline", *words]
    try:
        main()
    except SystemExit as end:
        print("exit", end.code)
    for folder in (disk, out):
        for path in folder.rglob("*"):
            if path.is_file():
                print(path.name)


os.environ["LCBENCH_CACHE"] = str(disk / "cache")
lcbench("--weights", "random", "--only", "colour", "--out", str(out))
(disk / "filler").write_bytes(bytes(90_000))
lcbench("--weights", "random", "--only", "majority", "--out", str(disk))
"""
COLOUR = '[[baselines]]\nname = "colour"\nkind = "colour"\npurpose = "Colour"\n'


def test_a_disk_that_is_really_full_is_one_message_and_leaves_nothing_half_written(
    tmp_path: Path, small_demo: Path
) -> None:
    """First in the cache, where a memory-mapped file would end the process; then in the runs."""
    if shutil.which("unshare") is None:
        pytest.skip("no unshare command to make a small disk with")
    disk, out = tmp_path / "disk", tmp_path / "out"
    disk.mkdir()
    (tmp_path / "quick.toml").write_text(SUITE + COLOUR)
    small = (
        'mount -t tmpfs -o size=100k tmpfs "$1" || exit; echo mounted; '
        'exec "$0" -u -c "$4" "$1" "$2" "$3"'
    )
    done = subprocess.run(
        ["unshare", "--map-root-user", "--mount", "sh", "-c", small,
         sys.executable, disk, small_demo, out, SMALL_DISK],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if "mounted" not in done.stdout:
        pytest.skip(f"cannot mount a small disk: {done.stderr.strip()[-200:]}")
    assert done.returncode == 0, done.stderr
    _, first, second = done.stdout.split("exit ")
    assert sorted(first.split()) == ["1", "plan.json", "seed0.csv"]
    assert set(second.split()) <= {"1", "plan.json", "seed0.csv", "filler"}
    assert "Traceback" not in done.stderr
    assert done.stderr.count("Error:") == done.stderr.count("The disk is full") == 2


# Answers


def test_a_run_with_its_report_and_an_evaluation(
    run: Lcbench, lcbench: Lcbench, small_demo: Path
) -> None:
    first = run("--json")
    assert first.exit_code == 0
    answer = strict_json(first)
    assert (answer["done"], answer["already_done"], answer["failed"]) == (3, 0, [])
    assert Path(answer["folder"]) == Path("runs/quick")
    again = strict_json(run("--json", "--seeds", 2, "--only", "maj*,knn"))
    assert (again["done"], again["already_done"]) == (2, 2)
    fresh = strict_json(run("--json", "--fresh", "--only", "majority"))
    assert (fresh["done"], fresh["already_done"]) == (1, 0)
    evaluation = lcbench("evaluate", small_demo, "--json", "--device", "cpu", "--precision", "32")
    assert evaluation.exit_code == 0
    (record,) = strict_json(evaluation)
    assert record["scored"] == 72
    report = lcbench("report", "runs", "--json", "--out", "elsewhere")
    assert report.exit_code == 0
    (results,) = strict_json(report)
    assert results["suite"] == "quick"
    assert json.loads(Path("elsewhere/results.json").read_text()) == results


def test_words_for_people_go_beside_the_results(run: Lcbench) -> None:
    result = run("--only", "majority,reference")
    assert result.exit_code == 0
    assert "reference" in result.stdout
    assert "2 runs done" in result.stderr
    assert "Next: lcbench report runs" in result.stderr
    assert "random weights" in result.stderr
    assert "random weights" in result.stdout  # flagged in every table


def test_a_dry_run_shows_the_plan_and_writes_nothing(
    run: Lcbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LCBENCH_CACHE", str(tmp_path / "cache"))
    result = run("--dry-run", "--json", "--seeds", 2)
    assert result.exit_code == 0
    plan = strict_json(result)
    assert plan["runs"] == 6
    assert plan["baselines"] == ["majority", "knn", "reference"]
    assert plan["weights"] == {"knn": "random weights", "reference": "random weights"}
    assert [split["name"] for split in plan["splits"]] == ["seed0", "seed1"]
    assert "test images have a source sibling in training" in result.stderr
    assert written() == []


def test_what_is_left_out_is_said_in_the_plan_and_at_the_end(run: Lcbench) -> None:
    result = run("--suite", "core", "--backbone", "test_resnet", "--only", "majority,densenet121")
    assert result.exit_code == 0
    assert result.stderr.count("left out densenet121: no weights of densenet121") == 2


@pytest.mark.parametrize("what", ["suites", "baselines", "backbones", "protocols"])
def test_listings_are_tables_or_json(what: str, lcbench: Lcbench) -> None:
    rows = strict_json(lcbench("list", what, "--json"))
    table = lcbench("list", what)
    assert table.exit_code == 0
    for row in rows:
        assert next(iter(row.values())) in table.stdout


def test_backbones_are_listed_with_where_their_weights_would_come_from(lcbench: Lcbench) -> None:
    rows = {row["backbone"]: row for row in strict_json(lcbench("list", "backbones", "--json"))}
    assert rows["resnet50"]["weights"].startswith("hub timm/resnet50")
    assert rows["resnet50"]["with --offline"].startswith("no: ")


def test_the_doctor_answers_machines_too(lcbench: Lcbench) -> None:
    result = lcbench("doctor", "--json")
    checks = strict_json(result)
    bad = [check for check in checks if check["verdict"] == "bad"]
    assert result.exit_code == (1 if bad else 0)
    assert all(check["remedy"] for check in bad)


OWN_KIND = '''
from lcbench.models.shortcuts import Majority


class Broken(Majority):
    """Fails, with a name that would be markup."""

    def fit(self, train, validation):
        raise RuntimeError("[/bold] the tissue was [red]")
'''


@pytest.mark.parametrize(("skip", "code"), [("", 3), ("majority,knn,reference", 1)])
def test_a_failing_baseline_is_shown_and_told_by_the_exit_code(
    skip: str, code: int, run: Lcbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("lcbench_cli_test_kind.py").write_text(OWN_KIND)
    monkeypatch.syspath_prepend(tmp_path)
    Path("quick.toml").write_text(
        SUITE + '[[baselines]]\nname = "bad"\nkind = "lcbench_cli_test_kind:Broken"\n'
        'purpose = "To fail"\n'
    )
    result = run("--json", *(("--skip", skip) if skip else ()))
    assert result.exit_code == code
    answer = strict_json(result)
    assert answer["done"] == (0 if skip else 3)
    (failure,) = answer["failed"]
    assert failure["baseline"] == "bad"
    assert "RuntimeError: [/bold] the tissue was [red]" in failure["reason"]
    assert "failed paper/seed0 bad" in result.stderr
    assert "[/bold] the tissue was [red]" in result.stderr


def test_an_interrupted_run_says_that_it_can_be_continued(
    run: Lcbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("lcbench.runs.execute.run_job", interrupt)
    result = run("--only", "majority")
    assert result.exit_code == 1
    assert "the same command goes on from there" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_its_options(command: str, lcbench: Lcbench) -> None:
    result = lcbench(command, "--help")
    assert result.exit_code == 0
    assert "--json" in result.stdout
    assert lcbench(command, "-h").stdout == result.stdout


def test_help_names_every_command_and_the_version_is_the_packages(lcbench: Lcbench) -> None:
    import lcbench as package

    shown = lcbench("--help").stdout
    assert all(re.search(rf"\b{command}\b", shown) for command in COMMANDS)
    assert "Research use only" in shown
    assert lcbench("--version").stdout.strip() == f"lcbench {package.__version__}"


# A process of its own


def environment(**changes: str) -> dict[str, str]:
    forced = ("FORCE_COLOR", "PY_COLORS", "CLICOLOR_FORCE", "GITHUB_ACTIONS")
    return {**{k: v for k, v in os.environ.items() if k not in forced}, **changes}


def test_help_is_quick_because_it_imports_no_large_library() -> None:
    code = (
        "import sys\nfrom lcbench.cli import main\nsys.argv = ['lcbench', 'run', '--help']\n"
        "try:\n    main()\nfinally:\n    print('MODULES', *sys.modules, file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment(), check=True
    )
    modules = set(done.stderr.split("MODULES")[1].split())
    large = {"torch", "pandas", "numpy", "sklearn", "scipy", "timm", "matplotlib", "lightgbm"}
    assert "lcbench.cli" in modules
    assert not large & modules
    assert "--data" in done.stdout
    assert "\x1b" not in done.stdout


def test_a_mistake_in_a_process_of_its_own_is_plain_text_on_standard_error(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "lcbench", "list", "suits"],
        cwd=tmp_path, capture_output=True, text=True, env=environment(TERM="xterm-256color"),
        check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("Error: unknown listing: 'suits'\n")
    assert "\x1b" not in done.stderr
    assert not list(tmp_path.iterdir())
