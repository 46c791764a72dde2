"""Full disks and missing permissions: one message, nothing half written."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from .commands import SUITE, Lcbench, require_one_message, written


def refuse(code: int) -> Callable[..., None]:
    def raiser(*args: object, **options: object) -> None:
        path = options.get("dir", args[0] if args else None)
        raise OSError(code, os.strerror(code), str(path))

    return raiser


@pytest.mark.parametrize(
    ("writer", "code", "said"),
    [
        ("pathlib.Path.write_text", errno.ENOSPC, "The disk is full"),
        ("pathlib.Path.write_bytes", errno.EDQUOT, "quota"),
        ("tempfile.mkdtemp", errno.EACCES, "No permission"),
    ],
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


@pytest.mark.parametrize("code", [errno.ENOENT, errno.EACCES])
def test_a_mistake_of_ours_keeps_its_traceback(
    code: int, run: Lcbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def opens_what_nobody_asked_for(*_: object) -> None:
        raise OSError(code, os.strerror(code), "/no/such/table of ours.csv")

    monkeypatch.setattr("lcbench.runs.plan.load_dataset", opens_what_nobody_asked_for)
    result = run("--only", "majority")
    assert isinstance(result.exception, OSError)
    assert result.stderr == ""


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
import os, shutil, sys
from pathlib import Path
from lcbench.cli import main

disk, data, out = map(Path, sys.argv[1:])


def lcbench(*words):
    sys.argv = ["lcbench", "run", "--suite", "quick.toml", "--data", str(data),
                "--protocol", "paper", "--offline", *words]
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
for part in ("keypoints", "sources"):  # what pixels say of groups has room elsewhere
    shutil.rmtree(disk / "cache" / part, ignore_errors=True)
    (out.parent / part).mkdir()
    (disk / "cache" / part).symlink_to(out.parent / part)
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
    _, sources, first, second = done.stdout.split("exit ")
    assert sources.split() == ["1"]
    assert sorted(first.split()) == ["1", "images.csv", "plan.json", "seed0.csv"]
    assert set(second.split()) <= {"1", "images.csv", "plan.json", "seed0.csv", "filler"}
    assert "Traceback" not in done.stderr
    assert done.stderr.count("Error:") == done.stderr.count("The disk is full") == 3
