"""Many runs at a time: in processes beside each other, or one by one."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import partial

from lcbench import interrupts
from lcbench.console import warn
from lcbench.features.extraction import TRAINS_LAYERS
from lcbench.processes import Lost, run_in_processes
from lcbench.provenance import now
from lcbench.runs.job import Job, run_job, store_failure
from lcbench.runs.records import RunState

_KILLED = 9
"""The signal that nothing survives, and that the system sends where memory runs out."""


def run_all(pending: list[Job], processes: int) -> Iterator[tuple[Job, RunState]]:
    """Fit heads and shortcuts in parallel processes on the CPU, what trains a backbone one by one.

    A run whose process is killed is tried once more, alone; killed again, it is stored as failed.
    """
    beside = [job for job in pending if _runs_beside_others(job)]
    alone = [job for job in pending if not _runs_beside_others(job)]
    processes = _useful(processes)
    if processes > 1 and len(beside) > 1:
        yield from _run_beside(beside, processes)
    else:
        alone = beside + alone
    for job in alone:
        with interrupts.finishing():
            state = run_job(job)
        yield job, state


def _useful(processes: int) -> int:
    """Return how many processes gain something: a fit takes one core, and memory."""
    cores = os.cpu_count() or 1
    if processes > cores:
        warn(f"--jobs {processes}: this machine has {cores} cores, so {cores} fits at a time.")
    return min(processes, cores)


def _runs_beside_others(job: Job) -> bool:
    return job.baseline.needs not in TRAINS_LAYERS


def _run_beside(pending: list[Job], processes: int) -> Iterator[tuple[Job, RunState]]:
    lost = []
    for job, state in _run_in_processes(pending, processes):
        if isinstance(state, Lost):
            lost.append(job)
        else:
            yield job, state
    for job, state in _run_in_processes(lost, 1):
        yield job, store_failure(job, now(), _killed(state)) if isinstance(state, Lost) else state


def _run_in_processes(jobs: Sequence[Job], processes: int) -> Iterator[tuple[Job, RunState | Lost]]:
    # All jobs go to each process at once: most of what they hold is the same.
    work = partial(_run_numbered, jobs)
    for number, state in run_in_processes(work, range(len(jobs)), processes):
        yield jobs[number], state


def _run_numbered(jobs: Sequence[Job], number: int) -> RunState:
    return run_job(jobs[number])


def _killed(lost: Lost) -> str:
    """Say what ended the process of a run for the second time."""
    if lost.exit_code >= 0:
        return f"Its process ended with exit code {lost.exit_code}, twice."
    if lost.exit_code == -_KILLED:
        return (
            f"Its process was killed by the system (signal {_KILLED}), twice, the second time "
            "alone; most often for want of memory: close other programs, or use a larger machine."
        )
    return (
        f"Its process crashed (signal {-lost.exit_code}), twice: a fault in a library, or in a "
        "kind of your own."
    )
