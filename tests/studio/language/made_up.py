"""A made-up language: English in brackets, so that what was not translated shows."""

from __future__ import annotations

from gettext import NullTranslations

OPEN, CLOSE = "⟦", "⟧"


class Bracketed(NullTranslations):
    """Every text of the code is known, and stands in brackets."""

    def gettext(self, message: str) -> str:
        return f"{OPEN}{message}{CLOSE}"

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return self.gettext(msgid1 if n == 1 else msgid2)
