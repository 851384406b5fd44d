"""What was found wrong in a data set: one record a finding, for people to read and for counts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Kind = Literal["skipped", "changed", "note"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding in one file.

    Attributes:
        file: The file it is about.
        line: 1-based line, or None where the whole file is meant.
        reason: What was expected and received and what to do, in one or two sentences.
        kind: ``skipped`` when the object or file was left out, ``changed`` when it was kept in another form
            (clipped, corners swapped), ``note`` when it was kept as it is.
    """

    file: Path
    line: int | None
    reason: str
    kind: Kind = "skipped"

    def __str__(self) -> str:
        place = str(self.file) if self.line is None else f"{self.file}, line {self.line}"
        return f"{place}: {self.reason}"

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "file": str(self.file),
            "line": self.line,
            "reason": self.reason,
            "kind": self.kind,
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Problem:
        """Build what ``to_dict`` wrote."""
        return cls(Path(values["file"]), values["line"], values["reason"], values["kind"])
