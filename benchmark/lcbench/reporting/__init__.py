"""Tables, figures and Markdown from prediction files."""

from lcbench.reporting.analysis import analyse
from lcbench.reporting.collect import read_suite
from lcbench.reporting.report import ReportPaths, SuiteReport, write_report
from lcbench.reporting.results import Results
from lcbench.reporting.terminal import summary_table

__all__ = [
    "ReportPaths",
    "Results",
    "SuiteReport",
    "analyse",
    "read_suite",
    "summary_table",
    "write_report",
]
