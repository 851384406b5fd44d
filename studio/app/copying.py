"""Copies of shapes on the image that is shown: pasted, duplicated, from the image before or to the next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from studio.model.edits import AddShapes
from studio.model.edits.arranging import copied
from studio.model.records import Shape
from studio.model.tracks import track_of

if TYPE_CHECKING:
    from studio.app.session import Session


def add_copies(session: Session, shapes: Sequence[Shape], label: str, shift: float = 0.0) -> None:
    """Add copies of shapes to the current image and select them; what did not fit into it is said.

    Args:
        session: The open project.
        shapes: Shapes of any image.
        label: What the history calls it, with ``{shapes}`` for their number.
        shift: How far the copies lie beside their originals, pixels.
    """
    record = session.workspace.image()
    if record is None or not shapes:
        return
    size = (record.width, record.height)
    tracked = any(track_of(shape) is not None for shape in shapes)
    there = session.project.shapes(record.id) if tracked else ()
    copies = copied(shapes, record.id, size, label, shift, there)
    added = session.apply(copies.edit) if copies.edit is not None else None
    if isinstance(added, AddShapes):
        session.workspace.select([shape.id for shape in added.shapes])
    is_refused = copies.edit is not None and added is None  # the disk refused it, which is shown
    if (said := copies.loss_text()) and not is_refused:
        session.say(said)
