"""Images that an export without some classes would show as empty: they hold objects, but only of classes left out."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal, get_args

from studio.model.project import Project
from studio.storage.image_index import store_of

# What becomes of such images: they are left out, or written as images that are known to show nothing.
Emptied = Literal["leave_out", "background"]
EMPTIED: tuple[Emptied, ...] = get_args(Emptied)
_SQL = (
    "SELECT DISTINCT image_id FROM image_classes JOIN images ON images.id = image_id WHERE removed = 0 "
    "AND image_id NOT IN (SELECT image_id FROM image_classes WHERE class_id IN ({marks}))"
)


def emptied_images(project: Project, class_ids: Collection[int] | None) -> set[int]:
    """Return the images with shapes of which none is of these classes.

    Args:
        project: What to look through.
        class_ids: The classes that are written; None: all.
    """
    if class_ids is None:
        return set()
    wanted = list(class_ids)
    sql = _SQL.format(marks=", ".join("?" * len(wanted)))
    return {image_id for (image_id,) in store_of(project).db.rows(sql, wanted)}
