"""The registry of kinds: near names, and kinds of one's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from lcbench.errors import UserError
from lcbench.models.baseline import find_kind
from lcbench.models.network import Network
from lcbench.models.shortcuts import Majority


def test_shipped_kinds_are_found_by_name() -> None:
    assert find_kind("network") is Network
    assert find_kind("majority") is Majority


def test_an_unknown_kind_is_an_error_with_near_names() -> None:
    with pytest.raises(UserError, match="unknown kind of baseline: 'netwrok'") as caught:
        find_kind("netwrok")
    assert "network" in caught.value.remedy


def test_a_class_of_ones_own_is_found_by_its_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own_kind_module.py").write_text(
        "from lcbench.models.shortcuts import Majority\nclass Own(Majority):\n    pass\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    found = find_kind("own_kind_module:Own")
    assert issubclass(found, Majority)
    assert found.__name__ == "Own"


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("no_such_package.module:Class", "no_such_package"),
        ("lcbench.models.shortcuts:Minority", "Minority"),
        ("pathlib:Path", "not a subclass"),
        ("lcbench.models.baseline:register", "not a subclass"),
        (":Class", "Empty module name"),
        (".relative:Class", "relative"),
        ("lcbench.models.shortcuts:", "shortcuts:"),
    ],
)
def test_an_address_that_leads_nowhere_is_an_error_that_says_why(address: str, reason: str) -> None:
    with pytest.raises(UserError, match="kind = ") as caught:
        find_kind(address)
    assert reason in str(caught.value)
