"""What differs between a report and its repetition, and can be why numbers differ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lcbench.analysis.external_results import ExternalResult
from lcbench.analysis.numbers import Number
from lcbench.analysis.results import Results, RunSummary
from lcbench.result_model import ResultModel

NO_REASON = "no reason found"


class Reason(ResultModel):
    """Something that the report and its repetition do not share."""

    name: str
    """What is different, in a word or two."""
    words: str
    """What it was in the report, and what it is here."""
    protocols: tuple[str, ...] = ()
    """Protocols whose numbers it concerns; empty where it concerns all."""
    baselines: tuple[str, ...] = ()
    """Baselines whose numbers it concerns; empty where it concerns all."""
    external: str = ""
    """The external folder that it concerns; empty where it concerns everything else."""

    def concerns(self, number: Number) -> bool:
        """Tell whether a number can differ for this reason."""
        if self.external:
            return number.place.startswith(f"external/{self.external}/")
        if self.protocols and number.protocol and number.protocol not in self.protocols:
            return False
        if not self.baselines or number.baselines is None:
            return True
        return not number.baselines.isdisjoint(self.baselines)


def reasons_between(report: Results, here: Results) -> tuple[Reason, ...]:
    """Return everything that the provenance of the two says and that is not the same."""
    return (
        *_images(report, here),
        *_protocols(report, here),
        *_baselines(report, here),
        *_runs(report, here),
        *_settings(report, here),
        *_externals(report, here),
    )


def known_processors(report: Results, here: Results) -> bool:
    """Tell whether both sides say what computed them, and say the same."""
    sides = [{_computer(run) for run in side.runs} for side in (report, here)]
    return sides[0] == sides[1] and all(run.processor for run in report.runs)


def _computer(run: RunSummary) -> tuple[str, str, str]:
    return run.processor, run.device, run.precision


def _images(report: Results, here: Results) -> Iterator[Reason]:
    theirs, ours = report.dataset, here.dataset
    if theirs.sha256 != ours.sha256:
        words = " here, ".join(
            f"{one.images:,} of {one.name}, hash {one.sha256}" for one in (ours, theirs)
        )
        yield Reason(name="other images", words=f"{words} in the report")
    if not theirs.same_groups(ours):
        words = _changed(*(_groups(one.source_groups, one.groups_source) for one in (theirs, ours)))
        yield Reason(name="other source groups", words=words)
    if report.taxonomy != here.taxonomy:
        words = _changed(report.taxonomy.name, here.taxonomy.name)
        yield Reason(name="another class tree", words=words)


def _groups(count: int | None, source: str) -> str:
    return "unknown" if count is None else f"{count:,} from {source}"


def _protocols(report: Results, here: Results) -> Iterator[Reason]:
    for theirs in report.protocols:
        ours = here.protocol(theirs.protocol)
        if ours is None:
            words = f"{theirs.protocol} was not run here"
            yield Reason(name="missing protocol", words=words, protocols=(theirs.protocol,))
            continue
        sides = [{(s.seed, s.fold): s.record.sha256 for s in one.splits} for one in (theirs, ours)]
        if sides[0].keys() != sides[1].keys():
            words = f"{theirs.protocol}: {_changed(*(_seeds(list(side)) for side in sides))}"
            yield Reason(name="other seeds", words=words, protocols=(theirs.protocol,))
        elif sides[0] != sides[1]:
            words = f"{theirs.protocol}: the images are divided in another way"
            yield Reason(name="other splits", words=words, protocols=(theirs.protocol,))


def _seeds(cells: Sequence[tuple[int, int]]) -> str:
    seeds = sorted({seed for seed, _ in cells})
    return f"seeds {', '.join(map(str, seeds))} ({len(cells)} runs of a baseline)"


def _baselines(report: Results, here: Results) -> Iterator[Reason]:
    gone = {entry.baseline: entry.reason for entry in here.left_out}
    every = tuple(one.baseline for one in report.baselines)
    for theirs in report.baselines:
        name = theirs.baseline
        ours = here.baseline(name)
        if ours is None:
            words = f"{name}: {gone.get(name, 'its runs did not finish here')}"
            yield Reason(name="missing baseline", words=words, baselines=(name,))
            continue
        if theirs.kind != ours.kind or (theirs.recipe and theirs.recipe != ours.recipe):
            yield Reason(name="another recipe", words=name, baselines=(name,))
        weights = [one.backbone and (one.backbone.name, one.backbone.weights_sha256)
                   for one in (theirs, ours)]  # fmt: skip
        if weights[0] != weights[1]:
            words = (
                f"{name}: {_changed(*(f'{w[0]}, hash {w[1]}' if w else 'none' for w in weights))}"
            )
            yield Reason(name="other weights", words=words, baselines=(name,))
    more = [one.baseline for one in here.baselines if one.baseline not in every]
    if more:
        yield Reason(name="more baselines", words=f"only here: {', '.join(more)}")


def _runs(report: Results, here: Results) -> Iterator[Reason]:
    changed = _versions(report, here)
    if changed:
        yield Reason(name="other versions", words="; ".join(changed))
    commits = [_either(run.commit for run in side.runs) for side in (report, here)]
    if commits[0] != commits[1] or "uncommitted" in commits[0]:
        yield Reason(name="other code of lcbench", words=f"commit {_changed(*commits)}")
    for name, words in (
        ("processor", "another processor"), ("device", "another device"),
        ("precision", "another precision"),
    ):  # fmt: skip
        sides = [_either(getattr(run, name) for run in side.runs) for side in (report, here)]
        if sides[0] != sides[1]:
            yield Reason(name=words, words=_changed(*sides))


def _versions(report: Results, here: Results) -> list[str]:
    packages = dict.fromkeys(name for run in (*report.runs, *here.runs) for name in run.versions)
    sides = [
        {name: _either(run.versions.get(name, "") for run in side.runs) for name in packages}
        for side in (report, here)
    ]
    changed = [
        f"{name} {_changed(sides[0][name], sides[1][name])}"
        for name in packages
        if sides[0][name] != sides[1][name]
    ]
    if report.lcbench_version != here.lcbench_version and not changed:
        changed.append(f"lcbench {_changed(report.lcbench_version, here.lcbench_version)}")
    return changed


def _settings(report: Results, here: Results) -> Iterator[Reason]:
    sides = [side.settings.model_dump() for side in (report, here)]
    changed = [f"{name} {_changed(*(str(side[name]) for side in sides))}"
               for name in sides[0] if sides[0][name] != sides[1][name]]  # fmt: skip
    if changed:
        yield Reason(name="other settings", words="; ".join(changed))


def _externals(report: Results, here: Results) -> Iterator[Reason]:
    found = {one.record.name: one for one in here.external}
    for theirs in report.external:
        name = theirs.record.name
        words = _other_folder(theirs, found.get(name))
        if words:
            yield Reason(name="other external images", words=f"{name}: {words}", external=name)


def _other_folder(theirs: ExternalResult, ours: ExternalResult | None) -> str:
    if ours is None:
        return "the folder is not here (see --external)"
    if theirs.record.sha256 != ours.record.sha256:
        return f"hash {_changed(theirs.record.sha256, ours.record.sha256)}"
    return ""


def _either(values: Iterator[str]) -> str:
    """Return the values, each once; usually there is one."""
    return ", ".join(sorted({value or "not recorded" for value in values}))


def _changed(report: str, here: str) -> str:
    return f"{report} in the report, {here} here"
