"""Ctrl-C and SIGTERM, in every command: what is said, and what is kept."""

from __future__ import annotations

from lcbench import interrupts
from lcbench.console import err

_KEPT = {
    "run": "Finished runs are kept: the same command goes on from there.",
    "rerun": "Finished runs are kept: the same command goes on from there.",
    "evaluate": "This evaluation is not stored; what was computed from the images is kept.",
    "audit": "The folder of the audit is as it was, or whole; what was computed is kept.",
    "explain": "Methods that were finished are kept: the same command goes on from there.",
    "report": "The folder of the report is as it was, or whole.",
    "site": "The folder of the site is as it was, or whole.",
    "compare": "The file of the comparison is as it was, or whole.",
    "clear": "What was removed is gone; the rest is untouched.",
    **dict.fromkeys(("info", "verify", "doctor", "validate", "list_"), "Nothing was changed."),
}
"""By the name of the function: `cache clear` is `clear`."""
_OTHER = "The same command begins anew."


def heed_signals() -> None:
    """Treat SIGTERM like Ctrl-C: the first lets what is nearly done finish, the second does not."""
    interrupts.heed(_say_that_it_finishes)


def interrupted(command: str) -> str:
    """Say what is left of a command that was interrupted."""
    return f"Interrupted. {_KEPT.get(command, _OTHER)}"


def _say_that_it_finishes() -> None:
    err.print("Finishing what takes under two seconds; Ctrl-C again stops at once.")
