"""Edits that move shapes between classes as a whole: merge one class into another, split one off.

Each is the other's inverse. The journal keeps the numbers of the shapes, not the shapes.
"""

# ruff: noqa: D102 - the methods are documented once, in the base class
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from studio.language import ntr, tr
from studio.model.colors import next_color
from studio.model.edits.base import Changes, Edit
from studio.model.edits.batch import Batch
from studio.model.edits.classes import NEW, check_class, position_of
from studio.model.edits.fields import shape_count
from studio.model.errors import EditError
from studio.model.one_line import one_line
from studio.model.records import ClassDef, Shape, ShapeRow, class_from_dict
from studio.model.store import Store

Row = TypeVar("Row", Shape, ShapeRow)  # outlines do not matter here
Place = tuple[int, int]  # number of a shape, number of its image
Given = tuple[
    str, Any, tuple[int, ...]
]  # an attribute, its value, the shapes that got it with their new class


@dataclass(frozen=True)
class MergeClass(Edit):
    """Give all shapes and suggestions of a class to ``other`` and remove it; only the ids count, binding reads the rest.

    The shapes get what objects of ``other`` have at first and they lack; suggestions when they are accepted.
    """

    cls: ClassDef
    other: int
    position: int = -1
    shapes: tuple[Place, ...] = ()
    suggestions: tuple[Place, ...] = ()
    label: str = ""
    given: tuple[Given, ...] = ()

    def title(self) -> str:
        return self.label or tr("Merge class {name}").format(name=self.cls.name)

    def bind(self, store: Store) -> MergeClass:
        classes = store.classes()
        position = position_of(self.cls.id, classes)
        into = classes[position_of(self.other, classes)]
        if into.id == self.cls.id:
            raise EditError(
                tr("A class cannot be merged with itself."), remedy=tr("Choose another one.")
            )
        shapes, ghosts = store.places_of_class(self.cls.id)
        label = self.label or tr("Merge class {name} into {other} ({shapes})").format(
            name=classes[position].name, other=into.name, shapes=shape_count(len(shapes))
        )
        lacking = [
            (name, value, tuple(store.shapes_without(self.cls.id, name)))
            for name, value in into.defaults().items()
        ]
        given = tuple(one for one in lacking if one[-1])
        places = tuple(shapes), tuple(ghosts)
        return MergeClass(classes[position], self.other, position, *places, label, given)

    def apply(self, store: Store) -> None:
        shapes, ghosts = store.places_of_class(self.cls.id)
        if later := len(shapes) - len(self.shapes):
            raise EditError(
                (
                    ntr(
                        "Class {name} has {count:,} shape more than when it was split off.",
                        "Class {name} has {count:,} shapes more than when it was split off.",
                        later,
                    )
                    if later > 0
                    else ntr(
                        "Class {name} has {count:,} shape less than when it was split off.",
                        "Class {name} has {count:,} shapes less than when it was split off.",
                        -later,
                    )
                ).format(name=self.cls.name, count=abs(later)),
                remedy=tr("Merge the classes in the class list instead of undoing."),
            )
        store.move_to_class(self.shapes, ghosts, self.other)
        for name, value, shape_ids in self.given:
            store.set_attribute(shape_ids, name, value)
        store.delete_class(self.cls.id)

    def inverse(self) -> SplitClass:
        places = self.shapes, self.suggestions
        return SplitClass(self.cls, self.other, self.position, *places, self.label, self.given)

    def changes(self) -> Changes:
        return _changes(self)

    def values(self) -> dict[str, Any]:
        return _values(self)

    @classmethod
    def from_values(cls, values: dict[str, Any]) -> MergeClass:
        return cls(*_fields(values))


@dataclass(frozen=True)
class SplitClass(Edit):
    """Add a class at ``position`` and give it these shapes of the class ``other``.

    It asks for the same attributes, so that its shapes get none; ``given`` is what a merge gave them, taken away again.
    """

    cls: ClassDef
    other: int
    position: int = -1
    shapes: tuple[Place, ...] = ()
    suggestions: tuple[Place, ...] = ()
    label: str = ""
    given: tuple[Given, ...] = ()

    def title(self) -> str:
        return self.label or tr("Split class {name} off").format(name=self.cls.name)

    def bind(self, store: Store) -> SplitClass:
        classes = store.classes()
        check_class(self.cls, classes)
        source = position_of(self.other, classes)
        known = set(store.places_of_class(self.other)[0])
        if not self.shapes or not known.issuperset(self.shapes):
            raise EditError(
                tr("The shapes to split off are not all of class {name}.").format(
                    name=classes[source].name
                ),
                remedy=tr("Choose shapes of this class."),
            )
        cls = replace(self.cls, id=store.take_ids("class", 1)[0])
        position = self.position if self.position >= 0 else len(classes)
        label = self.label or tr("Split {name} off {other} ({shapes})").format(
            name=cls.name, other=classes[source].name, shapes=shape_count(len(self.shapes))
        )
        return SplitClass(cls, self.other, position, self.shapes, (), label)

    def apply(self, store: Store) -> None:
        store.insert_class(self.cls, self.position)
        store.move_to_class(self.shapes, self.suggestions, self.cls.id)
        for name, _, shape_ids in self.given:
            store.set_attribute(shape_ids, name, None)

    def inverse(self) -> MergeClass:
        places = self.shapes, self.suggestions
        return MergeClass(self.cls, self.other, self.position, *places, self.label, self.given)

    def changes(self) -> Changes:
        return _changes(self)

    def values(self) -> dict[str, Any]:
        return _values(self)

    @classmethod
    def from_values(cls, values: dict[str, Any]) -> SplitClass:
        return cls(*_fields(values))


def split_off(
    cls: ClassDef, name: str, shapes: Sequence[Row], classes: Sequence[ClassDef]
) -> SplitClass:
    """Return the edit that makes a class ``name`` of some shapes of ``cls``, behind it in the list.

    The new class has the attributes, keypoints and place in the hierarchy of the old one, a colour of its own and no key.
    """
    (edit,) = _splits(cls, [(name, shapes)], classes)
    return edit


def split_by_attribute(
    cls: ClassDef,
    attribute: str,
    shapes: Sequence[Row],
    classes: Sequence[ClassDef],
    said: Callable[[Any], str] = str,
) -> Batch:
    """Return the edit that makes a class of each value that shapes of ``cls`` have for an attribute.

    Shapes without a value stay in ``cls``.

    Args:
        cls: The class to split.
        attribute: Name of the attribute.
        shapes: All shapes of the class.
        classes: All classes of the project.
        said: Turns a value into the words behind the class's name.

    Raises:
        EditError: No shape has the attribute.
    """
    groups: dict[str, list[Row]] = {}
    for shape in shapes:
        if attribute in shape.attributes:
            groups.setdefault(one_line(said(shape.attributes[attribute])), []).append(shape)
    if not groups:
        raise EditError(
            tr("No shape of class {name} has a value for {attribute}.").format(
                name=cls.name, attribute=attribute
            ),
            remedy=tr("Give the shapes a value in the Properties dock first."),
        )
    parts = [(f"{cls.name} {value}", groups[value]) for value in sorted(groups)]
    edits = _splits(cls, parts, classes)
    return Batch(
        tuple(edits),
        tr("Split class {name} by {attribute} into {count}").format(
            name=cls.name, attribute=attribute, count=len(edits)
        ),
    )


def _splits(
    cls: ClassDef, parts: Sequence[tuple[str, Sequence[Row]]], classes: Sequence[ClassDef]
) -> list[SplitClass]:
    colors = [known.color for known in classes]
    first = position_of(cls.id, classes) + 1
    edits = []
    for place, (name, shapes) in enumerate(parts, start=first):
        colors.append(next_color(colors))
        new = replace(cls, id=NEW, name=name.strip(), color=colors[-1], shortcut="")
        places = tuple((shape.id, shape.image_id) for shape in shapes)
        edits.append(SplitClass(new, cls.id, place, places))
    return edits


def _changes(edit: MergeClass | SplitClass) -> Changes:
    return Changes(
        shapes=frozenset(image_id for _, image_id in edit.shapes),
        suggestions=frozenset(image_id for _, image_id in edit.suggestions),
        classes=True,
    )


def _values(edit: MergeClass | SplitClass) -> dict[str, Any]:
    return {
        "cls": edit.cls.to_dict(),
        "other": edit.other,
        "position": edit.position,
        "shapes": [list(place) for place in edit.shapes],
        "suggestions": [list(place) for place in edit.suggestions],
        "given": [[name, value, list(shape_ids)] for name, value, shape_ids in edit.given],
    }


def _fields(values: dict[str, Any]) -> tuple[Any, ...]:
    places = (tuple((a, b) for a, b in values[name]) for name in ("shapes", "suggestions"))
    given = ((name, value, tuple(ids)) for name, value, ids in values.get("given", ()))
    return (
        class_from_dict(values["cls"]),
        values["other"],
        values["position"],
        *places,
        values["label"],
        tuple(given),
    )
