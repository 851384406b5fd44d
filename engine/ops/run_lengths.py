"""COCO's compressed run lengths: masks as short text, to numbers and back. Loads no torch.

Numbers are five bits a character, lowest first; the sixth bit says that more follow, the fifth of the last
one is the sign; from the fourth number on each is the difference to the one before the last.
"""

from __future__ import annotations

import numpy as np

# Six bits a character from here on
_FIRST_CHARACTER = 48
# Enough for any number of 64 bits
_MOST_CHARACTERS = 13


def run_lengths(counts: bytes) -> np.ndarray:
    """Return the lengths of the runs that compressed text holds, the first one outside, (n,) int64.

    Text that is none gives numbers that do not add up; nothing is checked here.
    """
    codes = np.frombuffer(counts, dtype=np.uint8).astype(np.int64) - _FIRST_CHARACTER
    last = np.flatnonzero((codes & 0x20) == 0)
    if not len(last):
        return np.zeros(0, dtype=np.int64)
    codes = codes[: last[-1] + 1]  # what follows the last whole number is cut off
    first = np.concatenate(([0], last[:-1] + 1))
    place = np.arange(len(codes)) - np.repeat(first, last - first + 1)
    values = np.add.reduceat((codes & 0x1F) << 5 * place, first)
    negative = (codes[last] & 0x10) != 0
    values[negative] -= np.int64(1) << 5 * (place[last][negative] + 1)
    for start in (1, 2):
        values[start::2] = values[start::2].cumsum()
    return values


def format_run_lengths(counts: np.ndarray) -> str:
    """Return the compressed text of run lengths (n,), the way back from :func:`run_lengths`."""
    values = np.asarray(counts, dtype=np.int64)
    rest = values.copy()
    rest[3:] -= values[1:-2]
    codes = np.full((len(values), _MOST_CHARACTERS), -1, dtype=np.int64)
    more = np.ones(len(values), dtype=bool)
    for column in codes.T:
        code, rest = rest & 0x1F, rest >> 5
        going = np.where(code & 0x10, rest != -1, rest != 0)
        column[more] = (code | (going << 5))[more]
        more &= going
        if not more.any():
            break
    flat = codes.ravel()
    return (flat[flat >= 0] + _FIRST_CHARACTER).astype(np.uint8).tobytes().decode("ascii")
