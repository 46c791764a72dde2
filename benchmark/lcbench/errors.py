"""The one error class for everything a user can cause and mend, and the exit codes."""

from __future__ import annotations

import difflib
import enum
import errno
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

_LISTED = 20


class ExitCode(enum.IntEnum):
    """What the process says when it ends."""

    DONE = 0
    FAILED = 1
    WRONG_USAGE = 2
    PARTLY_DONE = 3


class UserError(Exception):
    """A problem with a file, an option or the machine that the user can mend.

    Parameters
    ----------
    message
        Names the file or option, and what is wrong with it.
    remedy
        What to do about it.
    code
        Exit code of the process.
    """

    def __init__(self, message: str, remedy: str = "", code: ExitCode = ExitCode.FAILED) -> None:
        super().__init__(message, remedy, code)
        self.message = message
        self.remedy = remedy
        self.code = code

    def __str__(self) -> str:
        return f"{self.message}\n{self.remedy}" if self.remedy else self.message


def wrong_usage(message: str, remedy: str = "") -> UserError:
    """Return the error for an option or name that cannot be understood (exit code 2)."""
    return UserError(message, remedy, ExitCode.WRONG_USAGE)


def first_line(error: BaseException) -> str:
    """Return the kind of an error of a library and the first line of what it says."""
    lines = str(error).splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


_LACKS_MEMORY = (
    "out of memory", "not enough memory", "can't allocate memory", "cannot allocate memory",
    "insufficient memory", "bad_alloc", "failed to map segment", "can't start new thread",
)  # fmt: skip
"""What libraries say that have no MemoryError of their own."""
_NEARLY = 0.75
"""The share of a limit from which on an error of any kind may come from it: torchvision, for one,
goes on without what it could not load."""


def from_lack_of_memory(error: BaseException) -> UserError | None:
    """Return the user's version of an error that more memory would mend; None for all others.

    An error that was raised because of such a one counts, and so does any under a limit on memory
    that is nearly used up.
    """
    seen: BaseException | None = error
    while seen is not None and not _says_memory(seen):
        seen = seen.__cause__ or seen.__context__
    if seen is None and not _limit_is_nearly_used_up():
        return None
    return UserError(
        f"not enough memory ({first_line(seen or error)})",
        "Close other programs, raise the limit if one is set (see 'ulimit -v'), or use less at a "
        "time: 'lcbench run' has --jobs 1, a recipe for a whole network batch_size.",
    )


def _says_memory(error: BaseException) -> bool:
    if isinstance(error, OSError | RuntimeError | ImportError | SystemError):
        said = str(error).lower()
        return any(words in said for words in _LACKS_MEMORY)
    return isinstance(error, MemoryError)


def _limit_is_nearly_used_up() -> bool:
    """Tell whether 'ulimit -v' leaves this process little; where there is no such limit, no."""
    try:
        import resource
    except ImportError:
        return False
    import psutil

    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    return limit >= 0 and psutil.Process().memory_info().vms > _NEARLY * limit


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UserError:
    """Return the error for a name that is not among the known ones, with the nearest ones."""
    known = sorted(known)
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    remedy = f"Did you mean {' or '.join(near)}?" if near else ""
    if len(known) <= _LISTED or not near:
        remedy = f"{remedy} Known: {', '.join(known[:_LISTED])}".strip()
    return wrong_usage(f"unknown {kind}: {name!r}", remedy)


_OF_THE_MACHINE = {
    errno.ENOSPC: "The disk is full: free some space, or choose another folder.",
    errno.EDQUOT: "The disk quota is used up: free some space, or choose another folder.",
    errno.EFBIG: "No file may become so large here: raise the limit with 'ulimit -f'.",
    errno.EROFS: "The file system is read-only: choose another folder.",
    errno.EMFILE: "Too many open files: raise the limit with 'ulimit -n'.",
}
"""No mistake of a program causes these, wherever they are met."""

_OF_A_PLACE = {
    errno.EACCES: "No permission: change the file's permissions, or choose another folder.",
    errno.EPERM: "Not permitted: change the file's permissions, or choose another folder.",
    errno.ENOENT: "Check the path.",
    errno.ENOTDIR: "A part of the path is a file, not a folder: check the path.",
    errno.EISDIR: "A folder stands where a file is expected: check the path.",
    errno.EEXIST: "Something else stands there: choose another path.",
    errno.EBUSY: "The place is in use: choose another path.",
    errno.ENAMETOOLONG: "The name is too long: check the path.",
    errno.ELOOP: "The link leads to itself: check the path.",
}


def from_os_error(error: OSError, *places: Path) -> UserError | None:
    """Return the user's version of an operating-system error; None where it is not theirs.

    A full disk is the user's wherever it is met. Whatever else the system says is the user's only
    where it names one of `places`, something in it or a folder above it: the same numbers stand
    for mistakes of a program too. What is missing *in* a place was looked for by the program.

    Parameters
    ----------
    places
        Paths that the user gave, and folders that we write to.
    """
    number = error.errno or 0
    if number in _OF_THE_MACHINE:
        remedy = _OF_THE_MACHINE[number]
    elif number in _OF_A_PLACE and any(_names(error, place) for place in places):
        remedy = _OF_A_PLACE[number]
    else:
        return None
    # Of a move, where to; what fails while it is written names no file.
    named = error.filename2 or error.filename or (places[-1] if places else None)
    return UserError(f"{named}: {error.strerror}" if named else f"{error.strerror}", remedy)


@contextmanager
def at_places(*places: Path) -> Iterator[None]:
    """Raise what the system says about places of the user's as a UserError.

    Raises
    ------
    UserError
        See `from_os_error`; every other error passes through.
    """
    try:
        yield
    except OSError as error:
        known = from_os_error(error, *places)
        if known is None:
            raise
        raise known from error


def _names(error: OSError, place: Path) -> bool:
    """Tell whether an error names a place, something in it, or a folder above it."""
    if not isinstance(error.filename, str | bytes | os.PathLike):
        return False
    named = Path(os.path.abspath(os.fsdecode(error.filename)))  # noqa: PTH100 - follows no link
    place = Path(os.path.abspath(place))  # noqa: PTH100
    inside = named.is_relative_to(place) and (named == place or error.errno != errno.ENOENT)
    return inside or place.is_relative_to(named)
