"""A demonstration data set of lung tissue, drawn by code."""

from lcbench.datasets.demo.create import DEMO_VERSION, create_demo

__all__ = ["DEMO_VERSION", "create_demo"]
