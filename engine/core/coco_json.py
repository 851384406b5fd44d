"""predictions.json: a validation's predictions as COCO's evaluation reads them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from engine.core.validation_record import Objects
from engine.ops.raster import polygon2mask
from engine.runtime.paths import write_atomic


class CocoPredictions:
    """Collects predictions in COCO's result format; class numbers count from 1 there."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    def add(self, file: str, size_wh: tuple[int, int], found: Objects) -> None:
        """Take in one image's predictions."""
        stem = Path(file).stem
        image_id = int(stem) if stem.isdecimal() else stem
        scores = np.ones(len(found.boxes)) if found.scores is None else found.scores
        for i, number in enumerate(found.classes):
            row: dict[str, Any] = {
                "image_id": image_id,
                "file_name": Path(file).name,
                "category_id": int(number) + 1,
                "score": round(float(scores[i]), 5),
            }
            self.rows.append(row | self.place(found, i, size_wh))

    def place(self, found: Objects, i: int, size_wh: tuple[int, int]) -> dict[str, Any]:
        """Give the place of the ``i``-th object."""
        x1, y1, x2, y2 = (float(v) for v in found.boxes[i])
        place: dict[str, Any] = {"bbox": [round(v, 3) for v in (x1, y1, x2 - x1, y2 - y1)]}
        if found.outlines is not None:
            place["segmentation"] = encode_outline(found.outlines[i], size_wh)
        if found.keypoints is not None:
            place["keypoints"] = _coco_points(found.keypoints[i])
        return place

    def write(self, path: Path) -> None:
        """Write the file."""
        write_atomic(path, json.dumps(self.rows))


def _coco_points(keypoints: np.ndarray) -> list[float]:
    """Give keypoints (K, 2 or 3) as COCO lists them: x, y and how surely the point is seen, one after the other."""
    sure = keypoints[:, 2:] if keypoints.shape[1] > 2 else np.ones((len(keypoints), 1))
    return (
        np.round(np.concatenate((keypoints[:, :2], sure), axis=1), 3).astype(float).ravel().tolist()
    )


def encode_outline(outline: np.ndarray, size_wh: tuple[int, int]) -> dict[str, Any]:
    """Give an outline in pixels as COCO's compressed run lengths."""
    from pycocotools import mask as coco_mask

    width, height = size_wh
    pixels = polygon2mask((height, width), [outline])
    encoded = coco_mask.encode(np.asfortranarray(pixels))
    return {"size": [height, width], "counts": encoded["counts"].decode("ascii")}
