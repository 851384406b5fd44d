"""Which validation the Explore page shows: the newest finished run's until the person chooses one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from studio.model.runs import VALIDATION_FILE, RunSnapshot


@dataclass(frozen=True, slots=True)
class Validation:
    """A validation on disk.

    Attributes:
        folder: Holds it; a run's, or one of its own.
        title: What the page calls it.
        written: When its file was written, ns; 0 where there is none. A run that is resumed writes it anew.
    """

    folder: Path
    title: str
    written: int


class ShownValidation:
    """Chooses, and never takes away what the person looks at while it is there.

    Args:
        show: Gets the validation to be shown from now on, None: there is none any more.
        is_looked_at: Tells whether the page is in sight.
    """

    def __init__(
        self, show: Callable[[Validation | None], object], is_looked_at: Callable[[], bool]
    ) -> None:
        self._show, self._is_looked_at = show, is_looked_at
        self.shown: Validation | None = None
        self._is_chosen = False

    def choose(self, folder: Path, title: str) -> None:
        """Show the validation in a folder because the person asked for it."""
        self._is_chosen = True
        self._take(Validation(folder, title, _written(folder)))

    def offer(self, runs: Sequence[RunSnapshot]) -> None:
        """Show the newest of the runs that has one, where nothing else is to be shown.

        Args:
            runs: The project's runs, the newest first.
        """
        is_there = self.shown is not None and _written(self.shown.folder) > 0
        if is_there and (self._is_chosen or self._is_looked_at()):
            return
        finished = (run for run in runs if not run.state.is_alive)
        found = (Validation(run.folder, run.name, _written(run.folder)) for run in finished)
        newest = next((validation for validation in found if validation.written), None)
        self._is_chosen = False
        if newest != self.shown:
            self._take(newest)

    def _take(self, validation: Validation | None) -> None:
        self.shown = validation
        self._show(validation)


def _written(folder: Path) -> int:
    try:
        return (folder / VALIDATION_FILE).stat().st_mtime_ns
    except OSError:
        return 0
