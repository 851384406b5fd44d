"""The ``yolo`` command: runs what :mod:`engine.cfg.command_line` has understood and prints the outcome.

Stdout carries results only; progress, warnings and errors go to stderr. An error is one sentence there and
exit code 1; its traceback is in the log file, and on stderr too when ``MASKWRIGHT_DEBUG`` is set.
"""

from __future__ import annotations

import contextlib
import json
import logging
import math
import os
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from engine._version import __version__
from engine.cfg.command_line import Command, default_model, parse, parse_settings
from engine.runtime.errors import ConfigError, EngineError
from engine.runtime.log import LOGGER, log_to_file, show_log
from engine.runtime.paths import increment_path, log_file, write_atomic

DONE, FAILED, INTERRUPTED = 0, 1, 130
# Model files that say what they are for
_KNOW_THEIR_TASK = (".pt", ".pth", ".safetensors", ".yaml", ".yml")
DEBUG_VARIABLE = "MASKWRIGHT_DEBUG"

HELP = """\
yolo [TASK] MODE name=value ...

  TASK   detect, segment, semseg, classify, pose, obb. A model file knows its own.
  MODE   train, val, predict, track, export

Train a segmentation model for 50 epochs on the images of a data.yaml:
  yolo segment train data=parts/data.yaml model=yolo11n-seg.yaml epochs=50 imgsz=640
Measure it on the validation images:
  yolo val model=runs/segment/train/weights/best.pt
Find objects in a folder of pictures, and keep the outlines as label files:
  yolo predict model=best.pt source=pictures/ conf=0.4 save_txt
Follow them through a video:
  yolo track model=best.pt source=road.mp4 tracker=bytetrack.yaml
Write it for other programs:
  yolo export model=best.pt format=onnx dynamic=True
Go on with a training that was interrupted:
  yolo train resume model=runs/segment/train/weights/last.pt

json=True prints the outcome as one JSON object on the last line.

  yolo help                     this text
  yolo checks                   what this computer and installation have
  yolo version                  the version number
  yolo settings                 the settings; key=value changes one, reset restores all
  yolo cfg                      every argument with its default and what it does
  yolo copy-cfg                 writes them to default_copy.yaml, to be edited and given as cfg=FILE

Every argument: docs/reference/arguments.md, or `yolo cfg`.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line and return the exit code: 0 done, 1 failed, 130 interrupted.

    Args:
        argv: The words after ``yolo``; None takes this process's.
    """
    show_log()
    with _kept_log():
        try:
            code = run(parse(sys.argv[1:] if argv is None else argv))
            sys.stdout.flush()  # here, where a closed pipe is still an ordinary error
            return code
        except KeyboardInterrupt:
            _say("stopped")
            return INTERRUPTED
        except BrokenPipeError:  # the reader of a pipe, such as `head`, has enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return DONE
        except EngineError as error:
            return _failed(error, str(error))
        except Exception as error:  # noqa: BLE001 - the border: a person sees a sentence, the log the traceback
            return _failed(error, _unforeseen(error))


def run(command: Command) -> int:
    """Run a command that was understood; errors pass through."""
    for note in command.notes:
        LOGGER.warning("%s", note)
    if command.special:
        _SPECIAL[command.special](command.rest)
        return DONE
    overrides = dict(command.overrides)
    as_json = overrides.pop("json", False)
    model = _load_model(overrides.pop("model", None) or _resumed_file(overrides), command)
    outcome = _MODES[command.mode](model, overrides)
    print(format_json(outcome) if as_json else _summary(outcome), flush=True)
    return DONE


def format_json(outcome: dict[str, Any]) -> str:
    """Return the outcome as one line of strict JSON: paths as text, NaN and infinity as null."""
    return json.dumps(_plain(outcome), ensure_ascii=False, allow_nan=False)


def _resumed_file(overrides: Mapping[str, Any]) -> str | None:
    """Return the checkpoint that ``resume=FILE`` names: it is the model too."""
    resume = overrides.get("resume")
    return resume if isinstance(resume, str) else None


def _load_model(name: str | None, command: Command) -> Any:
    if name is None:
        if command.mode != "train":
            raise ConfigError(
                f"{command.mode} needs a model.",
                remedy="Write model=FILE, for example model=runs/segment/train/weights/best.pt.",
            )
        name = default_model(command.task)
        LOGGER.warning("No model given: %s is trained from random weights.", name)
    from engine.models.yolo.model import YOLO

    knows_its_task = Path(name).suffix.lower() in _KNOW_THEIR_TASK
    model = YOLO(name, task=None if knows_its_task else command.task)
    if command.task and command.task != model.task:
        raise ConfigError(
            f"{name} is a model for {model.task}, expected one for {command.task}.",
            value=name,
            remedy=f"Write yolo {model.task} {command.mode} ..., or name another model.",
        )
    return model


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
        "model": model.ckpt_path,
        "metrics": _results(metrics),
    }


def _predict(model: Any, overrides: dict[str, Any], mode: str = "predict") -> dict[str, Any]:
    if "source" not in overrides:
        raise ConfigError(
            f"{mode} needs something to look at.", remedy="Write source=FILE, FOLDER or PATTERN."
        )
    images = objects = 0
    for result in getattr(model, mode)(stream=True, **{"save": True, **overrides}):
        images += 1
        objects += len(result.objects) if result.objects is not None else 0
    return {
        "task": model.task,
        "mode": mode,
        "save_dir": model.predictor.save_dir,
        "model": model.ckpt_path,
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
        "model": model.ckpt_path,
        "format": overrides.get("format", "torchscript"),
        "path": path,
        "size_mib": round(path.stat().st_size / 2**20, 3),
    }


def _results(metrics: Any) -> dict[str, float]:
    return dict(getattr(metrics, "results_dict", None) or {})


def _summary(outcome: dict[str, Any]) -> str:
    """One line for a person: where the results are."""
    return str(outcome.get("path") or outcome.get("save_dir") or "done")


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


def _show_help(_rest: Sequence[str]) -> None:
    print(HELP, end="")


def _show_checks(_rest: Sequence[str]) -> None:
    from engine.runtime.checks import collect, format_report

    print(format_report(collect()))


def _show_version(_rest: Sequence[str]) -> None:
    print(__version__)


def _show_settings(rest: Sequence[str]) -> None:
    from engine.runtime.settings import settings

    changes = parse_settings(rest)
    if changes is None:
        settings.reset()
    else:
        settings.update(changes)
    print(settings)


def _show_defaults(_rest: Sequence[str]) -> None:
    from engine.cfg.reference import default_yaml

    print(default_yaml(), end="")


def _copy_defaults(_rest: Sequence[str]) -> None:
    from engine.cfg.reference import default_yaml

    path = write_atomic(increment_path(Path.cwd() / "default_copy.yaml"), default_yaml())
    print(f"{path}\nEdit it, then: yolo train cfg={path.name} data=...")


_SPECIAL: dict[str, Callable[[Sequence[str]], None]] = {
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


def _failed(error: BaseException, sentence: str) -> int:
    details = "".join(traceback.format_exception(error))
    for handler in LOGGER.handlers:
        if isinstance(handler, logging.FileHandler):
            with contextlib.suppress(OSError):
                record = LOGGER.makeRecord("engine", logging.ERROR, "", 0, "%s", (details,), None)
                handler.handle(record)
    if os.environ.get(DEBUG_VARIABLE):
        sys.stderr.write(details)
    _say(sentence)
    return FAILED


def _say(sentence: str) -> None:
    """Write one line to stderr, whatever the sentence held."""
    print(f"yolo: {' '.join(sentence.split())}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
