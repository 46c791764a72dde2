import errno
import os
import pickle
import re
from pathlib import Path

import pytest

from lcbench.errors import (
    ExitCode,
    UserError,
    at_places,
    from_os_error,
    unknown_name,
    wrong_usage,
)


def system(number, path=None):
    return OSError(number, os.strerror(number), *([] if path is None else [path]))


@pytest.mark.parametrize("path", [None, "/anywhere/else"])
@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "free some space"),
        (errno.EDQUOT, "free some space"),
        (errno.EFBIG, "ulimit -f"),
        (errno.EROFS, "read-only"),
        (errno.EMFILE, "ulimit"),
    ],
)
def test_a_full_disk_is_the_user_s_wherever_it_is_met(number, words, path):
    error = from_os_error(system(number, path), Path("runs"))
    assert os.strerror(number) in error.message
    assert (path or "runs") in error.message  # what fails while it is written names no file
    assert words in error.remedy
    assert error.code == ExitCode.FAILED


@pytest.mark.parametrize("path", ["runs", "runs/core/plan.json", b"runs/core", "."])
@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EISDIR])
def test_what_the_system_says_about_a_place_of_the_user_is_theirs(number, path):
    error = from_os_error(system(number, path), Path("elsewhere"), Path("runs").absolute())
    assert os.strerror(number) in error.message
    assert error.remedy


@pytest.mark.parametrize("path", [None, 7, "/no/such/table.csv", "other", "runs and more/x"])
@pytest.mark.parametrize("number", [errno.EACCES, errno.ENOENT, errno.EEXIST, errno.ENOTDIR])
def test_the_same_number_about_another_place_keeps_its_traceback(number, path):
    assert from_os_error(system(number, path), Path("runs")) is None
    with pytest.raises(OSError, match=re.escape(os.strerror(number))), at_places(Path("runs")):
        raise system(number, path)


def test_a_path_that_does_not_exist_is_the_user_s_and_what_we_miss_in_a_folder_is_not(tmp_path):
    place = tmp_path / "absent" / "file.csv"
    with pytest.raises(UserError, match=re.escape(str(place))) as raised, at_places(place):
        place.read_bytes()
    assert isinstance(raised.value.__cause__, FileNotFoundError)
    with pytest.raises(FileNotFoundError), at_places(tmp_path):
        (tmp_path / "table of ours").read_bytes()


@pytest.mark.parametrize(
    "error", [OSError(errno.EIO, "I/O error", "runs"), OSError("no number"), OSError()]
)
def test_an_error_that_the_user_cannot_mend_is_not_theirs(error):
    assert from_os_error(error, Path("runs")) is None


def test_a_mistyped_name_is_answered_with_the_near_one():
    error = unknown_name("suite", "coer", ["core", "everything", "speed"])
    assert error.code == ExitCode.WRONG_USAGE
    assert "'coer'" in error.message
    assert "Did you mean core?" in error.remedy


def test_a_long_list_of_known_names_is_cut():
    error = unknown_name("backbone", "qqq", [f"net{number:03d}" for number in range(1000)])
    assert "net000" in error.remedy
    assert len(error.remedy) < 500
    near_nothing = unknown_name("suite", "xyz", ["core", "speed"])
    assert near_nothing.remedy == "Known: core, speed"


def test_an_error_comes_back_whole_from_a_worker_process():
    before = wrong_usage("broken", "mend it")
    after = pickle.loads(pickle.dumps(before))  # noqa: S301 - our own bytes
    assert (after.message, after.remedy, after.code) == (before.message, before.remedy, before.code)
    assert isinstance(after, UserError)
