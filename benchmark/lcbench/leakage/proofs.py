"""Registrations that were tried, kept on disk batch by batch: a killed audit goes on there."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from lcbench.features.decoding import ahead
from lcbench.leakage.candidates import Candidate
from lcbench.leakage.keypoints import ImageFeatures
from lcbench.leakage.registration import Registration, register


class Proofs:
    """Registers candidates, or remembers what came out.

    Parameters
    ----------
    images
        Features of all images.
    journal
        A file of one JSON line a candidate; read if it is there, and appended to.
    """

    def __init__(self, images: Sequence[ImageFeatures], journal: Path) -> None:
        self._images = images
        self._journal = journal
        self._known = dict(_read(journal)) if journal.is_file() else {}

    def registrations(self, candidates: Sequence[Candidate]) -> list[Registration | None]:
        """Return what came out for each candidate; those not tried before are tried now."""
        new = [candidate for candidate in candidates if candidate not in self._known]
        if new:
            self._try(new)
        return [self._known[candidate] for candidate in candidates]

    def _try(self, candidates: Sequence[Candidate]) -> None:
        # Images are spread over threads; the threads of matrix products would fight with them.
        with threadpool_limits(1, "blas"):
            results = list(ahead(self._register, candidates))
        self._known.update(zip(candidates, results, strict=True))
        self._journal.parent.mkdir(parents=True, exist_ok=True)
        with self._journal.open("a", encoding="utf-8") as file:
            for candidate, found in zip(candidates, results, strict=True):
                file.write(json.dumps([*candidate, _values(found)]) + "\n")

    def _register(self, candidate: Candidate) -> Registration | None:
        first, second = self._images[candidate.first], self._images[candidate.second]
        return register(first, second, mirror=candidate.mirror)


def _values(found: Registration | None) -> list[Any] | None:
    if found is None:
        return None
    matrix, *rest = astuple(found)
    return [matrix.ravel().tolist(), *rest]


def _read(journal: Path) -> Iterator[tuple[Candidate, Registration | None]]:
    """Yield the results of a journal; a last line that was cut off by a kill is left out."""
    text = journal.read_text(encoding="utf-8")
    whole = text.rpartition("\n")[0]
    if not text.endswith("\n"):
        journal.write_text(whole + "\n" if whole else "", encoding="utf-8")
    for line in whole.splitlines():
        first, second, mirror, values = json.loads(line)
        candidate = Candidate(first, second, mirror)
        if values is None:
            yield candidate, None
        else:
            yield candidate, Registration(np.array(values[0]).reshape(2, 3), *values[1:])
