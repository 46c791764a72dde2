"""The `lcbench` command: parse, call, print."""

from lcbench.cli import run, report, rerun, evaluate, compare, validate, audit, list, doctor  # noqa: A004, I001 - the order of --help
from lcbench.cli.base import app

__all__ = [
    "app", "audit", "compare", "doctor", "evaluate", "list", "main", "report", "rerun", "run",
    "validate",
]  # fmt: skip


def main() -> None:
    """Run the command line."""
    app()
