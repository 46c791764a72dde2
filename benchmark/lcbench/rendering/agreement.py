"""How far a report and its repetition agree: on the screen, and as a table."""

from __future__ import annotations

from pathlib import Path

from rich.table import Table

from lcbench.analysis.agreement import Agreement, Compared
from lcbench.console import escape, out

_SHOWN = 20
COLUMNS = ("place", "section", "report", "here", "allowed", "outcome", "agrees", "reasons")


def write_agreement(agreement: Agreement, path: Path) -> None:
    """Write every number of both sides as CSV, those that do not agree first."""
    import pandas as pd

    from lcbench.storage.whole import whole_file

    ordered = sorted(agreement.numbers, key=lambda one: one.agrees)
    rows = [{**one.model_dump(), "reasons": "; ".join(one.reasons)} for one in ordered]
    with whole_file(path) as temporary:
        pd.DataFrame(rows, columns=list(COLUMNS)).to_csv(
            temporary, index=False, lineterminator="\n"
        )


def show_agreement(agreement: Agreement, table: Path) -> None:
    """Print how many numbers agree, section by section, why others do not, and some of them."""
    total, apart = len(agreement.numbers), agreement.apart
    out.print(
        f"[bold]{total - len(apart):,} of {total:,} numbers agree.[/bold] "
        f"{escape(agreement.suite)}: report and repetition {agreement.verdict}."
    )
    out.print(f"Agreement means: {rule_words(agreement)}", soft_wrap=True)
    out.print(_sections(agreement))
    for reason in agreement.reasons:
        out.print(f"[yellow]{reason.name}:[/yellow] {escape(reason.words)}", soft_wrap=True)
    if apart:
        out.print(_differences(apart))
    out.print(f"Not compared: {', '.join(agreement.not_compared)}.", soft_wrap=True)
    out.print(f"Every number: {escape(str(table))}", soft_wrap=True)


def rule_words(agreement: Agreement) -> str:
    """Return what agreement means here."""
    if agreement.exact:
        return "the same to nine digits, because both were computed on the same kind of processor."
    return (
        "the same, or within a quarter of the half-width of the number's own 95 % interval, "
        "because the processors differ or are not recorded (docs/repeating.md)."
    )


def _sections(agreement: Agreement) -> Table:
    table = Table("section", title_justify="left")
    for name in ("numbers", "the same", "close", "agree"):
        table.add_column(name, justify="right")
    for one in agreement.sections:
        if one.numbers:
            counts = (one.numbers, one.same, one.close, one.agree)
            table.add_row(one.section, *(f"{count:,}" for count in counts))
    return table


def _differences(apart: tuple[Compared, ...]) -> Table:
    more = f", the first {_SHOWN} of {len(apart):,}" if len(apart) > _SHOWN else ""
    table = Table("number", title=f"Numbers that do not agree{more}", title_justify="left")
    table.add_column("report", justify="right")
    table.add_column("here", justify="right")
    table.add_column("why")
    for one in apart[:_SHOWN]:
        cells = (_cell(one.report), _cell(one.here), "; ".join(one.reasons))
        table.add_row(escape(one.place), *map(escape, cells))
    return table


def _cell(value: float | str | None) -> str:
    if value is None:
        return "–"
    return value if isinstance(value, str) else f"{value:.6g}"
