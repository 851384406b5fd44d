"""What a project is made of: classes, images and shapes, as values that never change.

A change is an edit (``studio.model.edits``) that replaces one value by another.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, get_args

from engine.data.annotations import Annotation, Geometry, geometry_from_dict
from studio.language import tr
from studio.model.attribute_def import AttributeDef, attribute_from_dict
from studio.model.colors import is_color
from studio.model.errors import EditError
from studio.model.keypoint_scheme import KeypointScheme, scheme_from_dict
from studio.model.one_line import is_one_line, kept_name
from studio.model.review import Stage

Status = Literal["unlabelled", "labelled", "background", "damaged"]
STATUSES: tuple[Status, ...] = get_args(Status)
SPLITS = ("train", "val", "test")


@dataclass(frozen=True, slots=True)
class ClassDef:
    """A class of objects.

    Attributes:
        id: Number within the project, from 0, never used again after the class is removed. The
            number that a YOLO file carries is the place in the list of classes instead.
        name: Unique within the project, one line of text that is not empty.
        color: ``#rrggbb``.
        visible: Whether the canvas shows its shapes.
        shortcut: One key that chooses the class, besides the digit of its place; empty: none.
        parent: The class that it is a kind of, None at the top. One that was removed counts as None: its
            number stays here, so that undoing the removal puts the class back below it.
        opacity: How strongly the canvas shows its shapes, in (0, 1].
        attributes: What its objects are asked for, in the order of the Properties dock.
        keypoints: What the keypoints of its objects are; None: as the project says.
    """

    id: int
    name: str
    color: str
    visible: bool = True
    shortcut: str = ""
    parent: int | None = None
    opacity: float = 1.0
    attributes: tuple[AttributeDef, ...] = ()
    keypoints: KeypointScheme | None = None

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise EditError(tr("A class needs a name."), remedy=tr("Type at least one character."))
        if not is_one_line(self.name):
            raise EditError(
                tr(
                    "The name of a class is one line of text, {name!r} holds line breaks or other control characters."
                ).format(name=self.name),
                value=self.name,
                remedy=tr("Take them out of the name, or add several classes, one a line."),
            )
        if not is_color(self.color):
            raise EditError(
                tr("Expected a colour like #e69f00, received {color!r}.").format(color=self.color)
            )
        if not 0 < self.opacity <= 1:
            raise EditError(
                tr("Expected an opacity above 0 and up to 1, received {opacity}.").format(
                    opacity=self.opacity
                )
            )
        names = [attribute.name for attribute in self.attributes]
        if len(set(names)) != len(names):
            raise EditError(
                tr("The class {name} has two attributes of one name.").format(name=self.name),
                value=names,
            )

    def keys(self, place: int) -> tuple[str, ...]:
        """Return the keys that choose it where it is at ``place``, from 0, in the list: the digit, then its own."""
        digit = str(place + 1) if place < 9 else ""
        return tuple(key for key in (digit, self.shortcut.upper()) if key)

    def defaults(self) -> dict[str, Any]:
        """Return the attributes that a new shape of the class has at first."""
        return {a.name: a.default for a in self.attributes if a.default is not None}

    def lacking(self, names: Container[str]) -> dict[str, Any]:
        """Return the attributes that a shape with these gets when it becomes one of the class, whichever way it does.

        What it has stays, also what this class does not ask for: a class that was chosen by mistake takes nothing away.
        """
        return {name: value for name, value in self.defaults().items() if name not in names}

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "id": self.id,
            "name": self.name,
            "color": self.color,
            "visible": self.visible,
            "shortcut": self.shortcut,
            "parent": self.parent,
            "opacity": self.opacity,
            "attributes": [attribute.to_dict() for attribute in self.attributes],
            "keypoints": None if self.keypoints is None else self.keypoints.to_dict(),
        }


def class_from_dict(data: dict[str, Any]) -> ClassDef:
    """Return the class that :meth:`ClassDef.to_dict` described, also of an older version's journal."""
    parent, keypoints = data.get("parent"), data.get("keypoints")
    return ClassDef(
        int(data["id"]),
        kept_name(data["name"]),
        data["color"],
        bool(data["visible"]),
        str(data.get("shortcut", "")),
        None if parent is None else int(parent),
        float(data.get("opacity", 1.0)),
        tuple(map(attribute_from_dict, data.get("attributes", ()))),
        None if keypoints is None else scheme_from_dict(keypoints),
    )


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
        stage: How far the work on it is: what somebody said, else ``new`` without labels,
            ``in_progress`` with shapes, ``done`` as a background.
        tags: Words that people gave it, sorted.
        score: The lowest confidence of a model in one of its shapes and suggestions, None without any.
        comment_count: Number of comments.
        added: When it came into the project, seconds since the epoch, UTC; 0 where nobody knows.
        modified: When its labels changed last, undoing included, so that it is no part of what edits
            restore; 0 for never.
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
    stage: Stage = "new"
    tags: tuple[str, ...] = ()
    score: float | None = None
    comment_count: int = 0
    added: float = 0.0
    modified: float = field(default=0.0, compare=False)


@dataclass(frozen=True, slots=True)
class Shape:
    """One annotated object, or a suggestion of one.

    Attributes:
        id: Number within the project, never used again; 0 until the project has given one.
        image_id: The image it lies on.
        class_id: Its :class:`ClassDef`.
        geometry: Geometry of ``engine.data.annotations``, upright image pixels.
        source: Who made it: ``drawn``, ``imported``, ``model``, ``assisted`` (pointed at, outlined by a segmenter); the
            words for it, and which model and who accepted it, are in :mod:`studio.model.provenance`.
        score: Confidence in [0, 1] of the model that made it, else None.
        attributes: Values by name that JSON can hold; the names that mean the same everywhere are in
            ``engine.data.annotations.attribute_names``.
        z: Drawing order within the image, higher is in front; 0 until the project has given one.
        locked: Clicks and keys leave it alone until it is unlocked; a matter of the studio, not exported.
        hidden: The canvas does not show it; a matter of the studio, not exported.
    """

    id: int
    image_id: int
    class_id: int
    geometry: Geometry
    source: str = "drawn"
    score: float | None = None
    attributes: dict[str, Any] = field(default_factory=dict)
    z: int = 0
    locked: bool = False
    hidden: bool = False

    @property
    def kind(self) -> str:
        """The kind of its geometry, as a :class:`ShapeRow` has it."""
        return self.geometry.kind

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
            "locked": self.locked,
            "hidden": self.hidden,
        }

    def to_annotation(self) -> Annotation:
        """Return the engine's annotation of this shape, with the project's class id."""
        return Annotation(self.geometry, self.class_id, self.score, dict(self.attributes))


@dataclass(frozen=True, slots=True)
class ShapeRow:
    """What a list shows of a shape: everything but its outline, which takes far longer to read."""

    id: int
    class_id: int
    kind: str
    attributes: dict[str, Any]
    locked: bool
    hidden: bool
    z: int = 0
    image_id: int = 0
    source: str = "drawn"
    score: float | None = None


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
        locked=bool(data.get("locked", False)),
        hidden=bool(data.get("hidden", False)),
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
        class_id: Images with at least one shape of this class, or of one below it.
        text: Words that must all occur, each as a part of the path below the folder that was added,
            of a class with shapes on it or of one above that, a tag, a comment, or a text attribute
            of a shape; without regard to case. Double quotes hold words together.
        split: ``train``, ``val``, ``test``, or ``""`` for images without one.
        suggested: Only images with suggestions that wait.
        stages: Any of :data:`studio.model.review.STAGES`.
        tags: Images with any of these tags.
        shapes: Fewest and most shapes, both included; None at the top: any number.
        score: Lowest and highest score, both included; images without a score do not pass.
        added_since: Seconds since the epoch, UTC.
        modified_since: Seconds since the epoch, UTC.
        commented: Only images that somebody commented on.
        sources: Images with at least one shape of any of these sources (:attr:`Shape.source`).
        only: Exactly these images, or fewer.
        only_words: What the images of ``only`` have in common, for people.
    """

    statuses: frozenset[Status] = frozenset()
    class_id: int | None = None
    text: str = ""
    split: str | None = None
    suggested: bool = False
    stages: frozenset[Stage] = frozenset()
    tags: frozenset[str] = frozenset()
    shapes: tuple[int, int | None] | None = None
    score: tuple[float, float] | None = None
    added_since: float | None = None
    modified_since: float | None = None
    commented: bool = False
    sources: frozenset[str] = frozenset()
    only: tuple[int, ...] | None = None
    only_words: str = field(default="", compare=False)


OrderKey = Literal[
    "name", "shapes", "status", "stage", "split", "score", "size", "added", "modified"
]


@dataclass(frozen=True, slots=True)
class ImageOrder:
    """How a list of images is sorted; images that are equal keep the natural order of their paths.

    Attributes:
        key: ``name`` is the natural order of the paths, ``size`` the number of pixels. Images
            without a score come last either way.
        descending: From the last to the first.
    """

    key: OrderKey = "name"
    descending: bool = False


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
