"""Standard output that takes any name in any encoding, and says what it is when it fails."""

from __future__ import annotations

import codecs
import io
import sys

_ESCAPES = "lcbench.escapes"
_SURROGATES = 0x10000
"""From here on, JSON and UTF-16 write a character as two."""


def take_any_name() -> None:
    r"""Let standard output write what its encoding has no character for as `\uXXXX`.

    JSON stays JSON then, and a file name that is no valid text is no error.
    """
    if isinstance(sys.stdout, io.TextIOWrapper) and not isinstance(sys.stdout, _Output):
        sys.stdout = _Output(
            sys.stdout.buffer,
            encoding=sys.stdout.encoding,
            errors=_ESCAPES,
            line_buffering=sys.stdout.line_buffering,
        )


class _Output(io.TextIOWrapper):
    """Standard output; the system does not name it when it is full."""

    def write(self, text: str) -> int:
        try:
            return super().write(text)
        except OSError as error:
            raise _named(error) from None

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            raise _named(error) from None


def _named(error: OSError) -> OSError:
    error.filename = error.filename or "standard output"
    return error


def _escape(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    return "".join(f"\\u{code:04x}" for letter in text for code in _codes(ord(letter))), error.end


def _codes(character: int) -> tuple[int, ...]:
    if character < _SURROGATES:
        return (character,)
    above = character - _SURROGATES
    return 0xD800 + (above >> 10), 0xDC00 + (above & 0x3FF)


codecs.register_error(_ESCAPES, _escape)
