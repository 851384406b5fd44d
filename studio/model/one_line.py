"""Names that are one line of text: files of labels hold a name a line, so a line break in one makes two of it."""

from __future__ import annotations

import re
from collections.abc import Sequence

# All control characters, and what ends a line in Unicode beside them.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_AROUND = re.compile(rf"\s*{_CONTROL.pattern}\s*")
_NAMELESS = "?"


def is_one_line(text: str) -> bool:
    """Tell whether a text holds no line break and no other control character."""
    return _CONTROL.search(text) is None


def one_line(text: str) -> str:
    r"""Return a text with a space for each run of control characters, none at its ends.

    >>> one_line("bolt\r\nM6\t")
    'bolt M6'
    """
    return _AROUND.sub(" ", text).strip()


def lines_of(text: str) -> list[str]:
    """Return the lines of a text that say something, each once, in their order."""
    return list(dict.fromkeys(filter(None, map(str.strip, text.splitlines()))))


def kept_name(name: str) -> str:
    """Return a name that an older version kept, as one line; what holds nothing else is still called something."""
    return name if is_one_line(name) else one_line(name) or _NAMELESS


def kept_names(names: Sequence[str]) -> list[str]:
    r"""Return names that an older version kept, as one line each and no two the same that were not the same before.

    >>> kept_names(["a b", "a\nb"])
    ['a b', 'a b 2']
    """
    taken = {name for name in names if is_one_line(name)}
    found = []
    for name in names:
        plain = free = kept_name(name)
        number = 1
        while name != plain and free in taken:
            number += 1
            free = f"{plain} {number}"
        taken.add(free)
        found.append(free)
    return found
