"""Tables of plain values that can be looked at, saved and taken elsewhere."""

from __future__ import annotations

import csv
import io
import json
from typing import Any


class Table(list[dict[str, Any]]):
    """Rows of one kind: a list of dictionaries with the same keys."""

    def to_df(self) -> Any:
        """Return the rows as a pandas data frame.

        Raises:
            ImportError: pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise ImportError(
                "A data frame needs pandas. Install it (pip install pandas), or use the rows, to_csv() or to_json()."
            ) from error
        return pd.DataFrame(list(self))

    def to_csv(self) -> str:
        """Return the rows as text with commas, a line of names first; empty without rows."""
        if not self:
            return ""
        out = io.StringIO()
        writer = csv.DictWriter(out, list(self[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(self)
        return out.getvalue()

    def to_json(self) -> str:
        """Return the rows as JSON."""
        return json.dumps(list(self), indent=2)
