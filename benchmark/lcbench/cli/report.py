"""`lcbench report`: finished runs to pages, pictures and numbers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lcbench.cli.base import AdjustOption, JsonOption, LabelsOption, app, guarded, print_json
from lcbench.console import err, escape, out, stages
from lcbench.errors import ExitCode, wrong_usage

if TYPE_CHECKING:
    from lcbench.rendering.report.writing import Report


@app.command()
@guarded
def report(
    runs: Annotated[Path, typer.Argument(help="The runs folder, or one suite in it.")] = Path(
        "runs"
    ),
    out_folder: Annotated[
        Path | None, typer.Option("--out", help="Where to write; 'report' beside RUNS by default.")
    ] = None,
    with_files: Annotated[
        list[Path] | None,
        typer.Option(
            "--with",
            metavar="FILE",
            help="Predictions of another tool, or a folder of runs: a section of its own compares "
            "them with the baselines on the images that both have; may be repeated.",
        ),
    ] = None,
    labels: LabelsOption = None,
    adjust: AdjustOption = "holm",
    no_images: Annotated[
        bool,
        typer.Option("--no-images", help="Make no thumbnails of the images beside the page."),
    ] = False,
    as_json: JsonOption = False,
) -> ExitCode:
    """Write the Markdown report, a page to explore, plots, and the same numbers as JSON and CSV.

    The page shows small pictures of the images, which are put beside it: leave them out with
    --no-images where the report will be published.

    Ends with exit code 3 where runs were done and cannot be used (failed, damaged or outdated), or
    where no baseline has predicted some of the images of a file after --with.
    """
    from lcbench.rendering import terminal
    from lcbench.rendering.places import INDEX
    from lcbench.rendering.report.given_models import screen_words
    from lcbench.rendering.report.summary import summary_table
    from lcbench.runs.finished import is_broken

    if labels is not None and not with_files:
        raise wrong_usage("--labels: it is for files after --with", "Leave it out, or give one.")
    written = _write(runs, out_folder, adjust, with_files or [], labels, pictures=not no_images)
    for suite in written.suites:
        if not as_json:
            out.print(summary_table(suite))
        for words in screen_words(suite):
            err.print(escape(words), soft_wrap=True)
    if as_json:
        print_json([json.loads(suite.model_dump_json()) for suite in written.suites])
    broken = [one for suite in written.suites for one in suite.incomplete if is_broken(one.kind)]
    terminal.show_incomplete(broken)
    given = [one for suite in written.suites for one in suite.given]
    err.print(f"Report: {escape(str(written.readme))}")
    err.print(f"To explore, in a browser: {escape(str(written.readme.with_name(INDEX)))}")
    partly = broken or any(one.is_partial for one in given)
    return ExitCode.PARTLY_DONE if partly else ExitCode.DONE


def _write(
    runs: Path,
    out_folder: Path | None,
    adjust: AdjustOption,
    given: Sequence[Path],
    labels: Path | None,
    *,
    pictures: bool,
) -> Report:
    from lcbench.provenance import command
    from lcbench.rendering.report.writing import write_report

    with stages() as say:
        return write_report(
            runs,
            out_folder,
            command=command(),
            advance=say,
            adjustment=adjust,
            pictures=pictures,
            given=given,
            labels=labels,
        )
