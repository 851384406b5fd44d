"""Errors that a person may see: what was expected, what was received, where, and what to do.

Each area raises a child of :class:`EngineError` that is also the fitting built-in, so that callers who
know nothing of this module can still catch ``ValueError`` or ``OSError``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self


class EngineError(Exception):
    """An error with a sentence for what happened and, where there is one, a remedy.

    Attributes:
        message: What happened, one sentence, without the place.
        path: The file or folder it is about.
        line: 1-based line number inside ``path``.
        value: The offending value as received.
        remedy: What the person can do about it, one sentence.
    """

    def __init__(
        self,
        message: str,
        *,
        path: str | Path | None = None,
        line: int | None = None,
        value: Any = None,
        remedy: str | None = None,
    ) -> None:
        self.message = message
        self.path = Path(path) if path is not None else None
        self.line = line
        self.value = value
        self.remedy = remedy
        super().__init__(str(self))

    def at(self, path: str | Path | None) -> Self:
        """Return this error as one about a file, where it does not name one yet."""
        if self.path is not None or path is None:
            return self
        return type(self)(
            self.message, path=path, line=self.line, value=self.value, remedy=self.remedy
        )

    def __str__(self) -> str:
        place = "" if self.path is None else f"{self.path}"
        if place and self.line is not None:
            place += f", line {self.line}"
        sentence = f"{place}: {self.message}" if place else self.message
        return f"{sentence} {self.remedy}" if self.remedy else sentence


class ConfigError(EngineError, ValueError):
    """An argument, setting or configuration file that cannot be used."""


class DatasetError(EngineError, ValueError):
    """A data set whose description, folders or labels cannot be used."""


class ImageError(EngineError, OSError):
    """An image that cannot be read or written."""


class CheckpointError(EngineError, ValueError):
    """A model file that cannot be read, or that asks for something unsafe."""


class MissingCheckpointError(CheckpointError, FileNotFoundError):
    """A model file that is not there."""


class DownloadError(EngineError, OSError):
    """A file that could not be fetched; ``value`` is its address."""


class NotOnServerError(DownloadError):
    """A server, or the folder in its place, that does not have the file."""


class ModelError(EngineError, ValueError):
    """A model description that cannot be built."""


class DeviceError(EngineError, RuntimeError):
    """A device that does not exist or cannot be used."""


class ExportError(EngineError, RuntimeError):
    """An export that cannot be made or does not match the model."""
