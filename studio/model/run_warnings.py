"""What a training warned of: about which file, which line, which images."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from studio.language import tr
from studio.model.run_events import Event


@dataclass(frozen=True, slots=True)
class RunWarning:
    """One warning of a run.

    Attributes:
        message: What is wrong and what was done about it.
        file: The file it is about: an image, a label file, a data.yaml; None for none.
        line: 1-based line of that file.
        images: Images that it is about, where they are several: copies of one another, say.
    """

    message: str
    file: Path | None = None
    line: int | None = None
    images: tuple[Path, ...] = ()

    @property
    def place(self) -> str:
        """Return the file's name and line, empty without a file."""
        if self.file is None:
            return ""
        return (
            self.file.name
            if self.line is None
            else tr("{name}, line {line}").format(name=self.file.name, line=self.line)
        )

    @property
    def text(self) -> str:
        """Return place and message in one line."""
        return f"{self.place}: {self.message}" if self.place else self.message


def warnings_of(events: Iterable[Event]) -> list[RunWarning]:
    """Return the warnings of a run, each once: a resumed training says them again."""
    found: dict[RunWarning, RunWarning] = {}
    for event in events:
        warning = _warning(event)
        found.setdefault(warning, warning)
    return list(found)


def _warning(event: Event) -> RunWarning:
    path, line, files = event.get("path"), event.get("line"), event.get("files")
    return RunWarning(
        str(event.get("message") or ""),
        Path(str(path)) if path else None,
        line if isinstance(line, int) else None,
        tuple(Path(str(file)) for file in files) if isinstance(files, list) else (),
    )
