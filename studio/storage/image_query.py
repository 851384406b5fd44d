"""From a filter to SQL that an index answers, and the keys that make names sort and match as people expect."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from studio.model.records import ImageFilter

_DIGITS = re.compile(r"\d+")
_ORDER = " ORDER BY source_id, sort_key, id"


def ids_query(wanted: ImageFilter) -> tuple[str, list[Any]]:
    """Return the query of the ids that pass ``wanted``, in natural order, and its values."""
    condition, values = _condition(wanted)
    return f"SELECT id FROM images WHERE {condition}{_ORDER}", values


def count_query(wanted: ImageFilter) -> tuple[str, list[Any]]:
    """Return the query of how many images pass ``wanted``, and its values."""
    condition, values = _condition(wanted)
    return f"SELECT COUNT(*) FROM images WHERE {condition}", values


def sort_key(rel: str) -> str:
    """Return a key that sorts ``img2`` before ``img10`` and takes no notice of case."""
    return _DIGITS.sub(lambda found: found.group().lstrip("0").rjust(12, "0"), rel.casefold())


def search_key(text: str) -> str:
    """Return what text filters compare: composed characters, case folded."""
    return unicodedata.normalize("NFC", text).casefold()


def _condition(wanted: ImageFilter) -> tuple[str, list[Any]]:
    parts, values = ["removed = 0"], list[Any]()
    if wanted.statuses:
        parts.append(f"status IN ({', '.join('?' * len(wanted.statuses))})")
        values.extend(sorted(wanted.statuses))
    if wanted.split == "":
        parts.append("split IS NULL")
    elif wanted.split is not None:
        parts.append("split = ?")
        values.append(wanted.split)
    if wanted.suggested:
        parts.append("suggestion_count > 0")
    if wanted.class_id is not None:
        parts.append("id IN (SELECT image_id FROM shapes WHERE class_id = ?)")
        values.append(wanted.class_id)
    if text := wanted.text.strip():
        parts.append("instr(search, ?) > 0")
        values.append(search_key(text))
    return " AND ".join(parts), values
