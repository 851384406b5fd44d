"""Edits of shapes: add, remove, replace. Moving a vertex replaces; what leaves the outline alone is in ``fields``."""

# ruff: noqa: D102 - the methods are documented once, in the base class
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from studio.language import tr
from studio.model.edits.base import Changes, Edit
from studio.model.errors import EditError
from studio.model.kind_words import shapes_text
from studio.model.records import ClassDef, Shape, shape_from_dict
from studio.model.store import Store
from studio.model.tracks import FILLED_IN


@dataclass(frozen=True)
class AddShapes(Edit):
    """Put new shapes on their images; binding gives each its number and its place in front of the others."""

    shapes: tuple[Shape, ...]
    label: str = ""

    def title(self) -> str:
        return self.label or tr("Add {shapes}").format(shapes=shapes_text(self.shapes))

    def bind(self, store: Store) -> AddShapes:
        _check_places(self.shapes, store)
        ids = store.take_ids("shape", len(self.shapes))
        tops: dict[int, int] = {}
        bound = []
        for shape_id, shape in zip(ids, self.shapes, strict=True):
            top = tops.get(shape.image_id)
            tops[shape.image_id] = (store.top_z(shape.image_id) if top is None else top) + 1
            bound.append(replace(shape, id=shape_id, z=tops[shape.image_id]))
        return AddShapes(tuple(bound), self.label)

    def apply(self, store: Store) -> None:
        store.insert_shapes(self.shapes)

    def inverse(self) -> RemoveShapes:
        return RemoveShapes(self.shapes, self.label)

    def changes(self) -> Changes:
        return _shape_changes(self.shapes)

    def values(self) -> dict[str, Any]:
        return {"shapes": [shape.to_dict() for shape in self.shapes]}

    @classmethod
    def from_values(cls, values: dict[str, Any]) -> AddShapes:
        return cls(tuple(map(shape_from_dict, values["shapes"])), values["label"])


@dataclass(frozen=True)
class RemoveShapes(Edit):
    """Take shapes off their images; only their numbers count, binding reads the rest from the project."""

    shapes: tuple[Shape, ...]
    label: str = ""

    def title(self) -> str:
        return self.label or tr("Delete {shapes}").format(shapes=shapes_text(self.shapes))

    def bind(self, store: Store) -> RemoveShapes:
        found = store.shapes_by_id([shape.id for shape in self.shapes])
        return RemoveShapes(tuple(found), self.label)

    def apply(self, store: Store) -> None:
        store.delete_shapes([shape.id for shape in self.shapes])

    def inverse(self) -> AddShapes:
        return AddShapes(self.shapes, self.label)

    def changes(self) -> Changes:
        return _shape_changes(self.shapes)

    def values(self) -> dict[str, Any]:
        return {"shapes": [shape.to_dict() for shape in self.shapes]}

    @classmethod
    def from_values(cls, values: dict[str, Any]) -> RemoveShapes:
        return cls(tuple(map(shape_from_dict, values["shapes"])), values["label"])


@dataclass(frozen=True)
class ReplaceShapes(Edit):
    """Give shapes other values under the same numbers; binding reads ``before`` from the project.

    A shape whose class changes gets what objects of the new one have at first and it lacks.
    """

    after: tuple[Shape, ...]
    before: tuple[Shape, ...] = ()
    label: str = ""

    def title(self) -> str:
        if self.label:
            return self.label
        pairs = list(zip(self.before, self.after, strict=False))
        if pairs and all(old.geometry == new.geometry for old, new in pairs):
            if any(old.class_id != new.class_id for old, new in pairs):
                return tr("Change class of {shapes}").format(shapes=shapes_text(self.after))
            return tr("Change {shapes}").format(shapes=shapes_text(self.after))
        return tr("Reshape {shapes}").format(shapes=shapes_text(self.after))

    def bind(self, store: Store) -> ReplaceShapes:
        before = tuple(store.shapes_by_id([shape.id for shape in self.after]))
        if [old.image_id for old in before] != [new.image_id for new in self.after]:
            raise EditError(
                tr("A shape cannot move to another image; remove it here and add it there.")
            )
        _check_places(self.after, store)
        classes = {cls.id: cls for cls in store.classes()}
        pairs = zip(before, self.after, strict=True)
        after = tuple(_settled(old, new, classes[new.class_id]) for old, new in pairs)
        return ReplaceShapes(after, before, self.label)

    def apply(self, store: Store) -> None:
        store.update_shapes(self.after)

    def inverse(self) -> ReplaceShapes:
        return ReplaceShapes(self.before, self.after, self.label)

    def changes(self) -> Changes:
        return _shape_changes(self.after)

    def values(self) -> dict[str, Any]:
        return {
            "after": [shape.to_dict() for shape in self.after],
            "before": [shape.to_dict() for shape in self.before],
        }

    @classmethod
    def from_values(cls, values: dict[str, Any]) -> ReplaceShapes:
        after = tuple(map(shape_from_dict, values["after"]))
        return cls(after, tuple(map(shape_from_dict, values["before"])), values["label"])


def _check_places(shapes: Sequence[Shape], store: Store) -> None:
    """Refuse images and classes that the project does not have."""
    if not shapes:
        raise EditError(tr("An edit of shapes needs at least one shape."))
    known = {cls.id for cls in store.classes()}
    for class_id in {shape.class_id for shape in shapes} - known:
        raise EditError(
            tr("The project has no class {class_id}.").format(class_id=class_id),
            remedy=tr("Add a class or choose another one."),
        )
    wanted = {shape.image_id for shape in shapes}
    for image_id in wanted - store.known_images(sorted(wanted)):
        raise EditError(tr("The project has no image {image_id}.").format(image_id=image_id))


def _settled(before: Shape, after: Shape, cls: ClassDef) -> Shape:
    """Return what becomes of a shape of the class ``cls``.

    One that was filled in between two others and is moved is somebody's own from then on.
    """
    if before.class_id != after.class_id:
        added = cls.lacking(after.attributes)
        after = replace(after, attributes={**added, **after.attributes}) if added else after
    is_moved = before.source == after.source == FILLED_IN and before.geometry != after.geometry
    return replace(after, source="drawn") if is_moved else after


def _shape_changes(shapes: Sequence[Shape]) -> Changes:
    return Changes(
        shapes=frozenset(shape.image_id for shape in shapes),
        ids=frozenset(shape.id for shape in shapes),
    )
