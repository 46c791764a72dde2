"""The registry of kinds: near names, kinds of one's own, and no name twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from lcbench.errors import UserError
from lcbench.models.baseline import find_kind, register
from lcbench.models.shortcuts import Majority


@pytest.fixture
def own_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module with a kind of one's own, and one that takes a shipped kind's name."""
    (tmp_path / "own_kind_module.py").write_text(
        "from lcbench.models.shortcuts import Majority\nclass Own(Majority):\n    pass\n"
    )
    (tmp_path / "own_kind_twice.py").write_text(
        "from lcbench.models.baseline import register\n"
        "from lcbench.models.shortcuts import Majority\n"
        "@register('colour')\nclass Own(Majority):\n    pass\n"
    )
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.usefixtures("own_modules")
def test_kinds_are_found_by_name_and_ones_own_by_their_address() -> None:
    assert find_kind("majority") is Majority
    found = find_kind("own_kind_module:Own")
    assert issubclass(found, Majority)
    assert found.__name__ == "Own"


def test_an_unknown_kind_is_an_error_with_near_names() -> None:
    with pytest.raises(UserError, match="unknown kind of baseline: 'netwrok'") as caught:
        find_kind("netwrok")
    assert "network" in caught.value.remedy


@pytest.mark.usefixtures("own_modules")
def test_a_name_that_is_taken_is_an_error_that_names_both_classes() -> None:
    shipped = find_kind("colour")
    said = "'colour' is registered twice: by lcbench.models.shortcuts:Colour and by own_kind_twice"
    with pytest.raises(UserError, match=said):
        find_kind("own_kind_twice:Own")
    assert find_kind("colour") is shipped


def test_a_module_that_is_loaded_again_brings_the_same_kind() -> None:
    again = type("Majority", (Majority,), {"__module__": Majority.__module__})
    try:
        register("majority")(again)
        assert find_kind("majority") is again
    finally:
        register("majority")(Majority)


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("no_such_package.module:Class", "no_such_package"),
        ("lcbench.models.shortcuts:Minority", "Minority"),
        ("lcbench.models.baseline:register", "not a subclass"),
        (":Class", "Empty module name"),
    ],
)
def test_an_address_that_leads_nowhere_is_an_error_that_says_why(address: str, reason: str) -> None:
    with pytest.raises(UserError, match="kind = ") as caught:
        find_kind(address)
    assert reason in str(caught.value)
