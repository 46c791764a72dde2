"""A demonstration data set of lung and colon tissue, drawn by code."""

from lcbench.datasets.demo.create import COPIES, DEMO_VERSION, DRAWN, LUNG, TILES, create_demo

__all__ = ["COPIES", "DEMO_VERSION", "DRAWN", "LUNG", "TILES", "create_demo"]
