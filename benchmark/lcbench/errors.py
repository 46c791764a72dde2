"""The one error class for everything a user can cause and mend, and the exit codes."""

from __future__ import annotations

import difflib
import enum
import errno
from collections.abc import Iterable

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


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UserError:
    """Return the error for a name that is not among the known ones, with the nearest ones."""
    known = sorted(known)
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    remedy = f"Did you mean {' or '.join(near)}?" if near else ""
    if len(known) <= _LISTED or not near:
        remedy = f"{remedy} Known: {', '.join(known[:_LISTED])}".strip()
    return wrong_usage(f"unknown {kind}: {name!r}", remedy)


_REMEDIES = {
    errno.ENOSPC: "The disk is full: free some space, or choose another folder.",
    errno.EDQUOT: "The disk quota is used up: free some space, or choose another folder.",
    errno.EACCES: "No permission: change the file's permissions, or choose another folder.",
    errno.EPERM: "Not permitted: change the file's permissions, or choose another folder.",
    errno.EROFS: "The file system is read-only: choose another folder.",
    errno.ENOENT: "Check the path.",
    errno.ENOTDIR: "A part of the path is a file, not a folder: check the path.",
    errno.EISDIR: "A folder stands where a file is expected: check the path.",
    errno.EEXIST: "Something else stands there: choose another path.",
    errno.EBUSY: "The place is in use: choose another path.",
    errno.ENAMETOOLONG: "The name is too long: check the path.",
    errno.ELOOP: "The link leads to itself: check the path.",
    errno.EMFILE: "Too many open files: raise the limit with 'ulimit -n'.",
}


def from_os_error(error: OSError) -> UserError | None:
    """Return the user's version of an operating-system error; None where it is not theirs."""
    remedy = _REMEDIES.get(error.errno or 0)
    if remedy is None:
        return None
    where = f"{error.filename}: " if error.filename else ""
    return UserError(f"{where}{error.strerror}", remedy)
