"""What was found wrong in a data set: one record a finding, for people to read and for counts."""

from __future__ import annotations

from collections.abc import Sequence
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


def first_reason(problems: Sequence[Problem]) -> str:
    """Return the first thing that was left out, with its place and reason, and how many more were.

    Labels come before whole files: of a picture that cannot be read nobody expects an object.
    """
    skipped = [problem for problem in problems if problem.kind == "skipped"]
    if not skipped:
        return ""
    skipped.sort(key=lambda problem: problem.line is None)  # stable: else in the order found
    more = len(skipped) - 1
    return f"{skipped[0]}" + (f" ({more} more such problems.)" if more else "")
