"""What training needs to go on after an interruption, on disk after its epochs."""

from __future__ import annotations

import hashlib
import io
import math
import pickle
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from lcbench.console import warn
from lcbench.storage.whole import whole_file

SHARE_OF_TIME = 0.05
"""What storing may add to training: an epoch on an accelerator can take less than ten times as
long."""
_DIGEST = hashlib.sha256().digest_size


class Checkpoint:
    """A file that holds the state of a training that has not ended.

    Parameters
    ----------
    path
        Written whole, with a hash of its content.
    key
        Everything that the training depends on; a state of another training is not taken.
    """

    def __init__(self, path: Path, key: str) -> None:
        self.path = path
        self._key = key
        self._due = -math.inf

    def load(self) -> dict[str, Any] | None:
        """Return the state that was stored last; None if there is none of this training.

        One that is damaged is named and passed over.
        """
        if not self.path.is_file():
            return None
        stored = self.path.read_bytes()
        content = stored[_DIGEST:]
        if hashlib.sha256(content).digest() == stored[:_DIGEST]:
            with suppress(pickle.UnpicklingError):  # it would run code
                key, state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
                if key == self._key:
                    return dict(state)
                warn(f"{self.path}: of a training of another making; this one begins anew")
                return None
        warn(f"{self.path}: damaged; the training that it belongs to begins anew")
        return None

    def save(self, state: dict[str, Any], *, now: bool = False) -> None:
        """Store a state of tensors, numbers, text, and lists and dictionaries of them.

        Where epochs are so short that this would slow them down, not every one is stored.

        Parameters
        ----------
        now
            Store this one all the same: it may be the last.
        """
        started = time.monotonic()
        if started < self._due and not now:
            return
        buffer = io.BytesIO()
        torch.save((self._key, state), buffer)
        content = buffer.getbuffer()
        with whole_file(self.path) as temporary, temporary.open("wb") as file:
            file.write(hashlib.sha256(content).digest())
            file.write(content)
        ended = time.monotonic()
        self._due = ended + (ended - started) / SHARE_OF_TIME


def random_state() -> dict[str, Any]:
    """Return where PyTorch's random numbers stand, on the CPU and on every accelerator in use."""
    on_cuda = torch.cuda.is_available() and torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    on_mps = torch.backends.mps.is_available()
    return {
        "cpu": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if on_cuda else [],
        "mps": [torch.mps.get_rng_state()] if on_mps else [],
    }


def set_random_state(state: dict[str, Any]) -> None:
    """Let PyTorch's random numbers go on from where they stood."""
    torch.set_rng_state(state["cpu"])
    if state["cuda"]:
        torch.cuda.set_rng_state_all(state["cuda"])
    for one in state["mps"]:
        torch.mps.set_rng_state(one)
