"""Edits of the class list: add, remove, change, order."""

# ruff: noqa: D102 - the methods are documented once, in the base class
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from studio.language import ntr, tr
from studio.model.colors import next_color
from studio.model.edits.base import Changes, Edit
from studio.model.edits.batch import Batch
from studio.model.errors import EditError
from studio.model.records import ClassDef, Shape, class_from_dict, shape_from_dict
from studio.model.store import Store

NEW = -1  # the id of a class that the project has not numbered yet


@dataclass(frozen=True)
class AddClass(Edit):
    """Add a class at ``position`` (-1: last; several of a batch say each its own); ``shapes`` and ``suggestions`` come back with a class whose removal is undone."""

    cls: ClassDef
    position: int = -1
    shapes: tuple[Shape, ...] = ()
    suggestions: tuple[Shape, ...] = ()
    label: str = ""

    def title(self) -> str:
        return self.label or tr("Add class {name}").format(name=self.cls.name)

    def bind(self, store: Store) -> AddClass:
        classes = store.classes()
        check_class(self.cls, classes)
        cls = replace(self.cls, id=store.take_ids("class", 1)[0], name=self.cls.name.strip())
        position = self.position if self.position >= 0 else len(classes)
        return AddClass(cls, position, (), (), self.label)

    def apply(self, store: Store) -> None:
        store.insert_class(self.cls, self.position)
        store.insert_shapes(self.shapes)
        store.insert_suggestions(self.suggestions)

    def inverse(self) -> RemoveClass:
        return RemoveClass(self.cls, self.position, self.shapes, self.suggestions, self.label)

    def changes(self) -> Changes:
        return _class_changes(self.shapes, self.suggestions)

    def values(self) -> dict[str, Any]:
        return _class_values(self)

    @classmethod
    def from_values(cls, values: dict[str, Any]) -> AddClass:
        return cls(*_class_fields(values))


@dataclass(frozen=True)
class RemoveClass(Edit):
    """Remove a class with its shapes and suggestions; only the class's id counts, binding reads the rest."""

    cls: ClassDef
    position: int = -1
    shapes: tuple[Shape, ...] = ()
    suggestions: tuple[Shape, ...] = ()
    label: str = ""

    def title(self) -> str:
        return self.label or tr("Remove class {name}").format(name=self.cls.name)

    def bind(self, store: Store) -> RemoveClass:
        classes = store.classes()
        position = position_of(self.cls.id, classes)
        shapes = tuple(store.shapes_of_class(self.cls.id))
        ghosts = tuple(store.suggestions_of_class(self.cls.id))
        return RemoveClass(classes[position], position, shapes, ghosts, self.label)

    def apply(self, store: Store) -> None:
        store.delete_shapes([shape.id for shape in self.shapes])
        later = len(store.shapes_of_class(self.cls.id))
        if later:
            raise EditError(
                ntr(
                    "Class {name} is still used by {count:,} shape that came from elsewhere.",
                    "Class {name} is still used by {count:,} shapes that came from elsewhere.",
                    later,
                ).format(name=self.cls.name, count=later),
                remedy=tr("Remove the class in the class list instead of undoing."),
            )
        ghosts = store.suggestions_of_class(self.cls.id)
        store.delete_suggestions([shape.id for shape in ghosts])
        store.delete_class(self.cls.id)

    def inverse(self) -> AddClass:
        return AddClass(self.cls, self.position, self.shapes, self.suggestions, self.label)

    def changes(self) -> Changes:
        return _class_changes(self.shapes, self.suggestions)

    def values(self) -> dict[str, Any]:
        return _class_values(self)

    @classmethod
    def from_values(cls, values: dict[str, Any]) -> RemoveClass:
        return cls(*_class_fields(values))


@dataclass(frozen=True)
class ChangeClass(Edit):
    """Change what a class is called, looks like or asks for: ``after`` under the same id; binding reads ``before``."""

    after: ClassDef
    before: ClassDef | None = None
    label: str = ""

    def title(self) -> str:
        if self.label:
            return self.label
        if self.before is not None and self.before.name != self.after.name:
            return tr("Rename class {name} to {new}").format(
                name=self.before.name, new=self.after.name
            )
        if self.before is not None and self.before.visible != self.after.visible:
            return (
                tr("Show class {name}") if self.after.visible else tr("Hide class {name}")
            ).format(name=self.after.name)
        if self.before is not None and self.before.color == self.after.color:
            return tr("Change class {name}").format(name=self.after.name)
        return tr("Recolour class {name}").format(name=self.after.name)

    def bind(self, store: Store) -> ChangeClass:
        classes = store.classes()
        before = classes[position_of(self.after.id, classes)]
        check_class(self.after, classes)
        return ChangeClass(replace(self.after, name=self.after.name.strip()), before, self.label)

    def apply(self, store: Store) -> None:
        store.update_class(self.after)

    def inverse(self) -> ChangeClass:
        if self.before is None:
            raise EditError(tr("Only a bound edit can be turned round."))
        return ChangeClass(self.before, self.after, self.label)

    def changes(self) -> Changes:
        return Changes(classes=True)

    def values(self) -> dict[str, Any]:
        before = None if self.before is None else self.before.to_dict()
        return {"after": self.after.to_dict(), "before": before}

    @classmethod
    def from_values(cls, values: dict[str, Any]) -> ChangeClass:
        before = values["before"]
        known = None if before is None else class_from_dict(before)
        return cls(class_from_dict(values["after"]), known, values["label"])


@dataclass(frozen=True)
class OrderClasses(Edit):
    """Put the classes in the order of ``after`` (ids); the order numbers them in YOLO files and on the keys 1-9."""

    after: tuple[int, ...]
    before: tuple[int, ...] = ()
    label: str = ""

    def title(self) -> str:
        return self.label or tr("Reorder classes")

    def bind(self, store: Store) -> OrderClasses:
        before = tuple(cls.id for cls in store.classes())
        if sorted(before) != sorted(self.after):
            raise EditError(
                tr("Expected every class of the project once, received the ids {ids}.").format(
                    ids=list(self.after)
                )
            )
        return OrderClasses(self.after, before, self.label)

    def apply(self, store: Store) -> None:
        store.order_classes(self.after)

    def inverse(self) -> OrderClasses:
        return OrderClasses(self.before, self.after, self.label)

    def changes(self) -> Changes:
        return Changes(classes=True)

    def values(self) -> dict[str, Any]:
        return {"after": list(self.after), "before": list(self.before)}

    @classmethod
    def from_values(cls, values: dict[str, Any]) -> OrderClasses:
        return cls(tuple(values["after"]), tuple(values["before"]), values["label"])


def new_class(name: str, color: str = "", existing: Sequence[ClassDef] = ()) -> ClassDef:
    """Return a class without a number; without ``color`` it gets the first default colour not in use."""
    return ClassDef(NEW, name, color or next_color(cls.color for cls in existing))


def new_classes(names: Sequence[str], existing: Sequence[ClassDef]) -> Edit:
    """Return the edit that adds classes behind all others, each with a colour of its own.

    Args:
        names: No two of them the same.
        existing: The classes of the project.

    Raises:
        EditError: There is no name, or one that no class can have.
    """
    colors = [cls.color for cls in existing]
    edits: list[Edit] = []
    for position, name in enumerate(names, start=len(existing)):
        colors.append(next_color(colors))
        edits.append(AddClass(ClassDef(NEW, name, colors[-1]), position))
    if len(edits) == 1:
        return edits[0]
    said = ntr("Add {count:,} class", "Add {count:,} classes", len(edits))
    return Batch(tuple(edits), said.format(count=len(edits)))


def check_class(cls: ClassDef, classes: Sequence[ClassDef]) -> None:
    """Refuse a class whose name or key another one has, or that would be below itself.

    Raises:
        EditError: It cannot stand among ``classes``.
    """
    name = cls.name.strip()
    others = [other for other in classes if other.id != cls.id]
    if any(other.name == name for other in others):
        raise EditError(
            tr("There is already a class called {name}.").format(name=name),
            value=name,
            remedy=tr("Choose another name."),
        )
    holder = next((o for o in others if cls.shortcut and o.shortcut == cls.shortcut), None)
    if holder is not None:
        raise EditError(
            tr("The key {shortcut} chooses the class {name}.").format(
                shortcut=cls.shortcut.upper(), name=holder.name
            ),
            value=cls.shortcut,
            remedy=tr("Choose another key, or take it away there first."),
        )
    parents = {other.id: other.parent for other in others}
    above = cls.parent
    while above in parents:
        above = parents[above]
    if above == cls.id:
        raise EditError(tr("{name} cannot be below a class that is below it.").format(name=name))


def position_of(class_id: int, classes: Sequence[ClassDef]) -> int:
    """Return the place of a class in the list.

    Raises:
        EditError: It is not there.
    """
    for position, cls in enumerate(classes):
        if cls.id == class_id:
            return position
    raise EditError(tr("The project has no class {class_id}.").format(class_id=class_id))


def _class_changes(shapes: Sequence[Shape], suggestions: Sequence[Shape]) -> Changes:
    return Changes(
        shapes=frozenset(shape.image_id for shape in shapes),
        suggestions=frozenset(shape.image_id for shape in suggestions),
        classes=True,
    )


def _class_values(edit: AddClass | RemoveClass) -> dict[str, Any]:
    return {
        "cls": edit.cls.to_dict(),
        "position": edit.position,
        "shapes": [shape.to_dict() for shape in edit.shapes],
        "suggestions": [shape.to_dict() for shape in edit.suggestions],
    }


def _class_fields(values: dict[str, Any]) -> tuple[Any, ...]:
    return (
        class_from_dict(values["cls"]),
        values["position"],
        tuple(map(shape_from_dict, values["shapes"])),
        tuple(map(shape_from_dict, values["suggestions"])),
        values["label"],
    )
