"""lcbench: a leakage-aware benchmark for lung-tissue classifiers."""

from importlib.metadata import version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lcbench.stored_results import read_results

__all__ = ["__version__", "read_results"]

__version__ = version("lcbench")


def __getattr__(name: str) -> object:
    """Import what needs heavy libraries only where it is asked for."""
    if name == "read_results":
        from lcbench.stored_results import read_results

        return read_results
    raise AttributeError(f"module 'lcbench' has no attribute {name!r}")
