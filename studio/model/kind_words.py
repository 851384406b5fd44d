"""What people call the kinds of shapes."""

from __future__ import annotations

from collections.abc import Sequence

from studio.language import ntr, tr
from studio.model.records import Shape, ShapeRow

KIND_WORDS = {
    "box": tr("box"),
    "oriented_box": tr("rotated box"),
    "polygon": tr("polygon"),
    "polyline": tr("line"),
    "mask": tr("mask"),
    "keypoints": tr("keypoints"),
    "tag": tr("image class"),
}
# The same for several
KIND_PLURALS = {
    "box": tr("boxes"),
    "oriented_box": tr("rotated boxes"),
    "polygon": tr("polygons"),
    "polyline": tr("lines"),
    "mask": tr("masks"),
    "keypoints": tr("keypoints"),
    "tag": tr("image classes"),
}


def shapes_text(shapes: Sequence[Shape | ShapeRow]) -> str:
    """Return the kind of a lone shape, else how many there are."""
    if len(shapes) == 1:
        return kind_text(shapes[0].kind)
    return ntr("{count:,} shape", "{count:,} shapes", len(shapes)).format(count=len(shapes))


def kind_text(kind: str) -> str:
    """Return the word for a kind of geometry; one that has none is called as the data call it."""
    return KIND_WORDS.get(kind, kind.replace("_", " "))
