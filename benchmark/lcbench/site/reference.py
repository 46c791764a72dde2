"""The reference of the Python modules that people use from their own code."""

from __future__ import annotations

from typing import NamedTuple


class Subject(NamedTuple):
    """Modules on one page."""

    title: str
    """Heading of the page."""
    page: str
    """Name of its file, without ending."""
    modules: tuple[str, ...]
    """What is on it, in order."""


SUBJECTS = (
    Subject("Results", "results", (
        "lcbench.stored_results", "lcbench.analysis.results", "lcbench.analysis.scores",
        "lcbench.audit.results", "lcbench.statistics.interval_model",
    )),
    Subject("Models and encoders", "models", (
        "lcbench.models.baseline", "lcbench.testing", "lcbench.models.backbones",
        "lcbench.models.weights", "lcbench.features.encoder", "lcbench.features.samples",
        "lcbench.training.objectives",
    )),
    Subject("Data and splits", "data", (
        "lcbench.datasets.dataset", "lcbench.datasets.labels", "lcbench.datasets.demo",
        "lcbench.protocols", "lcbench.taxonomy",
    )),
    Subject("Statistics", "statistics", (
        "lcbench.statistics.metrics", "lcbench.statistics.registry", "lcbench.statistics.standard",
        "lcbench.statistics.design", "lcbench.statistics.models", "lcbench.statistics.intervals",
        "lcbench.statistics.groups", "lcbench.statistics.events", "lcbench.statistics.pairwise",
        "lcbench.statistics.paired_groups", "lcbench.statistics.paired_tests",
        "lcbench.statistics.tree", "lcbench.statistics.hierarchy",
    )),
    Subject("Predictions and pages", "predictions", (
        "lcbench.predictions.models", "lcbench.predictions.table", "lcbench.analysis.comparing",
        "lcbench.rendering.formats", "lcbench.rendering.markdown",
        "lcbench.rendering.explorer.section", "lcbench.rendering.explorer.document",
    )),
    Subject("Explanations", "explanations", (
        "lcbench.explanations.methods", "lcbench.explanations.targets",
        "lcbench.explanations.checks",
    )),
)  # fmt: skip


def reference_page(subject: Subject) -> str:
    """Return the page of a subject, in the Markdown of mkdocstrings."""
    parts = (f"::: {module}\n" for module in subject.modules)
    return "\n".join([f"# {subject.title}\n", "From the docstrings.\n", *parts])
