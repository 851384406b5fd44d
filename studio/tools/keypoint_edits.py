"""What can be done to keypoints that are there: visible, hidden or none; left and right swapped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import dist

from engine.data.annotations import Keypoints
from studio.language import tr
from studio.model.edits import ReplaceShapes
from studio.model.keypoint_scheme import KeypointScheme
from studio.model.records import Shape, moved_to
from studio.tools.scene import Scene

NONE, HIDDEN, VISIBLE = 0, 1, 2  # what a point's visibility says, as COCO counts
VISIBILITY_WORDS = {NONE: tr("not labelled"), HIDDEN: tr("hidden"), VISIBLE: tr("visible")}
_NEXT = {VISIBLE: HIDDEN, HIDDEN: NONE, NONE: VISIBLE}


def keypoint_at(scene: Scene, x: float, y: float, reach: float) -> tuple[Shape, int] | None:
    """Return the shape and the number of the keypoint nearest to a place; points that are not labelled count on selected shapes.

    Args:
        scene: The shapes; those that cannot be edited are left out.
        x: Image pixels.
        y: Image pixels.
        reach: How far away it may be, image pixels.
    """
    nearby = scene.shapes_at(x, y, reach)
    best: tuple[float, Shape, int] | None = None
    for shape in {s.id: s for s in (*scene.selected(), *nearby)}.values():
        geometry = shape.geometry
        if not isinstance(geometry, Keypoints) or shape.locked:
            continue
        for number, (point, seen) in enumerate(
            zip(geometry.points, geometry.visibility, strict=True)
        ):
            distance = dist(point, (x, y))
            counts = seen > NONE or shape.id in scene.selection
            if counts and distance <= reach and (best is None or distance < best[0]):
                best = distance, shape, number
    return None if best is None else best[1:]


def with_next_visibility(shape: Shape, number: int) -> ReplaceShapes | None:
    """Return the edit that makes a keypoint hidden where it was visible, not labelled where it was hidden, else visible.

    The last labelled point of a shape stays labelled. None for a shape of another kind.
    """
    geometry = shape.geometry
    if not isinstance(geometry, Keypoints):
        return None
    seen = list(geometry.visibility)
    seen[number] = _NEXT[seen[number]]
    if not any(seen):
        seen[number] = VISIBLE
    changed = Keypoints(geometry.points, tuple(seen))
    label = tr("Keypoint {number} {visibility_words}").format(
        number=number + 1, visibility_words=VISIBILITY_WORDS[seen[number]]
    )
    return ReplaceShapes((moved_to(shape, changed),), label=label)


def with_sides_swapped(
    shapes: Sequence[Shape], schemes: Sequence[KeypointScheme | None]
) -> ReplaceShapes | None:
    """Return the edit that lets the points of mirrored pairs change places (left for right); None where no shape has such pairs.

    Args:
        shapes: Shapes of any kind.
        schemes: What is known of each one's keypoints.
    """
    changed = []
    for shape, scheme in zip(shapes, schemes, strict=True):
        geometry = shape.geometry
        pairs = () if scheme is None else scheme.mirrored
        if isinstance(geometry, Keypoints) and pairs and len(pairs) == len(geometry.points):
            changed.append(replace(shape, geometry=_mirrored(geometry, pairs)))
    if not changed:
        return None
    return ReplaceShapes(tuple(changed), label=tr("Swap left and right"))


def _mirrored(keypoints: Keypoints, mirrored: Sequence[int]) -> Keypoints:
    return Keypoints(
        tuple(keypoints.points[place] for place in mirrored),
        tuple(keypoints.visibility[place] for place in mirrored),
    )
