"""The settings file: one JSON object that Python, ``yolo settings`` and the Settings panel read and write.

The file is read again whenever somebody else changed it, so a running studio and a command line agree.
"""

from __future__ import annotations

import contextlib
import copy
import difflib
import json
import threading
from collections.abc import Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import Any

from engine.runtime.errors import ConfigError
from engine.runtime.file_lock import lock
from engine.runtime.log import LOGGER
from engine.runtime.paths import config_dir, increment_path, write_atomic
from engine.runtime.settings_schema import SETTINGS, Setting

FILE_NAME = "settings.json"
_Signature = tuple[int, int, int]


class SettingsManager(MutableMapping[str, Any]):
    """The settings as a dictionary whose every change is checked and written at once.

    A key that the schema does not know is kept in the file but never used; it is reported once, unless it
    belongs to a namespace (has a dot) of a program that did not register it in this process.

    Args:
        path: The file; None for ``settings.json`` in :func:`engine.runtime.paths.config_dir`, asked anew at
            each access so that the environment variable may change.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._schema: dict[str, Setting] = {setting.name: setting for setting in SETTINGS}
        self._values: dict[str, Any] = {}
        self._read_from: tuple[Path, _Signature | None] | None = None
        self._told: set[str] = set()
        self._lock = threading.RLock()

    @property
    def path(self) -> Path:
        """The JSON file."""
        return self._path or config_dir() / FILE_NAME

    @property
    def schema(self) -> tuple[Setting, ...]:
        """Every key that may be set, in the order of the table."""
        return tuple(self._schema.values())

    def register(self, *settings: Setting) -> None:
        """Add a program's own keys; each needs a namespace, as in ``studio.theme``.

        Raises:
            ConfigError: A name has no namespace.
        """
        for setting in settings:
            if "." not in setting.name:
                raise ConfigError(
                    f"setting {setting.name!r} needs a namespace, as in 'studio.theme'."
                )
        with self._lock:
            self._schema.update({setting.name: setting for setting in settings})
            self._read_from = None

    def folder(self, name: str) -> Path:
        """Return a setting that names a folder as an absolute path; it may not exist yet."""
        return Path(self[name]).expanduser().absolute()

    def update(self, *others: Any, **values: Any) -> None:
        """Change several settings at once, all or none.

        Raises:
            ConfigError: A name is unknown, or a value is not of its type or range.
        """
        changes = {
            name: self._checked(name, value) for name, value in _merged(*others, values).items()
        }
        with self._lock, _file_lock(self.path):
            self._refresh()
            self._values.update(changes)
            self._write()

    def reset(self) -> None:
        """Put every setting back to its default and forget unknown keys."""
        with self._lock, _file_lock(self.path):
            self._values = {name: setting.fresh() for name, setting in self._schema.items()}
            self._write()

    def clear(self) -> None:
        """Do as :meth:`reset`: there is always a value, so deleting one after the other would never end."""
        self.reset()

    def copy(self) -> dict[str, Any]:
        """Return the values as they are now in a dictionary of their own, whose changes are written nowhere."""
        with self._lock:
            self._look()
            return copy.deepcopy(self._values)

    def save(self) -> None:
        """Write the file, which an :meth:`update` already did: useful to make it appear."""
        self.update({})

    def __getitem__(self, name: str) -> Any:
        with self._lock:
            self._look()
            if name not in self._values:
                raise KeyError(_unknown(name, self._schema))
            return self._values[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self.update({name: value})

    def __delitem__(self, name: str) -> None:
        """Put one setting back to its default, or forget an unknown key."""
        with self._lock, _file_lock(self.path):
            self._refresh()
            if name not in self._values:
                raise KeyError(_unknown(name, self._schema))
            del self._values[name]
            if name in self._schema:
                self._values[name] = self._schema[name].fresh()
            self._write()

    def __iter__(self) -> Iterator[str]:
        with self._lock:
            self._look()
            return iter(list(self._values))

    def __len__(self) -> int:
        with self._lock:
            self._look()
            return len(self._values)

    def shown(self) -> dict[str, Any]:
        """Return every setting as it may be printed: secrets as asterisks."""
        return {
            name: "***" if value and name in self._schema and self._schema[name].secret else value
            for name, value in self.items()
        }

    def __str__(self) -> str:
        return f"{self.path}\n{json.dumps(self.shown(), indent=2, ensure_ascii=False)}"

    __repr__ = __str__

    def _checked(self, name: str, value: Any) -> Any:
        if name not in self._schema:
            raise ConfigError(
                _unknown(name, self._schema), value=value, remedy="`yolo settings` shows them all."
            )
        setting = self._schema[name]
        value = setting.check(value)
        if setting.not_yet and value != setting.fresh():
            LOGGER.warning("Setting %s is kept but has no effect: %s.", name, setting.not_yet)
        return value

    def _look(self) -> None:
        """Make the values those of the file, for reading.

        A missing or damaged file is replaced under the lock only, where it is looked at once more: another
        process may have written it meanwhile, and that must not be written over.
        """
        if self._is_fresh():
            return
        if not self._take(self.path, _signature(self.path)):
            with _file_lock(self.path):
                self._refresh()

    def _refresh(self) -> None:
        """Make the values those of the file, or make the file; for those who hold the lock."""
        path, signature = self.path, _signature(self.path)
        if self._is_fresh() or self._take(path, signature):
            return
        self._values = self._completed({})
        if signature and not _move_aside(path):
            self._read_from = (path, signature)
            return
        self._write()

    def _is_fresh(self) -> bool:
        return bool(self._values) and self._read_from == (self.path, _signature(self.path))

    def _take(self, path: Path, signature: _Signature | None) -> bool:
        """Take the file's values; False where there is none or it is damaged."""
        try:
            stored = _read(path)
        except ValueError:
            return False
        if stored is None:
            return False
        self._values = self._completed(stored)
        self._read_from = (path, signature)
        return True

    def _completed(self, stored: dict[str, Any]) -> dict[str, Any]:
        values = {name: setting.fresh() for name, setting in self._schema.items()}
        for name, value in stored.items():
            if name not in self._schema:
                self._tell_unknown(name)
                values[name] = value
                continue
            try:
                values[name] = self._schema[name].check(value)
            except ConfigError as error:
                self._tell(name, f"{self.path}: {error} The default {values[name]!r} is used.")
        if "settings_version" in stored:
            values["settings_version"] = self._schema["settings_version"].fresh()
        return values

    def _tell_unknown(self, name: str) -> None:
        if "." not in name:
            self._tell(
                name, f"{self.path}: {_unknown(name, self._schema)} It is kept but not used."
            )

    def _tell(self, name: str, message: str) -> None:
        if name not in self._told:
            self._told.add(name)
            LOGGER.warning("%s", message)

    def _write(self) -> None:
        """Write the file; a folder that cannot be written costs only the memory of the change."""
        path = self.path
        try:
            write_atomic(path, json.dumps(self._values, indent=2, ensure_ascii=False) + "\n")
        except OSError as error:
            self._tell(
                f"write {path}",
                f"{path}: the settings cannot be written ({error.strerror}); they hold until the program "
                "ends. Make the folder writable or set MASKWRIGHT_CONFIG_DIR.",
            )
        self._read_from = (path, _signature(path))


settings = SettingsManager()


def _signature(path: Path) -> _Signature | None:
    """What changes whenever the file is replaced; None without a file."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def _read(path: Path) -> dict[str, Any] | None:
    """Return the file's object, None where there is no file.

    Raises:
        ValueError: It is damaged.
    """
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except OSError as error:
        LOGGER.warning(
            "%s: the settings cannot be read (%s); defaults are used.", path, error.strerror
        )
        return {}
    if not isinstance(stored, dict):
        raise ValueError(f"expected a JSON object, received {type(stored).__name__}")
    return stored


def _move_aside(path: Path) -> bool:
    """Rename a damaged file, so that a new one can be made and nothing in it is lost; say whether it is gone."""
    try:
        _read(path)
    except ValueError as error:
        reason = str(error)
    else:
        return False
    aside = increment_path(path.with_suffix(".damaged.json"))
    try:
        path.replace(aside)
    except OSError as error:
        LOGGER.warning("%s is damaged (%s) and stays (%s).", path, reason, error.strerror)
        return False
    LOGGER.warning(
        "%s is damaged (%s). It was moved to %s and a new one made with the defaults.",
        path,
        reason,
        aside.name,
    )
    return True


def _merged(*others: Any) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    for other in others:
        changes.update(other if isinstance(other, Mapping) else dict(other))
    return changes


def _unknown(name: str, schema: Mapping[str, Setting]) -> str:
    close = difflib.get_close_matches(name, schema, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    return f"there is no setting {name!r}.{hint}"


@contextlib.contextmanager
def _file_lock(path: Path) -> Iterator[None]:
    """Let one process at a time read, change and write the file; without locks where none can be had."""
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            file = stack.enter_context(path.with_suffix(".lock").open("a+b"))
            lock(file.fileno())
        yield
