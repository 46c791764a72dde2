"""Jobs: the seeds that pair the arms, and how small fits compute."""

from __future__ import annotations

import torch

from lcbench.runs.job import _as_small_fits_run, seed_of_run


def test_every_seed_and_fold_has_a_seed_of_its_own_that_never_changes() -> None:
    seeds = {(seed, fold): seed_of_run(seed, fold) for seed in range(20) for fold in range(5)}
    assert len(set(seeds.values())) == 100
    assert all(0 <= seed < 2**32 for seed in seeds.values())
    # Known answers: other numbers would make every published result another one.
    assert (seeds[0, 0], seeds[0, 1], seeds[1, 0]) == (2968811710, 3964924996, 1835504127)


def test_small_fits_compute_on_one_thread_without_vanishing_numbers() -> None:
    tiny = torch.full((4,), 1e-38)
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    with _as_small_fits_run():
        inside = torch.get_num_threads(), (tiny * 0.01).any().item()
    outside = torch.get_num_threads(), (tiny * 0.01).any().item()
    torch.set_num_threads(threads)
    assert (inside, outside) == ((1, False), (2, True))
