"""What was found out about the images and labels of a project, kept beside it: it can be found out anew."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from engine.runtime.atomic import atomic_path
from engine.runtime.errors import EngineError
from studio.model.label_check import LabelDoubt, doubt_from_dict
from studio.model.next_images import NextImage, next_image_from_dict

_NEXT, _DOUBTS = "next_images.json", "label_doubts.json"
T = TypeVar("T")


def keep_next(folder: Path, images: Sequence[NextImage]) -> None:
    """Keep the images worth labelling; where the disk refuses, they are only not there the next time."""
    _keep(folder / _NEXT, [image.to_dict() for image in images])


def read_next(folder: Path) -> list[NextImage]:
    """Return the images worth labelling that were found last; none where nobody can read them."""
    return _read(folder / _NEXT, next_image_from_dict)


def keep_doubts(folder: Path, doubts: Sequence[LabelDoubt]) -> None:
    """Keep the doubtful labels; where the disk refuses, they are only not there the next time."""
    _keep(folder / _DOUBTS, [doubt.to_dict() for doubt in doubts])


def read_doubts(folder: Path) -> list[LabelDoubt]:
    """Return the doubtful labels that were found last; none where nobody can read them."""
    return _read(folder / _DOUBTS, doubt_from_dict)


def _keep(path: Path, rows: list[dict[str, Any]]) -> None:
    with contextlib.suppress(OSError), atomic_path(path) as part:
        part.write_text(json.dumps(rows), encoding="utf-8")


def _read(path: Path, parse: Callable[[Mapping[str, Any]], T]) -> list[T]:
    try:
        return [parse(row) for row in json.loads(path.read_text(encoding="utf-8"))]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, EngineError):
        return []
