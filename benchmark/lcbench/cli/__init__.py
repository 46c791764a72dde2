"""The `lcbench` command: parse, call, print."""

from lcbench.cli import run, report, rerun, evaluate, explain, compare, validate  # noqa: I001 - the order of --help
from lcbench.cli import audit, site, list, doctor, cache  # noqa: A004
from lcbench.cli.base import app
from lcbench.cli.signals import heed_signals
from lcbench.output import take_any_name

__all__ = [
    "app", "audit", "cache", "compare", "doctor", "evaluate", "explain", "list", "main", "report",
    "rerun", "run", "site", "validate",
]  # fmt: skip


def main() -> None:
    """Run the command line."""
    heed_signals()
    take_any_name()
    app()
