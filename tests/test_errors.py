import errno
import os
import pickle

import pytest

from lcbench.errors import ExitCode, UserError, from_os_error, unknown_name, wrong_usage


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "free some space"),
        (errno.EDQUOT, "free some space"),
        (errno.EACCES, "permission"),
        (errno.EPERM, "permission"),
        (errno.EROFS, "read-only"),
    ],
)
def test_a_disk_or_permission_error_names_the_file_and_the_remedy(number, words):
    error = from_os_error(OSError(number, os.strerror(number), "runs/core/plan.json"))
    assert error is not None
    assert "runs/core/plan.json" in error.message
    assert os.strerror(number) in error.message
    assert words in error.remedy
    assert error.code == ExitCode.FAILED


def test_the_system_s_own_error_of_a_missing_file_is_the_user_s(tmp_path):
    with pytest.raises(FileNotFoundError) as raised:
        (tmp_path / "absent").read_bytes()
    error = from_os_error(raised.value)
    assert error is not None
    assert str(tmp_path / "absent") in str(error)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_the_system_s_own_permission_error_is_the_user_s(tmp_path):
    locked = tmp_path / "locked"
    locked.touch(mode=0o000)
    with pytest.raises(PermissionError) as raised:
        locked.read_bytes()
    error = from_os_error(raised.value)
    assert error is not None
    assert "permission" in error.remedy


@pytest.mark.parametrize(
    "error", [OSError(errno.EIO, "I/O error"), OSError("no number"), OSError()]
)
def test_an_error_that_the_user_cannot_mend_is_not_theirs(error):
    assert from_os_error(error) is None


def test_a_mistyped_name_is_answered_with_the_near_one():
    error = unknown_name("suite", "coer", ["core", "everything", "speed"])
    assert error.code == ExitCode.WRONG_USAGE
    assert "'coer'" in error.message
    assert "Did you mean core?" in error.remedy


def test_a_name_that_is_near_nothing_is_answered_with_what_there_is():
    error = unknown_name("suite", "xyz", ["core", "speed"])
    assert "Did you mean" not in error.remedy
    assert "core, speed" in error.remedy


def test_a_long_list_of_known_names_is_cut():
    error = unknown_name("backbone", "qqq", [f"net{number:03d}" for number in range(1000)])
    assert "net000" in error.remedy
    assert len(error.remedy) < 500


def test_the_text_of_an_error_ends_with_its_remedy():
    assert str(UserError("broken", "mend it")) == "broken\nmend it"
    assert str(UserError("broken")) == "broken"


def test_an_error_comes_back_whole_from_a_worker_process():
    before = wrong_usage("broken", "mend it")
    after = pickle.loads(pickle.dumps(before))  # noqa: S301 - our own bytes
    assert (after.message, after.remedy, after.code) == (before.message, before.remedy, before.code)
    assert isinstance(after, UserError)
