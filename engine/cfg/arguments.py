"""The arguments of one run: defaults, a checkpoint's memory, a YAML file and what a person gave, in that order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import yaml

from engine.cfg.schema import ARGUMENTS, MODES, by_name, did_you_mean
from engine.cfg.values import coerce
from engine.runtime.errors import ConfigError
from engine.runtime.log import LOGGER
from engine.runtime.paths import write_atomic

_CALL = ("task", "mode")  # said by the caller itself, never by a file or a checkpoint


class Arguments(SimpleNamespace):
    """Every argument of the schema as an attribute; iterates over (name, value) pairs, so ``dict(args)`` works."""

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        return iter(vars(self).items())

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"there is no argument {name!r}.{did_you_mean(name)}")

    def __str__(self) -> str:
        return "\n".join(f"{name}={value!r}" for name, value in self)

    def get(self, name: str, fallback: Any = None) -> Any:
        """Return an argument, or ``fallback`` if there is none of this name."""
        return vars(self).get(name, fallback)


def defaults(mode: str = "train", task: str | None = None) -> dict[str, Any]:
    """Return the default of every argument in ``mode``, for a task where one is given."""
    values = {argument.name: argument.default_for(mode, task) for argument in ARGUMENTS}
    values["mode"] = mode
    if task is not None:
        values["task"] = task
    return values


def resolve(
    overrides: Mapping[str, Any] | Arguments | None = None,
    mode: str = "train",
    task: str | None = None,
    base: Mapping[str, Any] | Arguments | None = None,
) -> Arguments:
    """Return the arguments of a run.

    Args:
        overrides: What the person gave. Each name and value is checked; ``cfg`` names a YAML file of more.
        mode: The mode; an ``overrides["mode"]`` does not replace it.
        task: The model's task, which wins over an ``overrides["task"]``.
        base: Values taken over from elsewhere, such as the training arguments in a checkpoint. Of these,
            unknown names (another program's) and unusable values are left out with a word in the debug log.

    Raises:
        ConfigError: A name is unknown, a value does not fit, or this version cannot honour it.
    """
    if mode not in MODES:
        raise ConfigError(f"mode expects one of {', '.join(MODES)}, received {mode!r}.", value=mode)
    values = defaults(mode, task)
    values.update(_usable(base))
    given = dict(overrides or {})
    file = given.pop("cfg", None)
    if file is not None:
        values.update(check(load_yaml(file), path=file))
        values["cfg"] = str(file)
    values.update(check(given))
    for name in [name for name, value in values.items() if value is None]:
        if (
            by_name[name].default is None
        ):  # conf=None asks for the mode's own, auto_augment=None for none
            values[name] = by_name[name].default_for(mode, task)
    values["mode"] = mode
    values["task"] = task or values["task"]
    return Arguments(**values)


def check(given: Mapping[str, Any], path: str | Path | None = None) -> dict[str, Any]:
    """Return ``given`` with each value as its argument wants it.

    Args:
        given: Names and values.
        path: The file they come from, to be named in an error.

    Raises:
        ConfigError: Names are unknown, a value does not fit, or this version cannot honour it.
    """
    if unknown := {str(name): value for name, value in given.items() if name not in by_name}:
        raise _unknown(unknown, path)
    checked: dict[str, Any] = {}
    for name, value in given.items():
        try:
            checked[name] = coerce(by_name[name], value)
        except ConfigError as error:
            raise ConfigError(error.message, path=path, value=value, remedy=error.remedy) from error
    return checked


def write_arguments(args: Arguments, path: str | Path) -> None:
    """Write ``args.yaml``, from which :func:`load_yaml` reads the same values."""
    values = {name: _plain(value) for name, value in args}
    write_atomic(path, yaml.safe_dump(values, sort_keys=False, allow_unicode=True))


def load_yaml(path: str | Path) -> dict[str, Any]:
    """Return the arguments written in a YAML file, unchecked.

    Raises:
        ConfigError: The file is missing, is no YAML, or holds something else than names with values.
    """
    path = Path(path)
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"the file of arguments cannot be read ({error.strerror}).", path=path
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else None
        problem = getattr(error, "problem", None) or str(error)
        raise ConfigError(f"this is no YAML: {problem}.", path=path, line=line) from error
    if content is None:
        return {}
    if not isinstance(content, dict) or not all(isinstance(name, str) for name in content):
        raise ConfigError("expected lines of the form 'name: value'.", path=path)
    return content


def without_effect(given: Mapping[str, Any], mode: str, task: str | None = None) -> list[str]:
    """Name the given arguments that this mode or task does not use."""
    return [
        name
        for name, value in given.items()
        if name in by_name
        and not by_name[name].applies_to(mode, task)
        and value != by_name[name].default_for(mode, task)
    ]


def tell_without_effect(given: Mapping[str, Any], mode: str, task: str | None = None) -> list[str]:
    """Warn of arguments that a person gave but that this mode or task does not use; return their names."""
    idle = without_effect(given, mode, task)
    if idle:
        LOGGER.warning("%s", sentence_without_effect(idle, mode, task))
    return idle


def sentence_without_effect(names: Sequence[str], mode: str, task: str | None = None) -> str:
    """Say that arguments do nothing here."""
    where = f"{mode} of {task} models" if task else mode
    return f"Without effect in {where}: {', '.join(names)}."


def _usable(base: Mapping[str, Any] | Arguments | None) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, value in dict(base or {}).items():
        if name in by_name and name not in (*_CALL, "cfg", "json", "quiet"):
            try:
                values[name] = coerce(by_name[name], value)
            except ConfigError as error:
                LOGGER.debug("Left out of the model's arguments: %s", error)
    return values


def _plain(value: Any) -> Any:
    """Values that YAML can hold; a source that is an array or a list of pictures is named by its type."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else type(value).__name__


DEFAULT_CFG = Arguments(**defaults())


def _unknown(given: Mapping[str, Any], path: str | Path | None) -> ConfigError:
    """Return the error for names that no argument has: all of them, each with the nearest ones."""
    hints = {name: did_you_mean(name) for name in given}
    told = " ".join(f"there is no argument {name!r}.{hint}" for name, hint in hints.items())
    remedy = None if all(hints.values()) else "`yolo help MODE` lists the arguments of a mode."
    return ConfigError(told, path=path, value=next(iter(given.values())), remedy=remedy)
