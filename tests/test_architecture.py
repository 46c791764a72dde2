"""The one-way street: no room imports one to its right, and no module stands in a circle."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "benchmark" / "lcbench"
# Rooms of one line know nothing of each other.
STREET = (
    ("errors", "interrupts", "output"),
    ("documents",),
    ("storage", "tables", "console", "provenance", "compute", "processes", "result_model"),
    ("caching",),
    ("taxonomy",),
    ("statistics", "training"),
    ("datasets",),
    ("protocols", "features"),
    ("leakage",),
    ("models", "predictions"),
    ("testing", "runs"),
    ("explanations",),
    ("analysis", "audit", "doctor"),
    ("stored_results", "rendering"),
    ("rerun", "site"),
    ("cli",),
)
PLACE = {room: number for number, rooms in enumerate(STREET) for room in rooms}


def imports() -> dict[str, set[str]]:
    """Return the modules of ours that each module imports, in functions and for types too."""
    modules = {
        ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__"): path
        for path in PACKAGE.rglob("*.py")
    }
    found: dict[str, set[str]] = {}
    for name, path in modules.items():
        named = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("lcbench."):
                module = (node.module or "").removeprefix("lcbench.")
                inside = {f"{module}.{one.name}" for one in node.names} & set(modules)
                named |= inside or {module}
        found[name] = named & set(modules) - {name}
    return found


IMPORTS = imports()


def room(module: str) -> str:
    return module.split(".")[0]


def test_every_room_has_its_place_in_the_street() -> None:
    rooms = {room(module) for module in IMPORTS} - {"__init__", "__main__"}
    assert rooms == set(PLACE)


@pytest.mark.parametrize("name", sorted(PLACE))
def test_no_room_imports_what_stands_to_its_right(name: str) -> None:
    wrong = [
        f"{module} imports {other}"
        for module, others in IMPORTS.items()
        if room(module) == name
        for other in sorted(others)
        if room(other) != name and PLACE[room(other)] >= PLACE[name]
    ]
    assert not wrong


def test_no_module_stands_in_a_circle() -> None:
    list(TopologicalSorter(IMPORTS).static_order())  # raises CycleError with the circle
