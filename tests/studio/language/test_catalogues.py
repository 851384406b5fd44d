"""The shipped catalogues: every text of the code, each translated, with the same places to fill in."""

from __future__ import annotations

import re
import string
from collections import Counter
from gettext import GNUTranslations
from io import BytesIO

import pytest

pytest.importorskip("babel", reason="texts are read from the code by Babel")

from babel.messages.catalog import Catalog, Message

from studio.commands.catalogues import (
    DOMAINS,
    compiled,
    extract,
    form_texts,
    po_file,
    read_po,
    untranslated,
)
from studio.language.catalogue import DOMAIN
from studio.language.chosen import LANGUAGES, SOURCE

OTHERS = [language for language in LANGUAGES if language != SOURCE]
_CODE = re.compile(r"\b(SELECT|WHERE|BETWEEN|IS NULL)\b|= \?|\bid, |_id\b(?![}!:])|</?span")
_SPACES = re.compile(r"^\s*|\s*$")


@pytest.fixture(scope="module")
def texts() -> Catalog:
    """What the code says."""
    return extract()


@pytest.fixture(
    scope="module", params=[(language, domain) for language in OTHERS for domain in DOMAINS]
)
def place(request: pytest.FixtureRequest) -> tuple[str, str]:
    """A language, and one of its catalogues."""
    return request.param


@pytest.fixture(scope="module")
def translated(place: tuple[str, str]) -> Catalog:
    """A shipped catalogue."""
    return read_po(*place)


@pytest.fixture(scope="module")
def wanted(place: tuple[str, str]) -> Catalog:
    """What it should hold."""
    return DOMAINS[place[1]]()


def _key(message: Message) -> str:
    return message.id if isinstance(message.id, str) else message.id[0]


def _said(message: Message) -> list[tuple[str, str]]:
    """Return each translation with the English that it stands for."""
    if isinstance(message.id, str):
        return [(message.id, str(message.string))]
    one, many = message.id
    forms = list(message.string)
    english = [many] if len(forms) == 1 else [one, *[many] * (len(forms) - 1)]
    return list(zip(english, forms, strict=True))


def _places(text: str) -> Counter[tuple[str, str, str]]:
    parsed = string.Formatter().parse(text)
    return Counter(
        (name, spec or "", how or "") for _, name, spec, how in parsed if name is not None
    )


def test_code_is_never_taken_for_words(texts: Catalog) -> None:
    assert [_key(m) for m in texts if m.id and _CODE.search(_key(m))] == []


def test_what_is_filled_in_has_a_name(texts: Catalog) -> None:
    unnamed = [
        (_key(m), name)
        for m in texts
        if m.id and m.python_brace_format
        for name, _, _ in _places(_key(m))
        if not name.isidentifier() and name != "0"
    ]
    assert unnamed == []


def test_every_text_of_the_window_is_translated(
    wanted: Catalog, translated: Catalog, place: tuple[str, str]
) -> None:
    # help of arguments may change before a translator sees it
    of_engine = set(form_texts()) if place[1] == DOMAIN else set()
    known = {(_key(m), m.pluralizable) for m in translated if m.id}
    new = [_key(m) for m in wanted if m.id and (_key(m), m.pluralizable) not in known]
    assert [text for text in new if text not in of_engine] == [], (
        "run python -m studio.commands.catalogues"
    )
    assert [text for text in untranslated(translated) if text not in of_engine] == []


def test_no_translation_is_a_guess(translated: Catalog) -> None:
    assert [_key(m) for m in translated if m.id and m.fuzzy] == []


def test_translations_fill_in_the_same(translated: Catalog) -> None:
    wrong = [
        (english, said)
        for message in translated
        if message.id and "{" in _key(message)
        for english, said in _said(message)
        if said and _places(said) != _places(english)
    ]
    assert wrong == []


def test_fragments_keep_the_space_that_joins_them(translated: Catalog) -> None:
    wrong = [
        english
        for message in translated
        if message.id
        for english, said in _said(message)
        if said and ("\n" in english) != ("\n" in said)
    ]
    assert wrong == []


def test_what_is_shipped_is_what_was_translated(place: tuple[str, str]) -> None:
    shipped = po_file(*place).with_suffix(".mo").read_bytes()
    assert (
        GNUTranslations(BytesIO(shipped))._catalog
        == GNUTranslations(BytesIO(compiled(read_po(*place))))._catalog
    )
