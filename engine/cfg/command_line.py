"""The grammar of ``yolo``: words and ``name=value`` pairs become a :class:`Command`. Nothing is run here.

``yolo [TASK] MODE name=value ...``: task and mode in either order, blanks around ``=`` allowed, a bare name
switches a True/False argument on. Leading dashes and trailing commas, which other command lines want, are
dropped with a note.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.cfg.arguments import check, load_yaml
from engine.cfg.not_yet import NOT_YET_CHOICES, NOT_YET_TASKS
from engine.cfg.schema import MODES, TASKS, by_name, did_you_mean
from engine.runtime.errors import ConfigError

DEFAULT_MODE = "train"
SPECIAL = ("help", "checks", "version", "settings", "cfg", "copy-cfg")
_TASK_MODELS = {"detect": "yolo11n.yaml", "segment": "yolo11n-seg.yaml"}


@dataclass(frozen=True)
class Command:
    """What a command line asks for.

    Attributes:
        mode: ``train``, ``val``, ``predict``, ``track`` or ``export``; empty when :attr:`special` is set.
        task: The task named on the command line or in the file, None if none was.
        overrides: Arguments given, checked; ``cfg`` files already merged below them.
        special: One of :data:`SPECIAL`, or empty.
        rest: The words after a special word, as typed.
        notes: What was tolerated or assumed, one sentence each, to be shown as warnings.
    """

    mode: str = ""
    task: str | None = None
    overrides: dict[str, Any] = field(default_factory=dict)
    special: str = ""
    rest: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def parse(argv: Sequence[str]) -> Command:
    """Return what the words after ``yolo`` ask for.

    Raises:
        ConfigError: A word or a name is unknown, a value does not fit, or this version lacks the task or mode.
    """
    if not argv:
        return Command(special="help")
    if special := _special(argv):
        return special
    notes: list[str] = []
    words = [_tidy(word, notes) for word in join_pairs(argv)]
    given: dict[str, Any] = {}
    chosen: dict[str, str] = {}
    for word in words:
        if word:
            _take(word, given, chosen)
    return _command(given, chosen, notes)


def join_pairs(words: Sequence[str]) -> list[str]:
    """Return the words with ``key = value``, ``key= value`` and ``key =value`` joined into ``key=value``.

    Brackets that a shell has split at blanks (``imgsz=[320, 640]``) are joined too.
    """
    joined: list[str] = []
    for word in words:
        previous = joined[-1] if joined else ""
        continues = word.startswith("=") and "=" not in previous
        if joined and (continues or previous.endswith("=") or _is_open(previous)):
            joined[-1] = previous + word
        else:
            joined.append(word)
    return joined


def parse_settings(words: Sequence[str]) -> dict[str, str] | None:
    """Return the changes in ``yolo settings key=value ...``; None for ``reset``, empty to only show them.

    Raises:
        ConfigError: A word is neither ``reset`` nor ``key=value``.
    """
    if list(words) == ["reset"]:
        return None
    changes: dict[str, str] = {}
    for word in join_pairs(words):
        name, equals, value = word.lstrip("-").partition("=")
        if not equals or not name:
            raise ConfigError(
                f"yolo settings expects key=value or reset, received {word!r}.", value=word
            )
        changes[name.strip()] = value.strip()
    return changes


def default_model(task: str | None) -> str:
    """Return the model that a training without ``model=`` starts from: the smallest, random weights."""
    return _TASK_MODELS.get(task or "detect", _TASK_MODELS["detect"])


def _special(argv: Sequence[str]) -> Command | None:
    """Recognise a special word in first place: whole, singular, its first letter, with dashes."""
    word = argv[0].lstrip("-").lower()
    for name in SPECIAL:
        dashed = argv[0].startswith("-")
        short = word == name[0] and (dashed or len(argv) == 1)
        if word in (name, name.removesuffix("s")) or short:
            return Command(special=name, rest=tuple(argv[1:]))
    return None


def _tidy(word: str, notes: list[str]) -> str:
    tidy = word
    if word.startswith("--"):
        tidy = tidy.lstrip("-")
    if tidy.endswith(",") and not _is_open(tidy):
        tidy = tidy.rstrip(",")
    if tidy != word:
        notes.append(
            f"'{word}' is read as '{tidy}': arguments are name=value, without dashes or commas."
        )
    return tidy


def _take(word: str, given: dict[str, Any], chosen: dict[str, str]) -> None:
    """Sort one word into the pairs given, or the task and mode chosen."""
    name, equals, value = word.partition("=")
    if equals:
        if not name:
            raise ConfigError(f"expected name=value, received {word!r}.", value=word)
        given[name.strip()] = value.strip()
    elif word in TASKS or word in MODES:
        kind = "task" if word in TASKS else "mode"
        if chosen.setdefault(kind, word) != word:
            raise ConfigError(f"expected one {kind}, received {chosen[kind]!r} and {word!r}.")
    elif word in by_name:
        if by_name[word].type != "bool":
            raise ConfigError(f"argument {word!r} needs a value.", remedy=f"Write {word}=VALUE.")
        given[word] = True
    else:
        known = (*TASKS, *MODES, *SPECIAL, *by_name)
        raise ConfigError(
            f"unknown word {word!r}.{did_you_mean(word, known)}",
            value=word,
            remedy="`yolo help` shows how to write a command.",
        )


def _command(given: dict[str, Any], chosen: dict[str, str], notes: list[str]) -> Command:
    overrides = _from_file(given)
    overrides |= check(given)
    mode = chosen.get("mode") or overrides.pop("mode", "")
    task = chosen.get("task") or overrides.pop("task", None)
    overrides = {name: value for name, value in overrides.items() if name not in ("mode", "task")}
    if not mode:
        mode = DEFAULT_MODE
        notes.append(
            f"No mode given: {mode} is assumed. Modes are train, val, predict, track and export."
        )
    if reason := NOT_YET_CHOICES["mode"].get(mode):
        raise ConfigError(f"mode {mode} is not available: {reason}.", value=mode)
    if reason := NOT_YET_TASKS.get(mode, {}).get(task or ""):
        raise ConfigError(f"{task} {mode} is not available: {reason}.", value=task)
    return Command(mode, task, overrides, notes=tuple(notes))


def _from_file(given: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of ``cfg=FILE``, which is taken out of ``given``."""
    file = given.pop("cfg", None)
    if file is None:
        return {}
    loaded = check(load_yaml(file), path=file)
    return {name: value for name, value in loaded.items() if value is not None}


def _is_open(word: str) -> bool:
    return any(word.count(left) > word.count(right) for left, right in ("[]", "()"))
