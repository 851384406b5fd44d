"""Tracks of a CVAT video: the shapes of all frames from those that were written.

CVAT writes the frames that a person drew (keyframes) and those in between; other tools write keyframes alone.
Missing frames are interpolated in a straight line where two shapes are of the same kind and number of
points, and held otherwise, as CVAT does.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import replace as changed
from itertools import pairwise

from engine.data.annotations import (
    Annotation,
    Box,
    Geometry,
    Keypoints,
    OrientedBox,
    Point,
    Polygon,
    Polyline,
)
from engine.data.formats.cvat_shapes import INTERPOLATED


@dataclass(frozen=True, slots=True)
class TrackShape:
    """One shape of a track.

    Attributes:
        frame: From 0.
        annotation: What is there; None where the object is outside the picture from here on.
        is_keyframe: A person drew it.
        line: Line of the file.
    """

    frame: int
    annotation: Annotation | None
    is_keyframe: bool = True
    line: int = 0


def all_frames(shapes: list[TrackShape], stop: int) -> Iterator[tuple[int, Annotation]]:
    """Give the frame and shape of every frame on which a track is seen.

    Args:
        shapes: As written.
        stop: The last frame of the video; tracks of keyframes alone go on until there.
    """
    ordered = sorted(shapes, key=lambda shape: shape.frame)
    frames = [shape.frame for shape in ordered]
    is_dense = len(set(frames)) < len(frames) or not _has_gaps(ordered)
    for place, shape in enumerate(ordered):
        if shape.annotation is None:
            continue
        annotation = shape.annotation
        yield shape.frame, annotation if shape.is_keyframe else _marked(annotation)
        if is_dense:
            continue
        following = ordered[place + 1] if place + 1 < len(ordered) else None
        last = stop if following is None else following.frame - 1
        target = following.annotation if following is not None else None
        for frame in range(shape.frame + 1, last + 1):
            share = (frame - shape.frame) / (last + 1 - shape.frame)
            yield frame, _marked(_between(annotation, target, share))


def between(first: Geometry, second: Geometry, share: float) -> Geometry:
    """Return the shape at a share 0..1 of the way from one to the next; the first where they are not alike."""
    if isinstance(first, Box) and isinstance(second, Box):
        pairs = zip(first.bounds(), second.bounds(), strict=True)
        return Box(*(a + share * (b - a) for a, b in pairs))
    if isinstance(first, OrientedBox) and isinstance(second, OrientedBox):
        turn = (second.angle_rad - first.angle_rad + math.pi) % math.tau - math.pi
        cx, cy, w, h = (
            getattr(first, name) * (1 - share) + getattr(second, name) * share
            for name in ("cx", "cy", "w", "h")
        )
        return OrientedBox(cx, cy, w, h, first.angle_rad + share * turn)
    if isinstance(first, Polygon) and isinstance(second, Polygon) and not first.holes:
        return Polygon(_moved(first.exterior, second.exterior, share))
    if isinstance(first, Polyline) and isinstance(second, Polyline):
        return Polyline(_moved(first.points, second.points, share))
    if isinstance(first, Keypoints) and isinstance(second, Keypoints):
        return Keypoints(_moved(first.points, second.points, share), first.visibility)
    return first


def _between(first: Annotation, second: Annotation | None, share: float) -> Annotation:
    if second is None:
        return first
    return changed(first, geometry=between(first.geometry, second.geometry, share))


def _moved(first: tuple[Point, ...], second: tuple[Point, ...], share: float) -> tuple[Point, ...]:
    if len(first) != len(second):
        return first
    pairs = zip(first, second, strict=True)
    return tuple((a + share * (c - a), b + share * (d - b)) for (a, b), (c, d) in pairs)


def _marked(annotation: Annotation) -> Annotation:
    return changed(annotation, attributes={**annotation.attributes, INTERPOLATED: True})


def _has_gaps(ordered: list[TrackShape]) -> bool:
    """Tell whether frames are missing between shapes on which the object is seen."""
    pairs = pairwise(ordered)
    return any(a.annotation is not None and b.frame - a.frame > 1 for a, b in pairs)
