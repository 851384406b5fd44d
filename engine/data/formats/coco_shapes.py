"""One COCO annotation and one of ours, both ways. Pure functions; pixels of the upright picture.

Parts of an object are one polygon whose rings are joined by bridges (:mod:`engine.data.formats.bridges`),
overlapping parts are united first, as COCO's own masks unite them. An object with keypoints is one
annotation of keypoints: its box and its outline are kept as attributes and written back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

import numpy as np

from engine.data.annotations import (
    Annotation,
    Box,
    Geometry,
    Keypoints,
    Mask,
    OrientedBox,
    Polygon,
    geometry_from_dict,
)
from engine.data.annotations.attribute_names import CROWD
from engine.data.annotations.convert import to_mask
from engine.data.formats.bridges import bridged, separated
from engine.data.formats.shape_checks import (
    Remark,
    UnusableShapeError,
    checked,
    degrees,
    finite,
    finite_values,
    is_flat,
    rectangle_of,
)
from engine.data.formats.told_attributes import is_on, score_of, shared_attributes
from engine.ops.run_lengths import format_run_lengths, run_lengths
from engine.runtime.errors import DatasetError

Holes: TypeAlias = Literal["rle", "bridges"]
BOX, OUTLINE, ROTATION = "box", "outline", "rotation"
_DECIMALS = 4


def annotation_of(
    row: Mapping[str, Any], class_id: int, size_wh: tuple[int, int]
) -> tuple[Annotation, list[Remark]]:
    """Return an annotation of a file as ours, and what is odd about it.

    Args:
        row: As in the file.
        class_id: Its class, already looked up.
        size_wh: Size of the frame that it is drawn in.

    Raises:
        UnusableShapeError: It holds no usable shape.
    """
    told = row.get("attributes")
    attributes = dict(told) if isinstance(told, dict) else {}
    rotation = attributes.pop(ROTATION, None)
    remarks: list[Remark] = []
    outline = _outline(row, size_wh, remarks)
    points = _keypoints(row.get("keypoints"))
    # Keypoints on one line have a box without area, and need none.
    box = _box(row.get("bbox"), remarks, is_needed=outline is None and points is None)
    geometry: Geometry | None = points or outline or box
    if geometry is None:
        raise UnusableShapeError("It has neither an outline nor a box.")
    out = shared_attributes(attributes) if attributes else {}
    if is_on(row.get("iscrowd", 0)):
        out[CROWD] = True
    if points is not None:
        if box is not None:
            out[BOX] = list(box.bounds())
        if outline is not None:
            out[OUTLINE] = outline.to_dict()
    elif rotation and isinstance(outline, Polygon):
        geometry = rectangle_of(outline) or outline
    geometry, more = checked(geometry, *size_wh, is_proven=geometry is outline)
    return Annotation(geometry, class_id, score_of(row.get("score")), out), remarks + more


def row_of(
    annotation: Annotation, size_wh: tuple[int, int], holes: Holes = "rle"
) -> dict[str, Any]:
    """Return ours as the fields of a file, without the ids.

    Args:
        annotation: Any kind but lines and tags.
        size_wh: Size of the picture.
        holes: Write polygons with holes as masks of pixels, or as one ring with bridges.
    """
    attributes = dict(annotation.attributes)
    is_crowd = bool(attributes.pop(CROWD, False))
    geometry = annotation.geometry
    row: dict[str, Any] = {}
    shape: Geometry | None = geometry
    bounds = geometry.bounds()
    if isinstance(geometry, Keypoints):
        shape = _kept_outline(attributes.pop(OUTLINE, None))
        bounds = _kept_box(attributes.pop(BOX, None)) or bounds
        row["keypoints"] = _flat_keypoints(geometry)
        row["num_keypoints"] = len(geometry.labelled())
    if isinstance(geometry, OrientedBox):
        attributes[ROTATION] = degrees(geometry.angle_rad)
    x1, y1, x2, y2 = bounds
    area = shape.area() if shape is not None else (x2 - x1) * (y2 - y1)
    row |= {
        "segmentation": _segmentation(shape, size_wh, is_crowd, holes),
        "area": _rounded(area),
        "bbox": [_rounded(v) for v in (x1, y1, x2 - x1, y2 - y1)],
        "iscrowd": int(is_crowd),
    }
    if annotation.score is not None:
        row["score"] = annotation.score
    if attributes:
        row["attributes"] = attributes
    return row


def mask_of(told: Mapping[str, Any], size_wh: tuple[int, int]) -> Mask:
    """Return the mask of run lengths, compressed or not.

    Raises:
        UnusableShapeError: They are of another size than the picture or do not fill it.
    """
    width, height = size_wh
    size, counts = told.get("size"), told.get("counts")
    if not isinstance(size, Sequence) or [*size] != [height, width]:
        text = str(size)[:40]
        raise UnusableShapeError(
            f"Its mask is of size {text}, the picture is [{height}, {width}] (height, width)."
        )
    if isinstance(counts, str):
        try:
            runs = run_lengths(counts.encode("ascii")).tolist()
        except UnicodeEncodeError:
            raise UnusableShapeError("Its mask is no text of run lengths.") from None
    elif isinstance(counts, list) and all(type(v) is int for v in counts):
        runs = counts
    else:
        raise UnusableShapeError("Its mask has no run lengths.")
    try:
        return Mask(tuple(runs), height, width)
    except ValueError:
        raise UnusableShapeError(
            f"The run lengths of its mask do not add up to {height} x {width} pixels."
        ) from None


def polygon_of(rings: Sequence[Polygon]) -> Polygon:
    """Return the parts of one object as one polygon."""
    if len(rings) == 1:
        return rings[0]
    if _overlap(rings):
        rings = _united(rings)
    return rings[0] if len(rings) == 1 else Polygon.of(bridged(list(rings)).tolist())


def _outline(
    row: Mapping[str, Any], size_wh: tuple[int, int], remarks: list[Remark]
) -> Polygon | Mask | None:
    """Return the shape of ``segmentation``; None where there is none, said where there should be."""
    told = row.get("segmentation")
    if not told:
        return None
    if isinstance(told, dict):
        return mask_of(told, size_wh)
    try:
        return polygon_of(_rings(told))
    except UnusableShapeError as error:
        if not row.get("bbox"):
            raise
        remarks.append(Remark(f"{error} Its box was taken instead.", "changed"))
        return None


def _rings(told: Any) -> list[Polygon]:
    if not isinstance(told, list):
        raise UnusableShapeError(f"Expected 'segmentation' as a list, received {_name(told)}.")
    if all(isinstance(v, int | float) for v in told):
        told = [told]  # one ring without the list around it
    rings = []
    for flat in told:
        if not isinstance(flat, list) or len(flat) % 2:
            raise UnusableShapeError("Its polygon has no even number of values.")
        if len(flat) < 6:
            raise UnusableShapeError(
                f"Its polygon has {len(flat) // 2} points, expected 3 or more."
            )
        values = finite_values(flat)
        ring = tuple(zip(values[::2], values[1::2], strict=True))
        if len(told) == 1 or not is_flat(ring):
            rings.append(Polygon(ring))
    if not rings or (len(rings) == 1 and is_flat(rings[0].exterior)):
        raise UnusableShapeError("Its polygon has no area.")
    return rings


def _box(told: Any, remarks: list[Remark], is_needed: bool) -> Box | None:
    """Return the box; a bad one matters only where there is no outline, but is always said."""
    if told is None or told == []:
        return None
    try:
        if not isinstance(told, list) or len(told) != 4:
            size = f"{len(told)} values" if isinstance(told, list) else _name(told)
            raise UnusableShapeError(f"Expected 'bbox' as a list of 4 numbers, received {size}.")
        x, y, w, h = (finite(v, "a value of 'bbox'") for v in told)
        if w > 0 and h > 0:
            return Box(x, y, x + w, y + h)
        box, more = checked(Box(x, y, x + w, y + h), 0, 0)
    except UnusableShapeError as error:
        if is_needed:
            raise
        remarks.append(Remark(f"{error} It was not needed.", "note"))
        return None
    if is_needed:
        remarks += more
    return box if isinstance(box, Box) else None


def _keypoints(told: Any) -> Keypoints | None:
    """Return the keypoints; None where none is labelled."""
    if told is None or told == []:
        return None
    if not isinstance(told, list) or len(told) % 3:
        raise UnusableShapeError("Expected 'keypoints' as x, y and visibility of each point.")
    values = [finite(v, "a value of 'keypoints'") for v in told]
    visibility = tuple(int(v) for v in values[2::3])
    if not set(visibility) <= {0, 1, 2}:
        raise UnusableShapeError("Expected 0, 1 or 2 as the visibility of a keypoint.")
    if not any(visibility):
        return None
    return Keypoints(tuple(zip(values[::3], values[1::3], strict=True)), visibility)


def _segmentation(
    shape: Geometry | None, size_wh: tuple[int, int], is_crowd: bool, holes: Holes
) -> list[list[float]] | dict[str, Any]:
    width, height = size_wh
    if isinstance(shape, OrientedBox):
        return [_flat(shape.corners())]
    if isinstance(shape, Polygon):
        parts = separated(shape)
        if holes == "bridges":
            return [_flat(bridged([p]).tolist()) if p.holes else _flat(p.exterior) for p in parts]
        if not any(part.holes for part in parts):
            return [_flat(part.exterior) for part in parts]
        shape = to_mask(shape, height, width)
    if isinstance(shape, Mask):
        # COCO's own files write crowds as plain numbers, everything else that is a mask as text.
        counts: Any = list(shape.counts)
        counts = counts if is_crowd else format_run_lengths(np.array(counts))
        return {"size": [shape.height, shape.width], "counts": counts}
    return []


def _kept_outline(told: Any) -> Geometry | None:
    """Return the outline that was kept with keypoints; None where it is none."""
    if not isinstance(told, Mapping):
        return None
    try:
        geometry = geometry_from_dict(told)
    except DatasetError:
        return None
    return geometry if isinstance(geometry, Polygon | Mask) else None


def _kept_box(told: Any) -> tuple[float, float, float, float] | None:
    if isinstance(told, list) and len(told) == 4 and all(isinstance(v, int | float) for v in told):
        return tuple(map(float, told))  # type: ignore[return-value]
    return None


def _overlap(rings: Sequence[Polygon]) -> bool:
    """Tell whether parts share area; most do not even share their boxes."""
    boxes = np.array([ring.bounds() for ring in rings])
    low = np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    meets = np.triu((low < high).all(2), 1)
    if not meets.any():
        return False
    import shapely

    shapes = shapely.make_valid(np.array([shapely.Polygon(ring.exterior) for ring in rings]))
    first, second = np.nonzero(meets)
    return bool((shapely.area(shapely.intersection(shapes[first], shapes[second])) > 1e-9).any())


def _united(rings: Sequence[Polygon]) -> list[Polygon]:
    import shapely

    shapes = shapely.make_valid(np.array([shapely.Polygon(ring.exterior) for ring in rings]))
    parts = shapely.get_parts(shapely.union_all(shapes))
    return [
        Polygon.of(part.exterior.coords[:-1], [hole.coords[:-1] for hole in part.interiors])
        for part in parts
        if part.geom_type == "Polygon" and part.area > 0
    ]


def _flat(points: Sequence[Sequence[float]]) -> list[float]:
    return [_rounded(v) for point in points for v in point]


def _flat_keypoints(keypoints: Keypoints) -> list[float]:
    """Return x, y, visibility; what is not labelled is 0, 0, 0."""
    out: list[float] = []
    for (x, y), visible in zip(keypoints.points, keypoints.visibility, strict=True):
        out += [_rounded(x), _rounded(y), visible] if visible else [0, 0, 0]
    return out


def _rounded(value: float) -> float:
    return round(float(value), _DECIMALS)


def _name(value: Any) -> str:
    return "null" if value is None else type(value).__name__
