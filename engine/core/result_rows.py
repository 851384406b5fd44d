"""Results as dictionaries of plain values, one an object, class or region."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.core.results import Results

Row = dict[str, Any]


def result_rows(result: Results, normalize: bool, decimals: int) -> list[Row]:
    """Give the rows of a result of any task.

    Args:
        result: The predictions on one image.
        normalize: Coordinates as fractions of the image instead of pixels.
        decimals: Places after the point.
    """
    if result.probs is not None:
        return _class_rows(result, decimals)
    if result.semantic_mask is not None:
        return _region_rows(result, decimals)
    return _object_rows(result.cpu().numpy(), normalize, decimals)


def _class_rows(result: Results, decimals: int) -> list[Row]:
    """Give the likeliest classes of an image, likeliest first."""
    probs = result.probs.cpu().numpy()  # type: ignore[union-attr]  # the caller has looked
    return [
        _named(result, number) | {"confidence": round(float(share), decimals)}
        for number, share in zip(probs.top5, probs.top5conf, strict=True)
    ]


def _region_rows(result: Results, decimals: int) -> list[Row]:
    """Give each class that occurs with its share of the image."""
    ratios = result.semantic_mask.ratios  # type: ignore[union-attr]  # the caller has looked
    return [
        _named(result, number) | {"pixel_ratio": round(share, decimals)}
        for number, share in ratios.items()
    ]


def _object_rows(result: Results, normalize: bool, decimals: int) -> list[Row]:
    found = result.objects
    if found is None:
        return []
    rows = []
    parts = [part for part in _parts(result, normalize) if part is not None]
    for i, (number, conf) in enumerate(zip(found.cls, found.conf, strict=True)):
        row = _named(result, int(number)) | {"confidence": round(float(conf), decimals)}
        for describe in parts:
            row |= describe(i, decimals)
        if found.id is not None:
            row["track_id"] = int(found.id[i])
        rows.append(row)
    return rows


def _parts(result: Results, normalize: bool) -> list[Callable[[int, int], Row] | None]:
    """Give what writes the box, the outline and the keypoints of object ``i`` with so many decimals."""
    return [
        _box_writer(result, normalize),
        _outline_writer(result, normalize),
        _points_writer(result, normalize),
    ]


def _box_writer(result: Results, normalize: bool) -> Callable[[int, int], Row]:
    if result.obb is not None:
        values = result.obb.xyxyxyxyn if normalize else result.obb.xyxyxyxy
    else:
        boxes: Any = result.boxes
        values = boxes.xyxyn if normalize else boxes.xyxy
    values = values.reshape(len(values), 8 if result.obb is not None else 4)

    def write(i: int, decimals: int) -> Row:
        numbers = [round(float(v), decimals) for v in values[i]]
        keys = [f"{axis}{k}" for k in range(1, len(numbers) // 2 + 1) for axis in "xy"]
        return {"box": dict(zip(keys, numbers, strict=True))}

    return write


def _outline_writer(result: Results, normalize: bool) -> Callable[[int, int], Row] | None:
    if result.masks is None:
        return None
    outlines = result.masks.xyn if normalize else result.masks.xy
    return lambda i, decimals: {
        "segments": {
            axis: [round(float(v), decimals) for v in outlines[i][:, k]]
            for k, axis in enumerate("xy")
        }
    }


def _points_writer(result: Results, normalize: bool) -> Callable[[int, int], Row] | None:
    points = result.keypoints
    if points is None:
        return None
    columns = {k: (points.xyn if normalize else points.xy)[..., j] for j, k in enumerate("xy")}
    if points.has_visible:
        columns["visible"] = points.conf
    return lambda i, decimals: {
        "keypoints": {
            k: [round(float(v), decimals) for v in values[i]] for k, values in columns.items()
        }
    }


def _named(result: Results, number: int) -> Row:
    return {"name": result.names[number], "class": number}
