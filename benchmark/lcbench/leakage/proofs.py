"""Registrations that were tried, kept on disk batch by batch: a killed audit goes on there."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import astuple
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from lcbench.console import warn
from lcbench.features.decoding import ahead
from lcbench.leakage.candidates import Candidate
from lcbench.leakage.keypoints import ImageFeatures
from lcbench.leakage.registration import Registration, refined, register
from lcbench.storage.hashes import content_hash
from lcbench.storage.whole import write_text

_AT_HAND = 512
"""Images whose features are not read again, about 50 MB: small folders are in memory as a whole."""


class Proofs:
    """Registers candidates, or remembers what came out.

    Parameters
    ----------
    images
        Features of all images.
    journal
        A file of one JSON line a candidate, each with its hash; read if it is there, and appended
        to. Lines that are not what was written are left out.
    key
        What the images are known by: the journal of others is none of theirs.
    """

    def __init__(self, images: Sequence[ImageFeatures], journal: Path, key: str) -> None:
        self._image = lru_cache(_AT_HAND)(images.__getitem__)
        self._journal = journal
        self._key = key
        self._known = dict(self._read()) if journal.is_file() else {}

    def registrations(self, candidates: Sequence[Candidate]) -> list[Registration | None]:
        """Return what came out for each candidate; those not tried before are tried now."""
        new = [candidate for candidate in candidates if candidate not in self._known]
        if new:
            self._try(new)
        return [self._known[candidate] for candidate in candidates]

    def refined(self, candidates: Sequence[Candidate]) -> list[Registration | None]:
        """Return what came out, with maps good enough to publish, see `registration.refined`."""

        def refine(candidate: Candidate) -> Registration | None:
            found = self._known[candidate]
            first, second = self._image(candidate.first), self._image(candidate.second)
            return found and refined(found, first, second)

        self.registrations(candidates)
        with threadpool_limits(1, "blas"):
            return list(ahead(refine, candidates))

    def _try(self, candidates: Sequence[Candidate]) -> None:
        # Images are spread over threads; the threads of matrix products would fight with them.
        with threadpool_limits(1, "blas"):
            results = list(ahead(self._register, candidates))
        self._known.update(zip(candidates, results, strict=True))
        self._journal.parent.mkdir(parents=True, exist_ok=True)
        with self._journal.open("a", encoding="utf-8") as file:
            for candidate, found in zip(candidates, results, strict=True):
                file.write(self._line([*candidate, values_of(found)]))

    def _line(self, tried: list[Any]) -> str:
        return json.dumps([content_hash(self._key, json.dumps(tried)), tried]) + "\n"

    def _read(self) -> Iterator[tuple[Candidate, Registration | None]]:
        """Yield what the journal holds; rewrite it if some of its lines are broken.

        The last line was cut off if its process was killed: that is no damage to speak of.
        """
        text = self._journal.read_bytes().decode(errors="replace")
        lines = text.splitlines(keepends=True)
        whole = {line: tried for line in lines if (tried := self._tried(line)) is not None}
        lost = [number for number, line in enumerate(lines) if line not in whole]
        if lost:
            write_text(self._journal, "".join(whole))
        if lost and (len(lost) > 1 or lost[0] != len(lines) - 1 or text.endswith("\n")):
            warn(f"{self._journal} is damaged ({len(lost):,} lines): these are made anew")
        for first, second, mirror, values in whole.values():
            yield Candidate(first, second, mirror), registration_of(values)

    def _tried(self, line: str) -> list[Any] | None:
        """Return what a line says; None if it is not what was written."""
        try:
            tried: list[Any] = json.loads(line)[1]
            return tried if line == self._line(tried) else None
        except (ValueError, TypeError, LookupError, RecursionError):
            return None

    def _register(self, candidate: Candidate) -> Registration | None:
        first, second = self._image(candidate.first), self._image(candidate.second)
        return register(first, second, mirror=candidate.mirror)


def values_of(found: Registration | None) -> list[Any] | None:
    """Return what came out as JSON takes it."""
    if found is None:
        return None
    matrix, *rest = astuple(found)
    return [matrix.ravel().tolist(), *rest]


def registration_of(values: list[Any] | None) -> Registration | None:
    """Return what came out from what `values_of` made of it."""
    if values is None:
        return None
    matrix, *rest = values
    return Registration(np.array(matrix).reshape(2, 3), *rest)
