"""The pictures of a report: each is drawn, and has a text for those who cannot see it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from lcbench.analysis.external_results import ExternalResult
from lcbench.analysis.results import Results
from lcbench.rendering.places import FIGURES
from lcbench.rendering.plots.confusions import draw_confusions
from lcbench.rendering.plots.cost import draw_cost
from lcbench.rendering.plots.curves import draw_curves
from lcbench.rendering.plots.differences import draw_differences
from lcbench.rendering.plots.external import draw_external
from lcbench.rendering.plots.intervals import draw_intervals
from lcbench.rendering.plots.reliability import draw_reliability
from lcbench.rendering.plots.risk_coverage import draw_risk_coverage
from lcbench.rendering.plots.shift import draw_shift
from lcbench.rendering.report.explanations import draw_explanations
from lcbench.rendering.report.external import broadest
from lcbench.rendering.report.page import Picture, Pictures
from lcbench.rendering.words import protocol_title
from lcbench.runs.finished import FinishedSuite
from lcbench.storage.paths import inside


def draw_pictures(suite: FinishedSuite, results: Results, folder: Path) -> Pictures:
    """Draw every picture of a report into the folder `FIGURES` of its folder."""
    place = folder / FIGURES
    return Pictures(
        intervals=_picture(
            draw_intervals(results, place / "intervals.png"),
            "Accuracy of each baseline with 95 % intervals",
        ),
        differences=_described(
            draw_differences(results, place / "differences.png"),
            "Differences from the reference with 95 % intervals",
        ),
        others=tuple(_others(suite, results, place)),
        risk_coverage=_described(
            draw_risk_coverage(results, place / "risk-coverage.png"),
            "Share of wrong answers by share of images answered, at each level of the class tree",
        ),
        external=_described(
            draw_external(results, place / "external.png"),
            "Accuracy on external folders minus the majority rate, with limits for all models at "
            "once",
        ),
        reliability=_reliabilities(results, place),
        shifts=_shifts(results, place),
        explanations=_explanations(results, place),
    )


def _picture(path: Path, text: str) -> Picture:
    return Picture(f"{FIGURES}/{path.name}", text)


def _described(path: Path | None, text: str) -> Picture | None:
    return None if path is None else _picture(path, text)


def _others(suite: FinishedSuite, results: Results, place: Path) -> Iterator[Picture]:
    """Yield what has no place of its own on the page, in its order."""
    cost = draw_cost(results, place / "cost.png")
    drawn = [(cost, "Accuracy of each baseline over its multiply-accumulates an image")]
    for result in results.protocols:
        name, title = result.protocol, protocol_title(result.protocol)
        confusions = draw_confusions(results, result, inside(place, f"confusion-{name}.png"))
        drawn.append((confusions, f"Confusion matrices, {title}"))
        curves = draw_curves(suite, results, name, inside(place, f"learning-curves-{name}.png"))
        drawn.append((curves, f"Learning curves, {title}"))
    reliability = draw_reliability(results, place / "reliability.png")
    drawn.append((reliability, "Share of right answers by confidence, with 95 % intervals"))
    for path, text in drawn:
        if path is not None:
            yield _picture(path, text)


def _reliabilities(results: Results, place: Path) -> dict[str, Picture]:
    """Draw the reliability on each external folder that has labels; by name."""
    found = {}
    for number, one in enumerate(results.external, start=1):
        name = one.record.name  # too long for a file, perhaps
        path = _draw_reliability(results, one, place / f"external-{number}-reliability.png")
        if path is not None:
            found[name] = _picture(path, f"Share of right answers by confidence on {name}")
    return found


def _draw_reliability(results: Results, folder: ExternalResult, path: Path) -> Path | None:
    """Draw the reliability on an external folder, at the level that most labels fix."""
    level = broadest(folder)
    if level is None:
        return None
    comparisons = {one.protocol: one.comparison for one in level.comparisons}
    return draw_reliability(results, path, comparisons, f"Reliability on {folder.record.name}")


def _shifts(results: Results, place: Path) -> dict[str, Picture]:
    """Draw each external folder beside the training images, where the two were compared."""
    found = {}
    for number, one in enumerate(results.external, start=1):
        name = one.record.name
        path = draw_shift(results, one, place / f"external-{number}-shift.png")
        if path is not None:
            text = (
                f"Colours, and distances to the nearest training image, of {name} and of training"
            )
            found[name] = _picture(path, text)
    return found


def _explanations(results: Results, place: Path) -> dict[int, Sequence[tuple[str, str]]]:
    return {
        number: tuple((f"{FIGURES}/{path.name}", text) for path, text in drawn)
        for number, drawn in draw_explanations(results, place).items()
    }
