"""What readers find wrong, collected: each finding by itself, but a thousand alike become a count."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from engine.data.problems import Kind, Problem

_MOST_ALIKE = 200


class Findings:
    """Collects problems for :attr:`LabelledDataset.skipped`.

    Args:
        problems: Where they go.
    """

    def __init__(self, problems: list[Problem]) -> None:
        self._problems = problems
        self._alike: Counter[tuple[Path, str, Kind]] = Counter()

    def add(
        self,
        file: Path,
        reason: str,
        kind: Kind = "skipped",
        line: int | None = None,
        who: str = "",
    ) -> None:
        """Note a finding.

        Args:
            file: The file it is about.
            reason: One or two sentences; findings with the same reason count as alike.
            kind: As in :class:`Problem`.
            line: 1-based line.
            who: What in the file, such as "Annotation 7", set before the reason.
        """
        self._alike[file, reason, kind] += 1
        if self._alike[file, reason, kind] <= _MOST_ALIKE:
            text = f"{who}: {reason}" if who else reason
            self._problems.append(Problem(file, line, text, kind))

    def close(self) -> None:
        """Say how many of each kind were too many to list."""
        for (file, reason, kind), count in self._alike.items():
            if count > _MOST_ALIKE:
                rest = f"{reason} The same {count - _MOST_ALIKE} times more."
                self._problems.append(Problem(file, None, rest, kind))
        self._alike.clear()


def listed(names: list[str], most: int = 5) -> str:
    """Return names for a sentence: the first few and how many more."""
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown
