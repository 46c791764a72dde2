"""lcbench: a leakage-aware benchmark for lung-tissue classifiers."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lcbench.stored_results import read_results

    __version__: str

__all__ = ["__version__", "read_results"]


def __getattr__(name: str) -> object:
    """Import what takes long only where it is asked for: `lcbench --help` needs none of it."""
    if name == "__version__":
        from importlib.metadata import version

        return version("lcbench")
    if name == "read_results":
        from lcbench.stored_results import read_results

        return read_results
    raise AttributeError(f"module 'lcbench' has no attribute {name!r}")
