"""The `lcbench` command: parse, call, print."""

from lcbench.cli import benchmarking, predictions, auditing, looking  # noqa: I001 - the order of --help
from lcbench.cli.base import app

__all__ = ["app", "auditing", "benchmarking", "looking", "main", "predictions"]


def main() -> None:
    """Run the command line."""
    app()
