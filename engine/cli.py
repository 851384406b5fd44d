"""The ``yolo`` command: runs what :mod:`engine.cfg.command_line` has understood and prints the outcome.

Stdout carries results only; progress, warnings and errors go to stderr. An error is one sentence there and
exit code 1; its traceback is in the log file, and on stderr too when ``MASKWRIGHT_DEBUG`` is set. With
``json=True`` the last line of stdout is one JSON object, also for an error; ``quiet=True`` hides the progress.
"""

from __future__ import annotations

import contextlib
import dataclasses
import glob
import json
import logging
import math
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from engine._version import __version__
from engine.cfg.command_line import (
    Command,
    default_model,
    output_choices,
    parse,
    parse_settings,
)
from engine.runtime.errors import ConfigError, EngineError
from engine.runtime.log import LOGGER, log_to_file, show_log
from engine.runtime.paths import increment_path, log_file, write_atomic

DONE, FAILED, INTERRUPTED = 0, 1, 130
# Model files that say what they are for
_KNOW_THEIR_TASK = (".pt", ".pth", ".safetensors", ".yaml", ".yml")
DEBUG_VARIABLE = "MASKWRIGHT_DEBUG"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line and return the exit code: 0 done, 1 failed, 130 interrupted.

    Args:
        argv: The words after ``yolo``; None takes this process's.
    """
    words = sys.argv[1:] if argv is None else argv
    as_json = output_choices(words)["json"]
    show_log()
    with _kept_log():
        try:
            code = run(parse(words))
            sys.stdout.flush()  # here, where a closed pipe is still an ordinary error
            return code
        except KeyboardInterrupt:
            _say("stopped")
            return INTERRUPTED
        except BrokenPipeError:  # the reader of a pipe, such as `head`, has enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return DONE
        except EngineError as error:
            return _failed(error, str(error), as_json)
        except Exception as error:  # noqa: BLE001 - the border: a person sees a sentence, the log the traceback
            return _failed(error, _unforeseen(error), as_json)


def run(command: Command) -> int:
    """Run a command that was understood; errors pass through."""
    if command.quiet:
        show_log(logging.WARNING)
    for note in command.notes:
        LOGGER.warning("%s", note)
    if command.special:
        _SPECIAL[command.special](command)
        return DONE
    overrides = dict(command.overrides)
    model = _load_model(overrides, command)
    outcome = _MODES[command.mode](model, overrides)
    print(format_json(outcome) if command.json else _summary(outcome), flush=True)
    return DONE


def format_json(outcome: dict[str, Any]) -> str:
    """Return the outcome as one line of strict JSON: paths as text, NaN and infinity as null."""
    return json.dumps(_plain(outcome), ensure_ascii=False, allow_nan=False)


def _resumed_file(overrides: dict[str, Any], task: str | None) -> str | None:
    """Return the checkpoint that ``resume`` names, which is the model too; None where nothing is resumed.

    ``resume=True`` means the newest run of the ones that ``project`` and ``name`` leave: these say where to
    look, and are taken out of the arguments.

    Raises:
        CheckpointError: There is no such run.
    """
    from engine.runtime.settings import settings
    from engine.training.resume import find_last, newest_last

    resume = overrides.get("resume")
    if not resume:
        return None
    if resume is not True:
        return str(find_last(resume, None))
    project, name = overrides.pop("project", None), overrides.pop("name", None)
    run = glob.escape(str(name)) if name else "*"
    if project:
        last = newest_last(Path(project).expanduser(), run)
    else:
        last = newest_last(settings.folder("runs_dir"), f"{task or '*'}/{run}")
    LOGGER.info("Resuming the newest run: %s.", last)
    return str(last)


def _load_model(overrides: dict[str, Any], command: Command) -> Any:
    """Take ``model`` out of the arguments and open it, for the task that was named if one was."""
    name = overrides.pop("model", None)
    if name is None and command.mode == "train":
        name = _resumed_file(overrides, command.task)
    if name is None:
        if command.mode != "train":
            raise ConfigError(
                f"{command.mode} needs a model.",
                remedy="Write model=FILE, for example model=runs/segment/train/weights/best.pt.",
            )
        name = default_model(command.task)
        LOGGER.warning("No model given: %s is trained from random weights.", name)
    knows_its_task = Path(name).suffix.lower() in _KNOW_THEIR_TASK
    model = _open(name, None if knows_its_task else command.task)
    if not command.task or command.task == model.task:
        return model
    if command.mode == "train":
        return _retargeted(name, model.task, command.task, overrides)
    LOGGER.warning("%s is a model for %s, not for %s.", name, model.task, command.task)
    return model


def _open(name: str, task: str | None = None) -> Any:
    """Open a model file or description."""
    from engine.models.yolo.model import YOLO

    return YOLO(name, task=task)


def _retargeted(name: str, its_task: str, task: str, overrides: dict[str, Any]) -> Any:
    """Open the description for another task that belongs to a public model, to start from its weights.

    Raises:
        ConfigError: The file's name tells no family, or the family has no model for the task.
    """
    from engine.cfg.model_catalogue import description_for

    description = description_for(name, task)
    if description is None:
        raise ConfigError(
            f"{name} is a model for {its_task}, expected one for {task}.",
            value=name,
            remedy=f"Write yolo {its_task} train ..., or give a description for {task} as model and "
            f"pretrained={name}.",
        )
    LOGGER.warning(
        "%s is a model for %s: %s is trained, from those of its weights that fit.",
        name,
        its_task,
        description,
    )
    overrides.setdefault("pretrained", name)
    return _open(description)


def _train(model: Any, overrides: dict[str, Any]) -> dict[str, Any]:
    metrics = model.train(**overrides)
    trainer = model.trainer
    best = trainer.best if Path(trainer.best).exists() else trainer.last
    return {
        "task": model.task,
        "mode": "train",
        "save_dir": trainer.save_dir,
        "model": best,
        "metrics": _results(metrics),
    }


def _val(model: Any, overrides: dict[str, Any]) -> dict[str, Any]:
    metrics = model.val(**overrides)
    return {
        "task": model.task,
        "mode": "val",
        "save_dir": model.validator.save_dir,
        "model": model.overrides["model"],  # exported files too, which are no checkpoints
        "metrics": _results(metrics),
    }


def _predict(model: Any, overrides: dict[str, Any], mode: str = "predict") -> dict[str, Any]:
    images = objects = 0
    for result in getattr(model, mode)(stream=True, **{"save": True, **overrides}):
        images += 1
        found = getattr(result, "objects", None)  # with embed= there are vectors instead
        objects += len(found) if found is not None else 0
    return {
        "task": model.task,
        "mode": mode,
        "save_dir": model.predictor.save_dir,
        "model": model.overrides["model"],
        "images": images,
        "objects": objects,
    }


def _track(model: Any, overrides: dict[str, Any]) -> dict[str, Any]:
    return _predict(model, overrides, "track")


def _export(model: Any, overrides: dict[str, Any]) -> dict[str, Any]:
    path = Path(model.export(**overrides))
    return {
        "task": model.task,
        "mode": "export",
        "model": model.overrides["model"],
        "format": overrides.get("format", "torchscript"),
        "path": path,
        "size_mib": round(_size_of(path) / 2**20, 3),
    }


def _size_of(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def _benchmark(model: Any, overrides: dict[str, Any]) -> dict[str, Any]:
    table = model.benchmark(**overrides)
    return {
        "task": model.task,
        "mode": "benchmark",
        "model": model.overrides["model"],
        "imgsz": list(table.imgsz),
        "device": table.device,
        "formats": table.summary(),
        "table": str(table),
    }


def _results(metrics: Any) -> dict[str, float]:
    return dict(getattr(metrics, "results_dict", None) or {})


def _summary(outcome: dict[str, Any]) -> str:
    """One line for a person: where the results are."""
    words = ("table", "path", "save_dir")
    return next((str(outcome[word]) for word in words if outcome.get(word)), "done")


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, Path):
        return str(value)
    number = float(value)  # numpy and torch numbers too
    return number if math.isfinite(number) else None


def _show_help(command: Command) -> None:
    from engine.cfg.help_text import help_text

    print(help_text(*command.rest[:1]), end="")


def _show_checks(command: Command) -> None:
    from engine.runtime.checks import collect, format_report

    found = collect()
    if command.json:
        print(format_json({"checks": [dataclasses.asdict(check) for check in found]}))
    else:
        print(format_report(found))


def _show_version(command: Command) -> None:
    print(format_json({"version": __version__}) if command.json else __version__)


def _show_settings(command: Command) -> None:
    from engine.runtime.settings import settings

    changes = parse_settings(command.rest)
    if changes is None:
        settings.reset()
    else:
        settings.update(changes)
    print(format_json(settings.shown()) if command.json else settings)


def _show_defaults(command: Command) -> None:
    from engine.cfg.arguments import defaults
    from engine.cfg.reference import default_yaml

    if command.json:
        print(format_json(defaults()))
    else:
        print(default_yaml(), end="")


def _copy_defaults(command: Command) -> None:
    from engine.cfg.reference import default_yaml

    path = write_atomic(increment_path(Path.cwd() / "default_copy.yaml"), default_yaml())
    shown = f"{path}\nEdit it, then: yolo train cfg={path.name} data=..."
    print(format_json({"path": path}) if command.json else shown)


_SPECIAL: dict[str, Callable[[Command], None]] = {
    "help": _show_help,
    "checks": _show_checks,
    "version": _show_version,
    "settings": _show_settings,
    "cfg": _show_defaults,
    "copy-cfg": _copy_defaults,
}
_MODES: dict[str, Callable[[Any, dict[str, Any]], dict[str, Any]]] = {
    "train": _train,
    "val": _val,
    "predict": _predict,
    "track": _track,
    "export": _export,
    "benchmark": _benchmark,
}


@contextlib.contextmanager
def _kept_log() -> Any:
    """Keep this command's log in the log file; without one where the folder cannot be written."""
    try:
        handler = log_to_file(log_file())
    except OSError:
        yield
        return
    try:
        yield
    finally:
        LOGGER.removeHandler(handler)
        handler.close()


def _unforeseen(error: Exception) -> str:
    """A sentence for an error that no room of ours foresaw; torch's own are sorted by what helps."""
    if "torch" in sys.modules:
        from engine.training.failures import describe, kind_of

        if kind_of(error) != "crash":
            failure = describe(error)
            return f"{failure.message} {failure.remedy}"
    return f"{type(error).__name__}: {error} (details in {log_file()})"


def _failed(error: BaseException, sentence: str, as_json: bool) -> int:
    details = "".join(traceback.format_exception(error))
    for handler in LOGGER.handlers:
        if isinstance(handler, logging.FileHandler):
            with contextlib.suppress(OSError):
                record = LOGGER.makeRecord("engine", logging.ERROR, "", 0, "%s", (details,), None)
                handler.handle(record)
    if os.environ.get(DEBUG_VARIABLE):
        sys.stderr.write(details)
    _say(sentence)
    if as_json:
        print(format_json({"error": _told(error, sentence)}), flush=True)
    return FAILED


def _told(error: BaseException, sentence: str) -> dict[str, Any]:
    """What a program is told of an error: the sentence that people get, and its parts."""
    parts = {name: getattr(error, name, None) for name in ("path", "line", "remedy")}
    return {"type": type(error).__name__, "message": sentence, **parts}


def _say(sentence: str) -> None:
    """Write one line to stderr, whatever the sentence held."""
    print(f"yolo: {' '.join(sentence.split())}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
