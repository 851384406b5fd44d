"""Which language the window speaks: the environment's, else the setting's, else the system's, else English.

Read once when the program starts: tables of texts are made while modules are imported.
"""

from __future__ import annotations

import os
import plistlib
import sys
from collections.abc import Iterable
from pathlib import Path

from engine.runtime.settings import settings
from engine.runtime.settings_schema import Setting

VARIABLE = "MASKWRIGHT_LANGUAGE"
LANGUAGE = "studio.language"
SYSTEM, SOURCE = "system", "en"
# What each shipped language calls itself: somebody who reads no other finds it so.
LANGUAGES = {SOURCE: "English", "zh_CN": "简体中文"}

LANGUAGE_SETTING = Setting(
    LANGUAGE,
    str,
    SYSTEM,
    "Language of the window: the system's, English or Simplified Chinese. Takes effect at the next start.",
    "Window",
    choices=(SYSTEM, *LANGUAGES),
)

# The first that is set names the locale; the list of LANGUAGE counts unless that is C, which means "as written"
_LOCALES = ("LC_ALL", "LC_MESSAGES", "LANG")
_MAC_PREFERENCES = "Library/Preferences/.GlobalPreferences.plist"


def chosen_language() -> str:
    """Return a key of :data:`LANGUAGES`; where a wish is not shipped, the next counts."""
    asked = os.environ.get(VARIABLE, "")
    if asked:
        return first_known([asked])
    return first_known([_setting(), *system_languages()])


def first_known(wishes: Iterable[str]) -> str:
    """Return the shipped language that fits the first wish it can.

    >>> first_known(["fr_FR.UTF-8", "zh-Hans-CN", "en_US"]), first_known(["C"]), first_known([])
    ('zh_CN', 'en', 'en')
    """
    for wish in wishes:
        family = wish.replace("-", "_").split("_")[0].split(".")[0].lower()
        for language in LANGUAGES:
            if family == language.split("_")[0]:
                return language
    return SOURCE


def system_languages() -> list[str]:
    """Return the languages that the system prefers, as it names them, the dearest first."""
    if sys.platform == "win32":
        return _windows_languages()
    named = _environment_languages()
    return [*named, *_mac_languages()] if sys.platform == "darwin" else named


def _setting() -> str:
    if not settings.path.is_file():
        return SYSTEM  # asking would write the file, which an import should not
    settings.register(LANGUAGE_SETTING)
    return str(settings[LANGUAGE])


def _environment_languages() -> list[str]:
    locale = next((os.environ[name] for name in _LOCALES if os.environ.get(name)), "")
    if locale.split(".")[0] in ("", "C", "POSIX"):
        return []
    return [*filter(None, os.environ.get("LANGUAGE", "").split(":")), locale]


def _windows_languages() -> list[str]:
    """The language of the person's desktop; programs there are not told it by the environment."""
    import ctypes
    import locale

    number = getattr(ctypes, "windll").kernel32.GetUserDefaultUILanguage()  # noqa: B009 - unknown elsewhere
    return [locale.windows_locale.get(number, "")]


def _mac_languages() -> list[str]:
    """The desktop's list; a program started from the dock has no LANG."""
    try:
        with (Path.home() / _MAC_PREFERENCES).open("rb") as stream:
            return [str(language) for language in plistlib.load(stream).get("AppleLanguages", [])]
    except (OSError, plistlib.InvalidFileException):
        return []
