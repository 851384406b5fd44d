"""One engine argument: what it is called, what it accepts, what it does. The table is in ``schema.py``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

Kind = Literal[
    "bool",  # True or False
    "int",  # a whole number
    "float",  # a number
    "str",  # text, or one of `choices`
    "path",  # a file or folder as text
    "size",  # pixels: one number for a square, or [height, width]
    "batch",  # images: a whole number, -1 for automatic, or the fraction of GPU memory to fill
    "ints",  # a list of whole numbers
    "layers",  # a whole number N for the first N layers, or a list of layer numbers
    "bool_or_str",  # True, False or one of `choices`
    "bool_or_path",  # True, False or a file
    "device",  # see engine.runtime.device.parse_device
    "source",  # anything that holds images: path, folder, pattern, array, list of these
]

TASKS = ("detect", "segment", "classify", "pose", "obb", "semseg")
MODES = ("train", "val", "predict", "export", "track", "benchmark")
GROUPS = (
    "General",
    "Training",
    "Optimizer",
    "Losses",
    "Augmentation",
    "Validation",
    "Prediction",
    "Drawing",
    "Export",
)


@dataclass(frozen=True)
class Argument:
    """One row of the schema.

    Attributes:
        name: The keyword, as typed in ``name=value``.
        type: What it accepts.
        default: Its value in every mode that :attr:`mode_defaults` does not name.
        help: One or two sentences for a tooltip.
        group: The heading it belongs under, one of :data:`GROUPS`.
        modes: The modes in which it has an effect.
        tasks: The tasks in which it has an effect; empty for all.
        low: The smallest number allowed.
        high: The largest number allowed.
        choices: The only words allowed, if not empty.
        optional: Whether None is a value too; a None among the defaults implies it.
        advanced: False for the few that a person sets in most runs.
        mode_defaults: Defaults that differ by mode.
        task_defaults: Defaults that differ by task, whatever the mode.
        not_yet: Why only the default can be used in this version; empty if it has an effect.
    """

    name: str
    type: Kind
    default: Any
    help: str
    group: str
    modes: tuple[str, ...]
    tasks: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    optional: bool = False
    advanced: bool = True
    mode_defaults: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    task_defaults: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    not_yet: str = ""

    def default_for(self, mode: str, task: str | None = None) -> Any:
        """Return the default in ``mode``, for a task where one is given."""
        if task is not None and task in self.task_defaults:
            return self.task_defaults[task]
        return self.mode_defaults.get(mode, self.default)

    @property
    def is_optional(self) -> bool:
        """Whether None is accepted."""
        return self.optional or self.default is None or None in self.mode_defaults.values()

    def applies_to(self, mode: str, task: str | None = None) -> bool:
        """Tell whether it has an effect in this mode, and task if one is given."""
        return mode in self.modes and (task is None or not self.tasks or task in self.tasks)
