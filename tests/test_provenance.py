import importlib.metadata
import platform
import re
import subprocess
import sys

import pytest

import lcbench
from lcbench import provenance


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A checkout of which the package is thought to run; give git in it."""
    package = tmp_path / "benchmark" / "lcbench"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("x = 1\n")
    (tmp_path / "README.md").write_text("read me\n")
    monkeypatch.setattr(lcbench, "__file__", str(package / "__init__.py"))
    for variable in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):  # set inside a git hook
        monkeypatch.delenv(variable, raising=False)

    def git(*arguments):
        names = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")
        done = subprocess.run(
            ["git", *names, *arguments], cwd=tmp_path, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    return git


def test_the_commit_is_that_of_the_checkout_that_the_package_runs_from(checkout, tmp_path):
    checkout("init")
    checkout("add", ".")
    assert provenance.commit() == ""  # nothing is committed yet
    checkout("commit", "-m", "first")
    assert re.fullmatch(r"[0-9a-f]{12}", provenance.commit())
    assert checkout("rev-parse", "HEAD").startswith(provenance.commit())

    (tmp_path / "README.md").write_text("changed\n")  # changes no number
    (tmp_path / "benchmark" / "lcbench" / "notes.txt").write_text("new\n")
    assert "uncommitted" not in provenance.commit()
    (tmp_path / "benchmark" / "lcbench" / "__init__.py").write_text("x = 2\n")
    assert provenance.commit().endswith("with uncommitted changes")


def test_an_installed_copy_does_not_claim_the_commit_of_the_checkout_around_it(checkout):
    checkout("init")
    checkout("add", "README.md")
    checkout("commit", "-m", "someone's own project, with a virtual environment in it")
    assert provenance.commit() == ""


@pytest.mark.usefixtures("checkout")
def test_outside_a_checkout_and_without_git_there_is_no_commit(monkeypatch, tmp_path):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    assert provenance.commit() == ""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert provenance.commit() == ""


def test_versions_are_those_that_are_installed():
    found = provenance.versions()
    assert found["python"] == platform.python_version()
    assert found["lcbench"] == lcbench.__version__
    for name in ("torch", "timm", "numpy", "scikit-learn"):
        assert found[name] == importlib.metadata.version(name)


def test_the_command_can_be_typed_again_and_called_from_python_there_is_none(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["pytest", "--not", "a command"])
    assert provenance.command() == ""
    with provenance.typed(["run", "--data", "my data"]):
        assert provenance.command() == "lcbench run --data 'my data'"
    assert provenance.command() == ""


def test_the_machine_is_described_and_not_named():
    told = provenance.machine()
    assert platform.machine() in told
    assert "cores" in told
    assert not platform.node() or platform.node() not in told
