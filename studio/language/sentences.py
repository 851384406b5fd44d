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
from unicodedata import category, east_asian_width

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
    r"(?<=[.?!:;)])\s+|\n+|(?<=[\u3002\uff1a\uff1b\uff0c\uff08])(?=[!-~])|(?<=[!-~])(?=[\uff09\uff1b])"
)
_ENDED = re.compile(r"[.?!] ")
_WORD = re.compile(r"\w+")
_WHOLE_WORD = re.compile(r"(?<![\w\0])\w+(?![\w\0])")  # \0 is a value, which may go on with letters
_COUNTED = re.compile(r"(\d[\d,.]*\s)(\S.*)", re.DOTALL)
_LISTS = ("; ", ", ")
_LONGEST_LIST = 40
_STOP = "\u3002"  # the full stop of scripts with wide signs


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

    def values(self, text: str) -> tuple[dict[str, str], int] | None:
        """Return what stands at the places of a text that was made from this; None if it was not.

        Where a sentence stands inside another its first letter is small and its full stop gone; a reason that
        another sentence quotes may end one. So behind the values stands how many signs at the end the template
        has more than the text.
        """
        first, *others = self.literals
        if first and (text[1 : len(first)] != first[1:] or text[:1].lower() != first[0].lower()):
            return None
        more = _more_at_end(self.literals[-1], text)
        if more is None:
            return None
        if not others:
            return ({}, more) if len(text) + more == len(first) else None
        end = len(text) + more - len(others[-1])
        found: dict[str, str] = {}
        start = len(first)
        for place, (name, literal) in enumerate(zip(self.names, others, strict=True), start=1):
            is_last = place == len(others)
            stop = end if is_last else text.find(literal, start, end)
            if not is_last and _ENDED.search(text, start, stop):
                return None  # only what a sentence ends with quotes other sentences
            if "\n" in text[start:stop]:
                return None
            if stop < start or found.setdefault(name, text[start:stop]) != text[start:stop]:
                return None
            start = stop + len(literal)
        return found, more

    def filled(self, values: Mapping[str, str]) -> str:
        """Return the translation with these values, apart from the letters beside them where scripts differ."""
        said = ""
        for literal, name, _, _ in string.Formatter().parse(self.translation):
            said = _beside(said, literal)
            if name is not None:
                said = _beside(said, values[name])
        return said


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
        self._value = lru_cache(_KEPT)(
            self._look_up
        )  # several ways to read a text ask for the same value

    def _translated(self, text: str) -> str:
        """Return a text of one or several sentences, each in this language; what is unknown stays."""
        if not self._by_word or not text:
            return text
        return self._value(text, _DEEPEST)[0]

    def _look_up(self, text: str, depth: int) -> tuple[str, int]:
        """Return a text in this language, and how many of its characters were known."""
        if depth == 0 or not any(sign in text for sign in " \n"):
            return text, 0  # a name, a path, a number
        ways = [self._text(text, depth)]
        counted = _COUNTED.fullmatch(text)
        if counted:
            said, known = self._text(counted[2], depth)
            ways.append((counted[1] + said, known))
        for sign in _LISTS:
            if sign in text and len(entries := text.split(sign)) <= _LONGEST_LIST:
                parts = [self._value(part, depth - 1) for part in entries]
                ways.append((sign.join(said for said, _ in parts), sum(n for _, n in parts)))
        return max(ways, key=itemgetter(1))

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
        own = 0  # how much of the best is its own: of equals the one that quotes less
        words = dict.fromkeys(_WORD.findall(text.lower()))
        for template in (entry for word in words for entry in self._by_word.get(word, ())):
            found = template.values(text)
            if found is None:
                continue
            values, more = found
            said = {name: self._value(value, depth - 1) for name, value in values.items()}
            known = template.weight - max(more, 0) + sum(inner for _, inner in said.values())
            if best is None or (known, template.weight) > (best[1], own):
                filled = template.filled({name: value for name, (value, _) in said.items()})
                best, own = (_cut(filled, more), known), template.weight
        return best


def tr_engine(text: str) -> str:
    """Return a text of the engine in the language of the window; what its catalogue lacks stays English.

    Args:
        text: One or several sentences, with the file they are about or without.
    """
    return _in_force().translated(text) if text else ""


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


def _more_at_end(literal: str, text: str) -> int | None:
    """Return how many signs a template ends with that a text lacks (-1: the text has one more); None: neither."""
    if text.endswith(literal):
        return 0
    if literal.endswith(".") and (text[-1:].isalnum() or text.endswith(("'", ")"))):
        return 1 if text.endswith(literal[:-1]) else None
    return -1 if text.endswith(f"{literal}.") else None


def _beside(left: str, right: str) -> str:
    """Put a space where an ideograph and a Latin letter or digit would touch, as these scripts are set."""
    both = left[-1:], right[:1]
    mixed = any(sign.isascii() and sign.isalnum() for sign in both) and any(
        category(sign) == "Lo" for sign in both if sign
    )
    return f"{left} {right}" if mixed else left + right


def _cut(said: str, count: int) -> str:
    """Take the sign at the end away, or set one that the template has not."""
    if count < 0:
        return said + (_STOP if _is_wide(said) else ".")
    return said[: len(said) - count]


def _is_wide(said: str) -> bool:
    return east_asian_width(said[-1:] or " ") in "FW"


def _with_space(said: str, space: str) -> str:
    """Put two sentences one behind the other; a full stop of Chinese brings its own space."""
    return said if _is_wide(said) and "\n" not in space else said + space
