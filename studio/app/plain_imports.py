"""Imports that read no source files: a tenth of the program's start."""

from __future__ import annotations

import PySide6.QtCore  # noqa: F401 - it installs what looks at modules

_SEARCH = "_mod_uses_pyside"


def read_no_sources() -> None:
    """Keep PySide from reading the source of every module that is imported from now on.

    It searches each for its own name, because a module may switch on snake_case names or properties by ``from __feature__
    import ...``. No module of this program does, so all may count as not using them. Where a later PySide has no such
    search, nothing is changed.
    """
    from shibokensupport import feature

    if hasattr(feature, _SEARCH):
        setattr(feature, _SEARCH, lambda _module: False)
