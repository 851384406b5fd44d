"""What an exported file says about itself, as text entries that travel inside it.

The keys and their spelling are the field's, so that other programs read our files and we read theirs.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from engine.runtime.errors import ModelError

TASKS_WITHOUT_BOXES = ("classify", "semseg")
# Name of the file with the entries in formats that are folders; the field's
METADATA_YAML = "metadata.yaml"
NOT_STATED = "not stated"


@dataclass(frozen=True)
class Metadata:
    """How a model is to be used.

    Attributes:
        task: What it does.
        names: Class id to class name.
        stride: Its largest stride; height and width of an image are multiples of it.
        imgsz: Height and width it was made for, in pixels.
        batch: Images a call, where :attr:`free_batch` does not leave that free.
        channels: Channels of an image.
        dynamic: Whether it takes other sizes.
        nms: Whether duplicates are removed inside; the output is then (B, max_det, 6 + extras).
        half: Whether it computes in float16.
        conf: Smallest score that leaves the built-in removal of duplicates.
        iou: Overlap from which the built-in removal takes two boxes for duplicates.
        max_det: Rows that the built-in removal returns.
        agnostic_nms: Whether the built-in removal compares boxes of different classes.
        end2end: Whether the first output is rows (B, max_det, 6 + extras) in which nothing is twice, best
            first, made by a branch that needs no removal.
        kpt_shape: Number of keypoints and of values to each; None for models without.
        int8: Whether its weights are rounded to eight bits.
        crop_fraction: Part of a picture's width and height, around the middle, that a classifier looks at.
        author: Who made the weights, where their file says so.
        license: Under which licence the weights are, where their file says so.
    """

    task: str
    names: dict[int, str]
    stride: int
    imgsz: tuple[int, int]
    batch: int = 1
    channels: int = 3
    dynamic: bool = False
    nms: bool = False
    half: bool = False
    conf: float = 0.25
    iou: float = 0.7
    max_det: int = 300
    agnostic_nms: bool = False
    end2end: bool = False
    kpt_shape: tuple[int, int] | None = None
    int8: bool = False
    crop_fraction: float = 1.0
    author: str = NOT_STATED
    license: str = NOT_STATED

    @property
    def free_batch(self) -> bool:
        """Whether it takes any number of images; a built-in removal of duplicates fixes the number."""
        return self.dynamic and not self.nms

    def to_text(self) -> dict[str, str]:
        """Return the entries to store in a file."""
        args = {key: getattr(self, key) for key in _ARGUMENTS}
        pose = {} if self.kpt_shape is None else {"kpt_shape": str(list(self.kpt_shape))}
        return {
            "task": self.task,
            "names": str(self.names),
            "stride": str(self.stride),
            "imgsz": str(list(self.imgsz)),
            "batch": str(self.batch),
            "channels": str(self.channels),
            "end2end": str(self.end2end),
            **pose,
            "author": self.author,
            "license": self.license,
            "args": str(args),
        }

    @classmethod
    def from_text(cls, entries: Mapping[str, Any], path: Path) -> Metadata:
        """Read the entries of a file.

        Raises:
            ModelError: An entry is missing or cannot be read.
        """
        missing = [key for key in ("task", "names", "stride", "imgsz") if key not in entries]
        if missing:
            raise ModelError(
                f"does not say its {', '.join(missing)}.",
                path=path,
                value=missing,
                remedy="Export it again with this program, which stores them in the file.",
            )
        try:
            values = {k: _PARSERS[k](_literal(v)) for k, v in entries.items() if k in _PARSERS}
            task = str(entries["task"])
            stated: dict[str, Any] = {
                key: str(entries[key]) for key in ("author", "license") if key in entries
            }
            return cls(
                task=_TASK_WORDS.get(task, task), **stated, **(values.pop("args", {}) | values)
            )
        except (ValueError, TypeError, SyntaxError, AttributeError) as error:
            raise ModelError(
                f"what it says of itself cannot be read ({error}).", path=path
            ) from error

    @classmethod
    def from_folder(cls, folder: Path) -> Metadata:
        """Read the entries of an exported folder.

        Raises:
            ModelError: The folder has none, or they cannot be read.
        """
        file = folder / METADATA_YAML
        try:
            entries = yaml.safe_load(file.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise ModelError(
                f"does not say what it is: {METADATA_YAML} cannot be read ({error}).",
                path=folder,
                remedy="Export it again, and move the folder as a whole.",
            ) from error
        return cls.from_text(entries if isinstance(entries, dict) else {}, file)


_ARGUMENTS = (
    "dynamic",
    "nms",
    "half",
    "int8",
    "conf",
    "iou",
    "max_det",
    "agnostic_nms",
    "crop_fraction",
)
# a task's word elsewhere -> ours
_TASK_WORDS = {"semantic": "semseg"}


def _literal(value: Any) -> Any:
    return ast.literal_eval(value) if isinstance(value, str) else value


def _names(value: Any) -> dict[int, str]:
    value = dict(enumerate(value)) if isinstance(value, list | tuple) else value
    return {int(k): str(v) for k, v in value.items()}


def _pair(value: Any) -> tuple[int, int]:
    first, second = (value, value) if isinstance(value, int) else value
    return int(first), int(second)


def _shape(value: Any) -> tuple[int, int] | None:
    return None if value is None else _pair(value)


def _arguments(value: Any) -> dict[str, Any]:
    """Return the arguments that are ours; other programs write more, and None for what was not given."""
    value = value if isinstance(value, Mapping) else {}
    return {k: value[k] for k in _ARGUMENTS if value.get(k) is not None}


_PARSERS: dict[str, Callable[[Any], Any]] = {
    "names": _names,
    "stride": int,
    "imgsz": _pair,
    "batch": int,
    "channels": int,
    "end2end": bool,
    "kpt_shape": _shape,
    "args": _arguments,
}
