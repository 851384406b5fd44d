"""Names of a package that load on first use (PEP 562), so that importing it stays cheap."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any


def attach(
    package: str, homes: Mapping[str, str], parts: Collection[str] = ()
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Make a package's ``__getattr__``, ``__dir__`` and ``__all__``.

    Args:
        package: The package's ``__name__``.
        homes: Public name to the module that defines it.
        parts: Names of packages and modules inside the package that load in the same way.
    """

    def get(name: str) -> Any:
        if name in parts:
            return importlib.import_module(f"{package}.{name}")
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(importlib.import_module(homes[name]), name)
        setattr(sys.modules[package], name, value)
        return value

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *homes, *parts})

    return get, names, list(homes)


class LazyClasses(Mapping[str, Any]):
    """Classes under words, each imported when it is asked for."""

    def __init__(self, **homes: str) -> None:
        """Take ``word="module:Class"``."""
        self._homes = homes

    def __getitem__(self, word: str) -> Any:
        module, _, name = self._homes[word].partition(":")
        return getattr(importlib.import_module(module), name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._homes)

    def __len__(self) -> int:
        return len(self._homes)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._homes})"
