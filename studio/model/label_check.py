"""Labels that a model doubts: what is wrong in words, whether it still is, and the edit that puts it right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from engine.data.annotations import Box, Geometry, Mask, Polygon, Tag, geometry_from_dict
from engine.data.annotations.convert import to_box
from studio.language import mark, tr
from studio.model.edits import AddShapes, Edit, RemoveShapes, ReplaceShapes, assign_class
from studio.model.records import Shape, new_shape
from studio.model.validation_cells import box_overlaps

KIND_TITLES: dict[str, str] = {
    "missing": mark("Missing"),
    "extra": mark("Nothing there"),
    "double": mark("Labelled twice"),
    "wrong_class": mark("Wrong class"),
    "loose": mark("Loose outline"),
}
_SAME_PLACE = 0.5  # overlap from which a shape answers for an object that had no label
_SAME_DOUBT = 0.8  # overlap from which two objects without a label are one and the same


@dataclass(frozen=True, slots=True)
class LabelDoubt:
    """One shape that a model doubts, or an object that has no shape.

    Attributes:
        kind: One of :data:`KIND_TITLES`.
        image_id: The image.
        shape_id: The shape; None where one is missing.
        class_id: The shape's class when it was looked at; of what is missing, the class that the model says.
        place: The shape's geometry when it was looked at; of what is missing, what the model found.
        doubt: How likely it is wrong, 0..1.
        found_class: The class that the model says; None where it found nothing.
        found: What the model found; None for nothing.
        score: How sure the model is of that, 0..1; None for nothing.
        model: Name of the model.
    """

    kind: str
    image_id: int
    shape_id: int | None
    class_id: int
    place: Geometry
    doubt: float
    found_class: int | None = None
    found: Geometry | None = None
    score: float | None = None
    model: str = ""

    def sentence(self, names: Mapping[int, str]) -> str:
        """Return what is wrong, with the classes by name."""
        label = names.get(self.class_id, str(self.class_id))
        found = names.get(self.found_class, "") if self.found_class is not None else ""
        return tr(_SENTENCES[self.kind]).format(
            label=label, found=found or label, score=100 * (self.score or 0)
        )

    def stands(self, shapes: Sequence[Shape]) -> bool:
        """Tell whether the shapes of the image are still as they were when it was looked at.

        Args:
            shapes: The present shapes of the image.
        """
        if self.shape_id is not None:
            now = next((shape for shape in shapes if shape.id == self.shape_id), None)
            return now is not None and (now.class_id, now.geometry) == (self.class_id, self.place)
        there = [shape.geometry.bounds() for shape in shapes if not _is_tag(shape)]
        overlap = box_overlaps([self.place.bounds()], there)
        return not overlap.size or bool(overlap.max() < _SAME_PLACE)

    def is_same(self, other: LabelDoubt) -> bool:
        """Tell whether another one, of another look, says the same of the same thing."""
        mine = (self.kind, self.image_id, self.shape_id, self.class_id)
        if mine != (other.kind, other.image_id, other.shape_id, other.class_id):
            return False
        if self.shape_id is not None:  # another outline is another question
            return self.place == other.place
        return bool(
            box_overlaps([self.place.bounds()], [other.place.bounds()])[0, 0] >= _SAME_DOUBT
        )

    def fix(
        self, shapes: Sequence[Shape], defaults: Mapping[str, Any] | None = None
    ) -> Edit | None:
        """Return the edit that takes the model's word for it.

        None where the shape is gone or locked, or where the model gives less than the shape has: a box is no outline.

        Args:
            shapes: The present shapes of the image.
            defaults: The attributes that a new shape of :attr:`class_id` has at first.
        """
        if self.kind == "missing":
            found = new_shape(
                self.image_id, self.class_id, self.place, "model", self.score, dict(defaults or {})
            )
            return AddShapes((found,), tr("Add what was missing"))
        shape = next((one for one in shapes if one.id == self.shape_id), None)
        if shape is None or shape.locked:
            return None
        if self.kind in ("extra", "double"):
            return RemoveShapes((shape,), tr("Remove a label that was too many"))
        if self.kind == "wrong_class" and self.found_class is not None:
            return assign_class([shape], self.found_class, tr("Take the model's class"))
        outline = _as_kind_of(shape.geometry, self.found)
        if outline is None:
            return None
        outlined = replace(shape, geometry=outline, source="model", score=self.score)
        return ReplaceShapes((outlined,), (), tr("Take the model's outline"))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "kind": self.kind,
            "image_id": self.image_id,
            "shape_id": self.shape_id,
            "class_id": self.class_id,
            "place": self.place.to_dict(),
            "doubt": self.doubt,
            "found_class": self.found_class,
            "found": None if self.found is None else self.found.to_dict(),
            "score": self.score,
            "model": self.model,
        }


def doubt_from_dict(values: Mapping[str, Any]) -> LabelDoubt:
    """Return what :meth:`LabelDoubt.to_dict` described.

    Raises:
        KeyError: Something is missing.
        ValueError: The kind is unknown, or a number is none.
        TypeError: Something is of another type.
        DatasetError: A geometry is none.
    """
    kind = str(values["kind"])
    if kind not in KIND_TITLES:
        raise ValueError(f"unknown kind {kind!r}")
    shape, found, number, score = (
        values[name] for name in ("shape_id", "found", "found_class", "score")
    )
    return LabelDoubt(
        kind,
        int(values["image_id"]),
        None if shape is None else int(shape),
        int(values["class_id"]),
        geometry_from_dict(values["place"]),
        float(values["doubt"]),
        None if number is None else int(number),
        None if found is None else geometry_from_dict(found),
        None if score is None else float(score),
        str(values.get("model", "")),
    )


def without_marked(doubts: Sequence[LabelDoubt], marked: Sequence[LabelDoubt]) -> list[LabelDoubt]:
    """Return the doubts that nobody has called fine."""
    by_image: dict[int, list[LabelDoubt]] = {}
    for one in marked:
        by_image.setdefault(one.image_id, []).append(one)
    return [
        one
        for one in doubts
        if not any(one.is_same(other) for other in by_image.get(one.image_id, ()))
    ]


def _as_kind_of(present: Geometry, found: Geometry | None) -> Geometry | None:
    """Return what a model found as a shape of the kind that is there; None where that cannot be had from it."""
    if found is None or isinstance(found, type(present)):
        return found
    if isinstance(present, Box) and found.area() > 0:
        return to_box(found)
    if isinstance(present, Polygon | Mask) and isinstance(found, Polygon | Mask):
        return found
    return None


def _is_tag(shape: Shape) -> bool:
    return isinstance(shape.geometry, Tag)


_SENTENCES = {
    "missing": mark("{found} without a label: the model is {score:.0f} % sure"),
    "extra": mark("{label}: the model sees nothing there"),
    "double": mark("{label} is labelled twice here"),
    "wrong_class": mark("{label}: the model says {found}, {score:.0f} % sure"),
    "loose": mark("{label}: the outline does not fit what the model sees"),
}
