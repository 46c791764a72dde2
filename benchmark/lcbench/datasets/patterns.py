"""Regular expressions over the paths of images: what a name says of a label, patient or slide."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lcbench.errors import wrong_usage

_SHOWN = 3
_EXAMPLES = (
    r"([^/]+?)___",
    r"([^/]+?)__",
    r"([^/]+?)[\W_]*\d[^/]*$",
    r"([^/\W_]+)[^/]*$",
    r"[^/]*?([^/\W_]+)\.\w+$",
    r"_([^/\W\d_]+)[\W_]*\d[^/]*$",
)
"""What labels often stand between: two or three lines, the first digit, the first or last word."""


@dataclass(frozen=True)
class ImagePattern:
    """A regular expression with one group, searched in the path of an image.

    Parameters
    ----------
    option
        The option that gave it, for messages.
    text
        The expression as it was typed.
    name
        The name of its group in words; empty where it has none.
    """

    option: str
    text: str
    name: str
    _expression: re.Pattern[str]

    def find(self, image: str) -> str:
        """Return what the group holds in an image's path; empty where nothing is found."""
        found = self._expression.search(image)
        return ((found and found.group(found.re.groups)) or "").strip()


def image_pattern(option: str, text: str) -> ImagePattern:
    """Return a pattern that was typed.

    Raises
    ------
    UserError
        If it is no regular expression, or has not just one group.
    """
    try:
        expression = re.compile(text)
    except (re.error, RecursionError, OverflowError) as error:
        raise wrong_usage(
            f"{option} '{text}': no regular expression: {error}",
            "Put it in quotes, with a backslash before each sign that is meant as it is: "
            r"\. for a dot.",
        ) from error
    if expression.groups != 1:
        raise wrong_usage(
            f"{option} '{text}': has {expression.groups} groups, but needs one",
            "Put round brackets around the part that counts, and (?: ) around every other: "
            r"'(P\d+)_' takes P17 from P17_3.png.",
        )
    name = next(iter(expression.groupindex), "").replace("_", " ").strip()
    return ImagePattern(option, text, name, expression)


def require_found(pattern: ImagePattern, images: Sequence[str], remedy: str = "") -> None:
    """Raise a UserError if a pattern finds nothing in any of the images."""
    if not any(pattern.find(image) for image in images):
        shown = ", ".join(images[:_SHOWN])
        message = (
            f"{pattern.option} '{pattern.text}' finds nothing in any of {len(images):,} images"
        )
        raise wrong_usage(
            message,
            f"It is searched in the path below the folder, such as: {shown}\n{remedy}".rstrip(),
        )


def label_pattern_for(images: Sequence[str], read: Callable[[str], str | None]) -> str:
    """Return a pattern that finds labels in these paths, for a message.

    Parameters
    ----------
    images
        Paths below their folder.
    read
        What a label stands for; None where that is nothing.

    Returns
    -------
    str
        Of some usual patterns the one whose labels are known for most images; where none is known
        for any, the one that finds few different labels in most images. Empty where none does.
    """

    def worth(text: str) -> tuple[int, int, int]:
        pattern = image_pattern("", text)
        found = Counter(label for label in map(pattern.find, images) if label)
        known = sum(count for label, count in found.items() if read(label) is not None)
        divides = 1 < len(found) <= found.total() / 2
        return known, found.total() if divides else 0, -len(found)

    best = max(_EXAMPLES, key=worth)
    return best if any(worth(best)[:2]) else ""
