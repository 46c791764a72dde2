import json
import os
import re
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lcbench.errors import UserError
from lcbench.storage import (
    cache_folder,
    content_hash,
    file_sha256,
    home_is_unknown,
    whole_file,
    whole_folder,
    write_json,
    write_text,
)

part = st.one_of(st.text(max_size=4), st.binary(max_size=4))


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


# hashes


def test_the_hash_of_a_file_is_sha256(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")  # the example of FIPS 180-2
    assert (
        file_sha256(tmp_path / "a")
        == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )


@given(st.lists(part, max_size=4), st.lists(part, max_size=4))
def test_equal_parts_have_equal_hashes_and_others_do_not(one, other):
    def as_bytes(parts):
        return [p.encode() if isinstance(p, str) else p for p in parts]

    same = as_bytes(one) == as_bytes(other)
    assert (content_hash(*one) == content_hash(*other)) is same


@given(st.text(max_size=6), st.integers(0, 6))
def test_where_one_part_ends_and_the_next_begins_is_hashed_too(text, cut):
    cut = min(cut, len(text))
    assert content_hash(text[:cut], text[cut:]) != content_hash(text)
    if cut > 0:
        assert content_hash(text[:cut], text[cut:]) != content_hash("", text)


def test_a_content_hash_is_the_same_in_every_version():
    # Stored splits, caches and reports carry these hashes: another value disowns all of them.
    assert content_hash("image", b"\x00\xff", "") == "7f5be425dad6bdf0"
    assert re.fullmatch(r"[0-9a-f]{16}", content_hash())


# the cache


def test_the_cache_is_where_the_environment_says(tmp_path, monkeypatch):
    monkeypatch.setenv("LCBENCH_CACHE", str(tmp_path / "here"))
    assert cache_folder() == tmp_path / "here"


def test_the_cache_is_the_user_s_own_where_the_environment_says_nothing(monkeypatch):
    monkeypatch.setenv("LCBENCH_CACHE", "")
    assert cache_folder().name == "lcbench"
    assert cache_folder().is_absolute()


def test_without_a_home_the_cache_is_among_the_temporary_files(tmp_path, monkeypatch):
    def no_home(*_):
        raise RuntimeError("could not determine the home directory")

    monkeypatch.delenv("LCBENCH_CACHE", raising=False)
    monkeypatch.setattr("platformdirs.user_cache_dir", no_home)
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    assert home_is_unknown()
    assert cache_folder() == tmp_path / f"lcbench-{os.getuid()}"
    cache_folder().mkdir()
    monkeypatch.setattr("os.getuid", lambda: 54321)
    (tmp_path / "lcbench-54321").mkdir()
    with pytest.raises(UserError, match="another user's"):
        cache_folder()
    monkeypatch.setenv("LCBENCH_CACHE", str(tmp_path / "here"))
    assert not home_is_unknown()
