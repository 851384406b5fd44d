"""Edits that make shapes of shapes: union, subtraction, overlap, parts, holes, other kinds, fewer points.

The result keeps number, class and attributes of the first shape; further parts are new shapes of the same class, and of
no track: one object is on an image once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from engine.data.annotations import Geometry, Mask
from studio.language import tr
from studio.model.edits.base import Edit
from studio.model.edits.batch import Batch
from studio.model.edits.fields import shape_count
from studio.model.edits.shapes import AddShapes, RemoveShapes, ReplaceShapes
from studio.model.errors import EditError
from studio.model.geometry_ops import (
    converted,
    intersect,
    simplified,
    split_parts,
    subtract,
    unite,
    without_holes,
)
from studio.model.geometry_ops.areas import Size
from studio.model.kind_words import KIND_PLURALS, KIND_WORDS
from studio.model.records import Shape, moved_to
from studio.model.tracks import off_track


def united(shapes: Sequence[Shape], size_wh: Size) -> Edit:
    """Return the edit that makes the first shape the union of all and removes the others.

    Its title says where outlines lose their corners, because they become one mask of several parts.

    Raises:
        EditError: There are fewer than two, or one covers no area.
    """
    whole = unite([shape.geometry for shape in shapes], size_wh)
    had_mask = any(isinstance(shape.geometry, Mask) for shape in shapes)
    said = (
        tr("Unite {shapes} as a mask: their parts do not touch")
        if isinstance(whole, Mask) and not had_mask
        else tr("Unite {shapes}")
    )
    return _made([(shapes[0], [whole])], shapes[1:], said.format(shapes=shape_count(len(shapes))))


def subtracted(shapes: Sequence[Shape], size_wh: Size, keep: bool = False) -> Edit:
    """Return the edit that cuts the other shapes out of the first.

    Args:
        shapes: The shape to cut, then those that are cut out of it.
        size_wh: Width and height of the image in pixels.
        keep: The others stay (the first only makes room for them); else they are used up.

    Raises:
        EditError: There are fewer than two, one covers no area, or nothing would be left.
    """
    first, others = shapes[0], shapes[1:]
    left = subtract(first.geometry, [shape.geometry for shape in others], size_wh)
    if not left:
        raise EditError(
            tr("Nothing of the first shape would be left."),
            remedy=tr("Select the shape to cut first, then what is cut out of it."),
        )
    said = tr("Make room for {shapes}") if keep else tr("Subtract {shapes}")
    return _made(
        [(first, left)], () if keep else others, said.format(shapes=shape_count(len(others)))
    )


def overlap(shapes: Sequence[Shape], size_wh: Size) -> Edit:
    """Return the edit that makes the first shape what all of them cover and removes the others.

    Raises:
        EditError: There are fewer than two, one covers no area, or they have nothing in common.
    """
    common = intersect([shape.geometry for shape in shapes], size_wh)
    if not common:
        raise EditError(
            tr("The shapes have nothing in common."), remedy=tr("Select shapes that overlap.")
        )
    return _made(
        [(shapes[0], common)],
        shapes[1:],
        tr("Intersect {shapes}").format(shapes=shape_count(len(shapes))),
    )


def parted(shapes: Sequence[Shape]) -> Edit:
    """Return the edit that makes each part that does not hang together with the rest a shape of its own.

    Raises:
        EditError: Every shape is in one part.
    """
    found = [(shape, split_parts(shape.geometry)) for shape in shapes]
    made = [(shape, parts) for shape, parts in found if len(parts) > 1]
    if not made:
        raise EditError(
            tr("Each shape is in one part already."),
            remedy=tr("Masks of several parts and outlines that cross themselves can be split."),
        )
    count = sum(len(parts) for _, parts in made)
    return _made(
        made,
        (),
        tr("Split {shapes} into {count} parts").format(shapes=shape_count(len(made)), count=count),
    )


def filled(shapes: Sequence[Shape]) -> Edit:
    """Return the edit that fills the holes of shapes.

    Raises:
        EditError: None of them has a hole.
    """
    return _each(
        shapes, without_holes, tr("Fill holes of {shapes}"), tr("None of the shapes has a hole.")
    )


def thinned(shapes: Sequence[Shape], tolerance: float) -> Edit:
    """Return the edit that leaves outlines and lines with fewer points, within ``tolerance`` pixels of what they were.

    Raises:
        EditError: None of them gets simpler.
    """
    return thinned_to(
        shapes, [moved_to(shape, simplified(shape.geometry, tolerance)) for shape in shapes]
    )


def thinned_to(shapes: Sequence[Shape], after: Sequence[Shape]) -> Edit:
    """Return the edit that leaves outlines with fewer points, where these are worked out already.

    Args:
        shapes: The shapes as they are.
        after: The same shapes, in the same order, as they become.

    Raises:
        EditError: None of them gets simpler.
    """
    refused = tr("No outline has points to spare at this tolerance.")
    return _changed(shapes, after, tr("Simplify {shapes}"), refused)


def turned_into(shapes: Sequence[Shape], kind: str, size_wh: Size) -> Edit:
    """Return the edit that makes shapes another kind of geometry; those that cannot become it stay as they are.

    Args:
        shapes: Any.
        kind: A key of ``geometry_ops.TARGETS``.
        size_wh: Width and height of the image in pixels.

    Raises:
        EditError: None of them can.
    """
    others = [shape for shape in shapes if shape.geometry.kind != kind]
    found = [(shape, converted(shape.geometry, kind, size_wh)) for shape in others]
    made = [(shape, parts) for shape, parts in found if parts]
    word = KIND_WORDS[kind]
    if not made:
        raise EditError(
            tr("None of the shapes can become a {word}, or they are one already.").format(word=word)
        )
    return _made(
        made,
        (),
        tr("Turn {shapes} into {word}").format(
            shapes=shape_count(len(made)), word=word if len(made) == 1 else KIND_PLURALS[kind]
        ),
    )


def _each(
    shapes: Sequence[Shape], change: Callable[[Geometry], Geometry], label: str, refused: str
) -> Edit:
    after = [moved_to(shape, change(shape.geometry)) for shape in shapes]
    return _changed(shapes, after, label, refused)


def _changed(shapes: Sequence[Shape], after: Sequence[Shape], label: str, refused: str) -> Edit:
    changed = [new for old, new in zip(shapes, after, strict=True) if new.geometry != old.geometry]
    if not changed:
        raise EditError(refused)
    return ReplaceShapes(tuple(changed), label=label.format(shapes=shape_count(len(changed))))


def _made(
    made: Sequence[tuple[Shape, list[Geometry]]], removed: Sequence[Shape], label: str
) -> Edit:
    """Return one edit: each shape becomes its first part, further parts are added, other shapes go."""
    kept = tuple(moved_to(shape, parts[0]) for shape, parts in made)
    new = tuple(
        replace(off_track(shape), id=0, z=0, geometry=part)
        for shape, parts in made
        for part in parts[1:]
    )
    edits: list[Edit] = [ReplaceShapes(kept, label=label)]
    if new:
        edits.append(AddShapes(new, label))
    if removed:
        edits.append(RemoveShapes(tuple(removed), label))
    return Batch(tuple(edits), label) if len(edits) > 1 else edits[0]
