"""Errors of the project and of its store."""

from __future__ import annotations

from engine.runtime.errors import EngineError


class CancelledError(EngineError):
    """Work that was stopped because someone asked for it; nothing was left behind."""


class EditError(EngineError, ValueError):
    """An edit that does not fit the project as it is now; nothing was changed."""


class StorageError(EngineError, OSError):
    """A project that cannot be opened, read or written; what was acknowledged before is still there."""


class ReadOnlyError(StorageError):
    """A change to a project that is open for reading only."""


class DamagedError(StorageError):
    """A project database whose content SQLite cannot make sense of."""
