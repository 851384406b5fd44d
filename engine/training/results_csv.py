"""results.csv: one row an epoch, the field's columns."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path

from engine.runtime.paths import write_atomic


class ResultsCsv:
    """Appends rows to a run's results.csv; a resumed run first drops the rows it will write again."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def start(self, epochs_done: int) -> None:
        """Keep the rows of the first ``epochs_done`` epochs; remove the file where there are none."""
        if not self.path.exists():
            return
        lines = self.path.read_text(encoding="utf-8").splitlines()
        kept = lines[:1] + [row for row in lines[1:] if _epoch_of(row) <= epochs_done]
        if len(kept) < 2:
            self.path.unlink()
        else:
            write_atomic(self.path, "\n".join(kept) + "\n")

    def append(self, epoch: int, seconds: float, values: Mapping[str, float | None]) -> None:
        """Write one row.

        Args:
            epoch: 1-based epoch.
            seconds: Training time since the start of the run.
            values: Columns in their order; None leaves a cell empty.
        """
        row = {"epoch": epoch, "time": f"{seconds:.6g}"}
        row |= {k: "" if v is None else f"{v:.6g}" for k, v in values.items()}
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        if not self.path.exists():
            writer.writerow(row)
        writer.writerow(row.values())
        with self.path.open("a", encoding="utf-8") as file:
            file.write(buffer.getvalue())

    def names(self) -> list[str]:
        """Give the names of the columns; none before the first row."""
        if not self.path.exists():
            return []
        with self.path.open(encoding="utf-8", newline="") as file:
            return next(csv.reader(file), [])

    def read(self) -> dict[str, list[float]]:
        """Give the columns; empty cells are nan."""
        if not self.path.exists():
            return {}
        with self.path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        names = list(rows[0]) if rows else []
        return {name: [float(row[name] or "nan") for row in rows] for name in names}


def _epoch_of(row: str) -> int:
    """Give a row's epoch; a half-written row counts as beyond the end."""
    head = row.split(",", 1)[0].strip()
    return int(head) if head.isdigit() else 1 << 30
