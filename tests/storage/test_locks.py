"""One writer at a time: locks that end with their process, and what killed ones left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from lcbench.errors import UserError
from lcbench.storage.leftovers import sweep
from lcbench.storage.locks import held, is_held
from lcbench.storage.paths import inside
from lcbench.storage.whole import whole_folder, write_text

NEW, OLD = ".lcbench-new-abcd1234", ".lcbench-old-abcd1234"


def start(code: str, *arguments: object) -> subprocess.Popen[str]:
    """Start a Python process on the storage of this checkout."""
    before = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom lcbench.storage.locks import *\n"
    )
    before += "from lcbench.storage.whole import *\n"
    return subprocess.Popen(
        [sys.executable, "-c", before + code, *map(str, arguments)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


HOLDS = """
with held(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def holder(tmp_path: Path) -> subprocess.Popen[str]:
    """Another process, which holds `suite` until it reads a line."""
    process = start(HOLDS, tmp_path / "suite")
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


WRITES = """
place, word = Path(sys.argv[1]), sys.argv[2]
for number in range(500):
    with held(place), whole_folder(place) as folder:
        (folder / "one").write_text(f"{word}{number}")
        (folder / "two").write_text(f"{word}{number}")

"""


def test_writers_that_race_leave_a_whole_folder_and_nothing_else(tmp_path: Path) -> None:
    writers = [start(WRITES, tmp_path / "run", word) for word in "bc"]
    assert [writer.wait(timeout=300) for writer in writers] == [0, 0]
    assert names(tmp_path) == ["run"]
    one, two = ((tmp_path / "run" / name).read_text() for name in ("one", "two"))
    assert one == two
    assert one[1:] == "499"


COUNTS = """
place, file = Path(sys.argv[1]), Path(sys.argv[1]) / "count"
for _ in range(500):
    with held(place):
        file.write_text(str(int(file.read_text()) + 1))
"""


def test_no_two_processes_are_inside_at_once(tmp_path: Path) -> None:
    (tmp_path / "count").write_text("0")
    processes = [start(COUNTS, tmp_path) for _ in range(2)]
    assert [process.wait(timeout=300) for process in processes] == [0, 0]
    assert (tmp_path / "count").read_text() == "1000"


def test_who_comes_second_is_told_once_and_waits(
    tmp_path: Path, holder: subprocess.Popen[str]
) -> None:
    told: list[str] = []

    def wait() -> None:
        told.append("waiting")
        assert holder.stdin is not None
        holder.stdin.write("\n")  # only now the other ends
        holder.stdin.flush()

    assert is_held(tmp_path / "suite")
    with held(tmp_path / "suite", wait):
        assert told == ["waiting"]
        assert holder.wait(timeout=60) == 0
        assert not is_held(tmp_path / "suite")  # by another
    assert names(tmp_path) == []


def test_nobody_is_told_of_a_wait_for_one_that_only_looked(
    tmp_path: Path, holder: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def sleep(_seconds: float) -> None:
        """The other ends between two tries."""
        holder.kill()
        with suppress(ChildProcessError):  # was waited for
            os.waitpid(holder.pid, 0)

    monkeypatch.setattr("filelock._api.time.sleep", sleep)
    monkeypatch.setattr("lcbench.storage.locks._PATIENCE_SECONDS", 100.0)
    with held(tmp_path / "suite", lambda: pytest.fail("waits for nobody")):
        pass


def test_a_lock_ends_with_its_process_and_the_next_one_takes_its_file_away(
    tmp_path: Path, holder: subprocess.Popen[str]
) -> None:
    holder.kill()
    holder.wait(timeout=60)
    assert names(tmp_path) == [".lcbench-lock-suite"]
    with held(tmp_path / "suite", lambda: pytest.fail("waits for nobody")):
        pass
    assert names(tmp_path) == []
    (tmp_path / ".lcbench-lock-suite").touch()
    assert not is_held(tmp_path / "suite")
    assert names(tmp_path) == []


def test_what_one_holds_it_may_ask_for_again(tmp_path: Path) -> None:
    with held(tmp_path / "suite"):
        with held(tmp_path / "suite", lambda: pytest.fail("waits for itself")):
            assert names(tmp_path) == [".lcbench-lock-suite"]
        assert names(tmp_path) == [".lcbench-lock-suite"]  # still held
        with held(tmp_path / "other"):
            pass
    assert names(tmp_path) == []


def test_an_error_inside_frees_it(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), held(tmp_path / "suite"):
        _ = 1 / 0
    assert names(tmp_path) == []


def test_a_place_where_nothing_may_be_written_is_the_users_error(tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o555)
    if os.access(folder, os.W_OK):  # the administrator may write anywhere but here
        folder = Path("/sys")
        if not folder.is_dir():
            pytest.skip("runs as administrator, and there is no /sys")
    with pytest.raises(UserError, match=str(folder)), held(folder / "suite"):
        pytest.fail("held")


# What a kill leaves


DIES = """
def die(self, target):
    real(self, target)
    if ".lcbench-old-" in str(target):
        os.kill(os.getpid(), signal.SIGKILL)

real, Path.replace = Path.replace, die
with held(Path(sys.argv[1])), whole_folder(Path(sys.argv[1])) as folder:
    (folder / "file").write_text("new")
"""


def test_a_kill_between_the_two_moves_loses_nothing(tmp_path: Path) -> None:
    place = tmp_path / "report"
    write_text(place / "file", "old")
    assert start(DIES, place).wait(timeout=60) == -signal.SIGKILL
    assert not place.exists()
    with held(place):
        assert (place / "file").read_text() == "old"
    assert names(tmp_path) == ["report"]


def test_only_leftovers_of_the_place_that_is_held_are_removed(tmp_path: Path) -> None:
    for name in (f"{NEW}-mine", f"{NEW}-mine-too", f"{OLD}-other", f"{NEW}-mine.txt"):
        (tmp_path / name / "deep").mkdir(parents=True)
    with held(tmp_path / "mine"):
        pass
    assert names(tmp_path) == [f"{NEW}-mine-too", f"{NEW}-mine.txt", f"{OLD}-other"]


def test_a_folder_that_is_swept_loses_what_was_left_in_it_and_gets_back_what_it_had(
    tmp_path: Path,
) -> None:
    for file in (
        f"a/{NEW}-seed0/state.json", f"a/{OLD}-seed0/state.json", "a/seed1/state.json",
        f"a/{OLD}-seed1/gone", f"a/seed1/{NEW}-predictions.parquet", f"{NEW}-plan.json",
        "plan.json", "a/.hidden/of others",
    ):  # fmt: skip
        write_text(tmp_path / file, file)
    sweep(tmp_path)
    files = (path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file())
    assert sorted(map(str, files)) == [
        "a/.hidden/of others", "a/seed0/state.json", "a/seed1/state.json", "plan.json",
    ]  # fmt: skip
    assert (tmp_path / "a/seed0/state.json").read_text() == f"a/{OLD}-seed0/state.json"


def test_a_link_to_a_folder_is_replaced_and_what_it_led_to_stays(tmp_path: Path) -> None:
    write_text(tmp_path / "real" / "file", "old")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with whole_folder(tmp_path / "link") as folder:
        (folder / "file").write_text("new")
    assert (tmp_path / "link" / "file").read_text() == "new"
    assert (tmp_path / "real" / "file").read_text() == "old"
    assert names(tmp_path) == ["link", "real"]


def test_an_interruption_between_the_two_moves_puts_the_old_one_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_text(tmp_path / "run" / "file", "old")
    move = Path.replace

    def interrupted(self: Path, target: Path) -> Path:
        moved = move(self, target)
        if ".lcbench-old-" in Path(target).name:
            raise KeyboardInterrupt
        return moved

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt), whole_folder(tmp_path / "run"):
        pass
    assert names(tmp_path) == ["run"]
    assert (tmp_path / "run" / "file").read_text() == "old"


# Names that a file gives


@pytest.mark.parametrize("names", [("..",), ("a", "../.."), ("/etc",), ("link",), ("a/../../b",)])
def test_a_path_that_leads_out_of_its_folder_is_refused(
    names: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "link").symlink_to(tmp_path)
    with pytest.raises(UserError, match="leads out of"):
        inside(tmp_path / "in", *names)
    assert inside(tmp_path / "in", "a", "b") == tmp_path / "in" / "a" / "b"
