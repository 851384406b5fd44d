"""From one image's results of any task to shapes as plain values. Only the worker process imports this."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from engine.data.annotations import Box, Geometry, Keypoints, OrientedBox, Polygon, Tag
from engine.data.annotations.convert import mask_to_polygons
from engine.ops.polygons import polygon_area, simplify
from studio.jobs.messages import PredictedShape

_OUTLINE_TOLERANCE_PX = 0.6  # under a pixel: nobody sees it, and a vertex can still be grabbed
_MIN_AREA_PX = 4.0
_MIN_REGION_SHARE = 1e-4  # of the image: a map of classes has specks that nobody would draw
_SEEN = 0.5  # a keypoint of less confidence is there, but hidden
_KNOWN = 0.05  # one of less is nowhere to be found

# class number, score (None where the model gives none an object), geometry
Found = tuple[int, float | None, Geometry]


def shapes_of(result: Any, least_score: float = 0.0) -> tuple[PredictedShape, ...]:
    """Return the objects of one image.

    Boxes, outlines, rotated boxes and keypoints give a shape an object; a classification gives the best class as
    a tag; a map of classes gives a polygon with holes for each connected region.

    Args:
        result: An ``engine.core.results.Results``.
        least_score: What is less sure is left out: a classification names a best class however unsure it is.
    """
    read = next((read for part, read in _READERS.items() if _has(result, part)), None)
    if read is None:
        return ()
    return tuple(
        PredictedShape(number, str(result.names[number]), _rounded_score(score), geometry)
        for number, score, geometry in read(result)
        if score is None or score >= least_score
    )


def _tag(result: Any) -> Iterator[Found]:
    yield int(result.probs.top1), float(result.probs.top1conf), Tag()


def _regions(result: Any) -> Iterator[Found]:
    classes = _array(result.semantic_mask.data).squeeze()
    least = max(_MIN_AREA_PX, _MIN_REGION_SHARE * classes.size)
    for number in np.unique(classes):
        if int(number) not in result.names:
            continue  # pixels that belong to no class
        for polygon in mask_to_polygons(classes == number):
            if polygon.area() >= least and (simple := _simplified(polygon)) is not None:
                yield int(number), None, simple


def _rotated(result: Any) -> Iterator[Found]:
    rows = zip(*map(_array, (result.obb.xywhr, result.obb.conf, result.obb.cls)), strict=True)
    for place, score, number in rows:
        x, y, w, h = (round(float(value), 2) for value in place[:4])
        if w * h >= _MIN_AREA_PX:
            yield int(number), float(score), OrientedBox(x, y, w, h, round(float(place[4]), 5))


def _points(result: Any) -> Iterator[Found]:
    data = _array(result.keypoints.data)
    rows = zip(data, *map(_array, (result.boxes.conf, result.boxes.cls)), strict=True)
    for points, score, number in rows:
        sure = points[:, 2] if points.shape[1] > 2 else np.ones(len(points))
        visibility = tuple(2 if s >= _SEEN else 1 if s >= _KNOWN else 0 for s in sure)
        if any(visibility):
            yield int(number), float(score), Keypoints(_rounded(points[:, :2]), visibility)


def _outlines(result: Any) -> Iterator[Found]:
    for (number, score, box), outline in zip(_boxes(result), result.masks.xy, strict=True):
        points = simplify(np.asarray(outline, float).reshape(-1, 2), _OUTLINE_TOLERANCE_PX)
        if len(points) >= 3 and box.area() >= _MIN_AREA_PX:
            yield number, score, Polygon(_rounded(points))


def _upright(result: Any) -> Iterator[Found]:
    return (found for found in _boxes(result) if found[2].area() >= _MIN_AREA_PX)


# The first part that a result has says what it is: a pose has boxes too.
_READERS: dict[str, Callable[[Any], Iterator[Found]]] = {
    "probs": _tag,
    "semantic_mask": _regions,
    "obb": _rotated,
    "keypoints": _points,
    "masks": _outlines,
    "boxes": _upright,
}


def _has(result: Any, part: str) -> bool:
    return getattr(result, part, None) is not None


def _boxes(result: Any) -> Iterator[tuple[int, float, Box]]:
    parts = (result.boxes.xyxy, result.boxes.conf, result.boxes.cls)
    for box, score, number in zip(*map(_array, parts), strict=True):
        x1, y1, x2, y2 = (round(float(value), 2) for value in box)
        yield int(number), float(score), Box(x1, y1, x2, y2)


def _simplified(polygon: Polygon) -> Polygon | None:
    rings = [simplify(np.asarray(ring, float), _OUTLINE_TOLERANCE_PX) for ring in polygon.rings()]
    if len(rings[0]) < 3:
        return None
    holes = [r for r in rings[1:] if len(r) >= 3 and abs(polygon_area(r)) >= _MIN_AREA_PX]
    return Polygon(_rounded(rings[0]), tuple(_rounded(hole) for hole in holes))


def _rounded(points: np.ndarray) -> tuple[tuple[float, float], ...]:
    return tuple((round(float(x), 1), round(float(y), 1)) for x, y in points)


def _rounded_score(score: float | None) -> float | None:
    return None if score is None else round(score, 4)


def _array(values: Any) -> np.ndarray:
    return np.asarray(values.cpu() if hasattr(values, "cpu") else values)
