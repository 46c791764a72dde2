"""Ctrl-C and SIGTERM, in every command: what is said, and what is kept."""

from __future__ import annotations

from lcbench import interrupts
from lcbench.console import err

_RUNS = "Finished runs are kept: the same command goes on from there."
_RESULTS = "What was computed from the images is kept; results are stored whole or not at all."
_WRITES = "What it writes appears whole or not at all."
_READS = "Nothing was changed."
_KEPT = {
    "run": _RUNS,
    "rerun": _RUNS,
    "evaluate": _RESULTS,
    "audit": _RESULTS,
    "report": _WRITES,
    "compare": _WRITES,
    "clear": "What was removed is gone; the rest is untouched.",
    "doctor": _READS,
    "info": _READS,
    "list_": _READS,
    "validate": _READS,
    "verify": _READS,
}
"""By the name of the command's function."""


def heed_signals() -> None:
    """Treat SIGTERM like Ctrl-C: the first lets what is nearly done finish, the second does not."""
    interrupts.heed(_say_that_it_finishes)


def interrupted(command: str) -> str:
    """Say what is left of a command that was interrupted."""
    return f"Interrupted. {_KEPT.get(command, _WRITES)}"


def _say_that_it_finishes() -> None:
    err.print("Finishing what takes under two seconds; Ctrl-C again stops at once.")
