"""The arguments a trainer, validator or predictor was given, before and after the schema has seen them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from engine.cfg.arguments import Arguments, load_yaml, resolve
from engine.cfg.schema import by_name
from engine.runtime.errors import ConfigError
from engine.runtime.paths import increment_path
from engine.runtime.settings import settings

Given = Mapping[str, Any] | SimpleNamespace | str | Path | None


def as_dict(given: Given) -> dict[str, Any]:
    """Turn a dictionary, a namespace or the path of a YAML file into a new dictionary."""
    if given is None:
        return {}
    if isinstance(given, str | Path):
        return dict(load_yaml(given))
    if isinstance(given, Mapping):
        return dict(given)
    if isinstance(given, SimpleNamespace):
        return dict(vars(given))
    raise ConfigError(
        f"expected arguments as a dictionary, a namespace or a YAML file, received {type(given).__name__}.",
        value=given,
    )


def named_data(args: Any, doing: str, what: str = "the data.yaml of a data set") -> Any:
    """Give what ``data`` names.

    Args:
        args: Arguments of the run.
        doing: What the run does, for the message.
        what: What can be named.

    Raises:
        ConfigError: Nothing was named.
    """
    if args.data:
        return args.data
    raise ConfigError(f"{doing} needs data=, {what}.", remedy="Write data=PATH/data.yaml.")


def resolve_arguments(
    given: Mapping[str, Any], mode: str, task: str, base: Mapping[str, Any] | None = None
) -> Arguments:
    """Check the given arguments against the schema and fill in the defaults.

    Args:
        given: What a person said, checked strictly.
        mode: train, val or predict.
        task: Task of the trainer, validator or predictor, which wins over a given one.
        base: What a checkpoint remembers, taken where nothing was given.
    """
    return resolve({k: v for k, v in given.items() if k != "save_dir"}, mode, task, base)


def chosen_arguments(
    args: Arguments, mode: str, overrides: Mapping[str, Any] | None = None
) -> frozenset[str]:
    """Name the arguments that count as a person's wish.

    Args:
        args: All arguments of the run; those that differ from their defaults were wished for.
        mode: train, val, predict or export.
        overrides: What was said for this run: it counts also where it is the default.
    """
    return frozenset(
        name
        for name, value in args
        if name in by_name
        and (name in (overrides or {}) or value != by_name[name].default_for(mode, args.task))
    )


def choose_save_dir(args: Arguments, mkdir: bool = False) -> Path:
    """Give the run's folder: ``project/name``, numbered if it exists and ``exist_ok`` is off."""
    project = Path(args.project) if args.project else settings.folder("runs_dir") / args.task
    return increment_path(
        (project / (args.name or args.mode)).absolute(), exist_ok=args.exist_ok, mkdir=mkdir
    )
