import importlib.metadata
import shutil
from collections import namedtuple
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from lcbench import doctor
from lcbench.doctor import Check, examine_machine
from lcbench.models import weights

GIGABYTE = 10**9
Memory = namedtuple("Memory", "available total")
Disk = namedtuple("Disk", "total used free")


def lines(checks, subject):
    return [check for check in checks if check.subject.startswith(subject)]


def about_data(data, subject="data", **options):
    """Return a line on the data alone."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(doctor, "_EXAMINATIONS", {})
        checks = examine_machine(str(data), **options)
    assert {check.subject for check in checks} <= {"data", "classes", "images"}
    (check,) = [check for check in checks if check.subject == subject]
    assert check.remedy or check.verdict == "good"
    return check


# the machine


@pytest.fixture
def poor_machine(monkeypatch):
    """An old Python, no library, no memory, no disk, no weights."""

    def absent(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(doctor, "sys", SimpleNamespace(version_info=(3, 10, 0)))
    monkeypatch.setattr(importlib.metadata, "version", absent)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: Memory(GIGABYTE, 2 * GIGABYTE))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Disk(0, 0, GIGABYTE))
    monkeypatch.setattr(weights, "locate_weights", lambda *_: None)


def test_this_machine_is_described_with_a_remedy_for_all_that_is_not_good():
    checks = examine_machine()
    for subject in ("Python", "torch", "device cpu", "memory", "disk", "weights tf_efficient"):
        assert lines(checks, subject), subject
    for check in checks:
        assert check.found
        assert check.remedy or check.verdict == "good", check
    assert lines(checks, "Python")[0].verdict == "good"
    assert lines(checks, "torch")[0].found == importlib.metadata.version("torch")


@pytest.mark.usefixtures("poor_machine")
def test_a_poor_machine_is_told_what_to_do_on_each_line():
    checks = examine_machine()
    for subject in ("Python", "torch", "memory", "disk for runs", "disk for caches"):
        (check,) = lines(checks, subject)
        assert check.verdict == "bad", subject
        assert check.remedy
    assert "1.0 of 2.0 GB" in lines(checks, "memory")[0].found
    assert "LCBENCH_CACHE" in lines(checks, "disk for caches")[0].remedy
    assert {check.verdict for check in lines(checks, "weights")} == {"note"}
    assert all("--weights" in check.remedy for check in lines(checks, "weights resnet50"))


@pytest.mark.parametrize(
    "error", [RuntimeError("two\nlines"), ImportError(), OSError("a"), SyntaxError()]
)
def test_a_check_that_fails_is_a_bad_line_and_the_others_are_made(monkeypatch, error):
    def broken():
        raise error
        yield

    def half():
        yield Check("half", "good", "first")
        raise error

    def whole():
        yield Check("whole", "good", "fine")

    monkeypatch.setattr(doctor, "_EXAMINATIONS", {"broken": broken, "half": half, "whole": whole})
    first, second, third = examine_machine()
    assert (first.subject, first.verdict) == ("broken", "bad")
    assert type(error).__name__ in first.found
    assert "\n" not in first.found
    assert first.remedy
    assert (second.subject, second.verdict) == ("half", "bad")
    assert (third.subject, third.verdict) == ("whole", "good")


# the data


def test_good_data_are_counted(tmp_path, write_images):
    write_images(tmp_path, {"lung_n": 2, "lung_aca": 3})
    check = about_data(tmp_path)
    assert check.verdict == "good"
    assert "5 images" in check.found
    assert "benign 2" in check.found
    assert "adenocarcinoma 3" in check.found


def test_images_that_cannot_be_read_are_counted(tmp_path, write_images):
    write_images(tmp_path, {"lung_n": 2, "lung_aca": 3})
    assert "all 5 can be read" in about_data(tmp_path, subject="images").found
    (tmp_path / "lung_n/000.png").write_bytes(b"no image")
    (tmp_path / "lung_aca/000.png").write_bytes(b"")
    check = about_data(tmp_path, subject="images")
    assert check.verdict == "bad"
    assert "2 of 5 cannot be read, e.g. lung_aca/000.png: empty file" in check.found
    assert "--on-bad skip" in check.remedy


def test_unknown_names_are_bad_and_the_map_is_the_remedy(tmp_path, write_images):
    write_images(tmp_path, {"lung_n": 2, "colon_n": 1})
    check = about_data(tmp_path)
    assert check.verdict == "bad"
    assert "colon_n" in check.found
    assert "--labels" in check.remedy


def test_names_are_read_with_the_class_tree_that_is_given(tmp_path, write_images):
    tree = tmp_path / "tree.toml"
    tree.write_text('name = "t"\n[nodes.apple]\nparent = "root"\n[nodes.pear]\nparent = "root"\n')
    write_images(tmp_path / "fruit", {"apple": 2, "pear": 1})
    assert about_data(tmp_path / "fruit").verdict == "bad"
    check = about_data(tmp_path / "fruit", taxonomy=tree)
    assert check.verdict == "good"
    assert "apple 2, pear 1" in check.found
    assert "absent.toml" in about_data(tmp_path / "fruit", taxonomy=tmp_path / "absent.toml").found


def test_data_that_are_not_there_are_bad(tmp_path):
    for data in (tmp_path / "absent", tmp_path):
        check = about_data(data)
        assert check.verdict == "bad"
        assert str(data) in check.found


def test_the_demonstration_set_is_always_there():
    assert about_data("demo").verdict == "good"
    assert "lung_aca" in about_data("demo").found


def test_a_tree_that_the_demonstration_set_cannot_show_is_bad(tmp_path):
    tree = tmp_path / "tree.toml"
    tree.write_text('name = "t"\n[nodes.apple]\nparent = "root"\n[nodes.pear]\nparent = "root"\n')
    check = about_data("demo", taxonomy=tree)
    assert check.verdict == "bad"
    assert "no images of apple, pear" in check.found
    assert "aliases" in check.remedy
    tree.write_text('name = "t"\n[nodes.apple]\nparent = "root"\n')
    assert "at least 2 entries" in about_data("demo", taxonomy=tree).found
    assert "lung_sclc" in about_data("demo", taxonomy=Path("lung-who")).found


def test_classes_without_images_are_named(tmp_path, write_images):
    write_images(tmp_path, {"lung_n": 2, "malignant": 1})
    check = about_data(tmp_path, "classes")
    assert check.verdict == "note"
    assert check.found == "no images of adenocarcinoma, squamous_cell_carcinoma"
