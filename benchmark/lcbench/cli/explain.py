"""`lcbench explain`: why finished runs answer as they do, and whether to believe it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lcbench.cli.base import (
    DeviceOption,
    JsonOption,
    OfflineOption,
    app,
    guarded,
    print_json,
    split_commas,
)
from lcbench.console import err, escape
from lcbench.errors import ExitCode, wrong_usage


@app.command()
@guarded
def explain(
    runs: Annotated[Path, typer.Argument(help="The runs folder, or one suite in it.")] = Path(
        "runs"
    ),
    baseline: Annotated[
        list[str] | None,
        typer.Option(
            help="Baselines to explain: names or patterns; may be repeated. The reference by "
            "default."
        ),
    ] = None,
    protocol: Annotated[
        str,
        typer.Option(
            help="Whose test images are explained; the protocol without leakage by default."
        ),
    ] = "",
    method: Annotated[
        list[str] | None,
        typer.Option(
            help="saliency, grad-cam, integrated-gradients, occlusion; may be repeated. All by "
            "default."
        ),
    ] = None,
    node: Annotated[
        list[str] | None,
        typer.Option(
            help="Decisions of the class tree, each named by the node above it or by one of its "
            "children; root for the first one; may be repeated. That between the subtypes by "
            "default."
        ),
    ] = None,
    images: Annotated[
        str,
        typer.Option(
            metavar="N|all",
            help="Confusions at most, from the source groups in turn; as many right answers are "
            "explained beside them.",
        ),
    ] = "all",
    checked: Annotated[
        int, typer.Option(metavar="N", help="Images that each method is checked on.")
    ] = 32,
    seed: Annotated[int, typer.Option(help="Of what is drawn.")] = 0,
    data: Annotated[
        Path | None, typer.Option(help="Where the images lie now; the recorded folder by default.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for the gallery; explanations/gallery in the suite by default."),
    ] = None,
    weights: Annotated[
        str | None, typer.Option(help="File of the weights that the runs were trained with.")
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Do again what is stored.")] = False,
    offline: OfflineOption = False,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> ExitCode:
    """Explain the confusions of finished runs, and check the explanations.

    Stores them in the suite's folder, where lcbench report finds them, and writes a gallery of the
    images, which shows your images: publish it only where you may. Ends with exit code 3 where a
    baseline could not be explained.
    """
    from lcbench.explanations.explain import explain
    from lcbench.explanations.methods import METHODS
    from lcbench.explanations.options import ExplainOptions
    from lcbench.rendering.explanation_gallery import write_gallery
    from lcbench.rendering.explanation_terminal import show_explained
    from lcbench.rendering.places import check_gallery
    from lcbench.runs.store import suite_folders

    options = ExplainOptions(
        baselines=split_commas(*(baseline or ())),
        protocol=protocol,
        methods=split_commas(*(method or ())) or tuple(METHODS),
        nodes=split_commas(*(node or ())),
        images=_number(images),
        checked=checked,
        seed=seed,
        data=data,
        weights=weights,
        offline=offline,
        device=device,
        fresh=fresh,
    )
    options.require_consistent()
    suites = suite_folders(runs)
    if out is not None and len(suites) > 1:
        raise wrong_usage(f"--out {out}: one gallery for {len(suites)} suites", "Name one suite.")
    if out is not None:
        check_gallery(out)
    done = []
    for suite in suites:
        explained = explain(suite, options)
        gallery = write_gallery(suite, explained.root, out) if explained.stored else None
        show_explained(explained, gallery, quiet=as_json)
        done.append(explained)
    if as_json:
        print_json([one.as_json() for one in done])
    err.print(f"Next: lcbench report {escape(str(runs))}")
    if not any(one.stored for one in done):
        return ExitCode.FAILED
    return ExitCode.PARTLY_DONE if any(one.left_out for one in done) else ExitCode.DONE


def _number(images: str) -> int | None:
    if images == "all":
        return None
    if not images.isdecimal():
        raise wrong_usage(f"--images {images}: neither a number nor all")
    return int(images)
