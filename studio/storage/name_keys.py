"""The keys that make names sort and match as people expect."""

from __future__ import annotations

import re
import unicodedata

_DIGITS = re.compile(r"\d+")


def sort_key(rel: str) -> str:
    """Return a key that sorts ``img2`` before ``img10`` and takes no notice of case."""
    return _DIGITS.sub(lambda found: found.group().lstrip("0").rjust(12, "0"), rel.casefold())


def search_key(text: str) -> str:
    """Return what text filters compare: composed characters, case folded."""
    return unicodedata.normalize("NFC", text).casefold()
