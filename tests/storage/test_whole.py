import json
import os
import re
from contextlib import contextmanager

import pytest

from lcbench.errors import UserError
from lcbench.storage.whole import whole_file, whole_folder, write_json, write_text


@contextmanager
def umask(mask):
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def everything_in(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


# files and folders that appear whole


def put_file(target, text):
    with whole_file(target) as temporary:
        assert temporary.suffix == target.suffix  # writers choose their format by it
        yield temporary
        temporary.write_text(text)


def put_folder(target, text):
    with whole_folder(target) as temporary:
        yield temporary
        (temporary / "deep").mkdir()
        (temporary / "deep" / "file").write_text(text)


def state_of(folder):
    """Every file below a folder with its text."""
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in folder.rglob("*")
        if path.is_file()
    }


kinds = pytest.mark.parametrize(
    ("put", "inside"), [(put_file, "a.txt"), (put_folder, "a.txt/deep/file")]
)


@kinds
def test_it_appears_when_it_is_whole_and_replaces_the_one_before(tmp_path, put, inside):
    for text in ("a long text that is there first", "new"):
        before = state_of(tmp_path)
        for temporary in put(tmp_path / "new" / "a.txt", text):
            assert state_of(tmp_path / "new").get(inside) == before.get(f"new/{inside}")
            assert temporary.parent == tmp_path / "new"  # else the last step could break off
        assert state_of(tmp_path) == {f"new/{inside}": text}


@kinds
@pytest.mark.parametrize(
    "failure", [ValueError, KeyboardInterrupt, OSError(28, "No space left on device")]
)
def test_what_fails_half_way_leaves_the_old_one_and_nothing_else(tmp_path, put, inside, failure):
    for _ in put(tmp_path / "a.txt", "old"):
        pass
    writing = put(tmp_path / "a.txt", "new")
    next(writing)
    with pytest.raises(BaseException) as raised:  # noqa: PT011 - checked in the next line
        writing.throw(failure)
    assert failure in (raised.value, raised.type, raised.value.__cause__)
    assert everything_in(tmp_path)[0] == "a.txt"
    assert state_of(tmp_path) == {inside: "old"}


def test_a_folder_in_the_file_s_place_is_an_error_that_leaves_nothing(tmp_path):
    (tmp_path / "taken").mkdir()
    with pytest.raises(UserError, match=re.escape(str(tmp_path / "taken"))):
        write_text(tmp_path / "taken", "text")
    assert everything_in(tmp_path) == ["taken"]


@pytest.mark.parametrize(("mask", "file", "folder"), [(0o022, 0o644, 0o755), (0o077, 0o600, 0o700)])
def test_permissions_follow_the_umask(tmp_path, mask, file, folder):
    with umask(mask):
        write_text(tmp_path / "a.txt", "text")
        with whole_folder(tmp_path / "run"):
            pass
        assert os.umask(mask) == mask  # and the umask itself is as before
    modes = [(tmp_path / name).stat().st_mode & 0o777 for name in ("a.txt", "run")]
    assert modes == [file, folder]


def test_text_has_unix_line_ends_and_keeps_every_character(tmp_path):
    expected = "Gewebe: Lunge, Übersicht\n\N{MICROSCOPE}\n"
    write_text(tmp_path / "a.txt", expected)
    assert (tmp_path / "a.txt").read_bytes() == expected.encode()


# JSON


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_json_refuses_what_json_cannot_say_and_leaves_the_old_file(tmp_path, number):
    write_json(tmp_path / "a.json", {"x": 1})
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", {"x": [0, number]})
    assert json.loads((tmp_path / "a.json").read_text()) == {"x": 1}
    assert everything_in(tmp_path) == ["a.json"]
