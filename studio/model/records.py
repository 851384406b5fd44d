"""What a project is made of: classes, images and shapes, as values that never change.

A change is an edit (``studio.model.edits``) that replaces one value by another.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, get_args

from engine.data.annotations import Annotation, Geometry, geometry_from_dict
from studio.model.colors import is_color
from studio.model.errors import EditError

Status = Literal["unlabelled", "labelled", "background", "damaged"]
STATUSES: tuple[Status, ...] = get_args(Status)
SPLITS = ("train", "val", "test")


@dataclass(frozen=True, slots=True)
class ClassDef:
    """A class of objects.

    Attributes:
        id: Number within the project, from 0, never used again after the class is removed. The
            number that a YOLO file carries is the place in the list of classes instead.
        name: Unique within the project, not empty.
        color: ``#rrggbb``.
        visible: Whether the canvas shows its shapes.
    """

    id: int
    name: str
    color: str
    visible: bool = True

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise EditError("A class needs a name.", remedy="Type at least one character.")
        if not is_color(self.color):
            raise EditError(f"Expected a colour like #e69f00, received {self.color!r}.")

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {"id": self.id, "name": self.name, "color": self.color, "visible": self.visible}


def class_from_dict(data: dict[str, Any]) -> ClassDef:
    """Return the class that :meth:`ClassDef.to_dict` described."""
    return ClassDef(int(data["id"]), data["name"], data["color"], bool(data["visible"]))


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """An image of the project; the file itself is only ever read.

    Attributes:
        id: Number within the project.
        path: Absolute path of the file.
        width: Pixels, upright; 0 while the header was not read yet.
        height: Pixels, upright; 0 while the header was not read yet.
        split: ``train``, ``val``, ``test``, or None: chosen when a dataset version is made.
        status: ``labelled`` has shapes, ``background`` was looked at and holds no object,
            ``damaged`` cannot be read.
        note: Why the image is damaged, else empty.
        shape_count: Number of shapes.
        suggestion_count: Number of suggestions that wait to be accepted or rejected.
    """

    id: int
    path: Path
    width: int = 0
    height: int = 0
    split: str | None = None
    status: Status = "unlabelled"
    note: str = ""
    shape_count: int = 0
    suggestion_count: int = 0


@dataclass(frozen=True, slots=True)
class Shape:
    """One annotated object, or a suggestion of one.

    Attributes:
        id: Number within the project, never used again; 0 until the project has given one.
        image_id: The image it lies on.
        class_id: Its :class:`ClassDef`.
        geometry: Geometry of ``engine.data.annotations``, upright image pixels.
        source: Who made it: ``drawn``, ``imported``, ``model``.
        score: Confidence in [0, 1] of the model that made it, else None.
        attributes: Free values that JSON can hold.
        z: Drawing order within the image, higher is in front; 0 until the project has given one.
    """

    id: int
    image_id: int
    class_id: int
    geometry: Geometry
    source: str = "drawn"
    score: float | None = None
    attributes: dict[str, Any] = field(default_factory=dict)
    z: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "id": self.id,
            "image_id": self.image_id,
            "class_id": self.class_id,
            "geometry": self.geometry.to_dict(),
            "source": self.source,
            "score": self.score,
            "attributes": self.attributes,
            "z": self.z,
        }

    def to_annotation(self) -> Annotation:
        """Return the engine's annotation of this shape, with the project's class id."""
        return Annotation(self.geometry, self.class_id, self.score, dict(self.attributes))


def shape_from_dict(data: dict[str, Any]) -> Shape:
    """Return the shape that :meth:`Shape.to_dict` described."""
    return Shape(
        id=int(data["id"]),
        image_id=int(data["image_id"]),
        class_id=int(data["class_id"]),
        geometry=geometry_from_dict(data["geometry"]),
        source=data["source"],
        score=data["score"],
        attributes=data["attributes"],
        z=int(data["z"]),
    )


def new_shape(
    image_id: int,
    class_id: int,
    geometry: Geometry,
    source: str = "drawn",
    score: float | None = None,
    attributes: dict[str, Any] | None = None,
) -> Shape:
    """Return a shape that has no number yet; the project gives one when the edit is applied."""
    return Shape(0, image_id, class_id, geometry, source, score, dict(attributes or {}))


def moved_to(shape: Shape, geometry: Geometry) -> Shape:
    """Return the same shape with another geometry."""
    return replace(shape, geometry=geometry)


@dataclass(frozen=True, slots=True)
class ImageFilter:
    """Which images to list; what is None or empty does not narrow the list.

    Attributes:
        statuses: Any of :data:`STATUSES`.
        class_id: Images with at least one shape of this class.
        text: Part of the path below the folder that was added, without regard to case.
        split: ``train``, ``val``, ``test``, or ``""`` for images without one.
        suggested: Only images with suggestions that wait.
    """

    statuses: frozenset[Status] = frozenset()
    class_id: int | None = None
    text: str = ""
    split: str | None = None
    suggested: bool = False


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One line of the undo history.

    Attributes:
        id: Number of its row in the journal.
        label: What was done, in the user's words.
        time: Seconds since the epoch, UTC.
        image_ids: The images it touched (none for an edit of classes).
        done: False for an edit that was undone and can be done again.
    """

    id: int
    label: str
    time: float
    image_ids: tuple[int, ...]
    done: bool
