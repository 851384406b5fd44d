"""What ``yolo help`` says: the grammar with examples, or all that one mode or argument accepts."""

from __future__ import annotations

import textwrap

from engine.cfg.reference import describe_accepted
from engine.cfg.schema import GROUPS, MODES, TASKS, Argument, arguments_for, by_name, did_you_mean
from engine.runtime.errors import ConfigError

HELP = f"""\
yolo [TASK] MODE name=value ...

  TASK   {", ".join(TASKS)}. A model file knows its own.
  MODE   {", ".join(MODES)}. The arguments tell it where they can.

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

json=True prints the outcome, or the error, as one JSON object on the last line; quiet=True shows nothing else
but warnings. Results go to stdout, progress and errors to stderr. The exit code is 0 when it is done, 1 when
it failed or was not understood, 130 when it was interrupted.

  yolo help [MODE or NAME]      this text, the arguments of a mode, or what one argument does
  yolo checks                   what this computer and installation have
  yolo version                  the version number
  yolo settings                 the settings; key=value changes one, reset restores all
  yolo cfg                      every argument with its default and what it does
  yolo copy-cfg                 writes them to default_copy.yaml, to be edited and given as cfg=FILE

Every argument: docs/reference/arguments.md, or `yolo cfg`.
"""
_WIDTH = 108
_NAME_WIDTH = 18


def help_text(topic: str = "") -> str:
    """Return the help on a mode, on an argument, or on the whole command.

    Raises:
        ConfigError: There is no such mode or argument.
    """
    if not topic:
        return HELP
    if topic in MODES:
        return _mode_help(topic)
    if topic in by_name:
        return _argument_help(by_name[topic])
    raise ConfigError(
        f"there is no help on {topic!r}.{did_you_mean(topic, (*MODES, *by_name))}",
        value=topic,
        remedy=f"There is help on {', '.join(MODES)}, and on every argument.",
    )


def _mode_help(mode: str) -> str:
    """Return the arguments of a mode with their defaults, by group."""
    parts = [f"yolo [TASK] {mode} name=value ...\n"]
    offered = arguments_for(mode)
    for group in GROUPS:
        rows = [argument for argument in offered if argument.group == group]
        if rows:
            parts.append(f"\n{group}\n")
            parts += [_row(argument, mode) for argument in rows]
    return "".join(parts)


def _row(argument: Argument, mode: str) -> str:
    shown = argument.default_for(mode)
    default = "" if shown is None else f" [{shown}]"
    indent = " " * (_NAME_WIDTH + 4)
    text = textwrap.fill(
        argument.help + default, _WIDTH, initial_indent=indent, subsequent_indent=indent
    )
    return f"  {argument.name:<{_NAME_WIDTH}}  {text.strip()}\n"


def _argument_help(argument: Argument) -> str:
    lines = [
        f"{argument.name}: {describe_accepted(argument)}",
        *textwrap.wrap(argument.help, _WIDTH),
        f"Default: {'empty' if argument.default is None else argument.default}",
        *(f"  in {place}: {value}" for place, value in argument.mode_defaults.items()),
        *(f"  for {place}: {value}" for place, value in argument.task_defaults.items()),
        f"Modes: {', '.join(argument.modes)}. Tasks: {', '.join(argument.tasks) or 'all'}.",
    ]
    if argument.not_yet:
        lines.append(f"Not in this version: {argument.not_yet}.")
    return "\n".join(lines) + "\n"
