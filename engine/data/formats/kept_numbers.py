"""Numbers of what is written: those that the file it came from gave, as far as each is there once, else free ones."""

from __future__ import annotations

from collections.abc import Sequence


def kept_numbers(told: Sequence[int | None]) -> list[int]:
    """Return a number for each of some things, no two the same.

    What has no number of its own, or one that another before it has, as where two files were put together, gets the next
    one above all that were told. So adding a picture changes no other one's number.

    Args:
        told: The number that each had, None where it had none.
    """
    free = max((number for number in told if number is not None), default=0)
    taken: set[int] = set()
    numbers = []
    for number in told:
        if number is None or number in taken:
            free = max(free, 0) + 1
            numbers.append(free)
        else:
            taken.add(number)
            numbers.append(number)
    return numbers
