"""What a format could not hold, as sentences that count: a writer counts by text, both numbers of each word in it."""

from __future__ import annotations

import re
from collections.abc import Mapping

_WORD = re.compile(r"\[([^][|]*)\|([^][|]*)\]")


def loss_sentences(lost: Mapping[str, int]) -> list[str]:
    """Return a sentence for each text with its number; ``[one|many]`` in a text is the word that agrees with it.

    >>> loss_sentences({"[mask|masks], written as [an outline|outlines]": 1, "[score|scores]": 2})
    ['1 mask, written as an outline', '2 scores']
    """
    return [f"{count} {agreeing(text, count)}" for text, count in lost.items()]


def agreeing(text: str, count: int) -> str:
    """Return a text with each ``[one|many]`` as the word that agrees with a number.

    >>> agreeing("[mask|masks], left out", 1), agreeing("[mask|masks], left out", 3)
    ('mask, left out', 'masks, left out')
    """
    return _WORD.sub(lambda word: word[1 if count == 1 else 2], text)
