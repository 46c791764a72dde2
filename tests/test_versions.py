"""The versions that pyproject.toml allows are those that are tested: the oldest and the newest."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
DEPENDENCIES = [
    Requirement(line)
    for line in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
]


def pins(file: str) -> dict[str, Version]:
    """Versions by the name of their package."""
    lines = (ROOT / file).read_text().splitlines()
    pairs = (line.split("==") for line in lines if line and not line.startswith("#"))
    return {canonicalize_name(name): Version(version) for name, version in pairs}


OLDEST, NEWEST = pins("constraints-oldest.txt"), pins("constraints.txt")


@pytest.mark.parametrize("wanted", DEPENDENCIES, ids=lambda wanted: wanted.name)
def test_the_lower_bound_and_the_newest_version_are_tested(wanted: Requirement) -> None:
    name = canonicalize_name(wanted.name)
    (bound,) = wanted.specifier
    assert bound.operator == ">="
    tested = OLDEST.get(name, NEWEST[name])
    assert tested == Version(bound.version)
    assert NEWEST[name] >= tested


def test_what_the_oldest_versions_leave_out_is_torch_alone() -> None:
    names = {canonicalize_name(wanted.name) for wanted in DEPENDENCIES}
    assert names - OLDEST.keys() == {"torch", "torchvision"}
