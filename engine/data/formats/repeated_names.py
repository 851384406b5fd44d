"""Names that repeat, told apart by a number behind them in files that need each name once. Pure functions."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

_NUMBERED = re.compile(r"(.*) #([1-9][0-9]*)", re.DOTALL)


def told_apart(names: Sequence[str]) -> list[str]:
    """Return names of which each is there once; :func:`as_given` makes the given ones of them.

    >>> told_apart(["eye", "nose", "eye"])
    ['eye', 'nose', 'eye #2']
    >>> told_apart(["eye", "eye", "eye #2"])  # its own number must not be taken for one of ours
    ['eye', 'eye #2', 'eye #2 #1']
    """
    short = _numbered(names, is_first_numbered=False)
    if as_given(short) == list(names):
        return short
    return _numbered(names, is_first_numbered=True)


def as_given(names: Sequence[str]) -> list[str]:
    """Return names without the numbers that tell them apart; a number without such a name before it stays.

    >>> as_given(["eye", "nose", "eye #2", "leg #2"])
    ['eye', 'nose', 'eye', 'leg #2']
    """
    there = set(names)
    return [_without_number(name, there) for name in names]


def with_turns(names: Iterable[str]) -> list[tuple[str, int]]:
    """Return each name with how many of the same were before it.

    >>> with_turns(["eye", "nose", "eye"])
    [('eye', 0), ('nose', 0), ('eye', 1)]
    """
    seen: Counter[str] = Counter()
    turns = []
    for name in names:
        turns.append((name, seen[name]))
        seen[name] += 1
    return turns


def _numbered(names: Sequence[str], *, is_first_numbered: bool) -> list[str]:
    """Number names from their second time on, those that end in a number from their first one where asked."""
    return [
        f"{name} #{turn + 1}" if turn or (is_first_numbered and _NUMBERED.fullmatch(name)) else name
        for name, turn in with_turns(names)
    ]


def _without_number(name: str, there: set[str]) -> str:
    match = _NUMBERED.fullmatch(name)
    if match is None:
        return name
    plain, number = match.groups()
    ends_in_number = _NUMBERED.fullmatch(plain) is not None
    if number == "1":
        return plain if ends_in_number else name
    is_ours = plain in there or (ends_in_number and f"{plain} #1" in there)
    return plain if is_ours else name
