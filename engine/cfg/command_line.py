"""The grammar of ``yolo``: words and ``name=value`` pairs become a :class:`Command`. Nothing is run here.

``yolo [TASK] MODE name=value ...``: task and mode in either order, blanks around ``=`` allowed, a bare name
switches a True/False argument on. Other forms are understood with a note, see :mod:`engine.cfg.words`. A mode
that is not named is told from the arguments where these allow it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.cfg.arguments import check, load_yaml
from engine.cfg.not_yet import NOT_YET_CHOICES, NOT_YET_TASKS
from engine.cfg.schema import MODES, TASKS, by_name, did_you_mean
from engine.cfg.words import argument_for_file, forgive, join_pairs
from engine.runtime.errors import ConfigError

DEFAULT_MODE = "train"
_OUTPUT = ("json", "quiet")  # how the outcome is shown, not what is done
SPECIAL = ("help", "checks", "version", "settings", "cfg", "copy-cfg")
_TASK_MODELS = {
    "detect": "yolo11n.yaml",
    "segment": "yolo11n-seg.yaml",
    "classify": "yolo11n-cls.yaml",
    "pose": "yolo11n-pose.yaml",
    "obb": "yolo11n-obb.yaml",
    "semseg": "yolo11n-semseg.yaml",
}
# Words that people know from elsewhere, and why they do nothing here
_ELSEWHERE = {
    "hub": "This program has no online service.",
    "login": "This program has no online service.",
    "logout": "This program has no online service.",
    "tune": "A search is started from Python: YOLO(FILE).tune(data=PATH/data.yaml).",
    "solutions": "This version has no ready-made solutions; tracks and counts come from `yolo track`.",
}


@dataclass(frozen=True)
class Command:
    """What a command line asks for.

    Attributes:
        mode: One of :data:`~engine.cfg.schema.MODES`; empty when :attr:`special` is set.
        task: The task named on the command line or in the file, None if none was.
        overrides: Arguments given, checked; ``cfg`` files already merged below them.
        special: One of :data:`SPECIAL`, or empty.
        rest: The words after a special word, as typed, less those for :attr:`json` and :attr:`quiet`.
        json: Whether the outcome is to be one JSON object.
        quiet: Whether only warnings, errors and the outcome are to be shown.
        notes: What was tolerated or assumed, one sentence each, to be shown as warnings.
    """

    mode: str = ""
    task: str | None = None
    overrides: dict[str, Any] = field(default_factory=dict)
    special: str = ""
    rest: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    json: bool = False
    quiet: bool = False


def parse(argv: Sequence[str]) -> Command:
    """Return what the words after ``yolo`` ask for.

    Raises:
        ConfigError: A word or a name is unknown, a value does not fit, or this version lacks the task or mode.
    """
    if not argv:
        return Command(special="help")
    if special := _special(argv):
        return special
    words, notes = forgive(argv)
    if "help" in words:
        topic = next((word for word in words if word in (*MODES, *by_name)), "")
        return Command(special="help", rest=(topic,) if topic else ())
    given: dict[str, Any] = {}
    chosen: dict[str, str] = {}
    for word in words:
        _take(word, given, chosen)
    return _command(given, chosen, notes)


def parse_settings(words: Sequence[str]) -> dict[str, str] | None:
    """Return the changes in ``yolo settings key=value ...``; None for ``reset``, empty to only show them.

    Raises:
        ConfigError: A word is neither ``reset`` nor ``key=value``.
    """
    if [word.lstrip("-") for word in words] == ["reset"]:
        return None
    changes: dict[str, str] = {}
    for word in join_pairs(words):
        name, equals, value = word.lstrip("-").partition("=")
        if not equals or not name:
            raise ConfigError(
                f"yolo settings expects key=value or reset, received {word!r}.", value=word
            )
        changes[name.strip()] = value.strip().rstrip(",")
    return changes


def output_choices(words: Sequence[str]) -> dict[str, bool]:
    """Return ``json`` and ``quiet`` where the words ask for them, also if these cannot be understood otherwise."""
    found = (word.lstrip("-").rstrip(",").lower().partition("=") for word in words)
    asked = {name: value in ("", "true", "1", "yes", "on") for name, _, value in found}
    return {name: asked.get(name, False) for name in _OUTPUT}


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
            rest = [w for w in argv[1:] if w.lstrip("-").partition("=")[0] not in _OUTPUT]
            output = output_choices(argv[1:])
            return Command(
                special=name, rest=tuple(rest), json=output["json"], quiet=output["quiet"]
            )
    return None


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
        if not by_name[word].type.startswith("bool"):
            raise ConfigError(f"argument {word!r} needs a value.", remedy=f"Write {word}=VALUE.")
        given[word] = True
    else:
        raise _unknown_word(word)


def _unknown_word(word: str) -> ConfigError:
    if word in _ELSEWHERE:
        return ConfigError(f"unknown word {word!r}.", value=word, remedy=_ELSEWHERE[word])
    if name := argument_for_file(word):
        return ConfigError(f"unknown word {word!r}. Did you mean {name}={word}?", value=word)
    known = (*TASKS, *MODES, *SPECIAL, *by_name)
    return ConfigError(
        f"unknown word {word!r}.{did_you_mean(word, known)}",
        value=word,
        remedy="`yolo help` shows how to write a command.",
    )


def _command(given: dict[str, Any], chosen: dict[str, str], notes: list[str]) -> Command:
    overrides = _from_file(given)
    overrides |= check(given)
    mode = chosen.get("mode") or overrides.pop("mode", "")
    task = chosen.get("task") or overrides.pop("task", None)
    output = {name: bool(overrides.pop(name, False)) for name in _OUTPUT}
    overrides = {name: value for name, value in overrides.items() if name not in ("mode", "task")}
    if not mode:
        mode = mode_for(overrides)
        notes.append(f"No mode given: {mode} is assumed. Modes are {', '.join(MODES)}.")
    if reason := NOT_YET_CHOICES.get("mode", {}).get(mode):
        raise ConfigError(f"mode {mode} is not available: {reason}.", value=mode)
    if reason := NOT_YET_TASKS.get(mode, {}).get(task or ""):
        raise ConfigError(f"{task} {mode} is not available: {reason}.", value=task)
    return Command(
        mode, task, overrides, notes=tuple(notes), json=output["json"], quiet=output["quiet"]
    )


def mode_for(given: Iterable[str]) -> str:
    """Return the first mode in which all these arguments have an effect: ``predict`` where there is a source.

    Where there is none, or everything goes in every mode, it is a training.
    """
    names = [name for name in given if name in by_name]
    return next((m for m in MODES if all(m in by_name[n].modes for n in names)), DEFAULT_MODE)


def _from_file(given: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of ``cfg=FILE``, which is taken out of ``given``."""
    file = given.pop("cfg", None)
    if file is None:
        return {}
    loaded = check(load_yaml(file), path=file)
    return {name: value for name, value in loaded.items() if value is not None}
