"""The study's tables, from its cells."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pandas as pd
from study_cells import INDEPENDENT, LEVEL, SCORE, TRAINING, fails
from study_few import few_rows

from lcbench.statistics.choices import METHODS
from lcbench.statistics.pairwise import DEFAULT_TEST, TestName

POINTS = 0.05
"""The power that the default test may lose to the sign-flip test."""


def tables(cells: pd.DataFrame) -> str:
    """Return all tables, each with its heading and the sentence that counts its cells."""
    parts = [_coverage(cells), _methods(cells), _few(), _level(cells), _other_tests(cells)]
    return "\n\n".join([*parts, _power(cells), _training(cells), _training_as_trained(cells)])


def failing(cells: pd.DataFrame) -> pd.DataFrame:
    """Return the cells of the defaults that are not what is asked for."""
    default = cells.measure.isin((SCORE, TRAINING, DEFAULT_TEST.value))
    bad = [fails(table, share) for table, share in zip(cells.table, cells.share, strict=True)]
    return cells[default & pd.Series(bad, cells.index)]


def _coverage(cells: pd.DataFrame) -> str:
    part = _of(cells, table="coverage")
    return _with_sentence(
        "Share of 95 % intervals (`score`) that hold the true value, %",
        "statistic",
        part,
        "below 93.0 %",
    )


def _level(cells: pd.DataFrame) -> str:
    part = _of(cells, table="level", measure=DEFAULT_TEST.value)
    title = (
        f"Share of `{DEFAULT_TEST.value}` tests with p < 0.05 where the models err equally often, %"
    )
    table = _with_sentence(title, "hypothesis", part, "above 6.5 %")
    return f"{table} {_agreement(cells, DEFAULT_TEST.value)}"


def _with_sentence(title: str, first: str, part: pd.DataFrame, what: str) -> str:
    """Return a table of rows x ICC by groups, and the sentence that counts what fails in it."""
    groups = sorted(part.groups.unique())
    body = []
    for (row, icc), line in part.groupby(["row", "icc"], sort=False):
        cell = line.set_index("groups")
        marked = [
            _cell(cell.share[one], bold=fails(cell.table[one], cell.share[one]))
            if one in cell.index
            else "–"
            for one in groups
        ]
        body.append([str(row), f"{icc:g}", *marked])
    headers = [first, "ICC", *(f"{one} groups" for one in groups)]
    return "\n\n".join([f"**{title}**", _markdown(headers, body), _sentence(part, what)])


def _sentence(part: pd.DataFrame, what: str) -> str:
    bad = failing(part)
    if bad.empty:
        return f"None of {len(part)} cells is {what}."
    named = [
        f"{row} ({', '.join(_where(one) for one in lines.itertuples())})"
        for row, lines in bad.groupby("row", sort=False)
    ]
    verb = "is" if len(bad) == 1 else "are"
    return f"{len(bad)} of {len(part)} cells {verb} {what}: {'; '.join(named)}."


def _where(cell: Any) -> str:
    place = f"{cell.groups} groups, ICC {cell.icc:g}"
    if cell.seeds > 1:
        place += f", {cell.seeds} seeds, SD {cell.seed_sd:g}"
    return f"{place}: {100 * cell.share:.1f}"


def _methods(cells: pd.DataFrame) -> str:
    part = _of(cells, table="methods")
    groups = sorted(part.groups.unique())
    columns = [(one, measure) for one in groups for measure in (INDEPENDENT, *METHODS)]
    body = _by_columns(part, ["row", "icc"], columns, ["groups", "measure"])
    headers = ["statistic", "ICC", *(f"{one}: {measure}" for one, measure in columns)]
    simulations = int(part.simulations.min())
    title = (
        "The other methods: share of 95 % intervals that hold the true value, by groups, %, "
        f"{simulations:,} simulations"
    )
    return f"**{title}**\n\n{_markdown(headers, body)}"


def _few() -> str:
    headers = [
        "errors",
        "accuracy, scattered",
        "accuracy, in one group",
        "difference, scattered",
        "difference, in one group",
    ]
    title = (
        "Few errors in 200 groups of 20 images: accuracy in %, and difference in points of a model "
        "without errors from one that has them"
    )
    return f"**{title}**\n\n{_markdown(headers, few_rows())}"


def _other_tests(cells: pd.DataFrame) -> str:
    part = _of(cells, table="level")
    groups = sorted(part.groups.unique())
    body = []
    for hypothesis, lines in part.groupby("row", sort=False):
        for test in TestName:
            worst = lines[lines.measure == test.value].groupby("groups").share.max()
            marked = [_cell(worst[one], bold=worst[one] > LEVEL) for one in groups]
            body.append([str(hypothesis), f"`{test.value}`", *marked])
    headers = ["hypothesis", "test", *(f"{one} groups" for one in groups)]
    title = "All tests: the highest share of p < 0.05 over the four ICC, %"
    counts = [
        f"`{test.value}` {int((lines.share > LEVEL).sum())}"
        for test in TestName
        for lines in [part[part.measure == test.value]]
    ]
    total = int((part.measure == DEFAULT_TEST.value).sum())
    sentence = f"Cells above 6.5 %, of {total}: {', '.join(counts)}."
    return f"**{title}**\n\n{_markdown(headers, body)}\n\n{sentence}"


def _power(cells: pd.DataFrame) -> str:
    part = _of(cells, table="power")
    flip, default = (
        part[part.measure == test.value].set_index(["row", "icc", "groups"]).share
        for test in (TestName.sign_flip, DEFAULT_TEST)
    )
    groups = sorted(part.groups.unique())
    body = [
        [
            str(row),
            f"{icc:g}",
            *(
                f"{100 * default[row, icc, one]:.1f} / {100 * flip[row, icc, one]:.1f}"
                for one in groups
            ),
        ]
        for row, icc in dict.fromkeys((row, icc) for row, icc, _ in default.index)
    ]
    headers = ["truth", "ICC", *(f"{one} groups" for one in groups)]
    title = f"Power: share of p < 0.05 of `{DEFAULT_TEST.value}` / `{TestName.sign_flip.value}`, %"
    lost = (flip - default)[flip - default > POINTS]
    named = [
        f"{row} ({one} groups, ICC {icc:g}: {100 * points:.1f} points)"
        for (row, icc, one), points in lost.items()
    ]
    sentence = (
        f"`{DEFAULT_TEST.value}` has more than 5 points less power than "
        f"`{TestName.sign_flip.value}` in {len(lost)} of {len(default)} cells"
        f"{': ' if named else ''}{'; '.join(named)}."
    )
    return f"**{title}**\n\n{_markdown(headers, body)}\n\n{sentence}"


def _training(cells: pd.DataFrame) -> str:
    part = _of(cells, table="coverage of training")
    title = (
        "Way of training: share of 95 % intervals that hold the true value, %, by groups and by "
        "the standard deviation of the seeds' error rates in points"
    )
    note = (
        "The level of the test of the way of training is what the coverage of the difference lacks "
        "of 100 %. "
        f"{_agreement(cells, TRAINING)}"
    )
    return f"**{title}**\n\n{_by_seeds(part)}\n\n{_sentence(part, 'below 93.0 %')} {note}"


def _agreement(cells: pd.DataFrame, measure: str) -> str:
    """Return how often a test and the interval that it inverts said different things."""
    part = _of(cells, table="agreement", measure=measure)
    total = int(part.simulations.sum())
    apart = round(float((part.simulations * part.share).sum()))
    return f"Test and interval disagree in {apart:,} of {total:,} simulations."


def _training_as_trained(cells: pd.DataFrame) -> str:
    part = _of(cells, table="seeds")
    part = part[part.row != "accuracy 95 %"].copy()
    part["row"] = part.measure.map(
        {
            SCORE: "`score` interval of the difference holds 0",
            TestName.sign_flip.value: "`sign-flip` rejects",
        }
    )
    title = (
        "What the interval and the test of the trained networks would say of the way of training, "
        "which is not their question, %"
    )
    return f"**{title}**\n\n{_by_seeds(part)}"


def _by_seeds(part: pd.DataFrame) -> str:
    columns = sorted(set(zip(part.groups, part.seed_sd, strict=True)))
    body = _by_columns(part, ["row", "icc", "seeds"], columns, ["groups", "seed_sd"])
    headers = ["statistic", "ICC", "seeds", *(f"{one}: {sd:g}" for one, sd in columns)]
    return _markdown(headers, body)


def _by_columns(
    part: pd.DataFrame, rows: list[str], columns: Sequence[tuple[object, ...]], by: list[str]
) -> list[list[str]]:
    body = []
    for key, line in part.groupby(rows, sort=False):
        cell = line.set_index(by)
        shares = [(cell.table[one], cell.share[one]) for one in columns]
        first, *rest = key
        names = [str(first), *(f"{one:g}" for one in rest)]
        body.append([*names, *(_cell(share, bold=fails(table, share)) for table, share in shares)])
    return body


def _of(cells: pd.DataFrame, **wanted: str) -> pd.DataFrame:
    for column, value in wanted.items():
        cells = cells[cells[column] == value]
    return cells.sort_values("row", kind="stable", key=_in_order(cells.row))


def _in_order(rows: pd.Series) -> Callable[[pd.Series], pd.Series]:
    """Return a key by which rows keep the order in which they first came."""
    order = {row: number for number, row in enumerate(dict.fromkeys(rows))}
    return lambda column: column.map(order)


def _cell(share: float, *, bold: bool) -> str:
    shown = f"{100 * share:.1f}"
    return f"**{shown}**" if bold else shown


def _markdown(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    ruler = [":---", *["---:"] * (len(headers) - 1)]
    return "\n".join("| " + " | ".join(row) + " |" for row in (headers, ruler, *rows))
