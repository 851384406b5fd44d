"""What the engine said, in the language of the window.

The engine speaks English and knows of no window: its errors, warnings and findings arrive as finished text, often out
of another process. A catalogue of its own holds the templates that such texts are made from
(``studio/commands/engine_sentences.py`` finds them). Here the template of a text is found again, and its translation
filled with the values that stand in the text.

Only what is shown goes through :func:`tr_engine`; logs, records to copy and what is compared stay English.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from operator import itemgetter
from typing import NamedTuple
from unicodedata import east_asian_width

from studio.language.catalogue import read_texts
from studio.language.chosen import chosen_language

ENGINE_DOMAIN = "engine"

_KEPT = 2000  # texts whose translation is remembered: lists are painted again and again
_MOST_PIECES = (
    16  # sentences of one text that are looked at together; a longer one is taken line by line
)
_DEEPEST = 3  # a reason within a reason within a reason

# Between two sentences; and where the window's own words, in wide signs, quote the engine
_BOUNDARY = re.compile(
    r"(?<=[.?!:)])\s+|\n+|(?<=[\u3002\uff1a\uff1b\uff0c\uff08])(?=[!-~])|(?<=[!-~])(?=[\uff09\uff1b])"
)
_WORD = re.compile(r"\w+")
_WHOLE_WORD = re.compile(r"(?<![\w\0])\w+(?![\w\0])")  # \0 is a value, which may go on with letters
_COUNTED = re.compile(r"(\d[\d,.]*\s)(\S.*)", re.DOTALL)
_LISTS = ("; ", ", ")


class Template(NamedTuple):
    """A sentence of the engine, taken apart.

    Attributes:
        literals: What is said between the values; one more than there are names.
        names: Of the values, in their order.
        translation: To be filled in by these names.
    """

    literals: tuple[str, ...]
    names: tuple[str, ...]
    translation: str

    @property
    def weight(self) -> int:
        """How many characters of a text it explains."""
        return sum(map(len, self.literals))

    def words(self) -> list[str]:
        """Return the words that stand in every text made from it, in small letters."""
        return _WHOLE_WORD.findall("\0".join(self.literals).lower())

    def values(self, text: str) -> dict[str, str] | None:
        """Return what stands at the places of a text that was made from this; None if it was not."""
        first, *others = self.literals
        if not others:
            return {} if text == first else None
        end = len(text) - len(others[-1])
        if end < len(first) or not text.startswith(first) or not text.endswith(others[-1]):
            return None
        found: dict[str, str] = {}
        start = len(first)
        for place, (name, literal) in enumerate(zip(self.names, others, strict=True), start=1):
            stop = end if place == len(others) else text.find(literal, start, end)
            if stop < start or found.setdefault(name, text[start:stop]) != text[start:stop]:
                return None
            start = stop + len(literal)
        return found


class Sentences:
    """The sentences of one language.

    Args:
        translations: Of each template, with the same names in braces.
    """

    def __init__(self, translations: Mapping[str, str]) -> None:
        templates = [_taken_apart(text, said) for text, said in translations.items()]
        spread = Counter(word for template in templates for word in set(template.words()))
        self._by_word: dict[str, list[Template]] = {}
        for template in templates:
            rarest = min(template.words(), key=lambda word: (spread[word], -len(word)), default="")
            self._by_word.setdefault(rarest, []).append(template)
        self.translated = lru_cache(_KEPT)(self._translated)

    def _translated(self, text: str) -> str:
        """Return a text of one or several sentences, each in this language; what is unknown stays."""
        if not self._by_word or not text:
            return text
        return self._value(text, _DEEPEST)[0]

    def _value(self, text: str, depth: int) -> tuple[str, int]:
        """Return a text in this language, and how many of its characters were known."""
        if depth == 0 or not any(sign in text for sign in " \n"):
            return text, 0  # a name, a path, a number
        ways = [self._text(text, depth)]
        counted = _COUNTED.fullmatch(text)
        if counted:
            said, known = self._text(counted[2], depth)
            ways.append((counted[1] + said, known))
        best = max(ways, key=itemgetter(1))
        if best[1]:
            return best
        for sign in _LISTS:
            if sign in text:
                parts = [self._value(part, depth - 1) for part in text.split(sign)]
                return sign.join(said for said, _ in parts), sum(known for _, known in parts)
        return text, 0

    def _text(self, text: str, depth: int) -> tuple[str, int]:
        """Cut a text into the sentences that explain most of it."""
        pieces = list(_pieces(text))
        if len(pieces) > _MOST_PIECES:
            lines = text.splitlines(keepends=True)
            if len(lines) == 1:
                return text, 0
            parts = [self._text(line, depth) for line in lines]
            return "".join(said for said, _ in parts), sum(known for _, known in parts)
        # the best way to say what ends with each piece: how much of it is known, and its parts
        best: list[tuple[int, list[str]]] = [(0, [])]
        for last, (_, end, after) in enumerate(pieces):
            ways = []
            for first in range(last + 1):
                found = self._sentence(text[pieces[first][0] : end], depth)
                if found is None and first < last:
                    continue
                said, known = found or (text[pieces[first][0] : end], 0)
                ways.append((best[first][0] + known, [*best[first][1], _with_space(said, after)]))
            best.append(max(ways, key=itemgetter(0)))  # of equals the longest sentence
        known, said_parts = best[-1]
        return "".join(said_parts), known

    def _sentence(self, text: str, depth: int) -> tuple[str, int] | None:
        """Return one sentence of the engine in this language, with how much of it was known."""
        best: tuple[str, int] | None = None
        words = dict.fromkeys(_WORD.findall(text.lower()))
        spellings = list(_spellings(text))
        for template in (entry for word in words for entry in self._by_word.get(word, ())):
            for spelled, cut in spellings:
                values = template.values(spelled)
                if values is None:
                    continue
                said = {name: self._value(value, depth - 1) for name, value in values.items()}
                known = template.weight - cut + sum(inner for _, inner in said.values())
                if best is None or known > best[1]:
                    filled = template.translation.format(
                        **{n: value for n, (value, _) in said.items()}
                    )
                    best = filled[: len(filled) - cut], known
                break
        return best


def tr_engine(text: str) -> str:
    """Return a text of the engine in the language of the window; what its catalogue lacks stays English.

    Args:
        text: One or several sentences, with the file they are about or without.
    """
    return _in_force().translated(text)


@cache
def _in_force() -> Sentences:
    return Sentences(read_texts(chosen_language(), ENGINE_DOMAIN))


def _taken_apart(text: str, translation: str) -> Template:
    literals, names = [""], []
    for literal, name, _, _ in string.Formatter().parse(text):
        literals[-1] += literal
        if name is not None:
            names.append(name)
            literals.append("")
    return Template(tuple(literals), tuple(names), translation)


def _pieces(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield where each sentence begins and ends, and the space behind it."""
    start = 0
    for gap in _BOUNDARY.finditer(text):
        yield start, gap.start(), gap[0]
        start = gap.end()
    if start < len(text):
        yield start, len(text), ""


def _spellings(text: str) -> Iterator[tuple[str, int]]:
    """Yield a text as it may stand in the engine's code, and how many characters its translation has too many.

    Where a sentence stands inside another, its first letter is small and its full stop is gone.
    """
    yield text, 0
    turned = text[:1].swapcase() + text[1:]
    yield turned, 0
    if text[-1:].isalnum() or text.endswith(("'", ")")):
        yield f"{text}.", 1
        yield f"{turned}.", 1


def _with_space(said: str, space: str) -> str:
    """Put two sentences one behind the other; a full stop of Chinese brings its own space."""
    is_wide = east_asian_width(said[-1:] or " ") in "FW"
    return said if is_wide and "\n" not in space else said + space
