"""Edits that put shapes in front of others, into groups, and onto other images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from engine.data.annotations import Geometry, Mask, Tag
from engine.data.annotations.attribute_names import GROUP_ID
from studio.language import ntr, tr
from studio.model.edits.fields import SetFields, set_attributes, shape_count
from studio.model.edits.shapes import AddShapes
from studio.model.geometry_ops.areas import Size
from studio.model.geometry_ops.parts import fit_into
from studio.model.records import Shape, ShapeRow
from studio.model.tracks import FILLED_IN, off_track, track_of

Row = TypeVar("Row", Shape, ShapeRow)  # for order and groups an outline does not matter
_MOVED = {
    "front": tr("Bring {shapes} to the front"),
    "back": tr("Send {shapes} to the back"),
    "forward": tr("Bring {shapes} forward"),
    "backward": tr("Send {shapes} backward"),
}


def to_front(chosen: Sequence[Row], all_shapes: Sequence[Row]) -> SetFields | None:
    """Return the edit that draws shapes over all others of the image, in the order that they have; None where they are."""
    return _ordered(_others(chosen, all_shapes) + _by_z(chosen), all_shapes, chosen, "front")


def to_back(chosen: Sequence[Row], all_shapes: Sequence[Row]) -> SetFields | None:
    """Return the edit that draws shapes below all others of the image; None where they are."""
    return _ordered(_by_z(chosen) + _others(chosen, all_shapes), all_shapes, chosen, "back")


def forward(chosen: Sequence[Row], all_shapes: Sequence[Row]) -> SetFields | None:
    """Return the edit that draws each shape one place further in front; None where they are in front."""
    return _ordered(_stepped(chosen, all_shapes), all_shapes, chosen, "forward")


def backward(chosen: Sequence[Row], all_shapes: Sequence[Row]) -> SetFields | None:
    """Return the edit that draws each shape one place further back; None where they are at the back."""
    order = _stepped(chosen, all_shapes, back=True)
    return _ordered(order, all_shapes, chosen, "backward")


def group(chosen: Sequence[Row], all_shapes: Sequence[Row]) -> SetFields | None:
    """Return the edit that gives shapes a group number that no other shape of the image has."""
    taken = [
        value for shape in all_shapes if isinstance(value := shape.attributes.get(GROUP_ID), int)
    ]
    label = tr("Group {shapes}").format(shapes=shape_count(len(chosen)))
    return set_attributes(chosen, {GROUP_ID: max(taken, default=0) + 1}, label)


def ungroup(chosen: Sequence[Row]) -> SetFields | None:
    """Return the edit that takes shapes out of their groups; None where none is in one."""
    return set_attributes(
        chosen,
        {GROUP_ID: None},
        tr("Ungroup {shapes}").format(shapes=shape_count(len(chosen))),
    )


def with_groups(chosen: Sequence[Row], all_shapes: Sequence[Row]) -> list[Row]:
    """Return the shapes together with all others of their groups, in drawing order."""
    groups = {shape.attributes.get(GROUP_ID) for shape in chosen} - {None}
    ids = {shape.id for shape in chosen}
    return [s for s in all_shapes if s.id in ids or s.attributes.get(GROUP_ID) in groups]


@dataclass(frozen=True)
class Copies:
    """Copies of shapes for an image, and what of them does not fit into it.

    Attributes:
        edit: Adds the copies; None where nothing lies inside the image.
        outside: Shapes of which too little lies inside the image.
        cut: Copies that are less than their originals.
    """

    edit: AddShapes | None
    outside: int = 0
    cut: int = 0

    def loss_text(self) -> str:
        """Return what did not fit; empty where everything did."""
        if self.edit is None:
            return tr("None of the shapes lies inside this image.")
        total = self.outside + len(self.edit.shapes)
        if not self.outside:
            said = ntr(
                "{count:,} shape was cut at the border of this image.",
                "{count:,} shapes were cut at the border of this image.",
                self.cut,
            )
            return said.format(count=self.cut) if self.cut else ""
        outside = ntr(
            "{count:,} of {total:,} shapes lies outside this image",
            "{count:,} of {total:,} shapes lie outside this image",
            self.outside,
        ).format(count=self.outside, total=total)
        if not self.cut:
            return f"{outside}."
        cut = ntr("{count:,} was cut at its border", "{count:,} were cut at its border", self.cut)
        return f"{outside}; {cut.format(count=self.cut)}."


def copied(
    shapes: Sequence[Shape],
    image_id: int,
    size_wh: Size,
    label: str,
    shift: float = 0.0,
    there: Sequence[Shape] = (),
) -> Copies:
    """Return copies of shapes for an image, at the same pixels as far as they are inside it.

    A copy beside its original, or beside another shape of its track, has no track: one object is on an image once.

    Args:
        shapes: Shapes of any image.
        image_id: The image that gets the copies.
        size_wh: Its width and height in pixels; (0, 0) while it is not known: nothing is cut then.
        label: What the history calls it, with ``{shapes}`` for their number.
        shift: How far the copies lie to the lower right of their originals, pixels; to the left and above where only there
            is room for it.
        there: The shapes of that image.
    """
    tracks = {track_of(shape) for shape in there}
    dx, dy = _beside(shapes, shift, size_wh)
    copies = []
    cut = 0
    for shape in shapes:
        geometry = shape.geometry.translated(dx, dy) if shift else shape.geometry
        fitted = fit_into(geometry, size_wh) if all(size_wh) else geometry
        if fitted is not None:
            cut += _is_less(fitted, geometry)
            copy = replace(shape, id=0, z=0, image_id=image_id, geometry=fitted)
            if shape.image_id == image_id or track_of(shape) in tracks:
                copy = off_track(copy)
            # What a person copies is where that person wants it: of a track it is a key frame.
            source = "drawn" if shape.source == FILLED_IN else shape.source
            copies.append(replace(copy, source=source, locked=False, hidden=False))
    if not copies:
        return Copies(None, len(shapes))
    edit = AddShapes(tuple(copies), label.format(shapes=shape_count(len(copies))))
    return Copies(edit, len(shapes) - len(copies), cut)


def _is_less(fitted: Geometry, whole: Geometry) -> bool:
    """Tell whether the border took something away; a mask of another image's size may be as large as it was."""
    if isinstance(fitted, Mask) and isinstance(whole, Mask):
        return fitted.area() < whole.area()
    return fitted != whole


def _beside(shapes: Sequence[Shape], shift: float, size_wh: Size) -> tuple[float, float]:
    """Return by how much shapes are moved together, to the side on which they have room; to the lower right without any."""
    boxes = [shape.geometry.bounds() for shape in shapes if not isinstance(shape.geometry, Tag)]
    if not boxes or not all(size_wh):
        return shift, shift
    x1, y1, x2, y2 = zip(*boxes, strict=True)
    width, height = size_wh
    right = _stepped_aside(min(x1), max(x2), width, shift)
    return right, _stepped_aside(min(y1), max(y2), height, shift)


def _stepped_aside(low: float, high: float, size: int, shift: float) -> float:
    return -shift if high + shift > size and low - shift >= 0 else shift


def _by_z(shapes: Sequence[Row]) -> list[Row]:
    return sorted(shapes, key=lambda shape: (shape.z, shape.id))


def _others(chosen: Sequence[Row], all_shapes: Sequence[Row]) -> list[Row]:
    ids = {shape.id for shape in chosen}
    return _by_z([shape for shape in all_shapes if shape.id not in ids])


def _stepped(chosen: Sequence[Row], all_shapes: Sequence[Row], back: bool = False) -> list[Row]:
    """Return the order in which each chosen shape has changed places with the next one that is not chosen."""
    ids = {shape.id for shape in chosen}
    order = _by_z(all_shapes)
    if back:
        order.reverse()
    for place in range(len(order) - 2, -1, -1):
        here, there = order[place], order[place + 1]
        if here.id in ids and there.id not in ids:
            order[place], order[place + 1] = there, here
    return order[::-1] if back else order


def _ordered(
    order: Sequence[Row], all_shapes: Sequence[Row], chosen: Sequence[Row], where: str
) -> SetFields | None:
    """Return the edit that gives shapes this order, with new numbers for as few of them as it takes."""
    before = _by_z(all_shapes)
    if [shape.id for shape in order] == [shape.id for shape in before]:
        return None
    after = _few_numbers(order)
    return SetFields(after, _MOVED[where].format(shapes=shape_count(len(chosen))))


def _few_numbers(order: Sequence[Row]) -> dict[int, dict[str, Any]]:
    """Return new ``z`` by shape: a run at either end that keeps rising keeps its numbers."""
    rising = _rising_run(order)
    if rising is None:
        return {s.id: {"z": z} for z, s in enumerate(order, start=1) if s.z != z}
    first, last = rising
    low, high = order[first].z, order[last].z
    after = {s.id: {"z": low - first + at} for at, s in enumerate(order[:first])}
    after |= {s.id: {"z": high + at} for at, s in enumerate(order[last + 1 :], start=1)}
    return after


def _rising_run(order: Sequence[Row]) -> tuple[int, int] | None:
    """Return the first and last place of the longest run of strictly rising numbers; None where it is less than half."""
    best, start = (0, 0), 0
    for place in range(1, len(order) + 1):
        if place == len(order) or order[place].z <= order[place - 1].z:
            best = max(best, (start, place - 1), key=lambda run: run[1] - run[0])
            start = place
    return best if 2 * (best[1] - best[0] + 1) >= len(order) else None
