"""Tables for the terminal: what will be run, what came of it, what there is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rich.table import Table

from lcbench.console import err, escape, out, warn
from lcbench.rendering.formats import plural

if TYPE_CHECKING:
    from lcbench.analysis.results import Incomplete
    from lcbench.doctor import Check
    from lcbench.leakage.siblings import Siblings
    from lcbench.runs.execute import Outcome
    from lcbench.runs.plan import Plan, PlannedSplit
    from lcbench.runs.plan_records import LeftOut

_MARKS = {
    "good": "[green]ok[/green]",
    "note": "[yellow]note[/yellow]",
    "bad": "[red]bad[/red]",
}
_ALIKE = 0.01
"""Seeds whose shares of test images lie this near are told in one number."""


def show_plan(plan: Plan, *, verbose: bool = False) -> None:
    """Print what will be run, on what, and what is left out; with `verbose`, every split."""
    from lcbench.models.backbones import Backbone  # a file of embeddings has no size of image

    _show_dataset(plan)
    err.print(f"Device: {plan.compute.device}, precision {plan.compute.precision}")
    columns = ("baseline", "kind", "backbone", "images", "weights")
    table = Table(*columns, title=f"Suite {plan.suite.name}")
    for baseline in plan.baselines:
        backbone = baseline.backbone
        table.add_row(
            escape(baseline.name),
            escape(baseline.recipe.kind),
            backbone.name if backbone else "-",
            f"{backbone.preprocessing.size} px" if isinstance(backbone, Backbone) else "-",
            escape(str(backbone.source)) if backbone else "-",
        )
    err.print(table)
    _show_classes(plan)
    show_left_out(plan.left_out)
    runs = len(plan.baselines) * len(plan.splits)
    factors = plural(len(plan.splits), "split"), plural(len(plan.baselines), "baseline")
    err.print(f"{' x '.join(factors)} = {plural(runs, 'run')}")
    for protocol in plan.protocols:
        splits = [one for one in plan.splits if one.split.protocol == protocol]
        _say(protocol_words(splits))
        if verbose:
            for planned in splits:
                _say(f"  {planned.split.name}: {_siblings_words(planned)}")
    _show_power(plan)


def _show_classes(plan: Plan) -> None:
    """Print what the outputs of finished classifiers stand for."""
    from lcbench.models.classifier import ClassifierSettings, unnamed_leaves

    for baseline in plan.baselines:
        settings = baseline.settings
        if not isinstance(settings, ClassifierSettings):
            continue
        read = ", ".join(f"{name}: {node}" for name, node in settings.labels.items())
        _say(f"{baseline.name} was finished elsewhere and is scored as it is. {read}")
        unnamed = unnamed_leaves(settings, plan.taxonomy)
        if unnamed:
            warn(f"{baseline.name}: no class of it stands for {', '.join(unnamed)}")


def _show_dataset(plan: Plan) -> None:
    dataset = plan.dataset
    classes = ", ".join(f"{k} {v:,}" for k, v in dataset.manifest["label"].value_counts().items())
    err.print(f"[bold]{escape(dataset.name)}[/bold]: {len(dataset.manifest):,} images ({classes})")
    if dataset.drawn is not None:
        err.print(f"These images were {dataset.drawn}.")
    if dataset.tiling:
        _say(f"These images are {dataset.tiling}.")
    if dataset.groups_known:
        groups = dataset.manifest["group"].nunique()
        err.print(f"Source groups: {groups:,}, from {escape(dataset.groups_words)}")
    else:
        warn("source groups unknown: leakage cannot be counted, and intervals will be too narrow")
    if plan.pixel_check is not None:
        warn(str(plan.pixel_check))


def protocol_words(splits: Sequence[PlannedSplit]) -> str:
    """Return a line on what crosses the sides of a protocol's splits: its seeds and folds in one.

    Groups are those of the first seed; the share of test images is that of every seed.
    """
    from lcbench.protocols import PROTOCOLS

    title = PROTOCOLS[splits[0].split.protocol].title
    by_seed: dict[int, list[Siblings]] = {}
    for one in splits:
        if one.siblings is not None:
            by_seed.setdefault(one.split.seed, []).append(one.siblings)
    if not by_seed:
        return f"{title}: source groups unknown"
    seed, first = next(iter(by_seed.items()))
    shared = sum(one.test_groups_in_train for one in first)
    groups = sum(one.test_groups for one in first)
    share = _share_words([_share_with_siblings(one) for one in by_seed.values()])
    basis = share if len(by_seed) == 1 else f"seed {seed}; {len(by_seed)} seeds{share}"
    words = f"{title}: {shared:,} of {groups:,} source groups in test also in train ({basis})"
    unknown = sum(one.test_images_of_unknown_source for one in first)
    if unknown:
        words += f"; the source of {unknown:,} more test images is unknown"
    proven = [one.proven for one in splits if one.proven is not None]
    if proven:
        words += f"; by pixels: {_share_words([_share_with_siblings(proven)])}"
    return words


def _share_with_siblings(siblings: Iterable[Siblings]) -> float:
    counts = [(one.test_images_with_siblings, one.test_images) for one in siblings]
    return sum(some for some, _ in counts) / max(1, sum(every for _, every in counts))


def _share_words(shares: Sequence[float]) -> str:
    """Return the share of test images that have a sibling in training, for one seed or several."""
    from lcbench.rendering.formats import share

    least, most = min(shares), max(shares)
    if len(shares) == 1:
        return f"{share(least)} of test images"
    if most - least < _ALIKE:
        return f" alike: {share(sum(shares) / len(shares))} of test images"
    return f": {share(least, unit=False)} to {share(most)} of test images"


def _siblings_words(planned: PlannedSplit) -> str:
    words = str(planned.siblings) if planned.siblings else "source groups unknown"
    return words if planned.proven is None else f"{words}; by pixels: {planned.proven}"


def _show_power(plan: Plan) -> None:
    """Print what the test images can show: one assumption in words, the others with --json."""
    from lcbench.protocols import PROTOCOLS
    from lcbench.runs.power import detectable_differences

    for one in detectable_differences(plan):
        if (one.discordance, one.correlation) != (0.04, 0.5):
            continue
        shown = "no difference in error rates"
        if one.difference is not None:
            shown = f"differences in error rates from {100 * one.difference:.1f} points on"
        units = "source groups" if plan.dataset.groups_known else "images of unknown source"
        _say(
            f"{PROTOCOLS[one.protocol].title}: {one.images:,} test images in {one.groups:,} "
            f"{units}; of two models that differ on 4 % of the images they can show {shown} "
            "(chance of 80 %, intra-group correlation 0.5; more with --json)"
        )


def show_left_out(left_out: tuple[LeftOut, ...]) -> None:
    """Print what is left out, and why."""
    for entry in left_out:
        err.print(
            f"[yellow]left out[/yellow] {escape(entry.baseline)}: {escape(entry.reason)}",
            soft_wrap=True,
        )


def show_incomplete(incomplete: Sequence[Incomplete]) -> None:
    """Print runs that were done and cannot be used, each with the first line of its reason."""
    from lcbench.rendering.report.missing import incomplete_words

    for one in incomplete:
        first = next(iter(incomplete_words(one).splitlines()), "")
        err.print(f"[yellow]not used[/yellow] {escape(first)}", soft_wrap=True)


def show_outcome(outcome: Outcome) -> None:
    """Print how the runs ended."""
    show_left_out(outcome.left_out)
    for failure in outcome.failures:
        err.print(
            f"[red]failed[/red] {escape(failure.run)} {escape(failure.baseline)}"
            f"{' (the run of before stays)' if failure.kept else ''}: "
            f"{escape(failure.reason.strip())}",
            soft_wrap=True,
        )
    kept = f", {outcome.already_done} kept from before" if outcome.already_done else ""
    failed = f", {len(outcome.failures)} failed" if outcome.failures else ""
    _say(f"{outcome.done} runs done{kept}{failed}: {outcome.folder}")


def show_checks(checks: list[Check]) -> None:
    """Print the doctor's lines."""
    table = Table("", "what", "found", "what to do")
    for check in checks:
        table.add_row(
            _MARKS[check.verdict], check.subject, escape(check.found), escape(check.remedy)
        )
    out.print(table)


def show_rows(title: str, rows: list[dict[str, str]]) -> None:
    """Print rows of equal keys as a table."""
    table = Table(*(rows[0] if rows else ()), title=title)
    for row in rows:
        table.add_row(*(escape(value) for value in row.values()))
    out.print(table)


def _say(words: str) -> None:
    err.print(escape(words), soft_wrap=True)
