"""The catalogue in force, and the three functions through which every text for people goes.

The English text is the key. What stands inside it in braces is filled in afterwards, by name, so that another
language may order it otherwise: ``tr("{name} is in {folder}").format(name=..., folder=...)``.
"""

from __future__ import annotations

from functools import cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path

from studio.language.chosen import SOURCE, chosen_language

DOMAIN = "maskwright"
LOCALE_DIR = Path(__file__).resolve().parent / "locale"

_in_force: NullTranslations | None = None


def tr(text: str) -> str:
    """Return a text in the language of the window; what its catalogue lacks stays English.

    >>> tr("{count:,} files").format(count=1200)
    '1,200 files'
    """
    return _catalogue().gettext(text) if text else ""  # an empty key asks for the catalogue's head


def ntr(one: str, many: str, count: int) -> str:
    """Return the form of a text that goes with ``count``; the count is still to be filled in.

    Args:
        one: English for a count of 1.
        many: English for all others.
        count: How many there are.

    >>> ntr("{count:,} file", "{count:,} files", 1).format(count=1)
    '1 file'
    """
    return _catalogue().ngettext(one, many, count)


def mark(text: str) -> str:
    """Return ``text`` as it is, but have it translated: for words that are also keys, shown through :func:`tr`."""
    return text


def nmark(one: str, many: str) -> tuple[str, str]:
    """Return both forms as they are, but have them translated: for tables, shown through :func:`ntr`."""
    return one, many


def use(catalogue: NullTranslations) -> None:
    """Let texts come from ``catalogue`` from now on; tables that were imported before keep theirs."""
    global _in_force
    _in_force = catalogue


@cache
def read_catalogue(language: str) -> NullTranslations:
    """Return a shipped catalogue; English, and a language that is not shipped, need none."""
    return _read(language, DOMAIN) or NullTranslations()


def read_texts(language: str, domain: str) -> dict[str, str]:
    """Return all texts of a shipped catalogue with their translations, of plural pairs none; empty without one.

    Args:
        language: A key of :data:`studio.language.chosen.LANGUAGES`.
        domain: Name of the catalogue's file.
    """
    catalogue = _read(language, domain)
    return catalogue.texts() if catalogue else {}


class _Catalogue(GNUTranslations):
    """A catalogue that can be looked through."""

    _catalog: dict[object, str]

    def texts(self) -> dict[str, str]:
        """Return every text but its head."""
        return {
            text: said for text, said in self._catalog.items() if isinstance(text, str) and text
        }


def _read(language: str, domain: str) -> _Catalogue | None:
    file = LOCALE_DIR / language / "LC_MESSAGES" / f"{domain}.mo"
    if language == SOURCE or not file.is_file():
        return None
    with file.open("rb") as stream:
        return _Catalogue(stream)


def _catalogue() -> NullTranslations:
    if _in_force is not None:
        return _in_force
    found = read_catalogue(chosen_language())
    use(found)
    return found
