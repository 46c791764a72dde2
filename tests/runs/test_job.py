"""Jobs: the seeds that pair the arms."""

from __future__ import annotations

from lcbench.runs.job import seed_of_run


def test_every_seed_and_fold_has_a_seed_of_its_own_that_never_changes() -> None:
    seeds = {(seed, fold): seed_of_run(seed, fold) for seed in range(20) for fold in range(5)}
    assert len(set(seeds.values())) == 100
    assert all(0 <= seed < 2**32 for seed in seeds.values())
    # Known answers: other numbers would make every published result another one.
    assert (seeds[0, 0], seeds[0, 1], seeds[1, 0]) == (2968811710, 3964924996, 1835504127)
