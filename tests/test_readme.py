"""The commands of the README and of the documentation, run as they stand there, on small data."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from .processes import started

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
FENCE = re.compile(r"^```(\w+)\n(.*?)^```", flags=re.MULTILINE | re.DOTALL)
FENCES = FENCE.findall(README)
GUIDES = ("tutorial", "your-data", "your-predictions", "your-cluster")
"""Pages of docs whose commands are run too; what the README has is run once."""

# What a README command is given besides: weights that are on this machine, and one seed; of
# a shipped suite, few baselines: tests/test_end_to_end.py runs all of them.
SMALL = ["--offline", "--backbone", "tf_efficientnet_lite0", "--seeds", "1"]
FEW = ["--only", "majority", "--only", "reference", "--only", "hierarchical-cascade"]


def guide(name: str) -> list[tuple[str, str]]:
    return FENCE.findall((ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8"))


def shell_lines(fences: list[tuple[str, str]] = FENCES) -> list[str]:
    blocks = (body for language, body in fences if language == "sh")
    return [line.split("  #")[0].strip() for body in blocks for line in body.splitlines()]


def lcbench_commands(fences: list[tuple[str, str]] = FENCES) -> list[list[str]]:
    found = (shlex.split(line) for line in shell_lines(fences) if "lcbench " in line)
    return [words for words in found if "lcbench" in words]


def every_command() -> list[list[str]]:
    """Return what is typed after `lcbench`: in the README, then what the guides have beside it.

    What the README repeats is run where it stands last.
    """
    every = [adapted(words) for words in lcbench_commands()]
    commands = [words for place, words in enumerate(every) if words not in every[place + 1 :]]
    for name in GUIDES:
        found = [adapted(words) for words in lcbench_commands(guide(name))]
        assert found, name
        commands += [words for words in found if words not in commands]
    return commands


def adapted(words: list[str]) -> list[str]:
    """Return the command for small data without a model hub; the small data are a demo set."""
    words = words[words.index("lcbench") + 1 :]
    if words[0] != "run":
        return words
    kept = ["lung_image_sets" if word == "demo" else word for word in words]
    for option in ("--seeds", "--backbone"):
        if option in kept:
            del kept[kept.index(option) : kept.index(option) + 2]
    few = [] if any(word.endswith(".toml") for word in kept) else FEW
    return [*(word for word in kept if word != "--offline"), *SMALL, *few]


@pytest.fixture
def workplace(tmp_path: Path, small_demo: Path, write_images: Callable[..., None]) -> Path:
    """A folder with everything that the README's commands name."""
    shutil.copytree(small_demo, tmp_path / "lung_image_sets")
    (tmp_path / "lung_image_sets" / "groups.csv").rename(tmp_path / "groups.csv")
    write_images(
        tmp_path / "my_folder", {"class 0": 12, "class 1": 12, "class 2": 12, "artefacts": 2}
    )
    write_images(tmp_path / "other_hospital", {"normal": 4, "malignant": 3, "LUSC": 3})
    write_split(tmp_path / "lung_image_sets", tmp_path / "split.csv")
    for _language, body in FENCES:
        name = re.match(r"# (\w+\.(?:py|toml))\n", body)
        if name:
            (tmp_path / name.group(1)).write_text(body, encoding="utf-8")
    write_foreign_predictions(tmp_path / "lung_image_sets", tmp_path / "other_tool.csv")
    return tmp_path


def write_split(images: Path, path: Path) -> None:
    """Put every fourth image on the test side."""
    names = [image.relative_to(images).as_posix() for image in sorted(images.glob("*/*.*"))]
    sides = ("test" if number % 4 == 0 else "train" for number in range(len(names)))
    lines = (f"{name},{side}" for name, side in zip(names, sides, strict=True))
    path.write_text("\n".join(["image,side", *lines]) + "\n", encoding="utf-8")


def write_foreign_predictions(images: Path, path: Path) -> None:
    """Write what another tool might say of the images: wrong on every fifth."""
    lines = ["image,true,predicted"]
    for number, image in enumerate(sorted(images.glob("*/*.*"))):
        name = image.relative_to(images).as_posix()
        true = image.parent.name
        answer = "lung_aca" if number % 5 == 0 else true
        lines.append(f"{name},{true},{answer}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_the_two_commands_that_open_the_readme_are_targets_of_the_makefile() -> None:
    opening = FENCES[0][1]
    assert re.findall(r"^make (\w+)", opening, flags=re.MULTILINE) == ["run", "test"]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(r"^run:", makefile, flags=re.MULTILINE)
    assert re.search(r"^test:", makefile, flags=re.MULTILINE)


def test_every_lcbench_command_succeeds(workplace: Path) -> None:
    assert len(lcbench_commands()) >= 9
    paths = os.pathsep.join([str(workplace), os.environ.get("PYTHONPATH", "")])
    for arguments in every_command():
        with started(workplace, *arguments, PYTHONPATH=paths) as command:
            assert command.end() == 0, (arguments, command.out.read_text("utf-8"), command.said)
    own = (workplace / "my_report" / "README.md").read_text(encoding="utf-8")
    assert "nearest-centroid" in own
    main = (workplace / "report" / "README.md").read_text(encoding="utf-8")
    assert "other_hospital" in main
    comparison = (workplace / "comparison.md").read_text(encoding="utf-8")
    assert "other_tool" in comparison
    assert "obuchowski" in comparison


def test_each_task_of_the_job_array_runs_a_suite_that_there_is() -> None:
    ((script,),) = [[body for language, body in guide("your-cluster") if language == "bash"]]
    last = re.findall(r"--array=0-(\d+)", script)
    for task in range(int(last[0]) + 1):
        said = subprocess.run(
            ["bash", "-euc", f"lcbench() {{ echo \"$@\"; }}\n{script}"],
            env={"SLURM_ARRAY_TASK_ID": str(task), "SLURM_CPUS_PER_TASK": "8"},
            capture_output=True, text=True, check=True,
        ).stdout.split()  # fmt: skip
        assert said[:2] == ["run", "--suite"]
        assert (ROOT / "baselines" / f"{said[2]}.toml").is_file()
        assert said[said.index("--jobs") + 1] == "8"


def test_pip_install_ships_the_suites_and_the_documentation(tmp_path: Path) -> None:
    assert "pip install ." in shell_lines()
    command = [sys.executable, "-m", "pip", "install", ".", "--no-deps", "--target", str(tmp_path)]
    installed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if "Could not find a version that satisfies the requirement hatchling" in installed.stderr:
        pytest.skip("no package index: pip cannot fetch the build backend")
    assert installed.returncode == 0, installed.stderr
    script = (
        "import lcbench; from lcbench.runs.suite import load_suite, shipped_suites; "
        "from lcbench.taxonomy import load_taxonomy; load_taxonomy(); "
        "print(lcbench.__file__, *(load_suite(name).name for name in shipped_suites()))"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    shown = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    file, *suites = shown.stdout.split()
    assert file == str(tmp_path / "lcbench" / "__init__.py")
    assert suites == sorted(path.stem for path in (ROOT / "baselines").glob("*.toml"))
    assert (tmp_path / "lcbench" / "_docs" / "tutorial.md").is_file()
    assert (tmp_path / "lcbench" / "site" / "theme" / "main.html").is_file()


def test_every_picture_and_document_that_the_readme_names_exists() -> None:
    named = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    missing = [name for name in named if not (ROOT / name).exists()]
    assert not missing


def test_the_readmes_own_model_keeps_the_contract(workplace: Path) -> None:
    code = (
        "import lcbench.testing, my_models as m; lcbench.testing.check_baseline(m.NearestCentroid)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=workplace, check=True)
