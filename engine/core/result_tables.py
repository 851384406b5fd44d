"""Results as tables: data frames, and text that spreadsheets read."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

from engine.runtime.errors import ConfigError

Row = Mapping[str, Any]


def data_frame(rows: Sequence[Row]) -> Any:
    """Return rows as a pandas data frame, or one of polars where only that is installed.

    Raises:
        ConfigError: Neither is installed.
    """
    try:
        import pandas as pd

        return pd.DataFrame(list(rows))
    except ImportError:
        pass
    try:
        import polars as pl

        return pl.DataFrame(list(rows))
    except ImportError as error:
        raise ConfigError(
            "to_df() needs pandas or polars.",
            remedy="Install one: pip install pandas. to_csv() and to_json() need neither.",
        ) from error


def csv_text(rows: Sequence[Row]) -> str:
    """Return rows as comma-separated text with a header; values of several numbers are JSON in their cell."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    if columns:
        writer.writeheader()
    for row in rows:
        writer.writerow({k: json.dumps(v) if isinstance(v, dict) else v for k, v in row.items()})
    return text.getvalue()
