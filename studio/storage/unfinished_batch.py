"""The batch of suggestions that is under way: kept beside the project until it is done, so that a crash loses no place in it."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

from engine.runtime.atomic import atomic_path
from studio.model.auto_annotation import AutoAnnotation

_NAME = "unfinished_suggestions.json"


def keep_unfinished(folder: Path, batch: AutoAnnotation) -> None:
    """Note what is left of a batch; where the disk refuses, the batch only cannot be gone on with after a crash."""
    with contextlib.suppress(OSError), atomic_path(folder / _NAME) as path:
        path.write_text(json.dumps(batch.to_dict()), encoding="utf-8")


def read_unfinished(folder: Path) -> AutoAnnotation | None:
    """Return the batch that was not finished, None where there is none or nobody can read it."""
    try:
        batch = AutoAnnotation.from_dict(json.loads((folder / _NAME).read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return batch if batch.image_ids else None


def forget_unfinished(folder: Path) -> None:
    """Forget it: it is done, or not wanted any more."""
    with contextlib.suppress(OSError):
        (folder / _NAME).unlink(missing_ok=True)
