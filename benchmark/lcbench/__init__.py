"""lcbench: a leakage-aware benchmark for lung-tissue classifiers."""

from importlib.metadata import version

__version__ = version("lcbench")
