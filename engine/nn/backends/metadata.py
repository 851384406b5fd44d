"""What an exported file says about itself, as text entries that travel inside it.

The keys and their spelling are the field's, so that other programs read our files and we read theirs.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.runtime.errors import ModelError


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

    @property
    def free_batch(self) -> bool:
        """Whether it takes any number of images; a built-in removal of duplicates fixes the number."""
        return self.dynamic and not self.nms

    def to_text(self) -> dict[str, str]:
        """Return the entries to store in a file."""
        args = {key: getattr(self, key) for key in _ARGUMENTS}
        return {
            "task": self.task,
            "names": str(self.names),
            "stride": str(self.stride),
            "imgsz": str(list(self.imgsz)),
            "batch": str(self.batch),
            "channels": str(self.channels),
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
            values: dict[str, Any] = {
                key: _literal(entries[key]) for key in _ENTRIES if key in entries
            }
            args = values.pop("args", None)
            args = args if isinstance(args, Mapping) else {}
            names, size = values.pop("names"), values.pop("imgsz")
            names = dict(enumerate(names)) if isinstance(names, list | tuple) else names
            height, width = (size, size) if isinstance(size, int) else size
            return cls(
                task=str(entries["task"]),
                names={int(k): str(v) for k, v in names.items()},
                imgsz=(int(height), int(width)),
                **{
                    **{key: int(value) for key, value in values.items()},
                    **{k: args[k] for k in _ARGUMENTS if args.get(k) is not None},
                },
            )
        except (ValueError, TypeError, SyntaxError, AttributeError) as error:
            raise ModelError(
                f"what it says of itself cannot be read ({error}).", path=path
            ) from error


_ENTRIES = ("names", "stride", "imgsz", "batch", "channels", "args")
_ARGUMENTS = ("dynamic", "nms", "half", "conf", "iou", "max_det", "agnostic_nms")


def _literal(value: Any) -> Any:
    return ast.literal_eval(value) if isinstance(value, str) else value
