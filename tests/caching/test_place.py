import os

import pytest

from lcbench.caching.place import cache_folder, home_is_unknown
from lcbench.errors import UserError


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
