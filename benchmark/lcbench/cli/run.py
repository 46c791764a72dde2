"""`lcbench run`: train and test a suite."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from lcbench.cli.base import (
    DeviceOption,
    GroupsOption,
    JsonOption,
    LabelsOption,
    OfflineOption,
    PrecisionOption,
    TaxonomyOption,
    TileOption,
    app,
    guarded,
    print_json,
    split_commas,
)
from lcbench.console import err, escape, out, stages
from lcbench.errors import ExitCode

if TYPE_CHECKING:
    from rich.table import Table


@app.command()
@guarded
def run(
    data: Annotated[
        str, typer.Option(help="Folder with class subfolders, CSV (image, label), or 'demo'.")
    ],
    suite: Annotated[str, typer.Option(help="Name of a suite, or a TOML file.")] = "core",
    groups: GroupsOption = None,
    about: Annotated[
        str, typer.Option(help='What kind of images these are, such as "histology".')
    ] = "",
    protocol: Annotated[
        str | None, typer.Option(help="Comma-separated; by default the suite's.")
    ] = None,
    seeds: Annotated[int | None, typer.Option(min=1, help="By default the suite's.")] = None,
    backbone: Annotated[
        str | None,
        typer.Option(
            help="Exchanges the suite's reference backbone: a name of timm's, "
            "hf-hub:org/name, or module:function of your own."
        ),
    ] = None,
    weights: Annotated[
        str | None, typer.Option(help="File for the reference backbone, or 'random'.")
    ] = None,
    image_size: Annotated[
        int | None,
        typer.Option(
            min=16,
            max=2048,
            help="Side of the images that backbones are given, in pixels; each one's own by "
            "default.",
        ),
    ] = None,
    offline: OfflineOption = False,
    only: Annotated[
        list[str] | None, typer.Option(help="Only baselines that match; may be repeated.")
    ] = None,
    skip: Annotated[
        list[str] | None, typer.Option(help="Not the baselines that match; may be repeated.")
    ] = None,
    images: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Draw so many images, in whole source groups, each class with its share; "
            "all by default.",
        ),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="At most so many, whatever the recipes say.")
    ] = None,
    tile: TileOption = None,
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    out_folder: Annotated[Path, typer.Option("--out", help="The runs folder.")] = Path("runs"),
    on_bad: Annotated[
        Literal["stop", "skip"],
        typer.Option(help="Unreadable images: stop, or leave them out and say so."),
    ] = "stop",
    labels: LabelsOption = None,
    taxonomy: TaxonomyOption = None,
    force: Annotated[
        bool, typer.Option("--force", help="Train backbones without an accelerator too.")
    ] = False,
    fresh: Annotated[
        bool,
        typer.Option(
            "--fresh", help="Do finished runs again, those of another recipe or weights too."
        ),
    ] = False,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Fits at a time on the CPU; all cores by default.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything, print the plan, run nothing.")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Print every split of the plan.")
    ] = False,
    as_json: JsonOption = False,
) -> ExitCode:
    """Train and test every baseline of a suite on your images."""
    from lcbench.rendering import terminal
    from lcbench.rendering.places import check_runs
    from lcbench.runs.describe import plan_as_json
    from lcbench.runs.execute import execute, rehearse
    from lcbench.runs.plan import RunOptions, make_plan

    check_runs(out_folder)
    plan = make_plan(
        RunOptions(
            suite=suite,
            data=data,
            groups=groups,
            about=about,
            labels=labels,
            taxonomy=taxonomy,
            protocols=split_commas(protocol),
            seeds=seeds,
            backbone=backbone,
            weights=weights,
            offline=offline,
            only=split_commas(*(only or ())),
            skip=split_commas(*(skip or ())),
            device=device,
            precision=precision,
            on_bad=on_bad,
            force=force,
            images=images,
            epochs=epochs,
            tile=tile,
            image_size=image_size,
        )
    )
    terminal.show_plan(plan, verbose=verbose)
    if dry_run:
        left_out = rehearse(plan, out_folder)
        terminal.show_left_out(left_out[len(plan.left_out) :])
        if as_json:
            print_json(plan_as_json(plan, left_out))
        return ExitCode.DONE
    outcome = execute(plan, out_folder, jobs=jobs, fresh=fresh)
    if outcome.finished and not as_json:
        out.print(_summary(outcome.folder))
    terminal.show_outcome(outcome)
    if as_json:
        print_json(outcome.as_json())
    if not outcome.failures:
        err.print(f"Next: lcbench report {escape(str(out_folder))}")
        return ExitCode.DONE
    return ExitCode.PARTLY_DONE if outcome.finished else ExitCode.FAILED


def _summary(folder: Path) -> Table:
    from lcbench.analysis.scores import AnalysisSettings
    from lcbench.analysis.suite import analyse
    from lcbench.rendering.report.summary import summary_table
    from lcbench.runs.reading import read_suite
    from lcbench.statistics.bootstrap import RESAMPLES

    settings = AnalysisSettings(resamples=RESAMPLES)
    with stages() as say:
        return summary_table(analyse(read_suite(folder), settings, advance=say, brief=True))
