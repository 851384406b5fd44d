"""Rows in the form that a person works with: pandas, Arrow, or plain dictionaries."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from engine.runtime.errors import ConfigError

Rows = list[dict[str, Any]]
_PACKAGES = {"pandas": "pandas", "arrow": "pyarrow"}


def as_table(rows: Rows, kind: str, columns: Sequence[str] = ()) -> Any:
    """Return rows as a ``pandas.DataFrame``, a ``pyarrow.Table`` or themselves.

    Args:
        rows: Dictionaries with the same names.
        kind: pandas, arrow or rows.
        columns: Names where there are no rows.

    Raises:
        ConfigError: There is no such kind, or its package is not installed.
    """
    if kind not in _MAKERS:
        raise ConfigError(
            f"return_type expects one of {', '.join(_MAKERS)}, received {kind!r}.", value=kind
        )
    package = _PACKAGES.get(kind)
    if package and importlib.util.find_spec(package) is None:
        raise ConfigError(
            f"return_type={kind!r} needs the package {package}, which is not installed.",
            value=kind,
            remedy=f"Install it with: pip install {package}, or ask for return_type='rows'.",
        )
    names = list(rows[0]) if rows else list(columns)
    return _MAKERS[kind](rows, names)


def _pandas(rows: Rows, names: Sequence[str]) -> Any:
    import pandas as pd

    return pd.DataFrame({name: [row[name] for row in rows] for name in names})


def _arrow(rows: Rows, names: Sequence[str]) -> Any:
    import pyarrow as pa

    return pa.table({name: [row[name] for row in rows] for name in names})


_MAKERS: Mapping[str, Callable[[Rows, Sequence[str]], Any]] = {
    "pandas": _pandas,
    "arrow": _arrow,
    "rows": lambda rows, _: rows,
}
