"""What fits that were interrupted left beside their run's place, for the same run alone."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from lcbench.console import warn
from lcbench.models.baseline import Unfinished
from lcbench.runs.making import making
from lcbench.runs.plan_records import PlanRecord
from lcbench.runs.records import RunConfig
from lcbench.runs.stored import name_of
from lcbench.storage.hashes import content_hash
from lcbench.storage.leftovers import UNFINISHED


def unfinished_of(folder: Path, config: RunConfig) -> Unfinished:
    """Return where a fit keeps what it needs to go on; a run of another making has another place.

    Parameters
    ----------
    folder
        Of the run.
    """
    key = content_hash(making(config))
    return Unfinished(folder.with_name(f"{UNFINISHED}{key}-{folder.name}"), key)


def sweep_unfinished(
    suite_folder: Path,
    plan: PlanRecord,
    pending: Iterable[tuple[Path, RunConfig]],
    done: Iterable[Path],
    *,
    fresh: bool,
) -> None:
    """Remove what no run of the suite will go on from, and say so where one is to be done now.

    What a run left that the suite has, and that this command does not do, is kept for another.

    Parameters
    ----------
    pending
        Folders and records of the runs that are about to be done.
    done
        Folders of runs that are stored.
    fresh
        Whether the pending ones begin anew.
    """
    wanted = {folder: unfinished_of(folder, config).folder for folder, config in pending}
    finished = set(done) - set(wanted)
    for left in sorted(suite_folder.glob(f"*/*/{UNFINISHED}*")):
        place = left.with_name(left.name.removeprefix(UNFINISHED).partition("-")[2])
        protocol, baseline, _ = name_of(place).split("/")
        if place in wanted:
            if left == wanted[place] and not fresh:
                continue
            if not fresh:
                warn(
                    f"{name_of(place)}: what was interrupted there was made with another recipe, "
                    "other data or other versions: the fit begins anew"
                )
        elif place not in finished and plan.has_protocol(protocol) and plan.has_baseline(baseline):
            continue
        shutil.rmtree(left, ignore_errors=True)
