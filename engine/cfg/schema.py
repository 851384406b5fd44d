"""The schema of every engine argument, written once.

The command line, Python, the studio's forms, ``default.yaml`` and the reference documentation are made from
:data:`ARGUMENTS`. Where the specification's tables and the measured facts disagree, the tables win (``kobj``
2.0, ``workspace`` 4.0); but ``plots``, ``verbose`` and ``save`` are on as measured, validation's ``iou`` is 0.7,
and ``half`` is off in every mode because a processor cannot compute with it.
"""

from __future__ import annotations

import dataclasses
import difflib
from types import MappingProxyType

from engine.cfg.argument import GROUPS, MODES, TASKS, Argument
from engine.cfg.not_yet import NOT_YET
from engine.cfg.tables.augmentation import AUGMENTATION
from engine.cfg.tables.export import EXPORT
from engine.cfg.tables.general import GENERAL
from engine.cfg.tables.losses import LOSSES
from engine.cfg.tables.prediction import PREDICTION
from engine.cfg.tables.training import TRAINING

__all__ = [
    "ARGUMENTS",
    "GROUPS",
    "MODES",
    "TASKS",
    "Argument",
    "arguments_for",
    "by_name",
    "did_you_mean",
    "essentials",
]


def _for_tracking(argument: Argument) -> Argument:
    """Let tracking take whatever prediction takes: it predicts, frame by frame."""
    if "predict" not in argument.modes or "track" in argument.modes:
        return argument
    defaults = dict(argument.mode_defaults)
    if "predict" in defaults:
        defaults["track"] = defaults["predict"]
    modes = (*argument.modes, "track")
    return dataclasses.replace(argument, modes=modes, mode_defaults=MappingProxyType(defaults))


ARGUMENTS: tuple[Argument, ...] = tuple(
    dataclasses.replace(_for_tracking(argument), not_yet=NOT_YET.get(argument.name, ""))
    for argument in (*GENERAL, *TRAINING, *LOSSES, *AUGMENTATION, *PREDICTION, *EXPORT)
)

by_name: MappingProxyType[str, Argument] = MappingProxyType({a.name: a for a in ARGUMENTS})

_ABOUT_THE_CALL = ("task", "mode", "cfg", "json", "quiet")


_ALIASES = {
    "image_size": "imgsz",
    "img_size": "imgsz",
    "img": "imgsz",
    "size": "imgsz",
    "batch_size": "batch",
    "learning_rate": "lr0",
    "lr": "lr0",
    "weights": "model",
    "threshold": "conf",
    "score": "conf",
    "num_workers": "workers",
    "gpu": "device",
    "gpus": "device",
    "dataset": "data",
    "output": "project",
    "images": "source",
}


def arguments_for(mode: str, task: str | None = None) -> tuple[Argument, ...]:
    """Return what a form for this mode and task offers: what has an effect there, in the table's order."""
    return tuple(
        argument
        for argument in ARGUMENTS
        if argument.applies_to(mode, task)
        and not argument.not_yet
        and argument.name not in _ABOUT_THE_CALL
    )


def essentials(mode: str, task: str | None = None) -> tuple[Argument, ...]:
    """Return the few arguments that a person sets in most runs; the others are "Advanced"."""
    return tuple(argument for argument in arguments_for(mode, task) if not argument.advanced)


def did_you_mean(name: str, known: tuple[str, ...] | None = None) -> str:
    """Return `` Did you mean 'epochs'?`` for the known names closest to ``name``, or an empty text.

    What other programs call the same thing counts as close.
    """
    alias = _ALIASES.get(name.lower())
    if alias and (known is None or alias in known):
        return f" Did you mean {alias!r}?"
    candidates = {candidate.lower(): candidate for candidate in known or tuple(by_name)}
    found = difflib.get_close_matches(name.lower(), candidates, n=2, cutoff=0.6)
    close = [candidates[match] for match in found]
    return f" Did you mean {' or '.join(repr(match) for match in close)}?" if close else ""
