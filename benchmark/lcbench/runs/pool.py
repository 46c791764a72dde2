"""Many runs at a time: in processes beside each other, or one by one."""

from __future__ import annotations

from collections.abc import Iterator

from lcbench.runs.job import Job, run_job
from lcbench.runs.records import RunState


def run_all(pending: list[Job], processes: int) -> Iterator[tuple[Job, RunState]]:
    """Fit heads and shortcuts in parallel processes on the CPU, whole networks one by one."""
    beside = [job for job in pending if _runs_beside_others(job)]
    alone = [job for job in pending if not _runs_beside_others(job)]
    if processes > 1 and len(beside) > 1:
        yield from _run_in_processes(beside, min(processes, len(beside)))
    else:
        alone = beside + alone
    for job in alone:
        yield job, run_job(job)


def _runs_beside_others(job: Job) -> bool:
    return job.baseline.needs != "pixels"


def _run_in_processes(pending: list[Job], processes: int) -> Iterator[tuple[Job, RunState]]:
    from joblib import Parallel, delayed

    pool = Parallel(n_jobs=processes, return_as="generator_unordered")
    numbered = (delayed(_run_numbered)(number, job) for number, job in enumerate(pending))
    for number, state in pool(numbered):
        yield pending[number], state


def _run_numbered(number: int, job: Job) -> tuple[int, RunState]:
    return number, run_job(job)
