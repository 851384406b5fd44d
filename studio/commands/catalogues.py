"""The shipped catalogues: which texts the code has, and the ``.po`` and ``.mo`` files made from them.

A language has two: what the window's code says, and the templates of what the engine says. The second is read when the
engine says something for the first time, so that it costs no start of the window.

``python -m studio.commands.catalogues`` reads the code again, keeps every translation whose text is still there,
leaves new texts empty and compiles what is translated. It needs Babel; the window does not.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine._version import __version__
from engine.cfg.schema import ARGUMENTS
from engine.data.formats.registry import FORMATS
from engine.runtime.log import show_log
from engine.runtime.settings_schema import SETTINGS
from studio.commands.engine_sentences import engine_sentences
from studio.language.catalogue import DOMAIN, LOCALE_DIR
from studio.language.chosen import LANGUAGES, SOURCE
from studio.language.sentences import ENGINE_DOMAIN
from studio.model.preferences import STUDIO_SETTINGS
from studio.widgets.form_fields import setting_label

if TYPE_CHECKING:
    from babel.messages.catalog import Catalog

LOGGER = logging.getLogger(__name__)

STUDIO = Path(__file__).resolve().parents[1]
# A new language is a row in ``chosen.LANGUAGES``; how it counts comes from Babel.
KEYWORDS: dict[str, Any] = {"tr": None, "mark": None, "ntr": (1, 2), "nmark": (1, 2)}
_SCHEMA = "engine"  # where texts are from that the engine's tables hold
_WIDTH = 110


def extract() -> Catalog:
    """Return every text of the window's code, and below them those of the engine's forms, untranslated."""
    from babel.messages.catalog import Catalog
    from babel.messages.extract import extract_from_dir

    found = Catalog(project="Maskwright", charset="utf-8", fuzzy=False)
    for file, line, message, _comments, context in sorted(
        extract_from_dir(str(STUDIO), [("**.py", "python")], keywords=KEYWORDS)
    ):
        if not file.startswith("commands"):
            found.add(message, locations=[(f"studio/{file}", line)], context=context)
    for text in form_texts():
        if text not in found:
            found.add(text, locations=[(_SCHEMA, 1)])
    return found


def extract_engine() -> Catalog:
    """Return the templates of the engine's sentences, untranslated."""
    from babel.messages.catalog import Catalog

    found = Catalog(project="Maskwright", charset="utf-8", fuzzy=False)
    for template, files in engine_sentences().items():
        found.add(template, locations=[(f"engine/{file}", 1) for file in files])
    return found


def form_texts() -> Iterator[str]:
    """Yield what forms show of tables: help of arguments, labels and help of settings, what formats hold."""
    for setting in (*SETTINGS, *STUDIO_SETTINGS):
        yield from (setting_label(setting.name), setting.help, setting.group)
    for argument in ARGUMENTS:
        yield from (argument.help, argument.group)
    for format in FORMATS:
        yield from filter(None, (format.title, format.holds))


# Each catalogue's file, and what finds its texts
DOMAINS: dict[str, Callable[[], Catalog]] = {DOMAIN: extract, ENGINE_DOMAIN: extract_engine}


def po_file(language: str, domain: str = DOMAIN) -> Path:
    """Return where a language's translations stand."""
    return LOCALE_DIR / language / "LC_MESSAGES" / f"{domain}.po"


def read_po(language: str, domain: str = DOMAIN) -> Catalog:
    """Return a language's translations; an empty catalogue where there are none yet."""
    from babel.messages.catalog import Catalog
    from babel.messages.pofile import read_po as parse

    file = po_file(language, domain)
    if not file.is_file():
        return Catalog(locale=language, project="Maskwright", charset="utf-8", fuzzy=False)
    with file.open("rb") as stream:
        return parse(stream, locale=language)


def write_catalogue(language: str, catalogue: Catalog, domain: str = DOMAIN) -> None:
    """Write a language's ``.po``, without line numbers, which change with every edit, and its ``.mo``."""
    from babel.messages.pofile import write_po

    people = "The Maskwright developers"
    catalogue.header_comment = f"# Maskwright in {LANGUAGES[language]}. How to translate, and which words: docs/translating.md"
    catalogue.version = __version__
    catalogue.last_translator = catalogue.language_team = people
    catalogue.msgid_bugs_address = ""
    catalogue.revision_date = catalogue.creation_date
    file = po_file(language, domain)
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as stream:
        write_po(
            stream,
            catalogue,
            width=_WIDTH,
            include_lineno=False,
            ignore_obsolete=True,
            omit_header=False,
        )
    file.with_suffix(".mo").write_bytes(compiled(catalogue))


def compiled(catalogue: Catalog) -> bytes:
    """Return the ``.mo`` file's bytes."""
    from io import BytesIO

    from babel.messages.mofile import write_mo

    stream = BytesIO()
    write_mo(stream, catalogue)
    return stream.getvalue()


def update(language: str, domain: str = DOMAIN) -> Catalog:
    """Bring a language's files in step with the code; return what they hold now."""
    found, catalogue = DOMAINS[domain](), read_po(language, domain)
    found.creation_date = catalogue.creation_date  # else each run would change the files
    catalogue.update(found, no_fuzzy_matching=True, update_header_comment=False)
    catalogue.obsolete.clear()
    write_catalogue(language, catalogue, domain)
    return catalogue


def untranslated(catalogue: Catalog) -> list[str]:
    """Return the texts (of plural pairs the first) that have no translation, or one that is only a guess."""
    return [
        message.id if isinstance(message.id, str) else message.id[0]
        for message in catalogue
        if message.id and (message.fuzzy or not _is_complete(message.string))
    ]


def _is_complete(said: str | tuple[str, ...] | list[str] | None) -> bool:
    return bool(said) if said is None or isinstance(said, str) else bool(said) and all(said)


def main() -> None:
    """Update every catalogue and say what still waits."""
    show_log()
    for language in LANGUAGES:
        if language != SOURCE:
            for domain in DOMAINS:
                missing = untranslated(update(language, domain))
                LOGGER.info(
                    "%s, %s: %d texts wait for a translation.", language, domain, len(missing)
                )


if __name__ == "__main__":
    main()
